/** Links in stateDir and staticPodPath: resolved once, before anything is looked at. */
import { mkdir, mkdtemp, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { withRealPaths } from '../../src/cli/real-paths.ts';
import { readConfig } from '../../src/core/config/config.ts';

let dir: string;
const at = (name: string): string => join(dir, name);
beforeEach(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), 'real-paths-')));
  await mkdir(at('disk/state'), { recursive: true });
  await mkdir(at('disk/manifests'));
  await symlink('disk', at('link'));
  await symlink(at('disk/manifests'), at('manifests'));
  await symlink('nowhere', at('dangling'));
});
afterEach(async () => rm(dir, { recursive: true }));

function configOf(stateDir: string, staticPodPath: string): Parameters<typeof withRealPaths>[0] {
  const result = readConfig({ file: { nodeName: 'n1', stateDir: at(stateDir), staticPodPath: at(staticPodPath) } });
  if (!result.ok) throw new Error(result.errors.join());
  return result.config;
}

it.each([
  ['link/state', 'manifests', 'disk/state', 'disk/manifests'],
  ['link/new', 'manifests', 'disk/new', 'disk/manifests'],
  ['disk/state', 'disk/manifests', 'disk/state', 'disk/manifests'],
  ['dangling', 'none/manifests', 'dangling', 'none/manifests'],
])('%s and %s are %s and %s', async (stateDir, staticPodPath, realState, realManifests) => {
  const config = await withRealPaths(configOf(stateDir, staticPodPath));
  expect(config).toMatchObject({ stateDir: at(realState), staticPodPath: at(realManifests) });
  if (realState !== stateDir) expect(config.writtenStateDir).toBe(at(stateDir));
});

it('refuses paths of which one lies in the other, as only the links show', async () => {
  await symlink(at('disk/manifests'), at('same'));
  await expect(withRealPaths(configOf('same', 'manifests'))).rejects.toThrow(
    /with links resolved, stateDir .* neither may lie in the other/,
  );
});
