/** What a reboot empties: memory, and an overlay that is written to memory, as far as this process can see. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { upperDirectoryIn, volatileAt } from '../../../src/adapters/disk/volatile.ts';

const [EXT4, TMPFS, RAMFS, OVERLAY] = [0xef53, 0x01021994, 0x858458f6, 0x794c7630];

describe('what a reboot empties', () => {
  const types: Readonly<Record<string, number>> = {
    '/on-disk': EXT4,
    '/in-memory': TMPFS,
    '/ram': RAMFS | 0,
    '/live': OVERLAY,
    '/root': OVERLAY,
  };
  const uppers: Readonly<Record<string, string>> = { '/live': '/in-memory', '/root': '/on-disk' };
  const at = (path: string, upper: Readonly<Record<string, string>> = uppers): Promise<string | undefined> =>
    volatileAt(path, {
      fileSystemOf: async (asked) => types[asked] ?? Promise.reject(new Error('ENOENT')),
      upperOf: async (asked) => upper[asked],
    });

  test.each([
    ['/on-disk', undefined],
    ['/in-memory', 'tmpfs'],
    ['/ram', 'ramfs'],
    ['/live', 'an overlay that is written to tmpfs'],
    ['/root', undefined],
  ])('%s: %s', async (path, kind) => {
    expect(await at(path)).toBe(kind);
  });

  test('is not said of an overlay whose upper directory cannot be seen, is none, or seems to lie on itself', async () => {
    expect(await at('/live', { '/live': '/var/lib/of-the-engine/upper' })).toBeUndefined();
    expect(await at('/live', {})).toBeUndefined();
    expect(await at('/live', { '/live': '/live' })).toBeUndefined();
    expect(await at('/live', { '/live': '/root', '/root': '/live' })).toBeUndefined();
  });

  test('of a path that cannot be asked about nothing is said but the error', async () => {
    await expect(at('/none')).rejects.toThrow('ENOENT');
  });

  test('is asked of the kernel', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'volatile-'));
    try {
      expect(await volatileAt('/dev/shm')).toBe('tmpfs');
      await expect(volatileAt(join(dir, 'none'))).rejects.toThrow('ENOENT');
      await volatileAt(dir);
    } finally {
      await rm(dir, { recursive: true });
    }
  });
});

describe('the upper directory of an overlay', () => {
  const table = [
    '22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw',
    '30 22 0:44 / /data rw,relatime shared:7 master:2 - overlay overlay rw,lowerdir=/l1:/l2,upperdir=/run/live/upper,workdir=/run/live/work',
    '31 22 0:45 / /odd rw - overlay none rw,lowerdir=/a,upperdir=/with\\040space\\054and:more,workdir=/w',
    '32 22 0:46 / /read-only ro - overlay overlay ro,lowerdir=/l1:/l2',
    '',
  ].join('\n');

  test.each([
    ['30', '/run/live/upper'],
    ['31', '/with space,and:more'],
    ['32', undefined],
    ['22', undefined],
    ['3', undefined],
  ])('of mount %s is %s', (mount, upper) => {
    expect(upperDirectoryIn(table, mount)).toBe(upper);
  });
});
