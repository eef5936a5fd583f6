/**
 * Merges what the sources saw into the facts of one checkpoint. Precedence between sources is written down here only.
 *
 * Pure. An observation that could not be made becomes `unknown`, never a value that could start or delete something.
 */

import type { CheckpointKey, Facts, Millis, Obstacle, ParentHere, RawPod, RuntimeContainer } from '../model/model.ts';
import { parseTime } from '../model/time.ts';
import { type Blindness, blindFor } from './blind.ts';
import { copyStand } from './copy-serves.ts';
import { parentHere } from './here.ts';
import type { Observation } from './observation.ts';
import { HAND_BACK_TRIAL_MS, type Policy } from './policy.ts';
import { parentInApi } from './retirement.ts';
import { isOverdue, sharesData, startsNow, turnsOver } from './signs.ts';
import type { Subject } from './subject.ts';
import { STEADY_MS, type Track } from './track.ts';

/** What was found of all checkpoints together. */
export interface Found {
  /** By `obstacles.ts`. */
  readonly obstacles: ReadonlyMap<CheckpointKey, Obstacle>;
  /** Many checkpoints became retirable at once: each needs a read made at or after this moment. */
  readonly confirmAfter: Millis | undefined;
  /** Of the kubelet. */
  readonly blindness: Blindness | undefined;
}

/** Makes the facts from one subject. `fresh`: its {@link freshContainers}. */
export function factsOf(
  subject: Subject,
  fresh: readonly RuntimeContainer[],
  { obstacles, confirmAfter, blindness }: Found,
  o: Observation,
  policy: Policy,
): Facts {
  const here = parentHere(subject.parent, subject.checkpoint, o);
  const failed = handBackFailed(subject, o);
  const over = graceOver(here, subject, o, policy);
  const blind = blindFor(subject, blindness, o, policy);
  const noImages = imagesUnknown(subject, blind, o);
  const obstacle = noImages ? undefined : obstacles.get(subject.checkpoint.key);
  return {
    api: o.api.verdict,
    // not knowing whether the images are there is like not knowing the parent: no copy starts
    here: noImages && here !== 'running' ? 'unknown' : here,
    grace: here === 'known' && startsNow(subject, o) ? 'running' : failed ? 'hand-back-failed' : over ? 'over' : 'running',
    inApi: parentInApi(subject, { retireGraceMs: policy.retireGraceMs, confirmAfter }, o),
    trigger: blind === 'yes' && subject.checkpoint.record.handBack === 'first-sign' ? 'no' : trigger(subject, fresh, o, policy),
    copy: copyStand(subject, o),
    blind,
    ...(obstacle === undefined ? {} : { obstacle }),
  };
}

/** Whether the images are there must be known before a copy starts. */
function imagesUnknown({ checkpoint, placed }: Subject, blind: Facts['blind'], o: Observation): boolean {
  // the standby's image is the one that we run from
  if (placed !== undefined || checkpoint.record.self === true || (o.api.verdict !== 'unreachable' && blind === 'no')) return false;
  return checkpoint.record.images.some(({ image }) => o.images.get(image)?.known !== true);
}

/**
 * `known`: the stuck clock runs from the moment from which the server was unreachable and no container of the parent
 * ran steadily; each hand-back starts it anew.
 */
function graceOver(here: ParentHere, subject: Subject, o: Observation, policy: Policy): boolean {
  const { track } = subject;
  switch (here) {
    case 'absent':
      return true;
    case 'orphan':
      return track.orphanSince !== undefined && o.now - track.orphanSince >= policy.orphanGraceMs;
    case 'known': {
      const from = Math.max(o.api.since, track.lastSteady, track.handedBackAt ?? Number.NEGATIVE_INFINITY);
      return o.api.verdict === 'unreachable' && o.now - from >= policy.stuckGraceMs;
    }
    default:
      return false;
  }
}

/**
 * The parent got the copy's place and lost it again, in the same boot, while the server stays away. Handing back puts
 * reachability to `unsure`, so an unreachable verdict younger than the hand-back was reached afresh.
 */
export function handBackFailed(subject: Subject, o: Observation): boolean {
  const { memory, track } = subject;
  if (memory === undefined || memory.bootId !== o.where.bootId || o.api.verdict !== 'unreachable') return false;
  // deleted after it had taken over: it did not fail, and what was made way for then is none the worse for it
  if (track.handedBackAt !== undefined && track.leavingSince !== undefined && track.leavingSince > track.handedBackAt) return false;
  if (track.handedBackAt !== undefined) return o.api.since > track.handedBackAt && o.now - track.handedBackAt <= HAND_BACK_TRIAL_MS;
  const age = o.wall - parseTime(memory.at);
  return age >= 0 && age <= HAND_BACK_TRIAL_MS;
}

function trigger(subject: Subject, fresh: readonly RuntimeContainer[], o: Observation, policy: Policy): Facts['trigger'] {
  const { placed, track } = subject;
  const { self, handBack } = subject.checkpoint.record;
  // the standby is meant to run beside its parent
  if (placed === undefined || self === true) return 'no';
  // begun on what a turn had prepared; the parent's container may take some time more to show
  if (o.begun.has(placed.key)) return 'yes';
  const waiting = isOverdue(track, o.now, policy) ? 'late' : 'no';
  if (handBack === 'first-sign' && firstSign(subject, o)) return 'yes';
  if (sharesData(subject.checkpoint.record) && fresh.length > 0) return 'yes';
  if (handBack === 'first-sign') return waiting;
  if (!o.runtime.known) return 'unknown';
  if (fresh.length === 0) return waiting;
  if (handBack === 'container') return containerTrigger(fresh, subject, o) ? 'yes' : waiting;
  const over = turnsOver(subject.checkpoint, track, o.now, policy);
  return over || readyBeside(fresh, subject, o, policy) ? 'yes' : waiting;
}

/**
 * The parent's container, or the kubelet's attempt to create it, is the sign. Its sandbox is none: between the two lies
 * up to a minute in which the kubelet may still need the API server that the copy is serving.
 *
 * Where the kubelet knew the parent all along (it was stuck), its own hopeless attempts create containers too. There
 * the server must have answered since the copy was placed, or the attempt must hold. Where the two would write the same
 * data even a hopeless attempt is a writer.
 */
export function containerTrigger(fresh: readonly RuntimeContainer[], subject: Subject, o: Observation): boolean {
  const why = subject.placed?.why;
  if (sharesData(subject.checkpoint.record)) return true;
  if (why !== 'parent-stuck' && why !== 'hand-back-failed') return true;
  return answeredSincePlaced(subject, o) || fresh.some((container) => steady(container.id, subject.track, o.now));
}

/**
 * Ready by the API's word about this very container; where no healthy watch tells, running for minReady by the
 * runtime's.
 */
export function readyBeside(fresh: readonly RuntimeContainer[], subject: Subject, o: Observation, policy: Policy): boolean {
  const running = fresh.filter((container) => container.state === 'running');
  const complete = subject.checkpoint.record.serving.every((name) => running.some((container) => container.name === name));
  if (!complete) return false;
  if (o.watch.synced && o.watch.healthy) return running.every((container) => readyInApi(o.watch.pods.get(container.podUid), container.id));
  return running.every((container) => o.now - (subject.track.runningSince.get(container.id) ?? o.now) >= policy.minReadyMs);
}

function readyInApi(pod: RawPod | undefined, containerId: string): boolean {
  const statuses = [...(pod?.status?.containerStatuses ?? []), ...(pod?.status?.initContainerStatuses ?? [])];
  const own = statuses.find((status) => status.containerID?.endsWith(`//${containerId}`));
  const condition = pod?.status?.conditions?.find((candidate) => candidate.type === 'Ready');
  return own?.ready === true && condition?.status === 'True';
}

/** A copy with a host port counts at the kubelet's admission, so it must leave before the kubelet has the pods. */
function firstSign(subject: Subject, o: Observation): boolean {
  return o.api.verdict !== 'unreachable' && answeredSincePlaced(subject, o);
}

function answeredSincePlaced(subject: Subject, o: Observation): boolean {
  const { placedSince } = subject.track;
  return placedSince !== undefined && o.api.lastAnswer !== undefined && o.api.lastAnswer > placedSince.at;
}

function steady(id: string, track: Track, now: Millis): boolean {
  return now - (track.runningSince.get(id) ?? now) >= STEADY_MS;
}
