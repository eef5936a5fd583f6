/** Whom is the place of a copy not given to for a while? Pure. */
import type { HandBackMemory } from './model/model.ts';
import { parseTime } from './model/time.ts';

/** From the second failed hand-back on the same pod waits 5, 15, then 60 minutes; another uid starts afresh. */
export function barred(memory: HandBackMemory | undefined, uid: string, wall: number): boolean {
  return memory?.blockedUntil !== undefined && memory.toUid === uid && wall < parseTime(memory.blockedUntil);
}
