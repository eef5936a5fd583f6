/**
 * Who counts as the parent: the captured pod, its successor on this node, and what the runtime shows as either of them.
 *
 * A DaemonSet keeps one pod per node, so a new pod of the same DaemonSet here is the parent's successor, and a copy
 * makes way for it as it would for the parent. A ReplicaSet may run two pods on one node at once, so no guess is made.
 * Pure.
 */
import type { Checkpoint, RawPod, RuntimeView, Seen } from '../model/model.ts';
import { type Namesake, namesakes } from './namesakes.ts';

export interface Parent {
  /** Of the captured pod; '' where its record could not be read. */
  readonly uid: string;
  /** By the watch. */
  readonly successors: readonly Namesake[];
  /** By the runtime, whatever the watch says: local truth. */
  readonly seenHere: readonly Namesake[];
  /** `namespace/name`, as the kubelet lists pods. */
  readonly names: readonly string[];
}

/** `pods`: the watch's pods of this node, by uid. */
export function identities(
  checkpoint: Pick<Checkpoint, 'record' | 'manifest'>,
  pods: ReadonlyMap<string, RawPod>,
  runtime: Seen<RuntimeView>,
  byController: ReadonlyMap<string, readonly RawPod[]> = podsByController(pods),
): Parent {
  const { namespace, name, uid, controller } = checkpoint.record.parent;
  const successors =
    controller?.kind === 'DaemonSet'
      ? (byController.get(controller.uid) ?? [])
          .filter((pod) => pod.metadata?.uid !== uid)
          .map((pod) => ({ uid: pod.metadata?.uid ?? '', namespace: pod.metadata?.namespace ?? '', name: pod.metadata?.name ?? '' }))
      : [];
  const seenHere = runtime.known ? namesakes(checkpoint, runtime.value) : [];
  const names = [{ namespace, name }, ...successors, ...seenHere].map((pod) => `${pod.namespace}/${pod.name}`);
  return { uid, successors, seenHere, names: [...new Set(names)] };
}

/** The watch's pods by the uid of what controls them, for all who ask in one turn. */
export function podsByController(pods: ReadonlyMap<string, RawPod>): ReadonlyMap<string, readonly RawPod[]> {
  const found = new Map<string, RawPod[]>();
  for (const pod of pods.values()) {
    const uid = controllerUid(pod);
    if (uid === undefined) continue;
    const group = found.get(uid);
    if (group === undefined) found.set(uid, [pod]);
    else group.push(pod);
  }
  return found;
}

/** Does this pod uid belong to the parent or its successor? */
export function ofPod(parent: Parent, uid: string): boolean {
  return uid === parent.uid || parent.successors.some((pod) => pod.uid === uid) || parent.seenHere.some((pod) => pod.uid === uid);
}

/** The uids of all pods that count as the parent, each once, that of the captured pod first. */
export function uidsOf({ uid, successors, seenHere }: Parent): readonly string[] {
  // asked for again and again, and there is rarely another one
  if (successors.length === 0 && seenHere.every((pod) => pod.uid === uid)) return [uid];
  return [...new Set([uid, ...[...successors, ...seenHere].map((pod) => pod.uid)])];
}

/** `keys`: the annotations that opt a pod in. */
export function optedIn(pod: RawPod, keys: readonly string[]): boolean {
  return keys.some((key) => pod.metadata?.annotations?.[key] === 'true');
}

/** uid of the object that the API server names as the pod's controller. */
export function controllerUid(pod: RawPod | undefined): string | undefined {
  return pod?.metadata?.ownerReferences?.find((owner) => owner.controller === true)?.uid;
}
