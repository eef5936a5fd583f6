/**
 * Do people still want a copy of this parent? What the API server said of it holds until the server says otherwise;
 * what the configuration says holds at once. Pure.
 *
 * A deletion counts once the server has gone on answering for a while although nothing of the pod runs any more, a read
 * of its own included. Right before the server vanished it is no evidence: the pod may have been the server.
 * Of another node's or another cluster's pods the server's word says nothing.
 */
import { type Dismissal, dismissalOf, type Unwanted } from '../model/dismissal.ts';
import type { Millis, RawPod, Seen } from '../model/model.ts';
import { formatTime } from '../model/time.ts';
import { copyAlive } from './copy-here.ts';
import { optedIn } from './identity.ts';
import { honoured, isNamed, vanished } from './in-watch.ts';
import type { Observation } from './observation.ts';
import type { Subject } from './subject.ts';
import type { Track } from './track.ts';
import { isStrange } from './whose.ts';

/** The server must answer for so long after the last container of a deleted parent has ended. */
export const DELETED_ANSWERS_MS: Millis = 10_000;

/** Why no copy of it is to start, however the parent does. */
export function unwanted({ checkpoint, track }: Pick<Subject, 'checkpoint' | 'track'>, o: Observation): Unwanted | undefined {
  if (checkpoint.record.self === true) return undefined;
  return honoured(checkpoint.record, o) ? track.dismissed?.why : 'not-honoured';
}

/**
 * Does the API server show the parent as deleted, while nothing of it or of its copy runs? What answers beside a copy
 * may be the copy itself. A DaemonSet's pod is none of these: its successor is awaited, and until that is captured
 * nothing else covers the node.
 */
export function deletedAndEnded({ checkpoint, placed, track }: Subject, o: Observation): boolean | 'unknown' {
  const { self, parent } = checkpoint.record;
  if (placed !== undefined || self === true || parent.uid === '' || parent.controller?.kind === 'DaemonSet') return false;
  if (!o.watch.synced || !o.watch.healthy || o.api.verdict !== 'reachable' || isStrange(checkpoint, o.where)) return false;
  const pod = o.watch.pods.get(parent.uid);
  if (pod === undefined ? vanished(track, o) : !isDeleted(pod)) return false;
  if (!o.runtime.known) return 'unknown';
  const { value: view } = o.runtime;
  return (
    !view.containers.some((c) => c.podUid === parent.uid && (c.state === 'running' || c.state === 'unknown')) && !copyAlive(parent, view)
  );
}

/** Was the parent shown with a time of deletion? `before` where it is not shown at all. */
export function isEnding({ checkpoint }: Subject, before: true | undefined, o: Observation): true | undefined {
  const pod = o.watch.pods.get(checkpoint.record.parent.uid);
  return pod === undefined ? before : isDeleted(pod) || undefined;
}

/**
 * Is it time for a read of the parent that settles whether it is deleted for good? `braked`: so many are missing at
 * once that the server may have lost its memory; then only what was shown to be leaving counts.
 */
export function deletionDue({ endedSince, ending, dismissed }: Track, braked: boolean, now: Millis): boolean {
  if (dismissed !== undefined || endedSince === undefined || (braked && ending === undefined)) return false;
  return now - endedSince >= DELETED_ANSWERS_MS;
}

/** With what is known from this look on; its clocks have been moved on to it. */
export function withDismissal(subject: Subject, braked: boolean, o: Observation): Subject {
  const { dismissed: _, ...track } = subject.track;
  const dismissed = dismissalNow(subject, braked, o);
  return { ...subject, track: dismissed === undefined ? track : { ...track, dismissed } };
}

function dismissalNow({ checkpoint, track }: Subject, braked: boolean, o: Observation): Dismissal | undefined {
  const { self, parent } = checkpoint.record;
  const { uid } = parent;
  const known = track.dismissed?.uid === uid ? track.dismissed : dismissalOf(checkpoint);
  if (self === true || uid === '' || !o.watch.synced || !o.watch.healthy || isStrange(checkpoint, o.where)) return known;
  const at = formatTime(o.wall);
  const pod = o.watch.pods.get(uid);
  if (pod !== undefined && !isDeleted(pod)) {
    if (optedIn(pod, o.optIn)) return undefined;
    return known?.why === 'opted-out' ? known : { uid, at, why: 'opted-out' };
  }
  if (isReplaced(checkpoint, o)) return undefined;
  if (known !== undefined || !deletionDue(track, braked, o.now)) return known;
  return readAsDeleted(o.reads.get(checkpoint.key), uid) ? { uid, at, why: 'parent-deleted' } : undefined;
}

/** Another pod of its name is wanted here. Until that is captured, this checkpoint is the only one of it. */
function isReplaced(checkpoint: Subject['checkpoint'], o: Observation): boolean {
  const { uid } = checkpoint.record.parent;
  return [...o.watch.pods.values()].some(
    (pod) => isNamed(checkpoint, pod) && pod.metadata?.uid !== uid && !isDeleted(pod) && optedIn(pod, o.optIn),
  );
}

function readAsDeleted(read: Seen<RawPod | undefined> | undefined, uid: string): boolean {
  if (read?.known !== true) return false;
  return read.value === undefined || read.value.metadata?.uid !== uid || isDeleted(read.value);
}

function isDeleted(pod: RawPod): boolean {
  return pod.metadata?.deletionTimestamp !== undefined;
}
