/**
 * Is the kubelet cut off from an API server that we reach? Its certificate may have expired, or its kubeconfig may name
 * a dead address. It then starts nothing that the API server wants here, and never will by itself. Pure.
 *
 * One sign of contact since this kubelet process started is enough to say no, and not knowing is no yes.
 */
import { reachableFrom } from '../api/reachability.ts';
import type { Checkpoint, CheckpointKey, Ledger, Millis } from '../model/model.ts';
import { parentHere } from './here.ts';
import { stillParent } from './in-watch.ts';
import type { Observation } from './observation.ts';
import type { Policy } from './policy.ts';
import type { Subject } from './subject.ts';
import type { Track } from './track.ts';
import { apiPodsListed, fromApi } from './witness.ts';

/** Has this kubelet process reached an API server? */
export type Contact = 'some' | 'none' | 'unknown';

/** A kubelet that shows no sign of contact. */
export interface Blindness {
  /** The kubelet process, by when it started; milliseconds since 1970. */
  readonly startedAt: Millis;
  /** Since when this process of ours has seen it so. */
  readonly since: Millis;
}

export function contactOf(o: Observation): Contact {
  const { startedAt, reachedApi } = o.life;
  if (reachedApi === true || apiPodsListed(o).length > 0) return 'some';
  if (startedAt === undefined || !o.runtime.known) return 'unknown';
  // a stamp of the future is of an earlier boot, whose clock was right
  if (fromApi(o.runtime.value).some(({ createdAtMs }) => createdAtMs >= startedAt && createdAtMs <= o.wall)) return 'some';
  return o.kubelet.known ? 'none' : 'unknown';
}

/** With what this turn has seen of the kubelet and of these checkpoints. */
export function blindnessOf(before: Blindness | undefined, subjects: readonly Subject[], o: Observation): Blindness | undefined {
  return movedBlindness(
    before,
    subjects.some((subject) => waitsForKubelet(subject, o)),
    o,
  );
}

/** Does a copy run that only the kubelet can relieve, or is nothing of the parent here that it would have to start? */
function waitsForKubelet({ checkpoint, parent, placed }: Subject, o: Observation): boolean {
  return checkpoint.record.self !== true && (placed !== undefined || parentHere(parent, checkpoint, o) !== 'running');
}

/** `waits`: some copy runs, or may have to start. Else nobody needs to know, and nothing is asked for it. */
export function movedBlindness(before: Blindness | undefined, waits: boolean, o: Observation): Blindness | undefined {
  const { startedAt } = o.life;
  const contact = contactOf(o);
  // a new process has its whole grace
  const same = startedAt === undefined || startedAt === before?.startedAt;
  if (!waits || contact === 'some') return undefined;
  if (contact === 'unknown' || startedAt === undefined) return same ? before : undefined;
  return same ? before : { startedAt, since: o.now };
}

/** The kubelet has been blind for its grace, all of it with an API server that we reach. */
export function isBlind(blindness: Blindness | undefined, o: Observation, policy: Policy): boolean {
  if (blindness === undefined || policy.kubeletBlindGraceMs === 0 || o.api.verdict !== 'reachable') return false;
  return o.now - Math.max(blindness.since, reachableFrom(o.api)) >= policy.kubeletBlindGraceMs;
}

/**
 * Does this parent want what the kubelet cannot see? A copy that was placed for it holds that it does for as long as
 * the kubelet shows no contact: not knowing must not take it away.
 */
export function blindFor({ checkpoint, placed }: Subject, blindness: Blindness | undefined, o: Observation, policy: Policy): 'yes' | 'no' {
  if (placed?.why === 'kubelet-blind') return contactOf(o) === 'some' ? 'no' : 'yes';
  return isBlind(blindness, o, policy) && wanted(checkpoint, o) ? 'yes' : 'no';
}

/** By a watch that is healthy: present, bound here, and not about to go. */
function wanted(checkpoint: Checkpoint, o: Observation): boolean {
  const pod = o.watch.pods.get(checkpoint.record.parent.uid);
  return o.watch.synced && o.watch.healthy && stillParent(checkpoint, pod, o) && pod?.metadata?.deletionTimestamp === undefined;
}

/**
 * The clocks of the turn before. Where copies have waited for a kubelet that was cut off and is no more, their parents
 * are late from now on, not before.
 */
export function tracksSeeing(
  { blindness, tracks }: { readonly blindness?: Blindness; readonly tracks: ReadonlyMap<CheckpointKey, Track> },
  ledger: Ledger,
  o: Observation,
  policy: Policy,
): ReadonlyMap<CheckpointKey, Track> {
  if (blindness === undefined || contactOf(o) !== 'some') return tracks;
  if (!isBlind(blindness, o, policy) && !ledger.placed.some(({ why }) => why === 'kubelet-blind')) return tracks;
  const anew = ({ awaitingSince: _, ...rest }: Track): Track => rest;
  return new Map([...tracks].map(([key, track]) => [key, anew(track)]));
}
