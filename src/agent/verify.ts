/**
 * Reads the stored checkpoints again, every byte of them: once a minute while nothing is placed, so that damage is found while the parent can
 * still be captured anew, and at the beginning of every outage, because a copy starts only from what was just verified.
 */
import type { Checkpoint, CheckpointKey, Millis, Reachability } from '../core/model.ts';
import { copiesIn } from '../core/own.ts';
import type { Ports } from '../ports.ts';
import type { Held } from './apply.ts';

export interface Verifier {
  /** The checkpoints as they are now; where the store cannot be read, each with that as its problem. */
  checkpoints(api: Reachability, now: Millis): Promise<readonly Checkpoint[]>;
}

const VERIFY_EVERY_MS: Millis = 60_000;

export function createVerifier(ports: Ports, held: Held): Verifier {
  const told = new Map<CheckpointKey, string>();
  let last: Millis = ports.clock.now();
  let outageVerified = false;

  async function read(now: Millis): Promise<readonly Checkpoint[]> {
    const found = await ports.store.load();
    last = now;
    held.checkpoints.clear();
    for (const checkpoint of found) held.checkpoints.set(checkpoint.key, checkpoint);
    tell(found);
    return found;
  }

  /** Once for every new problem, and once when it is over. */
  function tell(found: readonly Checkpoint[]): void {
    for (const { key, problem, record } of found) {
      const checkpoint = `${record.parent.namespace}/${record.parent.name}`;
      if (problem !== undefined && told.get(key) !== problem)
        ports.log.error('A stored checkpoint cannot be used', { checkpoint, problem });
      if (problem === undefined && told.delete(key)) ports.log.info('The stored checkpoint is whole again', { checkpoint });
      if (problem !== undefined) told.set(key, problem);
    }
  }

  return {
    async checkpoints(api, now) {
      if (api !== 'unreachable') outageVerified = false;
      const due = api === 'unreachable' ? !outageVerified : now - last >= VERIFY_EVERY_MS && copiesIn(held.ledger).length === 0;
      if (!due) return [...held.checkpoints.values()];
      try {
        const found = await read(now);
        outageVerified = api === 'unreachable';
        return found;
      } catch (error) {
        const problem = `the store cannot be read: ${error instanceof Error ? error.message : String(error)}`;
        const unread = [...held.checkpoints.values()].map((checkpoint) => ({ ...checkpoint, problem }));
        tell(unread);
        last = now;
        return unread;
      }
    },
  };
}
