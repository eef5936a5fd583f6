/**
 * The one write path: order of calls, short writes, taken names, errors.
 */
import { lstat, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { makeDirectory, publishFile, publishTree } from '../../../src/adapters/disk/atomic-write.ts';
import { NotDurableError } from '../../../src/adapters/disk/errors.ts';
import { guardedPrimitives, nodePrimitives } from '../../../src/adapters/disk/primitives.ts';
import { deleteTree, moveAside } from '../../../src/adapters/disk/removal.ts';
import { GID, UID } from '../../fakes/disk-draft.ts';
import { faultyPrimitives } from '../../fakes/disk-faults.ts';
import { scratch } from './scratch.ts';

const newDirectory = scratch();
const CONTENT = { content: Buffer.from('0123456789'), mode: 0o640 };

function names(dir: string): () => string {
  let count = 0;
  return () => join(dir, `tmp-${++count}`);
}

describe('a file', () => {
  test('goes through every step in order, mode before owner, and both directories are synced', async () => {
    const dir = await newDirectory();
    await mkdir(join(dir, 'tmp'));
    const { primitives, faults } = faultyPrimitives({ ...nodePrimitives(), chown: async () => undefined });
    await publishFile(
      primitives,
      { temp: names(join(dir, 'tmp')), target: join(dir, 'a') },
      { ...CONTENT, owner: { uid: UID + 1, gid: GID } },
    );
    expect(faults.calls.map((call) => call.name).join(' ')).toBe(
      'createFile write chmod chown fsync close rename openDirectory fsync close openDirectory fsync close',
    );
    expect((await lstat(join(dir, 'a'))).mode & 0o7777).toBe(0o640);
  });

  test('is not given an owner that it has already', async () => {
    const dir = await newDirectory();
    const { primitives, faults } = faultyPrimitives(nodePrimitives());
    await publishFile(primitives, { temp: names(dir), target: join(dir, 'a') }, { ...CONTENT, owner: { uid: UID, gid: GID } });
    expect(faults.calls.map((call) => call.name)).not.toContain('chown');
  });

  test('is written to its end by a disk that takes three bytes at a time', async () => {
    const dir = await newDirectory();
    const real = nodePrimitives();
    const primitives = { ...real, write: async (fd: number, bytes: Uint8Array) => real.write(fd, bytes.subarray(0, 3)) };
    await publishFile(primitives, { temp: names(dir), target: join(dir, 'a') }, CONTENT);
    expect(await readFile(join(dir, 'a'), 'utf8')).toBe('0123456789');
  });

  test('that the disk takes no byte of is an error, and leaves nothing', async () => {
    const dir = await newDirectory();
    const primitives = { ...nodePrimitives(), write: async () => 0 };
    await expect(publishFile(primitives, { temp: names(dir), target: join(dir, 'a') }, CONTENT)).rejects.toMatchObject({ kind: 'failed' });
    expect(await readdir(dir)).toEqual([]);
  });

  test('never goes through what has its temporary name: a file, a link, a directory', async () => {
    const dir = await newDirectory();
    await writeFile(join(dir, 'tmp-1'), 'foreign');
    await symlink(join(dir, 'victim'), join(dir, 'tmp-2'));
    await mkdir(join(dir, 'tmp-3'));
    await publishFile(nodePrimitives(), { temp: names(dir), target: join(dir, 'a') }, CONTENT);
    expect((await readdir(dir)).sort()).toEqual(['a', 'tmp-1', 'tmp-2', 'tmp-3']);
    expect(await readFile(join(dir, 'tmp-1'), 'utf8')).toBe('foreign');
  });

  test('gives up when every temporary name is taken, and removes none of them', async () => {
    const dir = await newDirectory();
    await writeFile(join(dir, 'taken'), 'foreign');
    await expect(publishFile(nodePrimitives(), { temp: () => join(dir, 'taken'), target: join(dir, 'a') }, CONTENT)).rejects.toMatchObject({
      kind: 'failed',
    });
    expect(await readdir(dir)).toEqual(['taken']);
  });

  test('whose last directory cannot be synced is visible, and the error says so', async () => {
    const dir = await newDirectory();
    const { primitives, faults } = faultyPrimitives(nodePrimitives());
    Object.assign(faults, { only: 'fsync', healthyFor: 1, mode: 'once' });
    const error = await publishFile(primitives, { temp: names(dir), target: join(dir, 'a') }, CONTENT).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(NotDurableError);
    expect(String(error)).toContain('it is there');
    expect(await readFile(join(dir, 'a'), 'utf8')).toBe('0123456789');
  });
});

describe('a directory', () => {
  test('that cannot be finished is removed as a whole', async () => {
    const dir = await newDirectory();
    const { primitives, faults } = faultyPrimitives(nodePrimitives());
    Object.assign(faults, { only: 'fsync', healthyFor: 2, mode: 'once' });
    const tree = [
      { type: 'directory', path: 'a', mode: 0o755 },
      { type: 'file', path: 'a/b', ...CONTENT },
      { type: 'link', path: 'c', target: 'a/b' },
    ] as const;
    await expect(publishTree(primitives, { temp: names(dir), target: join(dir, 'x') }, 0o700, tree)).rejects.toMatchObject({
      kind: 'failed',
    });
    expect(await readdir(dir)).toEqual([]);
  });

  test('that is there already is kept; another thing of that name is an error', async () => {
    const dir = await newDirectory();
    await makeDirectory(nodePrimitives(), join(dir, 'a'), 0o700);
    await makeDirectory(nodePrimitives(), join(dir, 'a'), 0o755);
    expect((await lstat(join(dir, 'a'))).mode & 0o7777).toBe(0o700);
    await symlink(join(dir, 'a'), join(dir, 'link'));
    await expect(makeDirectory(nodePrimitives(), join(dir, 'link'), 0o700)).rejects.toMatchObject({ kind: 'failed' });
  });

  test('whose name cannot be made durable is taken back', async () => {
    const dir = await newDirectory();
    const { primitives, faults } = faultyPrimitives(nodePrimitives());
    Object.assign(faults, { only: 'fsync', healthyFor: 1, mode: 'once' });
    await expect(makeDirectory(primitives, join(dir, 'a'), 0o700)).rejects.toMatchObject({ kind: 'failed' });
    expect(await readdir(dir)).toEqual([]);
  });

  test('moves aside to the next free name, and only its own content is deleted, never what a link points to', async () => {
    const dir = await newDirectory();
    await mkdir(join(dir, 'tmp-1/full'), { recursive: true });
    await writeFile(join(dir, 'tmp-2'), 'foreign');
    await mkdir(join(dir, 'a'));
    await writeFile(join(dir, 'kept'), 'x');
    await symlink(join(dir, 'kept'), join(dir, 'a/link'));
    const to = await moveAside(nodePrimitives(), join(dir, 'a'), names(dir));
    expect(to).toBe(join(dir, 'tmp-3'));
    await deleteTree(nodePrimitives(), to);
    await deleteTree(nodePrimitives(), to);
    expect((await readdir(dir)).sort()).toEqual(['kept', 'tmp-1', 'tmp-2']);
  });

  test('that does not exist cannot be moved aside', async () => {
    const dir = await newDirectory();
    await expect(moveAside(nodePrimitives(), join(dir, 'a'), names(dir))).rejects.toMatchObject({ kind: 'failed' });
  });
});

test('without the host lock every call that changes a name is denied', async () => {
  const dir = await newDirectory();
  const guarded = guardedPrimitives(nodePrimitives(), () => false);
  const calls = [
    () => guarded.createFile(join(dir, 'a'), 0o600),
    () => guarded.mkdir(join(dir, 'a'), 0o700),
    () => guarded.symlink('x', join(dir, 'a')),
    () => guarded.rename(join(dir, 'a'), join(dir, 'b')),
    () => guarded.unlink(join(dir, 'a')),
    () => guarded.rmdir(join(dir, 'a')),
  ];
  for (const call of calls) await expect(call()).rejects.toMatchObject({ kind: 'denied' });
  expect(await readdir(dir)).toEqual([]);
});
