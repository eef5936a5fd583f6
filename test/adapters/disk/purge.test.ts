/** Emptying the state directory: ours goes, in an order that a crash may cut short; others' names stay. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { nodePrimitives } from '../../../src/adapters/disk/primitives.ts';
import { purgeStateDir } from '../../../src/adapters/disk/purge.ts';
import { openStore } from '../../../src/adapters/disk/store.ts';
import { scratch } from './scratch.ts';

const newDirectory = scratch();

async function used(): Promise<string> {
  const dir = await newDirectory();
  const store = await openStore({ dir, mayWrite: () => true });
  await store.writeLedger({ formatVersion: 1, placed: [], handBacks: [] });
  await writeFile(join(dir, 'lock'), '');
  await mkdir(join(dir, 'tmp', 'tmp-7'));
  return dir;
}

test('leaves nothing of ours', async () => {
  const dir = await used();

  expect(await purgeStateDir({ dir, mayWrite: () => true })).toEqual([]);
  expect(await readdir(dir)).toEqual([]);
});

test('leaves what is not ours, and says its name', async () => {
  const dir = await used();
  await writeFile(join(dir, 'notes'), '');
  await writeFile(join(dir, 'tmp', 'kept'), '');

  expect(await purgeStateDir({ dir, mayWrite: () => true })).toEqual(['notes', 'tmp']);
});

test('keeps ledger and format while a checkpoint is left', async () => {
  const dir = await used();
  await mkdir(join(dir, 'checkpoints', 'a_b'));

  expect(await purgeStateDir({ dir, mayWrite: () => true })).toEqual(['active.json', 'checkpoints', 'format', 'lock']);
});

test('changes nothing without the host lock', async () => {
  const dir = await used();

  await expect(purgeStateDir({ dir, mayWrite: () => false })).rejects.toThrow('host lock is not held');
  expect((await readdir(dir)).sort()).toEqual(['active.json', 'checkpoints', 'format', 'lock', 'tmp']);
});

test('is taken up again wherever it was cut short', async () => {
  for (let cut = 1; cut <= 6; cut += 1) {
    const dir = await used();
    let calls = 0;
    const real = nodePrimitives();
    const count =
      <A extends unknown[]>(work: (...args: A) => Promise<void>) =>
      async (...args: A): Promise<void> => {
        calls += 1;
        if (calls === cut) throw new Error('power cut');
        return work(...args);
      };
    const primitives = { ...real, unlink: count(real.unlink), rmdir: count(real.rmdir) };

    await expect(purgeStateDir({ dir, mayWrite: () => true, primitives })).rejects.toThrow('power cut');
    await openStore({ dir, mayWrite: () => true });
    expect(await purgeStateDir({ dir, mayWrite: () => true })).toEqual([]);
  }
});
