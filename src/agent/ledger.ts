/** Reads the ledger when the lock is ours, and makes it anew from proof where it was lost. */

import type { Checkpoint, Ledger } from '../core/model/model.ts';
import { adoptOwn } from '../core/turn/adopt.ts';
import { PortError, type Ports } from '../ports.ts';

/** A ledger that is lost or damaged is made again from what lies in staticPodPath and is, byte for byte, ours. */
export async function readLedger(
  ports: Pick<Ports, 'store' | 'manifests' | 'clock' | 'log'>,
  checkpoints: readonly Checkpoint[],
): Promise<Ledger> {
  const ledger = await ports.store.readLedger().catch((error: unknown): Ledger => {
    if (!(error instanceof PortError) || error.kind !== 'invalid') throw error;
    ports.log.error('The ledger is damaged and is made again from the manifests found', { error: error.message });
    return { formatVersion: 1, placed: [], handBacks: [] };
  });
  const found = await ports.manifests.list().catch(() => []);
  return adoptOwn(ledger, checkpoints, found, ports.clock.wall());
}
