/** Questions to the ledger: what is placed, and whom a place is not given to for a while. Pure. */
import type { CheckpointKey, HandBackMemory, Ledger, Placed } from './model.ts';
import { parseTime } from './time.ts';

/** Placed copies of others: the standby beside them waits for no parent and counts against no limit. */
export function copiesIn(ledger: Ledger): readonly Placed[] {
  return ledger.placed.filter((placed) => placed.self !== true);
}

export function placedOf(ledger: Ledger, key: CheckpointKey): Ledger['placed'][number] | undefined {
  return ledger.placed.find((placed) => placed.key === key);
}

/** From the second failed hand-back on the same pod waits 5, 15, then 60 minutes; another uid starts afresh. */
export function barred(memory: HandBackMemory | undefined, uid: string, wall: number): boolean {
  return memory?.blockedUntil !== undefined && memory.toUid === uid && wall < parseTime(memory.blockedUntil);
}
