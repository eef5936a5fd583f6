/**
 * How a broken list or watch is mended: the causes, the waits and the choice between resuming and reading anew. Pure.
 */
import type { Millis } from '../../core/model/model.ts';
import { isKubernetesAnswer } from './answer.ts';
import { goesBackwards } from './pod-list.ts';
import type { ApiReply } from './transport.ts';

export interface PodWatchTimings {
  readonly listMs: Millis;
  /** Until the head of the watch's reply. */
  readonly watchHeadMs: Millis;
  /**
   * The API server sends a bookmark a minute after the last line, by a timer that ticks once a second or so; a stream without any
   * line for so long is opened anew.
   */
  readonly silentMs: Millis;
  /** The watch is healthy if it has shown life within this time; without PINGs (HTTP/1.1) only bookmarks do. */
  readonly lifeMs: Millis;
  readonly backoffBaseMs: Millis;
  readonly backoffMaxMs: Millis;
  /** A longer Retry-After is not obeyed to the end. */
  readonly retryAfterMaxMs: Millis;
  /** A watch that lived so long ends the series of failures before it. */
  readonly healthyMs: Millis;
  /** No two attempts closer than this, whoever asks for them. */
  readonly minGapMs: Millis;
  /** `timeoutSeconds` is chosen between these. */
  readonly watchSeconds: readonly [number, number];
  /** A list older than the ones before is believed when so many consistent ones in a row were, over this time. */
  readonly regressedLists: number;
  readonly regressedMs: Millis;
}
export const POD_WATCH_TIMINGS: PodWatchTimings = {
  listMs: 30_000,
  watchHeadMs: 15_000,
  silentMs: 75_000,
  lifeMs: 75_000,
  backoffBaseMs: 800,
  backoffMaxMs: 30_000,
  retryAfterMaxMs: 120_000,
  healthyMs: 60_000,
  minGapMs: 250,
  watchSeconds: [300, 600],
  regressedLists: 3,
  regressedMs: 180_000,
};

/** Why a list or a watch ended; also the cause in the counter of watch restarts. */
export type EndCause =
  | 'clean-end'
  | 'expired'
  | 'error-event'
  | 'garbage'
  | 'silent'
  | 'lost'
  | 'unauthorized'
  | 'forbidden'
  | 'throttled'
  | 'refused-by-server'
  | 'invalid-list'
  | 'regressed-list'
  | 'credentials';

export interface End {
  readonly cause: EndCause;
  /** The server's own Retry-After. */
  readonly waitMs?: Millis | undefined;
  /** Lines were applied on this watch before it ended. */
  readonly progress: boolean;
}

/** Lists that were older than what was known, one after another. */
export interface Regression {
  readonly from: Millis;
  readonly lists: number;
  readonly resourceVersion: string;
}

/** A server with a stale cache catches up, and lists that contradict each other prove nothing: only steady ones count. */
export function countRegression(before: Regression | undefined, resourceVersion: string, now: Millis): Regression {
  if (before === undefined || goesBackwards(resourceVersion, before.resourceVersion)) return { from: now, lists: 0, resourceVersion };
  return { from: before.from, lists: before.lists + 1, resourceVersion };
}

export function isRestored(regression: Regression, now: Millis, timings: PodWatchTimings): boolean {
  return regression.lists >= timings.regressedLists && now - regression.from >= timings.regressedMs;
}

/** The stream itself, not the way to it, was wrong. */
export function isDoubt(cause: EndCause): boolean {
  return cause === 'error-event' || cause === 'garbage' || cause === 'silent';
}

/**
 * After a watch ended: read everything anew, or resume at the last resourceVersion? Resuming loses nothing, so it is the
 * rule; what the server calls expired cannot be resumed, and what was wrong twice at the same point is not tried a third time.
 */
export function nextMove(end: End, doubtedBefore: boolean): 'list' | 'resume' {
  if (end.cause === 'expired') return 'list';
  return isDoubt(end.cause) && doubtedBefore && !end.progress ? 'list' : 'resume';
}

/** What a reply that is no 200 means. `lost`: whoever answered is no API server. */
export function causeOfRefusal(reply: ApiReply): EndCause {
  if (!isKubernetesAnswer(reply, reply.body)) return 'lost';
  if (reply.status === 410) return 'expired';
  if (reply.status === 401) return 'unauthorized';
  if (reply.status === 403) return 'forbidden';
  return reply.status === 429 ? 'throttled' : 'refused-by-server';
}
