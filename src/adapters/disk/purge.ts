/**
 * Empties the state directory of everything that is ours, by our own names. For `cleanup --purge` only, with the host
 * lock held and the checkpoints removed. Foreign names stay. A crash leaves a state that the next start understands:
 * the format file outlives all data, and the lock file outlives the format file.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '../../core/model/errors.ts';
import { wrapError } from './errors.ts';
import { ADDRESSES_FILE, CHECKPOINTS, FORMAT_FILE, isTempName, LEDGER_FILE, LOCK_FILE, REQUESTED_FILE, TMP } from './layout.ts';
import { guardedPrimitives, nodePrimitives, type Primitives } from './primitives.ts';
import { deleteTree } from './removal.ts';

export interface PurgeOptions {
  readonly dir: string;
  /** Is the host lock held? */
  readonly mayWrite: () => boolean;
  readonly primitives?: Primitives;
}

/**
 * Returns the names that are still there afterwards: somebody else's, or a checkpoint that could not be removed. Throws
 * PortError.
 */
export async function purgeStateDir(options: PurgeOptions): Promise<readonly string[]> {
  const { dir } = options;
  const primitives = guardedPrimitives(options.primitives ?? nodePrimitives(), options.mayWrite);
  try {
    const temporary = await readdir(join(dir, TMP)).catch(() => []);
    for (const name of temporary.filter(isTempName)) await deleteTree(primitives, join(dir, TMP, name));
    await removeEmpty(primitives, join(dir, TMP));
    await removeEmpty(primitives, join(dir, CHECKPOINTS));
    const kept = await readdir(dir);
    // without its checkpoints the ledger says nothing; with one left both must stay readable
    if (!kept.includes(CHECKPOINTS)) {
      for (const name of [ADDRESSES_FILE, REQUESTED_FILE, LEDGER_FILE, FORMAT_FILE, LOCK_FILE])
        if (kept.includes(name)) await primitives.unlink(join(dir, name));
    }
    return (await readdir(dir)).sort();
  } catch (error) {
    throw wrapError(`emptying ${dir}`, error);
  }
}

async function removeEmpty(primitives: Primitives, path: string): Promise<void> {
  try {
    await primitives.rmdir(path);
  } catch (error) {
    if (!['ENOENT', 'ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(codeOf(error) ?? '')) throw error;
  }
}
