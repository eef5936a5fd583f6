/** The contract of the store, on the disk and in memory. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { openStore } from '../../src/adapters/disk/store.ts';
import { createFakeStore } from '../fakes/store.ts';
import { storeContract } from './store.ts';

const made: string[] = [];
afterEach(async () => {
  for (const dir of made.splice(0)) await rm(dir, { recursive: true, force: true });
});

storeContract('on a disk', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'podckpt-store-'));
  made.push(dir);
  const options = { dir, mayWrite: () => true };
  return {
    store: await openStore(options),
    reopen: () => openStore(options),
    revisions: async (key) => (await readdir(join(dir, 'checkpoints', key, 'revisions'))).sort(),
  };
});

storeContract('in memory', async () => {
  const store = createFakeStore();
  return { store, reopen: async () => store, revisions: async (key) => store.revisions(key) };
});
