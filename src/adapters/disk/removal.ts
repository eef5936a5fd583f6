/**
 * Taking things away. A directory is first renamed into `<stateDir>/tmp`, durably, and only then deleted: a crash
 * leaves either all of it in place, or none of it there and a leftover that the next start sweeps.
 * Never follows a symlink.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '../../core/model/errors.ts';
import { NotDurableError, wrapError } from './errors.ts';
import type { Primitives } from './primitives.ts';
import { syncParents } from './sync.ts';

const MAX_NAMES_TRIED = 1000;

/** Renames a directory to the next free temporary name, durably; returns it. Throws PortError. */
export async function moveAside(primitives: Primitives, from: string, temp: () => string): Promise<string> {
  let to = temp();
  for (let tried = 1; ; tried++) {
    try {
      await primitives.rename(from, to);
      break;
    } catch (error) {
      const taken = ['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(codeOf(error) ?? '');
      if (!taken || tried >= MAX_NAMES_TRIED) throw wrapError(`moving ${from} away`, error);
      to = temp();
    }
  }
  try {
    await syncParents(primitives, from, to);
  } catch (error) {
    throw new NotDurableError(`moving ${from} away: it is gone, but its directory could not be synced`, error);
  }
  return to;
}

/** Deletes whatever has this name; a crash leaves a part of it. Absent is success. Throws the system's error. */
export async function deleteTree(primitives: Primitives, path: string): Promise<void> {
  let names: readonly string[];
  try {
    await primitives.unlink(path);
    return;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    // Linux says EISDIR, other systems EPERM
    if (codeOf(error) !== 'EISDIR' && codeOf(error) !== 'EPERM') throw error;
    names = await readdir(path);
  }
  for (const name of names) await deleteTree(primitives, join(path, name));
  await primitives.rmdir(path);
}

/** Removes one name, durably. `check` is the last look: false leaves it. Absent is success. Throws PortError. */
export async function removeFile(primitives: Primitives, path: string, check: () => Promise<boolean>): Promise<void> {
  if (!(await check())) return;
  try {
    await primitives.unlink(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw wrapError(`removing ${path}`, error);
  }
  try {
    await syncParents(primitives, path);
  } catch (error) {
    throw new NotDurableError(`removing ${path}: it is gone, but its directory could not be synced`, error);
  }
}
