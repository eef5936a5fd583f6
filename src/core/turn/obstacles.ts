/**
 * Why a copy that the rules would start must not start: the checkpoint itself, its images, the limits, the order.
 *
 * Pure. Looks at all checkpoints together, because limits and order are about all of them.
 */

import type { KeptDown } from '../model/ended.ts';
import { manifestFileHead, manifestFileName } from '../model/keys.ts';
import type { Checkpoint, CheckpointKey, Millis, Obstacle, Placed } from '../model/model.ts';
import { parseTime } from '../model/time.ts';
import { copyRuns } from './copy-here.ts';
import { copyListed, refused } from './copy-listed.ts';
import type { Observation } from './observation.ts';
import { START_DEADLINE_MS } from './policy.ts';
import type { Subject } from './subject.ts';
import { unwanted } from './unwanted.ts';
import { whose } from './whose.ts';

/** A copy of higher order waits this long, at most, for the lower ones to run. */
export const ORDER_WAIT_MS: Millis = 30_000;
/** So often a copy that never started is placed. */
export const MAX_ATTEMPTS = 5;

export interface ObstacleInput {
  readonly subjects: readonly Subject[];
  /** Copies that may be added, by the ledger and the limit. */
  readonly free: number;
  /** Since when the rules would have started each waiting copy, for the order's patience. */
  readonly waitingSince: ReadonlyMap<CheckpointKey, Millis>;
  /** By `ended.ts`. */
  readonly ended?: ReadonlyMap<CheckpointKey, KeptDown>;
}

/** At most one obstacle for each checkpoint, the first that is found. */
export function obstacles(input: ObstacleInput, o: Observation): ReadonlyMap<CheckpointKey, Obstacle> {
  const found = new Map<CheckpointKey, Obstacle>();
  const shared = { ...input, siblings: siblingsIn(input.subjects), awaitedOrder: awaitedOrder(input, o) };
  for (const subject of input.subjects) {
    const { placed } = subject;
    const obstacle = placed === undefined ? beforePlacing(subject, shared, o) : afterPlacing(subject, placed, o);
    if (obstacle !== undefined) found.set(subject.checkpoint.key, obstacle);
  }
  return found;
}

/** What all of them are judged by, looked up once. */
interface Shared extends ObstacleInput {
  /** Checkpoints of pods of one DaemonSet, by its uid. */
  readonly siblings: ReadonlyMap<string, readonly Subject[]>;
  /** The lowest order of which a copy is still to come. */
  readonly awaitedOrder: number;
}

function siblingsIn(subjects: readonly Subject[]): Shared['siblings'] {
  const found = new Map<string, Subject[]>();
  for (const subject of subjects) {
    const { controller } = subject.checkpoint.record.parent;
    if (controller?.kind !== 'DaemonSet') continue;
    const group = found.get(controller.uid);
    if (group === undefined) found.set(controller.uid, [subject]);
    else group.push(subject);
  }
  return found;
}

function beforePlacing(subject: Subject, input: Shared, o: Observation): Obstacle | undefined {
  const { checkpoint } = subject;
  if (checkpoint.record.self === true) return ofCheckpoint(checkpoint, o) ?? nameTaken(checkpoint, o);
  return (
    unwanted(subject, o) ??
    ofCheckpoint(checkpoint, o) ??
    superseded(checkpoint, input, o) ??
    input.ended?.get(checkpoint.key) ??
    (input.free <= 0 ? 'active-limit-reached' : undefined) ??
    nameTaken(checkpoint, o) ??
    order(checkpoint, input, o)
  );
}

/**
 * A copy that was placed stays whatever has become of its checkpoint. That it lost its place or never started is worth
 * a word.
 */
function afterPlacing(subject: Subject, placed: Placed, o: Observation): Obstacle | undefined {
  if (notOurs(placed, o)) return 'manifest-not-ours';
  return placed.attempt >= MAX_ATTEMPTS && refused(subject, o) ? 'activation-refused' : undefined;
}

/** What would keep this copy from starting whatever becomes of the others, for the outlook of good times. */
export function ofItself({ checkpoint }: Subject, o: Observation): Obstacle | undefined {
  return ofCheckpoint(checkpoint, o) ?? nameTaken(checkpoint, o);
}

/** A checkpoint is good for one node of one cluster, whole, for a time, and only with its images at hand. */
function ofCheckpoint(checkpoint: Checkpoint, o: Observation): Obstacle | undefined {
  if (checkpoint.problem !== undefined) return checkpoint.unread === undefined ? 'checkpoint-damaged' : 'checkpoint-unread';
  const { record } = checkpoint;
  const owner = whose(checkpoint, o.where);
  if (owner !== 'ours') return `checkpoint-of-${owner}`;
  if (expired(checkpoint, o.wall)) return 'checkpoint-expired';
  const missing = record.images.some(({ image }) => {
    const present = o.images.get(image);
    return present?.known === true && !present.value;
  });
  return missing ? 'image-missing' : undefined;
}

/**
 * Of two pods of one DaemonSet captured here the later one took the other's place, port and all. The earlier is of use
 * only where the later cannot start, or is a pod that this kubelet has and cannot keep running.
 */
function superseded(checkpoint: Checkpoint, input: Shared, o: Observation): Obstacle | undefined {
  const { controller } = checkpoint.record.parent;
  if (controller?.kind !== 'DaemonSet') return undefined;
  const siblings = (input.siblings.get(controller.uid) ?? []).filter(({ checkpoint: { key } }) => key !== checkpoint.key);
  const later = siblings.some((other) => {
    const { parent, capturedAt } = other.checkpoint.record;
    if (capturedAt <= checkpoint.record.capturedAt || (o.kubelet.known && o.kubelet.value.has(`${parent.namespace}/${parent.name}`)))
      return false;
    const hindrance = ofCheckpoint(other.checkpoint, o);
    // not known to be unable to start
    return hindrance === undefined || hindrance === 'checkpoint-unread';
  });
  return later || siblings.some((other) => holdsPlace(other, o)) ? 'superseded' : undefined;
}

/**
 * Its copy runs, was admitted, or was placed a moment ago. What kept the other one from starting first may be over, but
 * its place is taken.
 */
function holdsPlace({ checkpoint, placed, track }: Subject, o: Observation): boolean {
  if (placed?.phase !== 'placed') return false;
  const from = track.placedSince?.at;
  return copyRuns(checkpoint, o) || (from !== undefined && o.now - from < START_DEADLINE_MS) || copyListed(checkpoint, o) === true;
}

/** A clock before the confirmation is no proof of freshness: it was set back or lost its battery. */
function expired(checkpoint: Checkpoint, wall: number): boolean {
  const { maxAgeMs } = checkpoint.record;
  if (maxAgeMs === 0) return false;
  const age = wall - parseTime(checkpoint.confirmedAt);
  return !(age >= 0 && age <= maxAgeMs);
}

function nameTaken({ record: { parent } }: Checkpoint, o: Observation): Obstacle | undefined {
  if (!o.manifests.known) return undefined;
  // the whole name takes a digest to make
  const head = manifestFileHead(parent);
  const alike = o.manifests.value.filter(({ file }) => file.startsWith(head));
  return alike.length > 0 && alike.some(({ file }) => file === manifestFileName(parent)) ? 'manifest-name-taken' : undefined;
}

/**
 * In the place of our manifest stands other content, a directory, a link, or what cannot be read. What we replace is
 * ours as well, for as long as a crash may have come in between.
 */
export function notOurs(placed: Placed, o: Observation): boolean {
  const there = o.manifests.known ? o.manifests.value.find((candidate) => candidate.file === placed.file) : undefined;
  if (there === undefined) return false;
  return there.digest === undefined || (there.digest !== placed.digest && there.digest !== placed.replaces);
}

/** A copy of lower order is still to come; after {@link ORDER_WAIT_MS} nobody waits for it any more. */
function order(checkpoint: Checkpoint, input: Shared, o: Observation): Obstacle | undefined {
  const since = input.waitingSince.get(checkpoint.key);
  if (since !== undefined && o.now - since >= ORDER_WAIT_MS) return undefined;
  return input.awaitedOrder < checkpoint.record.order ? 'waiting-for-lower-order' : undefined;
}

function awaitedOrder({ subjects, waitingSince, ended }: ObstacleInput, o: Observation): number {
  let lowest = Number.POSITIVE_INFINITY;
  for (const subject of subjects) {
    const { checkpoint, placed } = subject;
    const { record, key } = checkpoint;
    if (record.self === true || record.order >= lowest || ended?.has(key)) continue;
    const isAwaited = placed === undefined ? waitingSince.has(key) : !copyRuns(checkpoint, o);
    if (!isAwaited || ofCheckpoint(checkpoint, o) !== undefined || (placed === undefined && unwanted(subject, o) !== undefined)) continue;
    lowest = record.order;
  }
  return lowest;
}
