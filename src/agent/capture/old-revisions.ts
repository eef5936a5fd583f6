/** Removes the revisions that captures have left behind, when nothing mounts them any more. */
import { messageOf } from '../../core/model/errors.ts';
import { ANNOTATION_REVISION } from '../../core/model/keys.ts';
import type { CheckpointKey, Millis } from '../../core/model/model.ts';
import type { Ports } from '../../ports.ts';
import type { Held } from '../held.ts';

const RUNTIME_DEADLINE_MS: Millis = 2_000;

export interface OldRevisions {
  /** A capture has left one behind. */
  leave(key: CheckpointKey): void;
  /** While the runtime cannot be asked they stay until the next capture of that pod. */
  remove(): Promise<void>;
}

export function createOldRevisions(ports: Pick<Ports, 'runtime' | 'store' | 'log'>, held: Held): OldRevisions {
  const left = new Set<CheckpointKey>();
  return {
    leave(key) {
      left.add(key);
    },
    async remove() {
      if (left.size === 0) return;
      const keys = [...left];
      left.clear();
      const view = await ports.runtime.view(RUNTIME_DEADLINE_MS).catch(() => undefined);
      if (view === undefined) return;
      const mounted = view.sandboxes.flatMap((sandbox) => sandbox.annotations[ANNOTATION_REVISION] ?? []);
      for (const key of keys) {
        const placed = held.ledger.placed.filter((entry) => entry.key === key).map(({ revision }) => revision);
        await ports.store.prune(key, [...new Set([...placed, ...mounted])]).catch((error: unknown) =>
          ports.log.warn('An old revision could not be removed; the next capture tries again', {
            checkpoint: key,
            error: messageOf(error),
          }),
        );
      }
    },
  };
}
