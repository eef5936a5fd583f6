/** How much this node keeps: when a checkpoint is one too many, or too large. Pure. */
import type { Checkpoint, CheckpointKey } from '../model/model.ts';
import { type Refusal, refusal } from '../model/refusal.ts';

/** The keys `limits.*` of the configuration. */
export interface Limits {
  readonly checkpoints: number;
  readonly bytesPerPod: number;
  readonly bytesTotal: number;
}

/** Before anything is read: has the node room for this one? A checkpoint that is there already may stay. */
export function noRoomFor(key: CheckpointKey, kept: Iterable<Checkpoint>, limits: Limits): Refusal | undefined {
  const others = [...kept].filter(({ record }) => record.self !== true);
  if (others.some((checkpoint) => checkpoint.key === key) || others.length < limits.checkpoints) return undefined;
  return refusal('limit', `the node already keeps ${limits.checkpoints} checkpoints; raise limits.checkpoints`);
}

/** Bytes that all others leave for this one; 0 where they take everything. */
export function bytesLeftFor(key: CheckpointKey, kept: Iterable<Checkpoint>, limits: Limits): number {
  const others = [...kept].filter((checkpoint) => checkpoint.record.self !== true && checkpoint.key !== key);
  return Math.max(0, limits.bytesTotal - others.reduce((sum, checkpoint) => sum + checkpoint.bytes, 0));
}

export function tooLargeForTotal({ bytesTotal }: Limits): Refusal {
  return refusal('limit', `with this pod the checkpoints of the node would take more than ${bytesTotal} bytes; raise limits.bytesTotal`);
}

export function tooLargeForPod({ bytesPerPod }: Limits): Refusal {
  const remedy = 'raise limits.bytesPerPod, or keep large data out of Secrets and ConfigMaps';
  return refusal('limit', `the files of its volumes take more than ${bytesPerPod} bytes; ${remedy}`);
}
