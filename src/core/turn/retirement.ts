/**
 * When is a parent truly gone? Only the API server may say so, for long enough, and once more in a read of its own.
 *
 * A pod that is gone may be about to be replaced, and on a node that is its own control plane the copy may be the very
 * API server without which it never is. So an active copy of a DaemonSet's pod waits much longer; and a copy is only
 * withdrawn at first, its checkpoint kept: should the server be gone with it, it is placed again (a failed hand-back,
 * to nobody) and left alone for a while. Pure.
 */

import { barred } from '../model/ledger.ts';
import type { Checkpoint, HandBackMemory, Millis, ParentInApi, Placed } from '../model/model.ts';
import { identities, optedIn } from './identity.ts';
import type { Observation } from './observation.ts';
import { parentInWatch, type Track, vanished } from './track.ts';

/** Between the end of a DaemonSet's pod and the next one 79 s were seen, and a controller manager may be down far longer. */
export const SUCCESSOR_GRACE_MS: Millis = 10 * 60_000;

/** A node keeps its standby through anything but a long, authenticated absence of its pod. */
const STANDBY_GRACES = 10;

/** What retiring one checkpoint rests on. */
export interface Retirement {
  readonly checkpoint: Checkpoint;
  readonly placed: Placed | undefined;
  readonly track: Track;
}

/**
 * Does a successor on this node keep the checkpoint? Beside a placed copy any does: it is to take the copy's place. Else
 * one that is opted in and has no checkpoint of its own yet.
 */
export function successorHolds(checkpoint: Checkpoint, placed: Placed | undefined, all: readonly Checkpoint[], o: Observation): boolean {
  const { successors } = identities(checkpoint.record, o.watch.pods);
  if (placed !== undefined || checkpoint.record.self === true) return successors.length > 0;
  return successors.some(({ uid }) => {
    const pod = o.watch.pods.get(uid);
    return pod !== undefined && optedIn(pod, o.optIn) && !all.some((other) => other.record.parent.uid === uid);
  });
}

/** The moment from which a read of its own may end it; undefined: the watch does not show the parent as gone. */
export function retirableFrom({ checkpoint, placed, track }: Retirement, retireGraceMs: Millis): Millis | undefined {
  if (track.leavingSince === undefined) return undefined;
  const replaced = placed !== undefined && checkpoint.record.parent.controller?.kind === 'DaemonSet';
  const from = Math.max(track.leavingSince, track.unplacedSince ?? track.leavingSince);
  const grace = checkpoint.record.self === true ? STANDBY_GRACES * retireGraceMs : retireGraceMs;
  return from + (replaced ? Math.max(grace, SUCCESSOR_GRACE_MS) : grace);
}

export interface RetirementRules {
  readonly retireGraceMs: Millis;
  /** Many checkpoints became retirable at once: this one needs a read made after this moment. */
  readonly confirmAfter: Millis | undefined;
  readonly memory: HandBackMemory | undefined;
}

/** The watch's word for the whole grace, and then the word of a read of its own. */
export function parentInApi(of: Retirement, rules: RetirementRules, o: Observation): ParentInApi {
  const shown = parentInWatch(of.checkpoint, o);
  if (shown !== 'leaving') return shown;
  if (vanished(of.track, o)) return 'unknown';
  const from = retirableFrom(of, rules.retireGraceMs);
  if (from === undefined || o.now < from || barred(rules.memory, of.checkpoint.record.parent.uid, o.wall)) return 'leaving';
  const { goneConfirmedAt } = of.track;
  if (goneConfirmedAt === undefined || goneConfirmedAt < from) return 'leaving';
  return rules.confirmAfter !== undefined && goneConfirmedAt < rules.confirmAfter ? 'leaving' : 'gone';
}
