/**
 * Wish against disk, afresh in every turn: what must be done so that the disk says what was decided.
 *
 * Pure. Nothing is remembered as done: the ledger and the directory, read again, are the proof, so an action that
 * failed is simply planned again. While the API server is unreachable an active copy is never edited, moved or removed,
 * but for the bounded retry of one that the kubelet is known not to have taken.
 */

import type { Action, Withdrawal } from '../model/actions.ts';
import { dismissalOf } from '../model/dismissal.ts';
import { ANNOTATION_ATTEMPT, ANNOTATION_RESERVES, ANNOTATION_REVISION, manifestFileName } from '../model/keys.ts';
import { decodeManifest, encodeManifest, sha256, withAnnotations } from '../model/manifest.ts';
import type { Checkpoint, Decision, Facts, HandBackMemory, HandBackMode, Json, Millis, Placed, RuntimeView } from '../model/model.ts';
import type { Reservation, WithReservation } from '../model/reservation.ts';
import { formatTime } from '../model/time.ts';
import { lowered } from '../room/lower.ts';
import { reservesWhat } from '../room/reserve.ts';
import { containersOfCopy, copySandboxes } from './copy-here.ts';
import { refused } from './copy-listed.ts';
import { containersOf, sandboxesOf } from './here.ts';
import type { Parent } from './identity.ts';
import type { Observation } from './observation.ts';
import { MAX_ATTEMPTS, notOurs } from './obstacles.ts';
import { reservesAt } from './reservations.ts';
import { sharesData } from './signs.ts';
import type { Subject } from './subject.ts';

/**
 * Pauses before the same pod is trusted again, by the number of hand-backs to it that failed. The first may have been a
 * race for the port that a slow end of the copy lost. That is no fault of the pod: it gets its next start.
 */
export const HAND_BACK_PAUSES_MS: readonly Millis[] = [0, 5 * 60_000, 15 * 60_000, 60 * 60_000];
/** A withdrawn copy that is still there so long after its own grace is stopped through CRI. */
export const LAST_RESORT_MS: Millis = 60_000;
/** A copy on the host network that is still there so long after it was told to stop is told again, by its sandbox. */
export const STOP_AGAIN_MS: Millis = 3_000;
/** The API's default for terminationGracePeriodSeconds. */
const DEFAULT_GRACE_SECONDS = 30;

/** With what the copy reserves if it is placed in this turn. */
export interface PlanInput extends Subject, WithReservation {
  readonly facts: Facts;
  readonly decision: Decision;
  /** How the copy makes way. */
  readonly mode: HandBackMode;
  /** The parent's container is there or about to be, and the copy must not run beside it: we stop it, at once. */
  readonly inTheWay: boolean;
  /** The pod that the copy makes way for: whose container is the sign to leave, else the parent. */
  readonly handBackTo: string;
  /** A standby of an older revision may be replaced now: by an agent that is not that standby, and while reachable. */
  readonly renew: boolean;
}

/**
 * The acts of this turn, in the order of `checkpointer/order`. `guard` runs the planning of one checkpoint; it may keep
 * an error to itself.
 */
export function plan(
  inputs: readonly PlanInput[],
  o: Observation,
  guard: <T>(key: string, work: () => readonly T[]) => readonly T[],
): readonly Action[] {
  const inOrder = [...inputs].sort(
    (a, b) => a.checkpoint.record.order - b.checkpoint.record.order || (a.checkpoint.key < b.checkpoint.key ? -1 : 1),
  );
  return inOrder.flatMap((input) => guard(input.checkpoint.key, () => [...planOne(input, o), ...planDismissal(input)]));
}

/** What is retired takes the word with it. */
function planDismissal({ checkpoint, decision, track }: PlanInput): readonly Action[] {
  const { dismissed: dismissal } = track;
  if (decision.state === 'retired' || dismissal?.why === dismissalOf(checkpoint)?.why) return [];
  return [{ do: 'dismiss', key: checkpoint.key, dismissal }];
}

function planOne(input: PlanInput, o: Observation): readonly Action[] {
  switch (input.decision.state) {
    case 'active':
      return planActive(input, o);
    case 'handing-back':
      return planLeaving(input, o);
    case 'retired':
      return planRetired(input, o);
    case 'inactive':
      return planInactive(input);
  }
}

function planActive(input: PlanInput, o: Observation): readonly Action[] {
  const { placed, decision, checkpoint, facts } = input;
  // nothing is made from bytes that failed their check; what runs already goes on
  if (checkpoint.problem !== undefined) return [];
  if (placed !== undefined && notOurs(placed, o)) return [];
  if (placed === undefined || placed.phase === 'leaving') {
    const actions: Action[] = [place(input, o, placed?.attempt ?? 1, decision.reason)];
    if (decision.reason === 'hand-back-failed' && input.memory !== undefined)
      actions.push({ do: 'remember', memory: failedOnceMore(input.memory, o) });
    return actions;
  }
  if (!o.manifests.known) return [];
  const there = o.manifests.value.find((candidate) => candidate.file === placed.file);
  if (there === undefined && (o.api.verdict === 'unreachable' || facts.blind === 'yes' || checkpoint.record.self === true))
    return [place(input, o, placed.attempt, placed.why)];
  // ours, but from before: the process ended between the ledger and the manifest
  if (there !== undefined && there.digest !== placed.digest) return [place(input, o, placed.attempt, placed.why)];
  // in one rename: at no moment would a power cut find the node without a standby
  if (input.renew && placed.revision !== checkpoint.record.revision) return [place(input, o, 1, placed.why)];
  if (refused(input, o) && placed.attempt < MAX_ATTEMPTS) return [place(input, o, placed.attempt + 1, placed.why)];
  return [];
}

const NOTHING_SEEN: RuntimeView = { sandboxes: [], containers: [] };

function place(input: PlanInput, o: Observation, attempt: number, why: Placed['why']): Action {
  const reserves = reservesAt(input, attempt);
  const manifest = placedManifest(input.checkpoint, attempt, reserves);
  const expect = ownDigest(input.placed, o);
  const view = o.runtime.known ? o.runtime.value : NOTHING_SEEN;
  const there = containersOf(input.parent, view).map(({ id }) => id);
  const placed: Placed = {
    key: input.checkpoint.key,
    file: manifestFileName(input.checkpoint.record.parent),
    digest: sha256(manifest),
    revision: input.checkpoint.record.revision,
    why,
    attempt,
    placedAt: formatTime(o.wall),
    bootId: o.where.bootId,
    phase: 'placed',
    ...(expect === undefined || expect === sha256(manifest) ? {} : { replaces: expect }),
    // what exists already is no sign that the kubelet starts the parent anew
    knownContainers: [...new Set([...(input.placed?.knownContainers ?? []), ...there])].sort(),
    ...(reserves === undefined ? {} : { reserves }),
    ...(input.checkpoint.record.self === true ? { self: true as const } : {}),
  };
  return { do: 'place', placed, manifest, expect, stopOrphans: input.facts.here === 'orphan' ? orphansOf(input.parent, view) : [] };
}

/** A sandbox that has died may still hold containers that run. */
function orphansOf(parent: Parent, view: RuntimeView): readonly string[] {
  const alive = new Set(containersOf(parent, view).flatMap(({ state, sandboxId }) => (state === 'running' ? [sandboxId] : [])));
  return sandboxesOf(parent, view).flatMap(({ id, ready }) => (ready || alive.has(id) ? [id] : []));
}

/** Digest of the file of ours that is there now: the last one placed, or, after a crash in between, the one before. */
function ownDigest(placed: Placed | undefined, o: Observation): string | undefined {
  if (placed === undefined) return undefined;
  if (!o.manifests.known) return placed.digest;
  const there = o.manifests.value.find((candidate) => candidate.file === placed.file)?.digest;
  return there === placed.digest || there === placed.replaces ? there : undefined;
}

/**
 * pod.json with what only the moment of placing knows. The attempt makes other bytes, thus another pod to the kubelet.
 * Without a reservation the requests are the parent's.
 */
export function placedManifest(checkpoint: Checkpoint, attempt: number, reserves?: Reservation): string {
  const annotations = { [ANNOTATION_REVISION]: checkpoint.record.revision, [ANNOTATION_ATTEMPT]: String(attempt) };
  const manifest = JSON.parse(checkpoint.manifest) as Json;
  if (reserves === undefined) return encodeManifest(withAnnotations(manifest, annotations));
  const what = { [ANNOTATION_RESERVES]: reservesWhat(manifest, reserves) };
  return encodeManifest(withAnnotations(lowered(manifest, reserves), { ...annotations, ...what }));
}

function planLeaving(input: PlanInput, o: Observation): readonly Action[] {
  const { placed, checkpoint, track } = input;
  if (placed === undefined) return [];
  if (placed.phase === 'placed') return [withdraw(input, placed, o), ...rememberHandBack(input, o)];
  if (o.manifests.known && ownDigest(placed, o) !== undefined) return [withdraw(input, placed, o)];
  if (!o.runtime.known || track.leavingCopySince === undefined) return [];
  // the kubelet may have started it once more, or has not ended it yet; each turn says so again until it is dead
  const whole = prepareWithdrawal(checkpoint, placed, o);
  if (sharesData(checkpoint.record) && input.inTheWay && whole.stop.length > 0) return [whole];
  // on the host network the copy was told to stop when it was withdrawn: what still runs is in the parent's way
  const inTheWay = checkpoint.record.handBack === 'container' && checkpoint.record.self !== true;
  const graceMs = isGraceful(checkpoint) || !inTheWay ? terminationGraceMs(checkpoint) : 0;
  const hadItsTime = o.now - track.leavingCopySince >= graceMs + (inTheWay ? STOP_AGAIN_MS : LAST_RESORT_MS);
  const parentIsThere = input.facts.here === 'running' || (inTheWay && input.facts.here === 'known');
  if (!hadItsTime || !parentIsThere) return [];
  return [{ do: 'stop-copy', key: checkpoint.key, sandboxes: copySandboxes(checkpoint, o.runtime.value).map((sandbox) => sandbox.id) }];
}

/** Only where parent and copy cannot run side by side are the containers stopped by us; else the kubelet does it. */
function withdraw(input: PlanInput, placed: Placed, o: Observation): Action {
  const whole = prepareWithdrawal(input.checkpoint, placed, o);
  return input.inTheWay ? whole : { ...whole, stop: [] };
}

/** The withdrawal of a copy that has to go at once, with every container of it that may be in the parent's way. */
export function prepareWithdrawal(checkpoint: Checkpoint, placed: Placed, o: Observation): Withdrawal {
  const containers = o.runtime.known
    ? containersOfCopy(checkpoint, o.runtime.value).filter(({ state }) => state === 'running' || state === 'created')
    : [];
  return {
    do: 'withdraw',
    placed,
    digest: ownDigest(placed, o) ?? placed.digest,
    ...(notOurs(placed, o) ? { replaced: true as const } : {}),
    stop: containers.map((container) => container.id),
    graceSeconds: isGraceful(checkpoint) ? Math.ceil(terminationGraceMs(checkpoint) / 1000) : 0,
  };
}

/** With its own grace the copy would go on writing beside its parent. */
function isGraceful({ record }: Checkpoint): boolean {
  return record.handBackGraceful && !sharesData(record);
}

/**
 * Whom the copy made way for, so that a parent that fails at once is not trusted again and again. A parent that is gone
 * counts as one: when the API server goes with the copy, the copy was what served it.
 */
function rememberHandBack(input: PlanInput, o: Observation): readonly Action[] {
  const { memory, checkpoint, decision } = input;
  // the standby serves nothing
  if (checkpoint.record.self === true) return [];
  const handBackTo = decision.reason === 'parent-gone' ? checkpoint.record.parent.uid : input.handBackTo;
  if (decision.reason !== 'parent-started' && decision.reason !== 'parent-gone') return [];
  // nobody was there to lose a race
  const before = decision.reason === 'parent-gone' ? 1 : 0;
  const failures = memory?.toUid === handBackTo ? Math.max(before, memory.failures) : before;
  return [{ do: 'remember', memory: { key: checkpoint.key, toUid: handBackTo, at: formatTime(o.wall), bootId: o.where.bootId, failures } }];
}

function planRetired(input: PlanInput, o: Observation): readonly Action[] {
  const { placed, facts, checkpoint, decision } = input;
  if (placed !== undefined) {
    const leaving = planLeaving(input, o);
    if (leaving.length > 0 || facts.copy !== 'gone') return leaving;
    return [{ do: 'forget-copy', key: checkpoint.key }];
  }
  return facts.copy === 'gone' ? [{ do: 'remove-checkpoint', key: checkpoint.key, reason: decision.reason }] : [];
}

/** The ledger still names a copy of which nothing is left. */
function planInactive(input: PlanInput): readonly Action[] {
  return input.placed === undefined ? [] : [{ do: 'forget-copy', key: input.checkpoint.key }];
}

/** `failures` counts those before this one: it chooses the pause. */
function failedOnceMore(memory: HandBackMemory, o: Observation): HandBackMemory {
  const pause = HAND_BACK_PAUSES_MS[Math.min(memory.failures, HAND_BACK_PAUSES_MS.length - 1)] ?? 0;
  return { ...memory, failures: memory.failures + 1, blockedUntil: formatTime(o.wall + pause) };
}

function terminationGraceMs(checkpoint: Checkpoint): Millis {
  const decoded = decodeManifest(checkpoint.manifest);
  const seconds = decoded.ok ? (decoded.manifest['spec'] as Json | undefined)?.['terminationGracePeriodSeconds'] : undefined;
  return (typeof seconds === 'number' ? seconds : DEFAULT_GRACE_SECONDS) * 1000;
}
