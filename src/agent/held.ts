/**
 * What the agent holds in memory of the disk: checkpoints and ledger, and what is on its way between the two.
 * The disk is written first, then this; of the ledger that is done here and nowhere else.
 */
import type { Checkpoint, CheckpointKey, Ledger, Millis } from '../core/model/model.ts';
import type { Ports } from '../ports.ts';
import { createPids, type Pids } from './hand-back/pids.ts';
import { readLedger } from './ledger.ts';

export interface Held {
  /** As it was last read or written. */
  readonly ledger: Ledger;
  /** Once, when the lock is ours and the checkpoints were read. */
  readLedger(): Promise<void>;
  /** Throws PortError; the ledger is then, here as well, what it was. */
  writeLedger(next: Ledger): Promise<void>;
  readonly checkpoints: Map<CheckpointKey, Checkpoint>;
  /** Withdrawals that the close watch has begun and no turn has put into the ledger yet. */
  readonly withdrawing: Map<CheckpointKey, Begun>;
  readonly pids: Pids;
}

export interface Begun {
  readonly at: Millis;
  /** The pod that it makes way for. */
  readonly toUid: string;
  /** Whether it worked. */
  readonly done: Promise<boolean>;
}

export type HeldPorts = Pick<Ports, 'store' | 'manifests' | 'clock' | 'log' | 'runtime' | 'processes'>;

export function createHeld(ports: HeldPorts): Held {
  const checkpoints = new Map<CheckpointKey, Checkpoint>();
  let ledger: Ledger = { formatVersion: 1, placed: [], handBacks: [] };
  return {
    get ledger() {
      return ledger;
    },
    async readLedger() {
      ledger = await readLedger(ports, [...checkpoints.values()]);
    },
    async writeLedger(next) {
      await ports.store.writeLedger(next);
      ledger = next;
    },
    checkpoints,
    withdrawing: new Map(),
    pids: createPids(ports),
  };
}
