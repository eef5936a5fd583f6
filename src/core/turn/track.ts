/**
 * Clocks: since when does something hold? One small record per checkpoint, carried from tick to tick.
 *
 * Pure. All times are monotonic and of this process: a restarted agent starts every grace anew, which can only delay.
 */

import type { Checkpoint, Millis, ParentInApi, Placed, RawPod } from '../model/model.ts';
import { since, sinceEach } from '../model/since.ts';
import { parentHere, runningOf } from './here.ts';
import { identities, optedIn, type Parent } from './identity.ts';
import type { Observation } from './observation.ts';

export interface Track {
  /** When each running container of the parent was first seen running. */
  readonly runningSince: ReadonlyMap<string, Millis>;
  /** Last moment a container of the parent had been running for {@link STEADY_MS}, or the parent was not watched. */
  readonly lastSteady: Millis;
  readonly orphanSince?: Millis;
  /**
   * Since when the API's list lacks the parent (or shows it elsewhere, finished, opted out) and every successor that
   * would keep it, without a break.
   */
  readonly leavingSince?: Millis;
  /** Since when no copy is placed. */
  readonly unplacedSince?: Millis;
  /** Number of the server's regressions when it last showed the parent. */
  readonly shownAt?: number;
  /** When a read of its own confirmed that. */
  readonly goneConfirmedAt?: Millis;
  /** When this process first saw the copy placed, and this attempt. */
  readonly placedSince?: { readonly attempt: number; readonly revision: string; readonly at: Millis };
  readonly leavingCopySince?: Millis;
  /** When the last hand-back began. */
  readonly handedBackAt?: Millis;
  /** When API contact with the parent waiting first began, for the hand-back timeout. */
  readonly awaitingSince?: Millis;
}

/** A container that ran this long without a break counts as started for good. */
export const STEADY_MS = 10_000;

export function initialTrack(now: Millis): Track {
  return { runningSince: new Map(), lastSteady: now };
}

/** `successor`: one is there that keeps the checkpoint. */
export function track(before: Track, checkpoint: Checkpoint, placed: Placed | undefined, o: Observation, successor: boolean): Track {
  const parent: Parent = identities(checkpoint.record, o.watch.pods);
  const running = o.runtime.known ? runningOf(parent, o.runtime.value).map((container) => container.id) : [];
  const runningSince = sinceEach(before.runningSince, running, o.now);
  const steady = running.some((id) => o.now - (runningSince.get(id) ?? o.now) >= STEADY_MS);
  const shown = parentInWatch(checkpoint, o);
  const leaves = shown === 'unknown' ? 'unknown' : shown === 'leaving' && !successor && !vanished(before, o);
  const leavingSince = since(before.leavingSince, leaves, o.now);
  const read = o.reads.get(checkpoint.key);
  const confirmedAt = read?.known === true && !stillParent(checkpoint, read.value, o) ? o.now : before.goneConfirmedAt;
  const here = parentHere(parent, checkpoint, o);
  return compact({
    runningSince: o.runtime.known ? runningSince : before.runningSince,
    lastSteady: steady || !o.runtime.known ? o.now : before.lastSteady,
    orphanSince: since(before.orphanSince, here === 'unknown' ? 'unknown' : here === 'orphan', o.now),
    leavingSince,
    unplacedSince: since(before.unplacedSince, placed === undefined, o.now),
    shownAt: shown === 'present' ? regressionsOf(o) : before.shownAt,
    goneConfirmedAt: leavingSince === undefined ? undefined : confirmedAt,
    placedSince: placedSince(before, placed, o.now),
    leavingCopySince: since(before.leavingCopySince, placed?.phase === 'leaving', o.now),
    handedBackAt: before.handedBackAt,
    awaitingSince: since(before.awaitingSince, placed?.phase === 'placed' && o.api.verdict === 'reachable', o.now),
  });
}

/**
 * Shown before the server's memory went back in time, and not since: that it is missing now proves nothing. It is the
 * next start of the agent that believes the server again.
 */
export function vanished(track: Track, o: Observation): boolean {
  return track.shownAt !== undefined && track.shownAt !== regressionsOf(o);
}

function regressionsOf(o: Observation): number {
  return o.watch.regressions ?? 0;
}

/** What the synced watch says of the parent, without any grace. */
export function parentInWatch(checkpoint: Checkpoint, o: Observation): Extract<ParentInApi, 'present' | 'leaving' | 'unknown'> {
  if (!o.watch.synced || !o.watch.healthy) return 'unknown';
  // a record that could not be read tells no uid; only a pod of another name is surely another pod
  if (checkpoint.record.parent.uid === '' && checkpoint.unread !== undefined) return 'unknown';
  if (checkpoint.record.parent.uid === '')
    return [...o.watch.pods.values()].some((pod) => isNamed(checkpoint, pod)) ? 'present' : 'leaving';
  return stillParent(checkpoint, o.watch.pods.get(checkpoint.record.parent.uid), o) ? 'present' : 'leaving';
}

/** Is this pod, as the API gives it, still the parent: same uid, bound here, opted in, not finished? */
export function stillParent(checkpoint: Checkpoint, pod: RawPod | undefined, o: Pick<Observation, 'where' | 'optIn'>): boolean {
  if (pod === undefined) return false;
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

function isNamed(checkpoint: Checkpoint, pod: RawPod): boolean {
  const { namespace, name } = checkpoint.record.parent;
  return pod.metadata?.namespace === namespace && pod.metadata.name === name;
}

function placedSince(before: Track, placed: Placed | undefined, now: Millis): Track['placedSince'] {
  if (placed?.phase !== 'placed') return undefined;
  const { attempt, revision } = placed;
  const same = before.placedSince?.attempt === attempt && before.placedSince.revision === revision;
  return same ? before.placedSince : { attempt, revision, at: now };
}

/** Drops keys whose value is undefined, as exact optional properties ask. */
function compact<T extends object>(value: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as T;
}
