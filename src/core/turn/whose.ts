/**
 * Whose checkpoint is this: of this node and this cluster, or of another?
 *
 * A cluster is the set of its CA certificates, and one in common is enough: a rotation appends the new one and removes
 * the old one later. Records from before that rule have one digest over the whole set. It is known again while the set
 * is the same, and where it was a set of one that is still in the bundle. Pure.
 */
import { clusterDigest } from '../model/cluster.ts';
import type { Checkpoint } from '../model/model.ts';
import type { Where } from './observation.ts';

export type Whose = 'ours' | 'other-node' | 'other-cluster';

type Marked = Pick<Checkpoint, 'record' | 'cas'>;

export function whose(checkpoint: Marked, where: Where): Whose {
  const { node } = checkpoint.record;
  if (node.name !== where.node || node.machineId !== where.machineId) return 'other-node';
  return sameCluster(checkpoint, where) ? 'ours' : 'other-cluster';
}

/** Known to be another's. A record that cannot be read tells no node; of its cluster the stamp beside it may tell. */
export function isStrange(checkpoint: Checkpoint, where: Where): boolean {
  if (checkpoint.record.parent.uid !== '') return whose(checkpoint, where) !== 'ours';
  return checkpoint.cas !== undefined && !sameCluster(checkpoint, where);
}

function sameCluster({ record, cas = [] }: Marked, where: Where): boolean {
  const now = where.cas ?? [];
  if (cas.some((ca) => now.includes(ca))) return true;
  if (record.cluster === '') return false;
  return record.cluster === where.cluster || now.some((ca) => clusterDigest([ca]) === record.cluster);
}

/** Is it to be written down anew which CA certificates the cluster has? Only of what is ours, whole, and not so yet. */
export function wantsStamp(checkpoint: Checkpoint, where: Where): boolean {
  const { cas: now = [] } = where;
  if (now.length === 0 || checkpoint.problem !== undefined || whose(checkpoint, where) !== 'ours') return false;
  return checkpoint.cas?.join() !== now.join();
}
