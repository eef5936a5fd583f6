/** The state directory is looked at before anything is written. */
import { chmod, lstat, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { nodePrimitives } from '../../../src/adapters/disk/primitives.ts';
import { prepareStateDir, type StateDirOptions } from '../../../src/adapters/disk/state-dir.ts';
import { UID } from '../../fakes/disk-draft.ts';
import { faultyPrimitives } from '../../fakes/disk-faults.ts';
import { scratch } from './scratch.ts';

const newDirectory = scratch();
const EXT4 = 0xef53;

async function prepare(dir: string, change: Partial<StateDirOptions> = {}): Promise<void> {
  await prepareStateDir({ dir, primitives: nodePrimitives(), uid: UID, fileSystemOf: async () => EXT4, ...change });
}
const modeOf = async (path: string): Promise<number> => (await lstat(path)).mode & 0o7777;

describe('the state directory', () => {
  test('is created with mode 0700 where only its last element is missing', async () => {
    const dir = join(await newDirectory(), 'state');
    await prepare(dir);
    expect(await modeOf(dir)).toBe(0o700);
    await prepare(dir);
  });

  test('is closed to others where it was open', async () => {
    const dir = await newDirectory();
    await chmod(dir, 0o755);
    await prepare(dir);
    expect(await modeOf(dir)).toBe(0o700);
  });

  test.each([
    ['tmpfs', 0x01021994],
    ['ramfs', 0x858458f6],
    ['ramfs', 0x858458f6 | 0],
  ])('on %s is refused, existing or not, unless that is allowed', async (name, type) => {
    const parent = await newDirectory();
    for (const dir of [parent, join(parent, 'missing')]) {
      const inMemory = { fileSystemOf: async () => type };
      await expect(prepare(dir, inMemory)).rejects.toMatchObject({ kind: 'invalid', message: expect.stringContaining(name) });
      await expect(prepare(dir, { ...inMemory, allowTmpfs: true })).resolves.toBeUndefined();
    }
  });

  test('asks the kernel for the file system by default', async () => {
    await expect(prepareStateDir({ dir: '/proc', primitives: nodePrimitives(), uid: -5 })).rejects.toMatchObject({ kind: 'denied' });
    await expect(prepareStateDir({ dir: '/dev/shm/missing-podckpt', primitives: nodePrimitives(), uid: UID })).rejects.toMatchObject({
      kind: 'invalid',
    });
  });

  test('on an overlay that is written to memory is refused', async () => {
    const dir = await newDirectory();
    const overlay = { fileSystemOf: async (at: string) => (at === dir ? 0x794c7630 : 0x01021994), upperOf: async () => '/run/upper' };
    await expect(prepare(dir, overlay)).rejects.toMatchObject({ kind: 'invalid', message: expect.stringMatching(/overlay .* tmpfs/) });
    await expect(prepare(dir, { ...overlay, allowTmpfs: true })).resolves.toBeUndefined();
  });

  test.each<[string, (dir: string) => Promise<unknown>]>([
    ['files', (dir) => writeFile(join(dir, 'notes'), '')],
    ['a directory beside the lock', (dir) => Promise.all([mkdir(join(dir, 'containerd')), writeFile(join(dir, 'lock'), '')])],
    ['a hidden file', (dir) => writeFile(join(dir, '.profile'), '')],
    ['a tmp that is not ours', (dir) => mkdir(join(dir, 'tmp/work'), { recursive: true })],
  ])('of others, with %s in it, is refused untouched', async (_name, fill) => {
    const dir = await newDirectory();
    await chmod(dir, 0o755);
    await fill(dir);
    const before = await readdir(dir);
    await expect(prepare(dir)).rejects.toMatchObject({
      kind: 'invalid',
      message: expect.stringMatching(
        /holds what is not ours \(.*\) and no file "format" of ours: nothing was changed; name an empty directory/,
      ),
    });
    expect(await modeOf(dir)).toBe(0o755);
    expect(await readdir(dir)).toEqual(before);
  });

  test.each<[string, (dir: string) => Promise<unknown>]>([
    ['nothing but lost+found', (dir) => mkdir(join(dir, 'lost+found'))],
    [
      'what a first start that was cut short leaves',
      async (dir) => {
        await mkdir(join(dir, 'checkpoints'));
        await mkdir(join(dir, 'tmp/tmp-1'), { recursive: true });
        await writeFile(join(dir, 'lock'), '');
      },
    ],
    ['our format, and a file of others', (dir) => Promise.all(['format', 'notes'].map((name) => writeFile(join(dir, name), '1\n')))],
  ])('with %s in it is ours', async (_name, fill) => {
    const dir = await newDirectory();
    await chmod(dir, 0o755);
    await fill(dir);
    await prepare(dir);
    expect(await modeOf(dir)).toBe(0o700);
  });

  test('that is a relative path, a file, a link, or without a parent is refused', async () => {
    const dir = await newDirectory();
    await writeFile(join(dir, 'file'), '');
    await mkdir(join(dir, 'real'));
    await symlink(join(dir, 'real'), join(dir, 'link'));
    for (const bad of ['state', join(dir, 'file'), join(dir, 'link'), join(dir, 'none/state'), join(dir, 'file/state')]) {
      await expect(prepare(bad)).rejects.toMatchObject({ kind: 'invalid', message: expect.stringMatching(/\bname (one|another)\b/) });
    }
  });

  test('of somebody else is refused', async () => {
    await expect(prepare(await newDirectory(), { uid: UID + 1 })).rejects.toMatchObject({ kind: 'denied' });
  });

  test('whose file system cannot be asked, or which cannot be closed or created, is a failure', async () => {
    const dir = await newDirectory();
    await expect(prepare(dir, { fileSystemOf: () => Promise.reject(new Error('EIO')) })).rejects.toMatchObject({ kind: 'failed' });
    await chmod(dir, 0o755);
    const { primitives, faults } = faultyPrimitives(nodePrimitives());
    faults.healthyFor = 0;
    const failed = (message: RegExp) => ({ kind: 'failed', message: expect.stringMatching(message) });
    await expect(prepare(dir, { primitives })).rejects.toMatchObject(failed(/cannot be closed to others: mount it read-write/));
    await expect(prepare(join(dir, 'new'), { primitives })).rejects.toMatchObject(failed(/cannot be created: .*, or name another/));
  });
});
