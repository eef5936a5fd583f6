/**
 * A PodList's JSON taken apart with suspicion: what is not surely a complete list of pods is refused, because an empty
 * list read out of nonsense would retire checkpoints. Pods are given exactly as the server sent them. Pure.
 */
import { isObject } from '../../core/model/json.ts';
import type { RawPod } from '../../core/model/model.ts';
import { PortError } from '../../ports.ts';

export interface PodListing {
  readonly resourceVersion: string;
  readonly pods: readonly RawPod[];
}

/** Throws PortError `invalid`, without quoting the text. */
export function parsePodList(text: string): PodListing {
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch {
    throw new PortError('invalid', 'the pod list is not JSON');
  }
  if (!isObject(root) || root['kind'] !== 'PodList' || root['apiVersion'] !== 'v1') {
    throw new PortError('invalid', 'the answer is not a PodList of v1');
  }
  const { metadata, items } = root;
  if (!isObject(metadata) || typeof metadata['resourceVersion'] !== 'string' || metadata['resourceVersion'] === '') {
    throw new PortError('invalid', 'the pod list has no resourceVersion');
  }
  if (typeof metadata['continue'] === 'string' && metadata['continue'] !== '') {
    throw new PortError('invalid', 'the pod list is incomplete though no limit was asked for');
  }
  // A Go server writes null for a nil slice.
  const list = items ?? [];
  if (!Array.isArray(list)) throw new PortError('invalid', 'the items of the pod list are no list');
  return { resourceVersion: metadata['resourceVersion'], pods: list.map(asPod) };
}

/** An object that is surely a pod: it has a name, a namespace and a uid. Throws PortError `invalid`. */
export function asPod(value: unknown): RawPod {
  const metadata = isObject(value) ? value['metadata'] : undefined;
  const complete =
    isObject(metadata) && ['name', 'namespace', 'uid'].every((field) => typeof metadata[field] === 'string' && metadata[field] !== '');
  if (!complete) throw new PortError('invalid', 'an object in the answer is no pod: it lacks name, namespace or uid');
  return value as RawPod;
}

/**
 * Is `fresh` older than `known`? Only numbers can be compared; anything else is not called older. Every Kubernetes
 * server uses etcd's revision, and KEP-5504 makes comparing it legitimate.
 */
export function goesBackwards(fresh: string, known: string | undefined): boolean {
  if (known === undefined || !/^\d+$/.test(fresh) || !/^\d+$/.test(known)) return false;
  return BigInt(fresh) < BigInt(known);
}
