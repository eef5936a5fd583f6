/**
 * Does the kubelet have a placed copy, and may one that it does not have be placed anew? Pure.
 *
 * A copy that podresources lists is admitted. It may wait for a mount, an image or the network, and the kubelet tries
 * on. Other bytes would be another pod under the same name, which a kubelet without an API server never starts while
 * the one before waits: a retry would end what it is meant to help.
 *
 * Kubelets from 1.34 on list active pods, so none that was rejected. Older ones list every pod they have loaded
 * (`pkg/kubelet/apis/podresources/server_v1.go` and `kubelet_pods.go`: GetActivePods; gate
 * KubeletPodResourcesListUseActivePods, new in 1.34). There a rejected copy is listed as well, and so is never placed
 * anew: to leave it alone is the safe mistake.
 */
import { fieldAt, textField } from '../model/json.ts';
import { copyFullName } from '../model/keys.ts';
import type { Checkpoint, Millis } from '../model/model.ts';
import { anyAlive, placedSandboxes } from './copy-here.ts';
import type { Observation } from './observation.ts';
import { START_DEADLINE_MS } from './policy.ts';
import type { Subject } from './subject.ts';

/** What of a stored manifest tells how the kubelet deals with the copy; `name` is '' where it cannot be read. */
export interface CopyShape {
  /** As the manifest has it, without the name of the node. */
  readonly name: string;
  /** On the network of pods, which may not be ready. */
  readonly podNetwork: boolean;
}

/** Not the strict reading of `decodeManifest`, which also proves the bytes: this is asked in every turn. */
export function copyShape({ manifest }: Pick<Checkpoint, 'manifest'>): CopyShape {
  try {
    const pod: unknown = JSON.parse(manifest);
    return { name: textField(fieldAt(pod, 'metadata'), 'name') ?? '', podNetwork: fieldAt(pod, 'spec', 'hostNetwork') !== true };
  } catch {
    return { name: '', podNetwork: false };
  }
}

/** Does the kubelet list the copy? */
export function copyListed(checkpoint: Checkpoint, o: Pick<Observation, 'kubelet' | 'where'>): boolean | 'unknown' {
  const { name } = copyShape(checkpoint);
  if (!o.kubelet.known || name === '') return 'unknown';
  return o.kubelet.value.has(`${checkpoint.record.parent.namespace}/${copyFullName(name, o.where.node)}`);
}

/**
 * The clock of {@link refused}, after this look. Where a source is silent it stops, unlike others: what answers next
 * may be a new kubelet process that has not read its files yet, or a runtime that is still loading. A turn that only
 * looks for a parent, and does not ask the kubelet, leaves it as it was.
 */
export function unlistedSince({ checkpoint, placed, track }: Subject, o: Observation): Millis | undefined {
  if (placed?.phase !== 'placed' || !o.runtime.known) return undefined;
  const view = o.runtime.value;
  if (anyAlive(placedSandboxes(checkpoint, placed, view), view)) return undefined;
  const last = track.placedSince;
  const same = last?.attempt === placed.attempt && last.revision === placed.revision;
  const before = same ? track.unlistedSince : undefined;
  if (o.unasked === true) return before;
  return copyListed(checkpoint, o) === false ? (before ?? o.now) : undefined;
}

/**
 * The kubelet refused the copy, or has not read its manifest: neither it nor the runtime has had anything of it for
 * {@link START_DEADLINE_MS}. The patience doubles with each attempt, up to eightfold.
 */
export function refused({ checkpoint, placed, track }: Subject, o: Observation): boolean {
  if (placed?.phase !== 'placed' || track.unlistedSince === undefined || !o.runtime.known) return false;
  const patience = START_DEADLINE_MS * 2 ** Math.min(placed.attempt - 1, 3);
  if (o.now - track.unlistedSince < patience) return false;
  // that it ran in another boot says nothing of this one
  return placed.bootId !== o.where.bootId || placedSandboxes(checkpoint, placed, o.runtime.value).length === 0;
}
