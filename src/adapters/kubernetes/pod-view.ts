/**
 * What is known of this node's pods, and of the server that told it: lists and lines in, the port's view out.
 *
 * It asks nobody and never shows a half-read list. It takes an older list for a newer one only when the storage of the
 * server was surely restored, and says so.
 */
import type { Millis, RawPod } from '../../core/model/model.ts';
import type { PodWatchView } from '../../ports.ts';
import { goesBackwards, type PodListing } from './pod-list.ts';
import type { ApiLines } from './transport.ts';
import type { WatchLine } from './watch-line.ts';
import { countRegression, type End, type EndCause, isRestored, type PodWatchTimings, type Regression } from './watch-policy.ts';

/** Cuts a pod down to what is kept of it; what the rest of this folder reads of it stays. */
export type Kept = (pod: RawPod) => RawPod;

/** Written by the functions below, and by the watch whose it is. */
export interface PodView {
  readonly nodeName: string;
  /** What of a pod is kept. */
  readonly kept: Kept;
  pods: ReadonlyMap<string, RawPod>;
  /** The pods are those of a whole list and of every line since. */
  synced: boolean;
  /** Where a watch goes on; undefined before the first list. */
  resourceVersion: string | undefined;
  lastSuccess: Millis | undefined;
  lastAnswer: Millis | undefined;
  denied: PodWatchView['denied'];
  lastLine: Millis;
  /** The watch of now. */
  open: ApiLines | undefined;
  /** The last list was older than what is known. */
  regression: Regression | undefined;
  /** How often an older list was believed. */
  regressions: number;
}

export function emptyView(nodeName: string, kept: Kept = (pod) => pod): PodView {
  return {
    nodeName,
    kept,
    pods: new Map(),
    synced: false,
    resourceVersion: undefined,
    lastSuccess: undefined,
    lastAnswer: undefined,
    denied: undefined,
    lastLine: 0,
    open: undefined,
    regression: undefined,
    regressions: 0,
  };
}

export function served(view: PodView, now: Millis): void {
  view.lastSuccess = now;
  view.lastAnswer = now;
  view.denied = undefined;
}

export function refused(view: PodView, cause: EndCause, now: Millis): void {
  if (cause !== 'lost') view.lastAnswer = now;
  if (cause === 'unauthorized' || cause === 'forbidden') view.denied = cause;
}

/** A whole list of pods as they are kept, which is shown from here on; or why it is not. */
export function takeList(view: PodView, listing: PodListing, now: Millis, timings: PodWatchTimings): End | undefined {
  served(view, now);
  if (goesBackwards(listing.resourceVersion, view.resourceVersion)) {
    view.regression = countRegression(view.regression, listing.resourceVersion, now);
    if (!isRestored(view.regression, now, timings)) return { cause: 'regressed-list', progress: false };
    view.regressions += 1;
  }
  view.regression = undefined;
  view.resourceVersion = listing.resourceVersion;
  // The selector is repeated here: a pod of another node must not get in through a server that ignores it.
  view.pods = new Map(listing.pods.filter((pod) => isHere(view, pod)).map((pod) => [uidOf(pod), pod]));
  view.synced = true;
  return undefined;
}

/** A line of the watch, which goes on; or why it does not. */
export function takeLine(view: PodView, line: WatchLine, now: Millis): End | undefined {
  if (line.kind === 'garbage') return { cause: 'garbage', progress: false };
  if (line.kind === 'error') {
    view.lastAnswer = now;
    return { cause: line.code === 410 ? 'expired' : 'error-event', progress: false };
  }
  if (goesBackwards(line.resourceVersion, view.resourceVersion)) return { cause: 'garbage', progress: false };
  if (line.kind !== 'bookmark') {
    const pods = new Map(view.pods);
    if (line.kind === 'put' && isHere(view, line.pod)) pods.set(uidOf(line.pod), view.kept(line.pod));
    else pods.delete(uidOf(line.pod));
    view.pods = pods;
  }
  view.resourceVersion = line.resourceVersion;
  served(view, now);
  return undefined;
}

export function shown(view: PodView, now: Millis, timings: PodWatchTimings): PodWatchView {
  const alive = Math.max(view.lastLine, view.open?.lastPing() ?? 0);
  return {
    synced: view.synced,
    healthy: view.open !== undefined && now - alive <= timings.lifeMs,
    ...(view.regressions === 0 ? {} : { regressions: view.regressions }),
    ...(view.lastSuccess === undefined ? {} : { lastSuccess: view.lastSuccess }),
    ...(view.lastAnswer === undefined ? {} : { lastAnswer: view.lastAnswer }),
    ...(view.denied === undefined ? {} : { denied: view.denied }),
    pods: view.pods,
  };
}

function isHere(view: PodView, pod: RawPod): boolean {
  return pod.spec?.nodeName === view.nodeName;
}

function uidOf(pod: RawPod): string {
  return pod.metadata?.uid ?? '';
}
