/** What the agent holds in memory of the disk. The disk is written first, then this. */
import type { Checkpoint, CheckpointKey, Ledger, Millis } from '../core/model/model.ts';
import type { Pids } from './hand-back/pids.ts';

export interface Held {
  ledger: Ledger;
  readonly checkpoints: Map<CheckpointKey, Checkpoint>;
  /** Withdrawals that the close watch has begun and no turn has put into the ledger yet; `done` says whether it worked. */
  readonly withdrawing: Map<CheckpointKey, Begun>;
  readonly pids: Pids;
}

export interface Begun {
  readonly at: Millis;
  /** The pod that it makes way for. */
  readonly toUid: string;
  readonly done: Promise<boolean>;
}
