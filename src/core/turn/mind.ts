/** What does one turn leave to the next? In memory only: whatever must outlive the process is in the ledger. */
import type { CheckpointKey, Millis } from '../model/model.ts';
import type { Blindness } from './blind.ts';
import type { CopyWords } from './copy-words.ts';
import { NO_OUTLOOK, type Outlook } from './outlook.ts';
import type { Pressure } from './pressure.ts';
import type { Track } from './track.ts';
import type { Witness } from './witness.ts';

/** Losing it (a restart) only starts graces anew, which can only delay. */
export interface Mind {
  readonly tracks: ReadonlyMap<CheckpointKey, Track>;
  /** Since when the rules would start each copy that an obstacle holds back, or that starts in the last turn. */
  readonly waitingSince: ReadonlyMap<CheckpointKey, Millis>;
  /** Many checkpoints were about to be retired at once: each needs a read made at or after this moment. */
  readonly confirmAfter?: Millis;
  /** What would keep copies from starting, and what it rests on; for people only. */
  readonly outlook: Outlook;
  /** The kubelet shows no sign of contact to an API server, and something waits for one. */
  readonly blindness?: Blindness;
  /** What the runtime has told of copies that do not serve, and what it is to be asked. */
  readonly copies?: CopyWords;
  /** What the kubelet has shown to have from an API server. */
  readonly witness?: Witness;
  /** What the node is short of, while a copy may wait for it. */
  readonly pressure?: Pressure;
}

/** Of a process that has not had a turn yet. */
export const EMPTY_MIND: Mind = { tracks: new Map(), waitingSince: new Map(), outlook: NO_OUTLOOK };
