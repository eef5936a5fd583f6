/**
 * A store on a scratch directory with one checkpoint in it.
 */
import { join } from 'node:path';
import { openStore } from '../../../src/adapters/disk/store.ts';
import type { Checkpoint } from '../../../src/core/model/model.ts';
import type { Store } from '../../../src/ports.ts';
import { draft } from '../../fakes/disk-draft.ts';

export interface Stored {
  readonly dir: string;
  readonly store: Store;
  readonly saved: Checkpoint;
  readonly home: string;
  readonly revision: string;
}

/** A store with one good checkpoint, `default_web`. */
export async function storedIn(dir: string): Promise<Stored> {
  const store = await openStore({ dir, mayWrite: () => true });
  const saved = await store.save(draft());
  if (saved === undefined) throw new Error('nothing was saved');
  const home = join(dir, 'checkpoints', 'default_web');
  return { dir, store, saved, home, revision: join(home, 'revisions', saved.record.revision) };
}
