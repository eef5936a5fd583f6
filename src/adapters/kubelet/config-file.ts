/** Reads the kubelet's configuration file, YAML or JSON. The file may well hold what is not ours to tell. */
import { readFile } from 'node:fs/promises';
import { type KubeletSettings, kubeletSettings } from '../../core/kubelet/kubelet-config.ts';
import { codeOf } from '../../core/model/errors.ts';
import { isObject } from '../../core/model/json.ts';
import type { Json } from '../../core/model/model.ts';
import { PortError } from '../../ports.ts';

/** Throws PortError: not-found, denied, invalid, failed. No content enters an error. */
export async function readKubeletConfig(file: string): Promise<KubeletSettings> {
  return settingsOf(await read(file), file);
}

/** The file as a whole. Throws as {@link readKubeletConfig} does. */
export async function readKubeletFile(file: string): Promise<Json> {
  const content = await read(file);
  settingsOf(content, file);
  return isObject(content) ? content : {};
}

async function read(file: string): Promise<unknown> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') throw new PortError('not-found', `there is no file ${file}`, { cause: error });
    const kind = code === 'EACCES' || code === 'EPERM' ? 'denied' : 'failed';
    throw new PortError(kind, `${file} cannot be read (${code ?? 'unknown cause'})`, { cause: error });
  });
  const { load } = await import('js-yaml');
  try {
    return load(text);
  } catch (error) {
    throw new PortError('invalid', `${file} is no valid YAML`, { cause: error });
  }
}

function settingsOf(content: unknown, file: string): KubeletSettings {
  const settings = kubeletSettings(content);
  if (settings === undefined) throw new PortError('invalid', `${file} is no configuration of a kubelet`);
  return settings;
}
