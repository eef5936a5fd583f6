/** The file of what everything bound to this node asks for. */
import { chmod, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { nodePrimitives } from '../../../src/adapters/disk/primitives.ts';
import { purgeStateDir } from '../../../src/adapters/disk/purge.ts';
import { createRequestedFile } from '../../../src/adapters/disk/requested-file.ts';
import { openStore } from '../../../src/adapters/disk/store.ts';
import { scratch } from './scratch.ts';

const newDirectory = scratch();
const requested = { pods: 3, amounts: { cpu: 1250, memory: 1_000_000, 'ephemeral-storage': 0 } };

async function opened(): Promise<string> {
  const dir = await newDirectory();
  await openStore({ dir, mayWrite: () => true });
  return dir;
}

test('is read back by another process, one without the lock too', async () => {
  const dir = await opened();
  expect(await createRequestedFile({ dir, mayWrite: () => true }).readRequested()).toBeUndefined();
  await createRequestedFile({ dir, mayWrite: () => true }).writeRequested(requested);
  expect(await createRequestedFile({ dir, mayWrite: () => false }).readRequested()).toEqual(requested);
  expect(await readdir(join(dir, 'tmp'))).toEqual([]);
  expect((await readFile(join(dir, 'requested.json'))).length).toBeLessThan(300);
});

test('is not written without the host lock', async () => {
  const dir = await opened();
  await expect(createRequestedFile({ dir, mayWrite: () => false }).writeRequested(requested)).rejects.toThrow('host lock is not held');
});

test('that is damaged is as good as none, and is replaced', async () => {
  const dir = await opened();
  const file = createRequestedFile({ dir, mayWrite: () => true });
  await file.writeRequested(requested);
  const path = join(dir, 'requested.json');
  await chmod(path, 0o600);
  await writeFile(path, (await readFile(path, 'utf8')).replace('1250', '50'));
  expect(await file.readRequested()).toBeUndefined();
  await file.writeRequested(requested);
  expect(await file.readRequested()).toEqual(requested);
});

test('meets no other temporary file on its way', async () => {
  const dir = await opened();
  const temps: string[] = [];
  const primitives = { ...nodePrimitives() };
  const { createFile } = primitives;
  await createRequestedFile({
    dir,
    mayWrite: () => true,
    primitives: {
      ...primitives,
      createFile: async (path, mode) => {
        temps.push(path);
        return createFile(path, mode);
      },
    },
  }).writeRequested(requested);
  expect(temps).toEqual([join(dir, 'tmp', 'tmp-500000001')]);
});

test('goes with everything else of ours', async () => {
  const dir = await opened();
  await createRequestedFile({ dir, mayWrite: () => true }).writeRequested(requested);
  expect(await purgeStateDir({ dir, mayWrite: () => true })).toEqual([]);
});
