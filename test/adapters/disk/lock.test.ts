/**
 * The host lock with real processes.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readlinkSync } from 'node:fs';
import { chmod, mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { createHostLock } from '../../../src/adapters/disk/lock.ts';
import { scratch } from './scratch.ts';

const newDirectory = scratch();
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

const HOLDER = `
const { createHostLock } = await import(process.argv[1]);
const lock = createHostLock({ stateDir: process.argv[2] });
process.stdout.write((await lock.tryAcquire()) && lock.held() ? 'held' : 'refused');
setInterval(() => undefined, 60_000);
`;

/** Another process that takes the lock and keeps it; resolves with what it said. */
async function another(stateDir: string): Promise<{ child: ChildProcess; said: string }> {
  const module = new URL('../../../src/adapters/disk/lock.ts', import.meta.url).href;
  const child = spawn(
    process.execPath,
    ['--experimental-strip-types', '--no-warnings', '--input-type=module', '-e', HOLDER, module, stateDir],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  children.push(child);
  const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, said: chunk.toString() };
}

describe('the host lock', () => {
  test('is held by one of two processes, and free at once when its holder is killed', async () => {
    const stateDir = await newDirectory();
    const { child, said } = await another(stateDir);
    expect(said).toBe('held');
    const lock = createHostLock({ stateDir });
    expect(await lock.tryAcquire()).toBe(false);
    expect(lock.held()).toBe(false);
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    expect(await lock.tryAcquire()).toBe(true);
    expect(lock.held()).toBe(true);
    expect((await another(stateDir)).said).toBe('refused');
  });

  test('is taken once, however often it is asked for; two locks in one process exclude each other', async () => {
    const stateDir = await newDirectory();
    const lock = createHostLock({ stateDir });
    expect(lock.held()).toBe(false);
    expect(await lock.tryAcquire()).toBe(true);
    expect(await lock.tryAcquire()).toBe(true);
    expect(await createHostLock({ stateDir }).tryAcquire()).toBe(false);
    expect((await stat(join(stateDir, 'lock'))).mode & 0o777).toBe(0o600);
  });

  test('is no longer held once its file was removed, and can be taken again', async () => {
    const stateDir = await newDirectory();
    const lock = createHostLock({ stateDir });
    await lock.tryAcquire();
    await rm(join(stateDir, 'lock'));
    expect(lock.held()).toBe(false);
    expect(await lock.tryAcquire()).toBe(true);
    expect(lock.held()).toBe(true);
  });

  test('may be inherited: a descriptor that is locked already', async () => {
    const stateDir = await newDirectory();
    const first = createHostLock({ stateDir });
    await first.tryAcquire();
    const fd = descriptorOf(join(stateDir, 'lock'));
    const heir = createHostLock({ stateDir, inheritedFd: fd });
    expect(heir.held()).toBe(false);
    expect(await heir.tryAcquire()).toBe(true);
    expect(heir.held()).toBe(true);
  });

  test('an inherited descriptor that is unlocked, another file, or closed is refused', async () => {
    const stateDir = await newDirectory();
    const unlocked = openSync(join(stateDir, 'lock'), 'w');
    const other = openSync(join(stateDir, 'other'), 'w');
    for (const inheritedFd of [unlocked, other, 9999]) {
      await expect(createHostLock({ stateDir, inheritedFd }).tryAcquire()).rejects.toMatchObject({ kind: 'invalid' });
    }
    closeSync(unlocked);
    closeSync(other);
  });

  test('says what to install where no program can lock', async () => {
    const stateDir = await newDirectory();
    const lock = createHostLock({ stateDir, programs: [['no-such-program-here'], ['sh', '-c', 'exit 127']] });
    await expect(lock.tryAcquire()).rejects.toMatchObject({ kind: 'unavailable', message: expect.stringContaining('util-linux') });
  });

  test('takes the next program where the first is missing', async () => {
    const lock = createHostLock({ stateDir: await newDirectory(), programs: [['no-such-program-here'], ['flock']] });
    expect(await lock.tryAcquire()).toBe(true);
  });

  test('a program that fails, hangs, or lies is not believed', async () => {
    const stateDir = await newDirectory();
    const with_ = (program: string): ReturnType<typeof createHostLock> =>
      createHostLock({ stateDir, programs: [['sh', '-c', program]], deadlineMs: 200 });
    await expect(with_('echo broken >&2; exit 1').tryAcquire()).rejects.toMatchObject({
      kind: 'failed',
      message: expect.stringContaining('broken'),
    });
    await expect(with_('exit 2').tryAcquire()).rejects.toMatchObject({ kind: 'failed' });
    await expect(with_('exec sleep 60').tryAcquire()).rejects.toMatchObject({ kind: 'failed', message: expect.stringContaining('signal') });
    expect(await with_('exit 0').tryAcquire()).toBe(false);
  });

  test('a program that may not be run counts as missing; a lock file that is a directory is a failure', async () => {
    const stateDir = await newDirectory();
    const program = join(stateDir, 'program');
    await writeFile(program, 'x');
    await chmod(program, 0o600);
    await expect(createHostLock({ stateDir, programs: [[program]] }).tryAcquire()).rejects.toMatchObject({ kind: 'unavailable' });
    const other = await newDirectory();
    await mkdir(join(other, 'lock'));
    await expect(createHostLock({ stateDir: other }).tryAcquire()).rejects.toMatchObject({ kind: 'failed' });
  });
});

/** The descriptor by which this process holds a file open; found as the kernel lists them. */
function descriptorOf(path: string): number {
  for (let fd = 3; fd < 1024; fd++) {
    try {
      if (readlinkSync(`/proc/self/fd/${fd}`) === path) return fd;
    } catch {
      // not open
    }
  }
  throw new Error(`${path} is not open`);
}

describe('waiting for the lock', () => {
  test('ends the moment its holder ends', async () => {
    const stateDir = await newDirectory();
    const { child } = await another(stateDir);
    const lock = createHostLock({ stateDir });
    const waiting = lock.acquire(AbortSignal.timeout(10_000));
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(lock.held()).toBe(false);

    child.kill('SIGKILL');

    expect(await waiting).toBe(true);
    expect(lock.held()).toBe(true);
    expect((await another(stateDir)).said).toBe('refused');
  });

  test('ends with the signal, and leaves nobody behind in the queue', async () => {
    const stateDir = await newDirectory();
    const { child } = await another(stateDir);
    const lock = createHostLock({ stateDir });

    expect(await lock.acquire(AbortSignal.timeout(300))).toBe(false);
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;

    expect((await another(stateDir)).said).toBe('held');
  });
});

test('a lock that is given back is taken by whoever waits, and can be taken again', async () => {
  const stateDir = await newDirectory();
  const [first, second] = [createHostLock({ stateDir }), createHostLock({ stateDir })];
  expect(await first.tryAcquire()).toBe(true);
  const waiting = second.acquire(AbortSignal.timeout(10_000));

  first.release();
  first.release();

  expect(await waiting).toBe(true);
  expect([first.held(), await first.tryAcquire()]).toEqual([false, false]);
  second.release();
  expect(await first.tryAcquire()).toBe(true);
});
