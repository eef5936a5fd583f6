/**
 * A read that fails says nothing of what is there: the checkpoint could not be read, which is another thing than damage,
 * and is over with the fault.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { nodePrimitives } from '../../../src/adapters/disk/primitives.ts';
import { openStore } from '../../../src/adapters/disk/store.ts';
import type { Checkpoint } from '../../../src/core/model/model.ts';
import { draft } from '../../fakes/disk-draft.ts';
import { scratch } from './scratch.ts';
import { storedIn } from './stored.ts';

const fault = vi.hoisted(() => {
  const now = { code: '', after: Number.POSITIVE_INFINITY, times: 0, reads: 0 };
  /** Before every read: so many system calls fail, after so many that do not. */
  const enter = (name: string): void => {
    now.reads += 1;
    if (now.reads > now.after && now.reads <= now.after + now.times)
      throw Object.assign(new Error(`${now.code}: injected, ${name}`), { code: now.code, syscall: name });
  };
  return { now, enter };
});

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>();
  const failing = <A extends unknown[], R>(name: string, call: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      fault.enter(name);
      return call(...args);
    };
  };
  return {
    ...real,
    lstat: failing('lstat', real.lstat as (path: string) => Promise<unknown>),
    readdir: failing('readdir', real.readdir as (path: string) => Promise<unknown>),
    readlink: failing('readlink', real.readlink as (path: string) => Promise<unknown>),
    readFile: failing('readFile', real.readFile as (path: string) => Promise<unknown>),
    open: failing('open', real.open),
  };
});

const newDirectory = scratch();
const KEY = 'default_web';
function breakReads(code: string, after: number, times = Number.POSITIVE_INFINITY): void {
  Object.assign(fault.now, { code, after, times, reads: 0 });
}
function mendReads(): void {
  breakReads('', Number.POSITIVE_INFINITY);
}
beforeEach(mendReads);

/** What a damaged checkpoint must never be taken for, and the other way round. */
function kindOf(found: Checkpoint | undefined): string {
  if (found === undefined) return 'none';
  return found.problem === undefined ? 'whole' : found.unread === undefined ? 'damaged' : `unread: ${found.unread}`;
}

describe('a read that fails', () => {
  test.each(['EMFILE', 'ENFILE', 'ENOMEM', 'EIO', 'EACCES', 'EINTR'])('with %s, at every call, leaves it unknown', async (code) => {
    const { store, saved } = await storedIn(await newDirectory());
    await store.confirm(KEY, '2030-01-01T00:00:00Z');
    mendReads();
    expect(kindOf(await store.read(KEY))).toBe('whole');
    const calls = fault.now.reads;
    expect(calls).toBeGreaterThan(15);

    for (let after = 0; after < calls; after++) {
      breakReads(code, after);
      const found = await store.read(KEY);
      expect(`${after} ${kindOf(found)}`).toBe(`${after} unread: ${code}`);
      // what fails once is read a second time
      breakReads(code, after, 1);
      expect(await store.read(KEY)).toMatchObject({ record: saved.record, confirmedAt: '2030-01-01T00:00:00Z' });
    }
    mendReads();
    expect(await store.read(KEY)).toEqual({ ...saved, confirmedAt: '2030-01-01T00:00:00Z' });
  });

  test('does not keep the others from being read', async () => {
    const { store } = await storedIn(await newDirectory());
    const other = draft();
    await store.save({ ...other, key: 'default_zeta', record: { ...other.record, parent: { ...other.record.parent, name: 'zeta' } } });
    // the first names the checkpoints; then both looks at one of them, and at its confirmation
    breakReads('EMFILE', 1, 3);
    expect((await store.load()).map(kindOf)).toEqual(['unread: EMFILE', 'whole']);
  });

  test('is made while a capture waits for a slow disk, and finds what was there before', async () => {
    const dir = await newDirectory();
    const { saved } = await storedIn(dir);
    let release = (): void => undefined;
    const slow = new Promise<void>((resolve) => {
      release = resolve;
    });
    const real = nodePrimitives();
    const fsync = vi.fn(async (fd: number) => slow.then(() => real.fsync(fd)));
    const store = await openStore({ dir, mayWrite: () => true, primitives: { ...real, fsync } });
    const saving = store.save(draft('two'));
    await vi.waitFor(() => expect(fsync).toHaveBeenCalled());

    expect(await store.read(KEY)).toEqual(saved);
    expect(await store.load()).toEqual([saved]);

    release();
    expect(await store.read(KEY).then((found) => found?.problem)).toBeUndefined();
    expect(await saving).toEqual(await store.read(KEY));
  });

  test('is no damage of what is stored, and what is damaged is not unread', async () => {
    const { store, revision } = await storedIn(await newDirectory());
    await rm(join(revision, 'pod.json'));
    expect(kindOf(await store.read(KEY))).toBe('damaged');
  });

  test('is no reason to throw a good revision away', async () => {
    const { store, revision, saved } = await storedIn(await newDirectory());
    // the first looks at the checkpoint's directory
    breakReads('EMFILE', 1, 1);
    await expect(store.save(draft())).rejects.toMatchObject({ kind: 'failed' });
    mendReads();
    expect(await store.read(KEY)).toEqual(saved);
    expect(revision).toContain(saved.record.revision);
  });
});
