/** A manifest that has not changed is not read again, and one that may have is. */
import { utimesSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { openManifestDir } from '../../../src/adapters/disk/manifest-dir.ts';
import { createSeenDigests } from '../../../src/adapters/disk/seen-digests.ts';
import { sha256 } from '../../../src/core/model/manifest.ts';

const stats = { dev: 1, ino: 2, size: 3, mtimeMs: 1_000, ctimeMs: 1_000 };

it('knows the digest of a file as it was, and of no other', () => {
  const seen = createSeenDigests();
  seen.learn('/a', stats, 'd', 3_000);

  expect(seen.of('/a', { ...stats })).toBe('d');
  expect(seen.of('/b', stats)).toBeUndefined();
  for (const field of ['dev', 'ino', 'size', 'mtimeMs', 'ctimeMs'] as const) {
    expect(seen.of('/a', { ...stats, [field]: stats[field] + 1 })).toBeUndefined();
  }
  seen.keepOnly(new Set(['/b']));
  expect(seen.of('/a', stats)).toBeUndefined();
});

it('keeps nothing of a file that changed a moment before it was read, or in the future', () => {
  const seen = createSeenDigests();
  seen.learn('/a', stats, 'd', 3_000);
  seen.learn('/a', stats, 'd', 2_999);
  expect(seen.of('/a', stats)).toBeUndefined();
  seen.learn('/a', stats, 'd', 0);
  expect(seen.of('/a', stats)).toBeUndefined();
});

it('shows bytes that were exchanged in place, with size and time of change put back', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'podckpt-digests-'));
  const file = 'podckpt-kube-system-web-1-01234567.json';
  const path = join(dir, file);
  const manifests = await openManifestDir({ dir, mayWrite: () => true, uid: process.getuid?.() ?? 0 });
  const time = new Date(1_700_000_000_000);
  writeFileSync(path, 'one');
  utimesSync(path, time, time);
  await delay(2_100);
  expect(await manifests.list()).toEqual([{ file, digest: sha256(Buffer.from('one')) }]);
  expect(await manifests.list()).toEqual([{ file, digest: sha256(Buffer.from('one')) }]);

  writeFileSync(path, 'two');
  utimesSync(path, time, time);

  expect(await manifests.list()).toEqual([{ file, digest: sha256(Buffer.from('two')) }]);
  await rm(dir, { recursive: true });
});
