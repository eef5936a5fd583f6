/** The file of the API servers' own addresses. */
import { chmod, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createAddressFile } from '../../../src/adapters/disk/address-file.ts';
import { purgeStateDir } from '../../../src/adapters/disk/purge.ts';
import { openStore } from '../../../src/adapters/disk/store.ts';
import { scratch } from './scratch.ts';

const newDirectory = scratch();
const addresses = [{ url: 'https://10.0.0.1:6443', lastSeen: '2026-11-30T12:00:00.000Z', authorities: ['AA'] }];

async function opened(): Promise<string> {
  const dir = await newDirectory();
  await openStore({ dir, mayWrite: () => true });
  return dir;
}

test('is read back by another process, one without the lock too', async () => {
  const dir = await opened();
  expect(await createAddressFile({ dir, mayWrite: () => true }).read()).toEqual([]);
  await createAddressFile({ dir, mayWrite: () => true }).write(addresses);
  expect(await createAddressFile({ dir, mayWrite: () => false }).read()).toEqual(addresses);
  expect(await readdir(join(dir, 'tmp'))).toEqual([]);
});

test('is not written without the host lock', async () => {
  const dir = await opened();
  await expect(createAddressFile({ dir, mayWrite: () => false }).write(addresses)).rejects.toThrow('host lock is not held');
});

test('that is damaged is as good as none, and is replaced', async () => {
  const dir = await opened();
  const file = createAddressFile({ dir, mayWrite: () => true });
  await file.write(addresses);
  const path = join(dir, 'api-addresses.json');
  const text = await readFile(path, 'utf8');
  await chmod(path, 0o600);
  await writeFile(path, text.replace('10.0.0.1', '10.0.0.2'));
  expect(await file.read()).toEqual([]);
  await file.write(addresses);
  expect(await file.read()).toEqual(addresses);
});

test('goes with everything else of ours', async () => {
  const dir = await opened();
  await createAddressFile({ dir, mayWrite: () => true }).write(addresses);
  expect(await purgeStateDir({ dir, mayWrite: () => true })).toEqual([]);
});
