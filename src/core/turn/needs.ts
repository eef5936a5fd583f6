/**
 * What must be asked in the next turn, and when that turn is due. Pure.
 *
 * Quiet when all is well: with a healthy watch and nothing placed no source is asked but the runtime now and then, and
 * the loop turns every ten seconds.
 */

import { SIGN_MS } from '../api/probe-schedule.ts';
import type { ReachabilityState } from '../api/reachability.ts';
import { copiesIn } from '../model/ledger.ts';
import type { Checkpoint, CheckpointKey, Ledger, Millis } from '../model/model.ts';
import { copyNeeds, NO_WORDS } from './copy-words.ts';
import { type EndedParent, endedParents } from './ended.ts';
import type { Mind } from './mind.ts';
import type { Observation } from './observation.ts';
import type { Policy, Role } from './policy.ts';
import { pressureDue } from './pressure.ts';
import { retirableFrom } from './retirement.ts';
import { deletionDue } from './unwanted.ts';

/** What the needs of a turn owe to the turns before. */
export interface Pace {
  readonly lastRuntime: Millis | undefined;
  readonly lastManifests: Millis | undefined;
  readonly lastImages: Millis | undefined;
}

/** Between two turns when all is well. */
export const IDLE_MS: Millis = 10_000;
/** While the API server is not known to be reachable, or something is on its way. */
export const ALERT_MS: Millis = 1_000;
/** While an outage is calm (`calm.ts`). */
export const CALM_MS: Millis = 5_000;
/** While a copy waits for its parent after the first sign of the API server. */
export const CLOSE_MS: Millis = 250;
/** An image, a sandbox or a manifest may vanish while all is well: so often each is looked at. */
const IDLE_LOOK_MS: Millis = 60_000;
/** The same of images while copies may have to start: those of parents that ran are not asked for in every turn. */
const URGENT_LOOK_MS: Millis = 30_000;
/** A standby that was placed so long ago either runs or is a matter for the look now and then. */
const SETTLING_MS: Millis = 60_000;
/** Without a further sign of the API server the close watch rests after this long. */
export const CLOSE_WATCH_MS: Millis = SIGN_MS;

export interface NeedInput {
  readonly checkpoints: readonly Checkpoint[];
  readonly ledger: Ledger;
  readonly mind: Mind;
  readonly reach: ReachabilityState;
  readonly pace: Pace;
  readonly now: Millis;
  readonly policy: Policy;
}

/** What this turn needs to know. */
export interface Needs {
  readonly runtime: boolean;
  readonly kubelet: boolean;
  readonly manifests: boolean;
  /** Image references to look up. */
  readonly images: readonly string[];
  /** These are the images of all copies that are not placed. */
  readonly everyImage?: true;
  /** Containers of copies that have exited, and whether the network of the node is ready: while a copy does not run. */
  readonly exits?: readonly string[];
  readonly network?: true;
  /** Parents to read from the API server, by checkpoint key. */
  readonly reads: readonly { readonly key: string; readonly namespace: string; readonly name: string }[];
  /** The kubelet may have ended a parent: how, and is the node short of something? Left out: nobody needs to know. */
  readonly ended?: { readonly parents: readonly EndedParent[]; readonly machine: boolean };
}

/** By what the turn before left; nothing of this turn has been seen yet. */
export function needs(input: NeedInput): Needs {
  const { ledger, reach, pace, now, checkpoints } = input;
  const alert = reach.verdict !== 'reachable' || restless({ ...input, role: input.policy.role });
  const stale = (last: Millis | undefined, every = IDLE_LOOK_MS): boolean => last === undefined || now - last >= every;
  const placed = new Set(ledger.placed.map((entry) => entry.key));
  const unplaced = checkpoints.filter((checkpoint) => !placed.has(checkpoint.key));
  // an image that is gone is best told before the outage that needs it, also while the runtime is asked all the time
  const urgent = reach.verdict === 'unreachable' || input.mind.blindness !== undefined;
  const everyImage = stale(pace.lastImages, urgent ? URGENT_LOOK_MS : IDLE_LOOK_MS);
  const waiting = everyImage ? unplaced : urgent ? unplaced.filter((checkpoint) => !ran(checkpoint, input.mind)) : [];
  return {
    runtime: alert || stale(pace.lastRuntime),
    kubelet: alert || stale(pace.lastRuntime),
    manifests: alert || stale(pace.lastManifests),
    images: [...new Set(waiting.flatMap((checkpoint) => checkpoint.record.images.map(({ image }) => image)))].sort(),
    ...(everyImage ? { everyImage } : {}),
    reads: reach.verdict === 'reachable' ? dueConfirmations(input) : [],
    ...copyNeeds(input.mind.copies ?? NO_WORDS, now),
    ...endedNeeds(input, urgent),
  };
}

/** Did as many containers of the parent run as serve, when that was last seen? Then no copy starts by this turn. */
function ran({ key, record }: Checkpoint, { tracks }: Mind): boolean {
  return record.serving.length > 0 && (tracks.get(key)?.runningSince.size ?? 0) >= record.serving.length;
}

/** Nothing while the API server answers the kubelet, too: what it wants here is settled without us. */
function endedNeeds({ checkpoints, ledger, mind, reach, now }: NeedInput, urgent: boolean): Pick<Needs, 'ended'> {
  if (reach.verdict === 'reachable' && !urgent) return {};
  const { all, untold } = endedParents(checkpoints, ledger, mind.tracks);
  const machine = all > 0 && urgent && pressureDue(mind.pressure, now);
  return untold.length > 0 || machine ? { ended: { parents: untold, machine } } : {};
}

/**
 * A parent that the watch has shown as leaving for its whole grace is read once itself, and again after a brake. One
 * that is deleted is read before that, so that it stays deleted.
 */
function dueConfirmations({ checkpoints, ledger, mind, now, policy }: NeedInput): Needs['reads'] {
  return checkpoints
    .filter((checkpoint) => {
      const track = mind.tracks.get(checkpoint.key);
      if (track === undefined || (track.leavingSince === undefined && track.endedSince === undefined)) return false;
      if (deletionDue(track, mind.confirmAfter !== undefined, now)) return true;
      const placed = ledger.placed.find((entry) => entry.key === checkpoint.key);
      const from = retirableFrom({ checkpoint, placed, track }, policy.retireGraceMs);
      const due = from === undefined ? undefined : Math.max(from, mind.confirmAfter ?? from);
      return due !== undefined && now >= due && (track.goneConfirmedAt === undefined || track.goneConfirmedAt < due);
    })
    .map(({ key, record }) => ({ key, namespace: record.parent.namespace, name: record.parent.name }));
}

interface Restless {
  readonly ledger: Ledger;
  readonly mind: Mind;
  readonly now: Millis;
  readonly role: Role;
}

/**
 * Something of ours is on its way: copies, a parent that leaves or that the kubelet may not know of, a standby that was
 * just placed. Or we are the standby.
 */
function restless({ ledger, mind, now, role }: Restless): boolean {
  if (role === 'standby' || copiesIn(ledger).length > 0) return true;
  const tracks = [...mind.tracks.values()];
  if (mind.blindness !== undefined) return true;
  if (tracks.some(({ leavingSince, endedSince, dismissed }) => leavingSince !== undefined || (endedSince !== undefined && !dismissed)))
    return true;
  return ledger.placed.some(({ key, phase }) => {
    const since = mind.tracks.get(key)?.placedSince;
    return phase === 'leaving' || since === undefined || now - since.at < SETTLING_MS;
  });
}

export interface NextInput {
  readonly ledger: Ledger;
  readonly mind: Mind;
  readonly reach: ReachabilityState;
  /** When the API server or the kubelet last gave a sign of life that was news; left out: a moment ago. */
  readonly lastSign?: Millis | undefined;
  readonly observation: Observation;
  readonly probeIn: Millis | undefined;
  readonly captureIn: Millis | undefined;
  readonly acted: boolean;
  readonly handBackTimeoutMs: Millis;
  readonly role: Role;
  readonly stored: Stored;
  /** Looks take the place of turns. */
  readonly calm?: boolean;
}

/** Keys of the checkpoints there are. */
export interface Stored {
  has(key: CheckpointKey): boolean;
}

/** Milliseconds until the next turn is due, if nothing wakes it before. */
export function nextTurnIn(input: NextInput): Millis {
  const candidates: Millis[] = [IDLE_MS];
  if (input.probeIn !== undefined) candidates.push(input.probeIn);
  if (input.captureIn !== undefined) candidates.push(input.captureIn);
  const { now } = input.observation;
  if (input.calm === true) candidates.push(CALM_MS);
  else if (input.reach.verdict !== 'reachable' || restless({ ...input, now })) candidates.push(ALERT_MS);
  const sign = signSeen(input.reach, now) && now - (input.lastSign ?? now) < CLOSE_WATCH_MS;
  if ((sign || input.acted) && copiesWait(input, now)) candidates.push(CLOSE_MS);
  return Math.max(10, Math.min(...candidates));
}

/**
 * Is there a copy placed that has not yet waited for its parent longer than the hand-back timeout? Only then hurry, and
 * begin nothing else. A copy whose checkpoint is lost waits for nobody: its parent must be captured first.
 */
export function copiesWait(
  { ledger, stored, mind, handBackTimeoutMs }: Pick<NextInput, 'ledger' | 'stored' | 'mind' | 'handBackTimeoutMs'>,
  now: Millis,
): boolean {
  return copiesIn(ledger).some((placed) => {
    const since = mind.tracks.get(placed.key)?.awaitingSince;
    return stored.has(placed.key) && (since === undefined || now - since < handBackTimeoutMs);
  });
}

/** Has the API server shown a sign of life lately, whatever it said? */
export function signSeen(reach: ReachabilityState, now: Millis): boolean {
  return reach.verdict === 'reachable' || (reach.lastAnswer !== undefined && now - reach.lastAnswer < CLOSE_WATCH_MS);
}
