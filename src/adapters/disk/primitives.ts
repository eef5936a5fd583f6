/**
 * The few system calls that change a disk, as one record, so that a test can replace any of them, and so that the host
 * lock is asked in one place before each. Never reads, never decides.
 *
 * All of them run on libuv's threads: a disk that hangs stalls the write, not the hand-back.
 */
import { close, constants, fchmod, fchown, fsync, mkdir, open, rename, rmdir, symlink, unlink, write } from 'node:fs';
import { promisify } from 'node:util';
import { PortError } from '../../ports.ts';

export interface Primitives {
  /** O_CREAT|O_EXCL|O_NOFOLLOW, for writing only: never opens what was there before. */
  createFile(path: string, mode: number): Promise<number>;
  /** For {@link Primitives.fsync} and {@link Primitives.chmod}; refuses a symlink. */
  openDirectory(path: string): Promise<number>;
  /** May write less than it was given, as write(2) may. */
  write(fd: number, bytes: Uint8Array): Promise<number>;
  chmod(fd: number, mode: number): Promise<void>;
  chown(fd: number, uid: number, gid: number): Promise<void>;
  fsync(fd: number): Promise<void>;
  close(fd: number): Promise<void>;
  mkdir(path: string, mode: number): Promise<void>;
  symlink(target: string, path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  rmdir(path: string): Promise<void>;
}

const openFd = promisify(open);
const writeFd = promisify(write) as (fd: number, bytes: Uint8Array) => Promise<{ bytesWritten: number }>;

export function nodePrimitives(): Primitives {
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY, O_RDONLY, O_DIRECTORY } = constants;
  return {
    createFile: (path, mode) => openFd(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode),
    openDirectory: (path) => openFd(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW),
    write: async (fd, bytes) => (await writeFd(fd, bytes)).bytesWritten,
    chmod: promisify(fchmod),
    chown: promisify(fchown),
    fsync: promisify(fsync),
    close: promisify(close),
    mkdir: async (path, mode) => {
      await promisify(mkdir)(path, { mode });
    },
    symlink: (target, path) => promisify(symlink)(target, path),
    rename: promisify(rename),
    unlink: promisify(unlink),
    rmdir: (path) => promisify(rmdir)(path),
  };
}

/**
 * The same calls, each refused with PortError `denied` when `mayWrite` says that this process may not change the host
 * (the host lock is gone). Only calls that change names are asked about: bytes go into files that we have just created.
 */
export function guardedPrimitives(primitives: Primitives, mayWrite: () => boolean): Primitives {
  function guard(): void {
    if (!mayWrite()) throw new PortError('denied', 'the host lock is not held by this process: nothing was changed');
  }
  return {
    ...primitives,
    createFile: async (path, mode) => {
      guard();
      return primitives.createFile(path, mode);
    },
    mkdir: async (path, mode) => {
      guard();
      return primitives.mkdir(path, mode);
    },
    symlink: async (target, path) => {
      guard();
      return primitives.symlink(target, path);
    },
    rename: async (from, to) => {
      guard();
      return primitives.rename(from, to);
    },
    unlink: async (path) => {
      guard();
      return primitives.unlink(path);
    },
    rmdir: async (path) => {
      guard();
      return primitives.rmdir(path);
    },
  };
}
