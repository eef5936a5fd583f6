/**
 * When is a stored checkpoint read again, and what is believed of it then? Pure.
 *
 * A copy starts only from what was read whole a moment before. What could not be read is unknown: it starts nothing, is
 * known by what was read of it before, and is read again, as is what is damaged, until it is whole.
 */
import type { Action } from '../model/actions.ts';
import type { Checkpoint, CheckpointKey, Millis, Reachability } from '../model/model.ts';
import { parseTime } from '../model/time.ts';

/** While no outage goes on: damage is found while the parent can still be captured anew. */
export const VERIFY_EVERY_MS: Millis = 60_000;
/** What was read so long ago is fresh: an outage that begins, and the copies that start with it, share one reading. */
export const FRESH_MS: Millis = 5_000;
const AGAIN_FIRST_MS: Millis = 2_000;
const AGAIN_MOST_MS: Millis = 60_000;
/**
 * After so many reads in vain, over a minute, it is damaged as far as anyone can tell: a bad sector reads no better
 * later.
 */
export const UNREAD_TRIES = 6;

/** The last reading of one checkpoint. */
export interface Reading {
  readonly at: Millis;
  /** So many in a row gave a problem. */
  readonly bad: number;
}

export interface ReadingsInput {
  readonly api: Reachability;
  readonly now: Millis;
  readonly checkpoints: readonly Pick<Checkpoint, 'key' | 'problem'>[];
  readonly readings: ReadonlyMap<CheckpointKey, Reading>;
  /** When all of them were last read. */
  readonly allAt: Millis;
  /** All were read since this outage began. */
  readonly outageRead: boolean;
  /** A parent is about to take over, or a capture is writing: what is read now is in the way, or old at once. */
  readonly busy: boolean;
}

/**
 * What this turn reads. During an outage only what has a problem is read over and over. A copy that runs needs no
 * reading.
 */
export function dueReads(input: ReadingsInput): 'all' | readonly CheckpointKey[] {
  const { api, now, checkpoints, readings, allAt, outageRead, busy } = input;
  if (api !== 'unreachable') return now - allAt >= VERIFY_EVERY_MS && !busy ? 'all' : [];
  if (!outageRead && now - allAt >= FRESH_MS) return 'all';
  return checkpoints.filter(({ key, problem }) => problem !== undefined && now >= againAt(readings.get(key))).map(({ key }) => key);
}

function againAt(reading: Reading | undefined): Millis {
  if (reading === undefined) return 0;
  return reading.at + Math.min(AGAIN_MOST_MS, AGAIN_FIRST_MS * 2 ** Math.max(0, reading.bad - 1));
}

/** `found`: what the reading that ended at `at` gave. */
export function afterReading(before: Reading | undefined, found: Pick<Checkpoint, 'problem'>, at: Millis): Reading {
  return { at, bad: found.problem === undefined ? 0 : (before?.bad ?? 0) + 1 };
}

/** What is known from now on, this being the reading that `found` comes from. Not every confirmation is written. */
export function believed(before: Checkpoint | undefined, found: Checkpoint, reading: Reading): Checkpoint {
  const { unread, problem } = found;
  if (unread === undefined || problem === undefined) {
    const later = before !== undefined && parseTime(before.confirmedAt) > parseTime(found.confirmedAt);
    return later ? { ...found, confirmedAt: before.confirmedAt } : found;
  }
  const { unread: _, ...known } = before ?? found;
  return { ...known, problem, ...(reading.bad < UNREAD_TRIES ? { unread } : {}) };
}

/** Was it read whole a moment ago, and need not be read again before its copy starts? */
export function isFresh(reading: Reading | undefined, now: Millis): boolean {
  return reading !== undefined && reading.bad === 0 && now - reading.at < FRESH_MS;
}

/** May this manifest appear, now that its checkpoint has been read? If not, the next turn plans by what was read. */
export function mayPlace({ placed }: Extract<Action, { do: 'place' }>, read: Checkpoint | undefined): boolean {
  return read !== undefined && read.problem === undefined && read.record.revision === placed.revision;
}
