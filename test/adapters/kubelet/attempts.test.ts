/** What the kubelet leaves on the disk just before it has a container created. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createContainerAttempts } from '../../../src/adapters/kubelet/attempts.ts';

let podsDir: string;
beforeEach(async () => {
  podsDir = await mkdtemp(join(tmpdir(), 'podckpt-pods-'));
});
afterEach(async () => rm(podsDir, { recursive: true, force: true }));

test('each attempt has a name', async () => {
  const dir = join(podsDir, 'u1', 'containers', 'main');
  await mkdir(dir, { recursive: true });
  const attempts = createContainerAttempts({ podsDir });
  expect(attempts.of('u1', 'main')).toEqual([]);
  for (const name of ['0a1b2c3d', '4e5f6071']) await writeFile(join(dir, name), '');
  expect([...(attempts.of('u1', 'main') ?? [])].sort()).toEqual(['0a1b2c3d', '4e5f6071']);
});

test('a container that was never attempted has none, which is no failure', () => {
  expect(createContainerAttempts({ podsDir }).of('u1', 'main')).toEqual([]);
});

test('what cannot be looked at is unknown, not none', async () => {
  await mkdir(join(podsDir, 'u1'));
  await writeFile(join(podsDir, 'u1', 'containers'), '');
  expect(createContainerAttempts({ podsDir }).of('u1', 'main')).toBeUndefined();
});

test('no name leads out of the pods directory', () => {
  const attempts = createContainerAttempts({ podsDir });
  for (const [uid, container] of [
    ['..', 'main'],
    ['u1', '../..'],
    ['', 'main'],
    ['u1/../..', 'main'],
  ] as const)
    expect(attempts.of(uid, container)).toBeUndefined();
});
