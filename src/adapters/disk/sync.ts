/**
 * Descriptors and directories: always closed, and a failing close is a failing write. No names are changed here.
 */
import { dirname } from 'node:path';
import type { Primitives } from './primitives.ts';

/** A failing close counts as a failed write: some file systems report a full disk only there. */
export async function closing(primitives: Primitives, fd: number, use: (fd: number) => Promise<void>): Promise<void> {
  try {
    await use(fd);
  } catch (error) {
    await primitives.close(fd).catch(() => undefined);
    throw error;
  }
  await primitives.close(fd);
}

/** fsync of a directory: makes the names in it durable. */
export async function syncDirectory(primitives: Primitives, path: string): Promise<void> {
  await closing(primitives, await primitives.openDirectory(path), (fd) => primitives.fsync(fd));
}

/** fsync of the directories that hold these names, each once, in this order. */
export async function syncParents(primitives: Primitives, ...paths: readonly string[]): Promise<void> {
  for (const directory of new Set(paths.map((path) => dirname(path)))) await syncDirectory(primitives, directory);
}

/** The mode goes through the descriptor, because mkdir(2) lets the umask cut it. */
export async function settleDirectory(primitives: Primitives, path: string, mode: number): Promise<void> {
  await closing(primitives, await primitives.openDirectory(path), async (fd) => {
    await primitives.chmod(fd, mode);
    await primitives.fsync(fd);
  });
}
