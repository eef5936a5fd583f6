/** Reads the kubelet's configuration file, YAML or JSON. The file may well hold what is not ours to tell. */
import { readFile } from 'node:fs/promises';
import { type KubeletSettings, kubeletSettings } from '../../core/kubelet/kubelet-config.ts';
import { codeOf } from '../../core/model/errors.ts';
import type { Json } from '../../core/model/model.ts';
import { PortError } from '../../ports.ts';

/** Throws PortError: not-found, denied, invalid, failed. No content enters an error. */
export async function readKubeletConfig(file: string): Promise<KubeletSettings> {
  return (await readKubeletFile(file)).settings;
}

/** The same with all that the file says. */
export async function readKubeletFile(file: string): Promise<{ readonly content: Json; readonly settings: KubeletSettings }> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') throw new PortError('not-found', `there is no file ${file}`, { cause: error });
    const kind = code === 'EACCES' || code === 'EPERM' ? 'denied' : 'failed';
    throw new PortError(kind, `${file} cannot be read (${code ?? 'unknown cause'})`, { cause: error });
  });
  const { load } = await import('js-yaml');
  let content: unknown;
  try {
    content = load(text);
  } catch (error) {
    throw new PortError('invalid', `${file} is no valid YAML`, { cause: error });
  }
  const settings = kubeletSettings(content);
  if (settings === undefined) throw new PortError('invalid', `${file} is no configuration of a kubelet`);
  return { content: content as Json, settings };
}
