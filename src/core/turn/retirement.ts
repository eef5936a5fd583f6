/**
 * When is a parent truly gone? Only the API server may say so, for long enough, and once more in a read of its own.
 *
 * A pod that is gone may be about to be replaced, and on a node that is its own control plane the copy may be the very
 * API server without which it never is. So an active copy of a DaemonSet's pod waits much longer; and a copy is only
 * withdrawn at first, its checkpoint kept: should the server be gone with it, it is placed again (a failed hand-back,
 * to nobody) and left alone for a while. Pure.
 */

import { barred } from '../model/ledger.ts';
import type { Checkpoint, Millis, ParentInApi } from '../model/model.ts';
import { optedIn } from './identity.ts';
import { honoured, parentInWatch, vanished } from './in-watch.ts';
import type { Observation } from './observation.ts';
import type { Subject } from './subject.ts';

/**
 * The least grace beside a placed copy of a DaemonSet's pod. Between the end of such a pod and the next one 79 s were
 * seen, and a controller manager may be down far longer.
 */
export const SUCCESSOR_GRACE_MS: Millis = 10 * 60_000;

/** So many graces for the standby: a node keeps it through anything but a long, authenticated absence of its pod. */
const STANDBY_GRACES = 10;

/**
 * Does a successor on this node keep the checkpoint? Beside a placed copy any does: it is to take the copy's place. The
 * same holds for the standby. Else it is one that is opted in and has no checkpoint of its own yet.
 */
export function successorHolds({ checkpoint, placed, parent }: Subject, all: readonly Checkpoint[], o: Observation): boolean {
  const { successors } = parent;
  if (placed !== undefined || checkpoint.record.self === true) return successors.length > 0;
  if (!honoured(checkpoint.record, o)) return false;
  return successors.some(({ uid }) => {
    const pod = o.watch.pods.get(uid);
    return pod !== undefined && optedIn(pod, o.optIn) && !all.some((other) => other.record.parent.uid === uid);
  });
}

/** What retiring one checkpoint rests on, before anything is asked. */
export type Retirement = Pick<Subject, 'checkpoint' | 'placed' | 'track'>;

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
}

/** The watch's word for the whole grace, and then the word of a read of its own. */
export function parentInApi(subject: Subject, rules: RetirementRules, o: Observation): ParentInApi {
  const { checkpoint, memory, track } = subject;
  const shown = parentInWatch(checkpoint, o);
  if (shown !== 'leaving') return shown;
  if (vanished(track, o)) return 'unknown';
  const from = retirableFrom(subject, rules.retireGraceMs);
  if (from === undefined || o.now < from || barred(memory, checkpoint.record.parent.uid, o.wall)) return 'leaving';
  const { goneConfirmedAt } = track;
  if (goneConfirmedAt === undefined || goneConfirmedAt < from) return 'leaving';
  return rules.confirmAfter !== undefined && goneConfirmedAt < rules.confirmAfter ? 'leaving' : 'gone';
}
