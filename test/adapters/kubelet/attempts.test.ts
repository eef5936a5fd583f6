/** What the kubelet leaves on the disk just before it has a container created. */

import { writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
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

test('one after the other is seen, however soon it comes', async () => {
  const dir = join(podsDir, 'u1', 'containers', 'main');
  await mkdir(dir, { recursive: true });
  const attempts = createContainerAttempts({ podsDir });
  for (let made = 1; made <= 200; made += 1) {
    writeFileSync(join(dir, `${made}`), '');
    expect(attempts.of('u1', 'main')).toHaveLength(made);
  }
});

test('one in a directory that had long been as it was is seen at once, and one that goes is none', async () => {
  const dir = join(podsDir, 'u1', 'containers', 'main');
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, 'old'), '');
  const attempts = createContainerAttempts({ podsDir });
  vi.useFakeTimers({ now: Date.now() + 3_600_000, toFake: ['Date'] });
  try {
    const before = attempts.of('u1', 'main');
    expect(before).toEqual(['old']);
    // not read again
    expect(attempts.of('u1', 'main')).toBe(before);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await writeFile(join(dir, 'new'), '');
    expect([...(attempts.of('u1', 'main') ?? [])].sort()).toEqual(['new', 'old']);
    await rm(dir, { recursive: true });
    expect(attempts.of('u1', 'main')).toEqual([]);
  } finally {
    vi.useRealTimers();
  }
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

test('each attempt has its time, which its container’s last words do not change', async () => {
  const dir = join(podsDir, 'u1', 'containers', 'main');
  await mkdir(dir, { recursive: true });
  const attempts = createContainerAttempts({ podsDir });
  const from = Date.now();
  await writeFile(join(dir, '0a1b2c3d'), '');
  const to = Date.now();
  const { birthtimeMs } = await stat(join(dir, '0a1b2c3d'));
  await utimes(join(dir, '0a1b2c3d'), new Date(), new Date(to + 3_600_000));
  const [at = 0] = attempts.madeAt('u1', 'main') ?? [];

  expect(attempts.madeAt('u1', 'main')).toHaveLength(1);
  expect(at).toBeGreaterThan(from - 50);
  // where the file system knows no birth, the last words are all that is left
  if (birthtimeMs > 0 && birthtimeMs <= to) expect(at).toBeLessThanOrEqual(to);
});

test('of no attempt there is no time, and of what cannot be looked at none is known', async () => {
  const attempts = createContainerAttempts({ podsDir });
  expect(attempts.madeAt('u1', 'main')).toEqual([]);
  expect(attempts.madeAt('..', 'main')).toBeUndefined();
  await mkdir(join(podsDir, 'u1', 'containers', 'main'), { recursive: true });
  await symlink('nowhere', join(podsDir, 'u1', 'containers', 'main', '0a1b2c3d'));
  expect(attempts.madeAt('u1', 'main')).toBeUndefined();
});
