/**
 * What does the API server's watch say of the parent, and of a pod that may be it? No grace is applied here. Pure.
 */
import type { Checkpoint, ParentInApi, RawPod, RevisionRecord } from '../model/model.ts';
import { optedIn } from './identity.ts';
import type { Observation } from './observation.ts';
import type { Track } from './track.ts';
import { isStrange } from './whose.ts';

/**
 * What the synced watch says of the parent; `leaving`: it does not show it as the parent any more. Of another node's or
 * another cluster's pods this server knows nothing: that it does not show one is no word on it.
 */
export function parentInWatch(checkpoint: Checkpoint, o: Observation): Exclude<ParentInApi, 'gone'> {
  const shown = shownInWatch(checkpoint, o);
  return shown === 'leaving' && isStrange(checkpoint, o.where) ? 'unknown' : shown;
}

function shownInWatch(checkpoint: Checkpoint, o: Observation): Exclude<ParentInApi, 'gone'> {
  if (!o.watch.synced || !o.watch.healthy) return 'unknown';
  const { uid } = checkpoint.record.parent;
  if (uid !== '') return stillParent(checkpoint, o.watch.pods.get(uid), o) ? 'present' : 'leaving';
  // a record that could not be read tells no uid; only a pod of another name is surely another pod
  if (checkpoint.unread !== undefined) return 'unknown';
  return [...o.watch.pods.values()].some((pod) => isNamed(checkpoint, pod)) ? 'present' : 'leaving';
}

type Wishes = Pick<Observation, 'where' | 'optIn' | 'namespaces'>;

/** Is this pod, as the API gives it, still the parent: same uid, bound here, opted in, honoured, not finished? */
export function stillParent(checkpoint: Checkpoint, pod: RawPod | undefined, o: Wishes): boolean {
  if (pod === undefined || !honoured(checkpoint.record, o)) return false;
  if (checkpoint.record.parent.uid === '') return isNamed(checkpoint, pod);
  const phase = pod.status?.phase;
  return (
    pod.metadata?.uid === checkpoint.record.parent.uid &&
    pod.spec?.nodeName === o.where.node &&
    phase !== 'Succeeded' &&
    phase !== 'Failed' &&
    optedIn(pod, o.optIn)
  );
}

/** Does the annotation count in the parent's namespace? The agent's own pod is kept in whatever namespace it runs. */
export function honoured({ self, parent }: Pick<RevisionRecord, 'self' | 'parent'>, { namespaces }: Pick<Wishes, 'namespaces'>): boolean {
  return self === true || namespaces === undefined || namespaces.includes('*') || namespaces.includes(parent.namespace);
}

/** Has this pod the parent's name, whatever its uid? */
export function isNamed(checkpoint: Checkpoint, pod: RawPod): boolean {
  const { namespace, name } = checkpoint.record.parent;
  return pod.metadata?.namespace === namespace && pod.metadata.name === name;
}

/**
 * Shown before the server's memory went back in time, and not since: that it is missing now proves nothing. It is the
 * next start of the agent that believes the server again.
 */
export function vanished(track: Track, o: Observation): boolean {
  return track.shownAt !== undefined && track.shownAt !== regressionsOf(o);
}

/** How often the server's memory has gone back in time under this process. */
export function regressionsOf(o: Observation): number {
  return o.watch.regressions ?? 0;
}
