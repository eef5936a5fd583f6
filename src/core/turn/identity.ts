/**
 * Who counts as the parent: the pod that was captured, and its successor on this node.
 *
 * A DaemonSet keeps one pod per node, so a new pod of the same DaemonSet here is the parent's successor, and a copy
 * makes way for it as it would for the parent. A ReplicaSet may run two pods on one node at once, so no guess is made.
 * Pure.
 */
import type { RawPod, RevisionRecord } from '../model/model.ts';

export interface Parent {
  /** Of the captured pod; '' where its record could not be read. */
  readonly uid: string;
  readonly successors: readonly { readonly uid: string; readonly namespace: string; readonly name: string }[];
  /** `namespace/name`, as the kubelet lists pods. */
  readonly names: readonly string[];
}

/** `pods`: the watch's pods of this node, by uid. */
export function identities(record: RevisionRecord, pods: ReadonlyMap<string, RawPod>): Parent {
  const { namespace, name, uid, controller } = record.parent;
  const successors =
    controller?.kind === 'DaemonSet'
      ? [...pods.values()]
          .filter((pod) => pod.metadata?.uid !== uid && controllerUid(pod) === controller.uid)
          .map((pod) => ({ uid: pod.metadata?.uid ?? '', namespace: pod.metadata?.namespace ?? '', name: pod.metadata?.name ?? '' }))
      : [];
  return { uid, successors, names: [`${namespace}/${name}`, ...successors.map((pod) => `${pod.namespace}/${pod.name}`)] };
}

/** Does this pod uid belong to the parent or its successor? */
export function ofPod(parent: Parent, uid: string): boolean {
  return uid === parent.uid || parent.successors.some((pod) => pod.uid === uid);
}

/** `keys`: the annotations that opt a pod in. */
export function optedIn(pod: RawPod, keys: readonly string[]): boolean {
  return keys.some((key) => pod.metadata?.annotations?.[key] === 'true');
}

/** uid of the object that the API server names as the pod's controller. */
export function controllerUid(pod: RawPod | undefined): string | undefined {
  return pod?.metadata?.ownerReferences?.find((owner) => owner.controller === true)?.uid;
}
