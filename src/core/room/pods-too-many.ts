/**
 * May this node have as many pods as there are with a copy beside each parent? A copy that is one too many asks for no
 * less than a pod's place, whatever it reserves: the kubelet then evicts a pod for it, or rejects a parent that comes
 * back (`OutOfpods`). So it is said in good times. Pure.
 */
import type { Checkpoint } from '../model/model.ts';
import type { Requested } from './requested.ts';

export interface PodsInput {
  readonly requested: Requested | undefined;
  /** undefined: not known. */
  readonly podLimit: number | undefined;
  readonly checkpoints: readonly Checkpoint[];
  /** Copies that may be placed at once; the standby is none. */
  readonly activeLimit: number;
}

/** One sentence if there would be too many. */
export function podsTooMany({ requested, podLimit, checkpoints, activeLimit }: PodsInput): string | undefined {
  if (requested === undefined || podLimit === undefined) return undefined;
  const standbys = checkpoints.filter(({ record }) => record.self === true).length;
  const copies = Math.min(activeLimit, checkpoints.length - standbys);
  const all = requested.pods + standbys + copies;
  if (all <= podLimit) return undefined;
  const beside = `${copies} ${copies === 1 ? 'copy' : 'copies'}${standbys === 0 ? '' : ' and the standby'}`;
  return `with ${beside} beside the ${requested.pods} pods of this node there would be ${all}, and its kubelet takes ${podLimit} (maxPods): after an outage it would reject parents (OutOfpods), or evict other pods; raise maxPods, keep checkpoints of fewer pods, or lower limits.active`;
}
