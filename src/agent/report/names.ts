/** How a checkpoint is called in logs and metrics: by its parent. */
import type { Checkpoint, CheckpointKey } from '../../core/model/model.ts';

/** `namespace/name`, as people write it. */
export function nameOf({ record }: Checkpoint): string {
  return `${record.parent.namespace}/${record.parent.name}`;
}

/** The key where there is no such checkpoint any more. */
export function nameOfKey(key: CheckpointKey, checkpoint: Checkpoint | undefined): string {
  return checkpoint === undefined ? key : nameOf(checkpoint);
}

export function labelsOf({ record }: Checkpoint): { readonly namespace: string; readonly pod: string } {
  return { namespace: record.parent.namespace, pod: record.parent.name };
}
