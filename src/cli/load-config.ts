/**
 * Reads the configuration file and joins it with flags and environment. Never stops at a file that cannot be read: the
 * mistakes in the flags are told in the same breath.
 */
import { dirname, resolve } from 'node:path';
import { type Config, type ConfigResult, type ConfigSources, kubeletConfigFile, readConfig } from '../core/config/config.ts';
import type { ConfigKeyName } from '../core/config/config-keys.ts';
import { kubeletSettings } from '../core/kubelet/kubelet-config.ts';
import { readProblem } from './read-problem.ts';

export interface ConfigRequest {
  /** The value of `--config`; undefined where there is no file. */
  readonly file: string | undefined;
  /** By name without dashes. */
  readonly flags: Readonly<Record<string, readonly string[]>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly readFile: (path: string) => Promise<string>;
  readonly required?: readonly ConfigKeyName[];
}

/** Never throws: what is wrong with the file is an error among the others. */
export async function loadConfig(request: ConfigRequest): Promise<ConfigResult> {
  const { file, flags, env, required } = request;
  const content = file === undefined ? { value: undefined } : await readYaml(file, request.readFile);
  const sources: ConfigSources = {
    flags,
    env,
    ...(file === undefined || 'problem' in content ? {} : { file: content.value, fileName: file }),
    // what is missing may well stand in the file that could not be read
    ...(required === undefined || 'problem' in content ? {} : { required }),
  };
  const result = readConfig(sources);
  if (!('problem' in content)) return result.ok ? discover(result.config, sources, request.readFile) : result;
  return { ok: false, errors: [`--config ${file}: ${content.problem}`, ...(result.ok ? [] : result.errors)] };
}

/** The kubelet's own configuration says where it looks for static pods; a file that is only presumed may be missing. */
async function discover(config: Config, sources: ConfigSources, readFile: ConfigRequest['readFile']): Promise<ConfigResult> {
  const file = kubeletConfigFile(config);
  if (file === undefined) return { ok: true, config };
  const content = await readYaml(file.path, readFile);
  const settings = 'problem' in content ? undefined : kubeletSettings(content.value ?? {});
  if (settings === undefined) {
    const problem = 'problem' in content ? content.problem : 'it is no configuration of a kubelet; name the one given to its --config';
    return file.sure ? { ok: false, errors: [`kubeletConfig ${file.path}: ${problem}`] } : { ok: true, config };
  }
  const { staticPodPath } = settings;
  if (staticPodPath === '') return { ok: true, config };
  return readConfig({
    ...sources,
    discovered: { fileName: file.path, values: { staticPodPath: resolve(dirname(file.path), staticPodPath) } },
  });
}

async function readYaml(file: string, readFile: ConfigRequest['readFile']): Promise<{ value: unknown } | { problem: string }> {
  let text: string;
  try {
    text = await readFile(file);
  } catch (error) {
    return { problem: readProblem(error) };
  }
  // js-yaml refuses a text without a document, which a file of comments is
  if (/^\s*(#.*\s*)*$/.test(text)) return { value: undefined };
  const { load, YAMLException } = await import('js-yaml');
  try {
    return { value: load(text) };
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    const where = error.mark === undefined ? '' : ` in line ${error.mark.line + 1}, column ${error.mark.column + 1}`;
    return { problem: `no valid YAML${where}: ${error.reason}; correct it` };
  }
}
