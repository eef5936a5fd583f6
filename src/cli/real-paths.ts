/**
 * stateDir and staticPodPath with every link in them resolved, once and before anything else: what is looked at first
 * is then what is changed later, whoever turns a link around meanwhile.
 */
import { lstat, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type Config, nestedPaths } from '../core/config/config.ts';
import { UsageError } from './command.ts';

/** What cannot be resolved stays as it is written: whoever uses it says what is wrong with it. Throws UsageError. */
export async function withRealPaths(config: Config): Promise<Config> {
  const [stateDir, staticPodPath] = [await realPathOf(config.stateDir), await realPathOf(config.staticPodPath)];
  if (stateDir === config.stateDir && staticPodPath === config.staticPodPath) return config;
  const real = { ...config, stateDir, staticPodPath };
  const problem = nestedPaths(real);
  if (problem !== undefined) throw new UsageError([`with links resolved, ${problem}`]);
  return { ...real, writtenStateDir: config.stateDir };
}

/** Of a path whose last element is still to be made, its directory. */
async function realPathOf(path: string): Promise<string> {
  const found = await realpath(path).catch(() => undefined);
  if (found !== undefined) return found;
  const isThere = await lstat(path).then(
    () => true,
    () => false,
  );
  const parent = isThere ? undefined : await realpath(dirname(path)).catch(() => undefined);
  return parent === undefined ? path : join(parent, basename(path));
}
