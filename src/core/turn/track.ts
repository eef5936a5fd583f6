/**
 * The clocks of one checkpoint: since when does something hold? Carried from turn to turn, moved on by `clocks.ts`.
 *
 * All times are monotonic and of this process: a restarted agent starts every grace anew, which can only delay.
 */

import type { Dismissal } from '../model/dismissal.ts';
import type { Millis } from '../model/model.ts';
import type { Stay } from '../model/stay.ts';

export interface Track {
  /** When each running container of the parent was first seen running, by container id. */
  readonly runningSince: ReadonlyMap<string, Millis>;
  /**
   * Last moment at which a container of the parent had run for {@link STEADY_MS}, or at which that could not be told:
   * the runtime did not answer, or this process had only begun to look.
   */
  readonly lastSteady: Millis;
  readonly orphanSince?: Millis;
  /**
   * Since when the API's list lacks the parent (or shows it elsewhere, finished, opted out) and every successor that
   * would keep it, without a break.
   */
  readonly leavingSince?: Millis;
  /** Since when, without a break, the API server has shown the parent as deleted while nothing of it runs here. */
  readonly endedSince?: Millis;
  /** It was shown with a time of deletion. */
  readonly ending?: true;
  /** That no copy of it is wanted; on the disk as well. */
  readonly dismissed?: Dismissal;
  /** Since when no copy is placed. */
  readonly unplacedSince?: Millis;
  /** Number of the server's regressions when it last showed the parent. */
  readonly shownAt?: number;
  /** When a read of its own last confirmed that the parent is gone. */
  readonly goneConfirmedAt?: Millis;
  /** When this process first saw the copy placed: this revision of it, in this attempt. */
  readonly placedSince?: { readonly attempt: number; readonly revision: string; readonly at: Millis };
  /** Since when, without a break, neither the kubelet nor the runtime has had anything of the placed copy. */
  readonly unlistedSince?: Millis;
  /** Since when all that serves of the placed copy has been running. */
  readonly copyRunsSince?: Millis;
  /** The placed copy has lost a container and not run steadily since. */
  readonly copyFailing?: Failing;
  /** Since when the copy is withdrawn and may still be there. */
  readonly leavingCopySince?: Millis;
  /** When the last hand-back began. */
  readonly handedBackAt?: Millis;
  /**
   * Since when, but for brief doubts, the copy is placed and the API server reachable: the hand-back timeout counts.
   */
  readonly awaitingSince?: Millis;
  /** Since when the parent has had a container beside the placed copy; that it ended again changes nothing. */
  readonly besideSince?: Millis;
  /** What this kubelet process has shown of the parent. */
  readonly stay?: Stay;
}

/** The container of a copy that ended last. */
export interface Failing {
  readonly id: string;
  readonly container: string;
  /** Since when the copy has not run steadily. */
  readonly since: Millis;
}

/** A container that ran this long without a break counts as started for good. */
export const STEADY_MS = 10_000;

/** Nothing holds yet; that the parent has not run steadily counts from `now`. */
export function initialTrack(now: Millis): Track {
  return { runningSince: new Map(), lastSteady: now };
}
