/**
 * This node's pods, kept up to date: one list from the server's cache, then one watch for as long as it lasts.
 *
 * It never throws and never judges, and asks nothing of the server while the watch is open and alive. What is shown:
 * pod-view.ts. How a broken watch is mended: watch-policy.ts.
 */
import type { ApiRequestObserver, Clock, PodWatch } from '../../ports.ts';
import { createBackoff } from './backoff.ts';
import { emptyView, type Kept, shown } from './pod-view.ts';
import { createRetryPause } from './retry-pause.ts';
import type { Transport } from './transport.ts';
import { type AttemptOptions, attempt } from './watch-attempt.ts';
import { afterEnd, afterList, type End, isListing, POD_WATCH_TIMINGS, type PodWatchTimings, type WatchMode } from './watch-policy.ts';

export interface PodWatchControl extends PodWatch {
  /** There is a sign that the server is back: ends a wait between two attempts (not one the server asked for). */
  retryNow(): void;
}

export interface PodWatchOptions {
  readonly transport: Transport;
  readonly nodeName: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly observer: ApiRequestObserver;
  /** What of a pod is kept; left out: everything. */
  readonly kept?: Kept | undefined;
  /** The server took a watch: requests succeed. */
  readonly onOpen?: () => void;
  readonly timings?: Partial<PodWatchTimings> | undefined;
}

export function createPodWatch(options: PodWatchOptions): PodWatchControl {
  const { transport, nodeName, clock, random, observer, onOpen } = options;
  const timings = { ...POD_WATCH_TIMINGS, ...options.timings };
  const backoff = createBackoff(timings.backoffBaseMs, timings.backoffMaxMs, random);
  const stopping = new AbortController();
  const stopped = stopping.signal;
  const pause = createRetryPause(clock, timings.minGapMs, stopped);
  const view = emptyView(nodeName, options.kept);
  let wake: () => void = () => {};
  let running: Promise<void> | undefined;
  const opened = (): void => {
    pause.forget();
    onOpen?.();
  };
  const around: AttemptOptions = { transport, clock, random, timings, view, stopped, changed: () => wake(), opened };

  async function run(): Promise<void> {
    let mode: WatchMode = 'list';
    while (!stopped.aborted) {
      const startedAt = clock.now();
      const answerBefore = view.lastAnswer;
      const end = await unlessStopped(attempt(mode, around), stopped);
      if (end === undefined) {
        mode = afterList(mode);
        continue;
      }
      if (stopped.aborted) return;
      observer.watchRestart(end.cause);
      const mending = afterEnd(mode, end, clock.now() - startedAt, timings);
      mode = mending.next;
      if (mending.seriesEnds) backoff.reset();
      if (mending.abandon) transport.abandon();
      if (isListing(mode)) view.synced = false;
      if (isListing(mode) || view.lastAnswer !== answerBefore) wake();
      if (mending.pause.kind === 'asked') await pause.waitAsAsked(mending.pause.ms);
      if (mending.pause.kind === 'backoff') await pause.wait(backoff.next());
    }
  }

  return {
    start(onWake) {
      wake = onWake;
      running ??= run();
    },
    view: () => shown(view, clock.now(), timings),
    retryNow() {
      if (view.open !== undefined) return;
      transport.redial();
      pause.cut();
    },
    async stop() {
      stopping.abort();
      wake = () => {};
      view.open?.close();
      await running;
    },
  };
}

/** Stopping does not wait for a request; the request's end is then nobody's business. */
function unlessStopped(work: Promise<End | undefined>, stopped: AbortSignal): Promise<End | undefined> {
  return new Promise((resolve) => {
    const stop = () => resolve({ cause: 'lost', progress: false });
    stopped.addEventListener('abort', stop, { once: true });
    void work.then((end) => {
      stopped.removeEventListener('abort', stop);
      resolve(end);
    });
  });
}
