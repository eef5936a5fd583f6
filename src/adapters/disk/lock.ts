/**
 * The host lock: one agent on a node may change the host. A kernel lock (flock) on `<stateDir>/lock` that dies with
 * its holder, so that no crash leaves it behind.
 *
 * Node has no flock(2). The program `flock` locks a descriptor that it inherits from us. Such a lock belongs to the
 * open file description, which both processes share, so it stays with us when the program ends (flock(2)).
 * Descriptors are close-on-exec, so nothing else that we start can keep it alive. Never breaks or steals a lock.
 */
import { spawn } from 'node:child_process';
import { closeSync, constants, fstatSync, openSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf, messageOf } from '../../core/model/errors.ts';
import { type HostLock, PortError } from '../../ports.ts';
import { wrapError } from './errors.ts';
import { LOCK_FILE } from './layout.ts';

export interface HostLockOptions {
  /** Absolute path of the state directory. */
  readonly stateDir: string;
  /** Descriptor of the lock file that whoever started us has opened and locked already. */
  readonly inheritedFd?: number;
  /** Programs that lock descriptor 3, tried in this order; found on PATH. Default: flock, then busybox flock. */
  readonly programs?: readonly (readonly string[])[];
  /** Milliseconds; default 5000. */
  readonly deadlineMs?: number;
}

const PROGRAMS: readonly (readonly string[])[] = [['flock'], ['busybox', 'flock']];
const LOCKED_BY_ANOTHER = 1;

export interface WaitingLock extends HostLock {
  /** Waits until the lock is ours, in the kernel's own queue; false: the signal came first. Errors as `tryAcquire`. */
  acquire(signal: AbortSignal): Promise<boolean>;
  /** Gives it back, for whoever waits; fine when it is not held. */
  release(): void;
}

/**
 * Errors of `tryAcquire` are PortErrors: `unavailable` (no program that can lock), `invalid` (inherited descriptor), or
 * `failed`.
 */
export function createHostLock(options: HostLockOptions): WaitingLock {
  const path = join(options.stateDir, LOCK_FILE);
  let lockedFd: number | undefined;

  function held(): boolean {
    return lockedFd !== undefined && isSameFile(lockedFd, path);
  }

  async function tryAcquire(): Promise<boolean> {
    if (held()) return true;
    // somebody removed the lock file: ours guards nothing any more
    release();
    if (options.inheritedFd !== undefined) {
      checkInherited(options.inheritedFd, path);
      lockedFd = options.inheritedFd;
      return true;
    }
    return lockWith({ ...options, deadlineMs: options.deadlineMs ?? 5_000 }, ['-n', '-x', '3']);
  }

  async function acquire(signal: AbortSignal): Promise<boolean> {
    // a lock file that was removed while we waited guards nothing: wait for the one that is there now
    while (!signal.aborted && !(await tryAcquire())) await lockWith({ ...options, deadlineMs: undefined, signal }, ['-x', '3']);
    return held();
  }

  function release(): void {
    if (lockedFd !== undefined) closeSync(lockedFd);
    lockedFd = undefined;
  }

  async function lockWith(how: Locking, args: readonly string[]): Promise<boolean> {
    const fd = openLockFile(path);
    let locked = false;
    try {
      locked = (await runLocker(how, args, fd)) && isSameFile(fd, path) && isLocked(fd);
    } finally {
      if (!locked) closeSync(fd);
    }
    if (locked) lockedFd = fd;
    return locked;
  }

  return { tryAcquire, held, acquire, release };
}

function openLockFile(path: string): number {
  try {
    return openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  } catch (error) {
    throw wrapError(`the host lock ${path} cannot be opened: mount its directory read-write, and let it belong to us`, error);
  }
}

function checkInherited(fd: number, path: string): void {
  let fits: boolean;
  try {
    fits = isSameFile(fd, path) && isLocked(fd);
  } catch (error) {
    throw wrapError('looking at the inherited host lock', error);
  }
  if (!fits) throw new PortError('invalid', `descriptor ${fd} is not the locked file ${path}: start without it, or lock that file first`);
}

/** False as well when either is gone. */
function isSameFile(fd: number, path: string): boolean {
  try {
    const [opened, named] = [fstatSync(fd), statSync(path)];
    return opened.ino === named.ino && opened.dev === named.dev;
  } catch {
    return false;
  }
}

/** The kernel lists a description's locks since Linux 4.1 (proc(5), fdinfo). */
function isLocked(fd: number): boolean {
  return /^lock:.*\bFLOCK\b.*\bWRITE\b/m.test(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'));
}

interface Locking extends Pick<HostLockOptions, 'programs'> {
  readonly deadlineMs: number | undefined;
  readonly signal?: AbortSignal;
}

async function runLocker(options: Locking, args: readonly string[], fd: number): Promise<boolean> {
  for (const [program = '', ...first] of options.programs ?? PROGRAMS) {
    const ended = await run(program, [...first, ...args], fd, options);
    if (ended === 'missing') continue;
    if (ended.code === 0) return true;
    if (options.signal?.aborted === true) return false;
    if (ended.code === LOCKED_BY_ANOTHER && ended.said === '') return false;
    throw new PortError(
      'failed',
      `taking the host lock: ${program} ended with ${ended.code ?? 'a signal'}${ended.said === '' ? '' : `: ${ended.said}`}`,
    );
  }
  throw new PortError('unavailable', 'taking the host lock: there is no program "flock"; install util-linux, or busybox with its flock');
}

interface Ended {
  readonly code: number | null;
  readonly said: string;
}

/** `missing`: no such program that we may run, or a busybox without this applet (it ends with 127). */
async function run(program: string, args: readonly string[], fd: number, { deadlineMs, signal }: Locking): Promise<Ended | 'missing'> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe', fd], timeout: deadlineMs, signal, killSignal: 'SIGKILL' });
    let said = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(0, 200);
    });
    child.on('error', (error) => {
      // EACCES: not executable, or a directory on PATH that is closed to us hides whether there is one
      if (error.name === 'AbortError') resolve({ code: null, said: '' });
      else if (codeOf(error) === 'ENOENT' || codeOf(error) === 'EACCES') resolve('missing');
      else reject(new PortError('failed', `taking the host lock: ${program}: ${messageOf(error)}`, { cause: error }));
    });
    child.on('close', (code) => resolve(code === 127 ? 'missing' : { code, said: said.trim() }));
  });
}
