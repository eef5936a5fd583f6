/** Questions to the ledger: which copies are placed, what of this checkpoint, and who is not trusted for now? Pure. */
import type { CheckpointKey, HandBackMemory, Ledger, Millis, Placed } from './model.ts';
import { parseTime } from './time.ts';

/** Nobody is barred for longer. What says otherwise was written under a clock that was ahead of today's. */
export const LONGEST_PAUSE_MS: Millis = 60 * 60_000;

/** Placed copies, leaving ones included. The standby is none: it waits for no parent and counts against no limit. */
export function copiesIn(ledger: Ledger): readonly Placed[] {
  return ledger.placed.filter((placed) => placed.self !== true);
}

/** The copy or the standby of this checkpoint, as the disk has it. */
export function placedOf(ledger: Ledger, key: CheckpointKey): Placed | undefined {
  return ledger.placed.find((placed) => placed.key === key);
}

/**
 * Has this pod just failed with the place it was given, so that it does not get it again yet? The pauses are those of
 * `core/turn/plan.ts` for a copy's place and of `core/self/yield.ts` for the lock; another uid starts afresh.
 * `wall`: milliseconds since 1970.
 */
export function barred(memory: Pick<HandBackMemory, 'toUid' | 'blockedUntil'> | undefined, uid: string, wall: number): boolean {
  if (memory?.blockedUntil === undefined || memory.toUid !== uid) return false;
  const left = parseTime(memory.blockedUntil) - wall;
  return left > 0 && left <= LONGEST_PAUSE_MS;
}
