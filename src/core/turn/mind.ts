/** What is remembered from turn to turn, in memory only. */
import type { CheckpointKey, Millis } from '../model/model.ts';
import type { Track } from './track.ts';

/** Carried from turn to turn in memory; losing it (a restart) only starts graces anew. */
export interface Mind {
  readonly tracks: ReadonlyMap<CheckpointKey, Track>;
  /** Since when the rules would start each copy that some obstacle holds back. */
  readonly waitingSince: ReadonlyMap<CheckpointKey, Millis>;
  /** Many checkpoints were about to be retired at once: each needs a read made at or after this moment. */
  readonly confirmAfter?: Millis;
}

export const EMPTY_MIND: Mind = { tracks: new Map(), waitingSince: new Map() };
