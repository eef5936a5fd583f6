/** The contract of staticPodPath, on the disk and in memory; foreign files stay as they are. */
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { openManifestDir } from '../../src/adapters/disk/manifest-dir.ts';
import { UID } from '../fakes/disk-draft.ts';
import { createFakeManifestDir } from '../fakes/manifest-dir.ts';
import { manifestDirContract } from './manifest-dir.ts';

const made: string[] = [];
afterEach(async () => {
  for (const dir of made.splice(0)) await rm(dir, { recursive: true, force: true });
});

manifestDirContract('a directory', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'podckpt-manifests-'));
  made.push(dir);
  return {
    manifests: await openManifestDir({ dir, mayWrite: () => true, uid: UID }),
    putFile: (name, content) => writeFile(join(dir, name), content),
    putOdd: (name) => symlink('/nowhere', join(dir, name)),
    read: (name) => readFile(join(dir, name), 'utf8'),
    removeDirectory: () => rm(dir, { recursive: true }),
  };
});

manifestDirContract('in memory', async () => {
  const fake = createFakeManifestDir();
  return {
    manifests: fake,
    putFile: async (name, content) => {
      fake.files.set(name, content);
    },
    putOdd: async (name) => {
      fake.files.set(name, undefined);
    },
    read: async (name) => fake.files.get(name) ?? '',
    removeDirectory: async () => {
      fake.missing = true;
    },
  };
});
