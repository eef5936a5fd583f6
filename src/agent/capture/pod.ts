/** How a pod as the API server sent it is called. */
import { checkpointKey } from '../../core/model/keys.ts';
import type { CheckpointKey, RawPod } from '../../core/model/model.ts';

export function uidOf(pod: RawPod): string {
  return pod.metadata?.uid ?? '';
}

export function keyOf(pod: RawPod): CheckpointKey {
  return checkpointKey({ namespace: pod.metadata?.namespace ?? '', name: pod.metadata?.name ?? '' });
}

/** `namespace/name`, as people write it. */
export function nameOf(pod: RawPod): string {
  return `${pod.metadata?.namespace ?? ''}/${pod.metadata?.name ?? ''}`;
}
