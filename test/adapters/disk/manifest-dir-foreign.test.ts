/** A foreign control plane in staticPodPath: its files are named, and never so much as opened. */
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { openManifestDir } from '../../../src/adapters/disk/manifest-dir.ts';

/** Every path that was opened or looked at by name. */
const touched: string[] = [];
vi.mock(import('node:fs/promises'), async (original) => {
  const real = await original();
  const telling = <A extends unknown[], R>(call: (...args: A) => R): ((...args: A) => R) => {
    return (...args) => {
      touched.push(String(args[0]));
      return call(...args);
    };
  };
  return { ...real, open: telling(real.open) as typeof real.open, lstat: telling(real.lstat) as typeof real.lstat };
});

const OURS = 'podckpt-default-web-0123abcd.json';
let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'foreign-'));
  touched.length = 0;
});
afterEach(async () => {
  await rm(dir, { recursive: true });
});

it('no foreign file is opened through list, place, replace and remove, and ours is', async () => {
  for (const name of ['etcd.yaml', 'kube-apiserver.yaml', 'kube-apiserver.yaml.bak', '.hidden', 'podckpt-notes.txt'])
    await writeFile(join(dir, name), '# a comment\napiVersion: v1\nkind: Pod\n', { mode: 0o600 });
  await mkdir(join(dir, 'backup'));
  await symlink('etcd.yaml', join(dir, 'link.yaml'));
  const before = await readdir(dir);

  const manifests = await openManifestDir({ dir, mayWrite: () => true, uid: process.getuid?.() ?? 0 });
  await manifests.place(OURS, 'one', undefined);
  const [ours] = (await manifests.list()).filter((found) => found.digest !== undefined);
  await manifests.place(OURS, 'two', ours?.digest);
  const listed = await manifests.list();
  await manifests.remove(OURS, listed.find((found) => found.file === OURS)?.digest ?? '');

  expect(touched.filter((path) => path.startsWith(dir)).map((path) => path.slice(dir.length + 1))).toContain(OURS);
  expect(touched.filter((path) => before.some((name) => path === join(dir, name)))).toEqual([]);
  expect(listed.filter((found) => found.digest !== undefined).map((found) => found.file)).toEqual([OURS]);
  expect((await readdir(dir)).sort()).toEqual([...before].sort());
});
