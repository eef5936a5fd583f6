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
   * A stream without any line for so long is opened anew. The API server sends a bookmark a minute after the last line,
   * by a timer that ticks once a second or so.
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

/**
 * Counts lists that are steady. A server with a stale cache catches up, and lists that contradict each other prove
 * nothing.
 */
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
 * What is asked of the server next, and what the way there says of it:
 * - `list`: everything is to be read
 * - `list-after-expiry`: the same, because the server called our resourceVersion expired a moment ago
 * - `watch`: a watch is to be opened at the last resourceVersion
 * - `watch-after-expiry`: the same, at the resourceVersion of the list that followed an expiry
 * - `watch-in-doubt`: the stream was wrong at this very resourceVersion, and is tried there once more
 */
export type WatchMode = 'list' | 'list-after-expiry' | 'watch' | 'watch-after-expiry' | 'watch-in-doubt';

export function isListing(mode: WatchMode): boolean {
  return mode === 'list' || mode === 'list-after-expiry';
}

export function afterList(mode: WatchMode): WatchMode {
  return mode === 'list-after-expiry' ? 'watch-after-expiry' : 'watch';
}

/** The wait before the next attempt: `asked` for by the server, or of our own `backoff`. */
export type Pause = { readonly kind: 'none' } | { readonly kind: 'asked'; readonly ms: Millis } | { readonly kind: 'backoff' };

export interface Mending {
  readonly next: WatchMode;
  readonly pause: Pause;
  /** This connection is not to be used again. */
  readonly abandon: boolean;
  /** It lived so long that the series of failures before it is over. */
  readonly seriesEnds: boolean;
}

/** How it goes on after a list that failed, or after a watch that ended; `lived` is how long that took. */
export function afterEnd(mode: WatchMode, end: End, lived: Millis, timings: PodWatchTimings): Mending {
  return {
    next: modeAfter(mode, end),
    pause: pauseAfter(mode, end, lived, timings),
    abandon: end.cause === 'silent',
    seriesEnds: lived >= timings.healthyMs,
  };
}

function modeAfter(mode: WatchMode, end: End): WatchMode {
  if (end.cause === 'expired') return 'list-after-expiry';
  const doubted = mode === 'watch-in-doubt';
  if (isListing(mode) || nextMove(end, doubted) === 'list') return 'list';
  // A connection that broke says nothing about the point at which it broke: it neither raises a doubt nor ends one.
  const stillDoubted = doubted || isDoubt(end.cause);
  return stillDoubted && !end.progress ? 'watch-in-doubt' : 'watch';
}

function pauseAfter(mode: WatchMode, end: End, lived: Millis, timings: PodWatchTimings): Pause {
  const ranItsTime = end.cause === 'clean-end' && lived >= timings.backoffBaseMs;
  // Most outages end with an expiry, so the list after it goes at once; one expiry right after another does not.
  const expiredBefore = mode === 'list-after-expiry' || mode === 'watch-after-expiry';
  const firstExpiry = end.cause === 'expired' && !expiredBefore;
  if (ranItsTime || firstExpiry) return { kind: 'none' };
  return end.waitMs === undefined ? { kind: 'backoff' } : { kind: 'asked', ms: end.waitMs };
}

/**
 * After a watch ended: read everything anew, or resume at the last resourceVersion? Resuming loses nothing, so it is
 * the rule. What the server calls expired cannot be resumed, and what was wrong twice at one point is not tried there
 * a third time.
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
