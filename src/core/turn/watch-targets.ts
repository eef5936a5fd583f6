/**
 * For whom the close watch looks, and what it does the instant they appear. Pure.
 *
 * A copy on the host network, or one that shares data, must leave within the 0.1 to 0.4 s between the kubelet's attempt
 * to create the parent's container and the start of its process. A turn that asks every source first may come too late
 * on a busy node, so each turn prepares what it would do: the withdrawal is decided here, beforehand, and only carried
 * out by the close watch.
 */

import type { Withdrawal } from '../model/actions.ts';
import type { Checkpoint, CheckpointKey, Ledger, Millis, Placed, RevisionRecord, RuntimeContainer } from '../model/model.ts';
import { isBlind } from './blind.ts';
import { containerTrigger } from './facts.ts';
import { uidsOf } from './identity.ts';
import type { Mind } from './mind.ts';
import { signSeen } from './needs.ts';
import type { Observation } from './observation.ts';
import { prepareWithdrawal } from './plan.ts';
import type { Policy } from './policy.ts';
import { barredFor, isOverdue, isSign, modeOf, sharesData, signNames, turnsOver } from './signs.ts';
import { type Subject, subjectsOf } from './subject.ts';

export interface WatchTarget {
  readonly key: CheckpointKey;
  readonly podUids: readonly string[];
  readonly record: RevisionRecord;
  /** Containers that were there when the copy was placed. */
  readonly known: ReadonlySet<string>;
  /** Names of the parent's containers that are a sign. */
  readonly signs: readonly string[];
  /** Time between two looks, milliseconds. */
  readonly paceMs: Millis;
  /** What is done at once when such a container is there; absent where the next turn must judge first. */
  readonly withdrawal?: Withdrawal;
}

/** A tenth of the time between a container's creation and the start of its process. */
export const CLOSE_WATCH_PACE_MS: Millis = 10;
/** For a parent that has kept its copy waiting longer than the hand-back timeout. */
export const OVERDUE_PACE_MS: Millis = 100;
/** For one that shares data, while there is no sign of the API server: the kubelet may hear of it before we do. */
export const UNSEEN_PACE_MS: Millis = 1_000;

/** Copies that must leave the instant their parents come, once there is a sign of the API server. */
export function watchTargets(
  checkpoints: readonly Checkpoint[],
  ledger: Ledger,
  mind: Mind,
  o: Observation,
  policy: Policy,
): readonly WatchTarget[] {
  const keys = new Set(ledger.placed.map(({ key }) => key));
  const subjects = subjectsOf(
    checkpoints.filter(({ key }) => keys.has(key)),
    ledger,
    mind.tracks,
    o,
  );
  return subjects.flatMap((subject) => (subject.placed === undefined ? [] : targetOf(subject, subject.placed, mind, o, policy)));
}

function targetOf(subject: Subject, placed: Placed, mind: Mind, o: Observation, policy: Policy): readonly WatchTarget[] {
  const { checkpoint, parent, memory, track } = subject;
  const { record } = checkpoint;
  const shares = sharesData(record);
  const over = turnsOver(checkpoint, track, o.now, policy);
  if (record.self === true || (!shares && modeOf(checkpoint, over) !== 'container')) return [];
  const listed = o.kubelet.known && parent.names.some((name) => o.kubelet.known && o.kubelet.value.has(name));
  // a kubelet that is cut off makes no container: its first sign of contact is in time
  const expected = listed || (signSeen(o.api, o.now) && !isBlind(mind.blindness, o, policy));
  if (!shares && !expected) return [];
  // without the runtime's word it is not known which containers would have to stop
  const prepared = o.runtime.known && containerTrigger([], subject, o) ? prepareWithdrawal(checkpoint, placed, o) : undefined;
  // its manifest is gone already; it lives on until the kubelet ends it, or its parent comes
  if (placed.phase === 'leaving' && (!shares || (prepared !== undefined && prepared.stop.length === 0))) return [];
  const soon = isOverdue(track, o.now, policy) ? OVERDUE_PACE_MS : CLOSE_WATCH_PACE_MS;
  return [
    {
      key: placed.key,
      podUids: uidsOf(parent).filter((uid) => !barredFor(record, memory, uid, o.wall)),
      record,
      known: new Set(placed.knownContainers),
      signs: signNames(record),
      paceMs: expected ? soon : UNSEEN_PACE_MS,
      ...(prepared === undefined ? {} : { withdrawal: prepared }),
    },
  ];
}

/** Is this a container that the target waits for? */
export function isAwaited({ podUids, record, known }: WatchTarget, container: RuntimeContainer): boolean {
  return podUids.includes(container.podUid) && isSign(record, known, container);
}
