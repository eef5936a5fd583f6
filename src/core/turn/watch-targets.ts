/**
 * For whom the close watch looks, and what it does the instant they appear. Pure.
 *
 * A copy on the host network must leave within the 0.1 to 0.4 s between the kubelet's attempt to create the parent's
 * container and the start of its process. A turn that asks every source first may come too late on a busy node, so each
 * turn prepares what it would do: the withdrawal is decided here, beforehand, and only carried out by the close watch.
 */

import type { Withdrawal } from '../model/actions.ts';
import { barred } from '../model/ledger.ts';
import type { Checkpoint, CheckpointKey, Ledger, Millis, RuntimeContainer } from '../model/model.ts';
import { isBlind } from './blind.ts';
import { containerTrigger } from './facts.ts';
import { uidsOf } from './identity.ts';
import type { Mind } from './mind.ts';
import { signSeen } from './needs.ts';
import type { Observation } from './observation.ts';
import { prepareWithdrawal } from './plan.ts';
import type { Policy } from './policy.ts';
import { subjectOf } from './subject.ts';

export interface WatchTarget {
  readonly key: CheckpointKey;
  readonly podUids: readonly string[];
  /** Containers that are no news: they were there when the copy was placed. */
  readonly known: ReadonlySet<string>;
  /** Names of the parent's containers that may bind a port. */
  readonly serving: readonly string[];
  /** Time between two looks, milliseconds. */
  readonly paceMs: Millis;
  /** What is done at once when such a container is there; absent where the next turn must judge first. */
  readonly withdrawal?: Withdrawal;
}

/** A tenth of the time between a container's creation and the start of its process. */
export const CLOSE_WATCH_PACE_MS: Millis = 10;
/** For a parent that has kept its copy waiting longer than the hand-back timeout. */
export const OVERDUE_PACE_MS: Millis = 100;

/** Copies that must leave the instant their parents come, once there is a sign of the API server. */
export function watchTargets(
  checkpoints: readonly Checkpoint[],
  ledger: Ledger,
  mind: Mind,
  o: Observation,
  policy: Policy,
): readonly WatchTarget[] {
  return ledger.placed.flatMap((placed) => {
    const checkpoint = checkpoints.find((candidate) => candidate.key === placed.key);
    if (checkpoint === undefined || placed.phase !== 'placed' || placed.self === true || checkpoint.record.handBack !== 'container')
      return [];
    const subject = subjectOf(checkpoint, ledger, mind.tracks, o);
    const { parent, memory, track } = subject;
    const listed = o.kubelet.known && parent.names.some((name) => o.kubelet.known && o.kubelet.value.has(name));
    // a kubelet that is cut off makes no container: its first sign of contact is in time
    if (!listed && (!signSeen(o.api, o.now) || isBlind(mind.blindness, o, policy))) return [];
    const overdue = track.awaitingSince !== undefined && o.now - track.awaitingSince >= policy.handBackTimeoutMs;
    // without the runtime's word it is not known which containers would have to stop
    const prepared = o.runtime.known && containerTrigger([], subject, o) ? prepareWithdrawal(checkpoint, placed, o) : undefined;
    return [
      {
        key: placed.key,
        podUids: uidsOf(parent).filter((uid) => !barred(memory, uid, o.wall)),
        known: new Set(placed.knownContainers),
        serving: checkpoint.record.serving,
        paceMs: overdue ? OVERDUE_PACE_MS : CLOSE_WATCH_PACE_MS,
        ...(prepared === undefined ? {} : { withdrawal: prepared }),
      },
    ];
  });
}

/** Is this the container that the target waits for? */
export function isAwaited(target: WatchTarget, container: RuntimeContainer): boolean {
  return (
    (container.state === 'created' || container.state === 'running') &&
    target.podUids.includes(container.podUid) &&
    target.serving.includes(container.name) &&
    !target.known.has(container.id)
  );
}
