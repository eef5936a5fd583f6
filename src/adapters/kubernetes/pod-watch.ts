/**
 * This node's pods, kept up to date: one list from the server's cache, then one watch for as long as it lasts.
 *
 * It never throws and never judges; it never shows a half-read list, takes an older list for a newer one only when the
 * server's storage was surely restored (and says so), and asks nothing of the server while the watch is open and alive. How a broken watch is mended: watch-policy.ts.
 */
import type { Millis, RawPod } from '../../core/model/model.ts';
import { type ApiRequestObserver, type Clock, type PodWatch, type PodWatchView, PortError } from '../../ports.ts';
import { retryAfterMs } from './answer.ts';
import { createBackoff } from './backoff.ts';
import { causeOf } from './failure.ts';
import { goesBackwards, type PodListing, parsePodList } from './pod-list.ts';
import type { ApiLines, ApiReply, Transport } from './transport.ts';
import { parseWatchLine, type WatchLine } from './watch-line.ts';
import {
  causeOfRefusal,
  countRegression,
  type End,
  type EndCause,
  isDoubt,
  isRestored,
  nextMove,
  POD_WATCH_TIMINGS,
  type PodWatchTimings,
  type Regression,
} from './watch-policy.ts';

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
  readonly timings?: Partial<PodWatchTimings> | undefined;
}

interface ViewState {
  pods: ReadonlyMap<string, RawPod>;
  synced: boolean;
  resourceVersion: string | undefined;
  lastSuccess: Millis | undefined;
  lastAnswer: Millis | undefined;
  denied: PodWatchView['denied'];
  lastLine: Millis;
  open: ApiLines | undefined;
  regression: Regression | undefined;
  regressions: number;
}

export function createPodWatch(options: PodWatchOptions): PodWatchControl {
  const { transport, nodeName, clock, random, observer } = options;
  const timings = { ...POD_WATCH_TIMINGS, ...options.timings };
  const backoff = createBackoff(timings.backoffBaseMs, timings.backoffMaxMs, random);
  const stopping = new AbortController();
  const selector = `fieldSelector=${encodeURIComponent(`spec.nodeName=${nodeName}`)}`;
  const state: ViewState = {
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
  let wake: () => void = () => {};
  let running: Promise<void> | undefined;
  let waiting: AbortController | undefined;
  let skipNextWait = false;

  function success(): void {
    state.lastSuccess = clock.now();
    state.lastAnswer = state.lastSuccess;
    state.denied = undefined;
  }

  function refused(reply: ApiReply): End {
    const cause = causeOfRefusal(reply);
    if (cause !== 'lost') state.lastAnswer = clock.now();
    if (cause === 'unauthorized' || cause === 'forbidden') state.denied = cause;
    const asked = retryAfterMs(reply) ?? 0;
    // Jitter here too: thousands of nodes are told the same second.
    const waitMs = asked === 0 ? undefined : Math.min(asked, timings.retryAfterMaxMs) * (1 + random() / 2);
    return { cause, waitMs, progress: false };
  }

  /** Reads everything; the old pods stay in view until the new list is complete. */
  async function list(): Promise<End | undefined> {
    // a doubtful list is followed by consistent ones: no cache of one server among several can be behind those
    const freshness = state.regression === undefined ? '&resourceVersion=0' : '';
    const reply = await transport.get(`/api/v1/pods?${selector}${freshness}`, 'list', timings.listMs);
    if (reply.status !== 200) return refused(reply);
    let listing: PodListing;
    try {
      listing = parsePodList(reply.body);
    } catch {
      return { cause: 'invalid-list', progress: false };
    }
    success();
    if (goesBackwards(listing.resourceVersion, state.resourceVersion)) {
      state.regression = countRegression(state.regression, listing.resourceVersion, clock.now());
      if (!isRestored(state.regression, clock.now(), timings)) return { cause: 'regressed-list', progress: false };
      state.regressions += 1;
    }
    state.regression = undefined;
    state.resourceVersion = listing.resourceVersion;
    // The selector is repeated here: a pod of another node must not get in through a server that ignores it.
    state.pods = new Map(listing.pods.filter((pod) => pod.spec?.nodeName === nodeName).map((pod) => [uidOf(pod), pod]));
    state.synced = true;
    wake();
    return undefined;
  }

  function apply(line: WatchLine): End | undefined {
    if ('resourceVersion' in line && goesBackwards(line.resourceVersion, state.resourceVersion))
      return { cause: 'garbage', progress: false };
    switch (line.kind) {
      case 'garbage':
        return { cause: 'garbage', progress: false };
      case 'error':
        state.lastAnswer = clock.now();
        return { cause: line.code === 410 ? 'expired' : 'error-event', progress: false };
      case 'bookmark':
        break;
      case 'put':
      case 'gone': {
        const pods = new Map(state.pods);
        if (line.kind === 'put' && line.pod.spec?.nodeName === nodeName) pods.set(uidOf(line.pod), line.pod);
        else pods.delete(uidOf(line.pod));
        state.pods = pods;
        wake();
        break;
      }
    }
    state.resourceVersion = line.resourceVersion;
    success();
    return undefined;
  }

  async function watch(resourceVersion: string): Promise<End> {
    const [least, most] = timings.watchSeconds;
    const seconds = Math.round(least + random() * (most - least));
    const path = `/api/v1/pods?${selector}&watch=1&allowWatchBookmarks=true&timeoutSeconds=${seconds}&resourceVersion=${encodeURIComponent(resourceVersion)}`;
    const answer = await transport.lines(path, 'watch', timings.watchHeadMs);
    if ('status' in answer) return refused(answer);
    if (stopping.signal.aborted) {
      answer.close();
      return { cause: 'lost', progress: false };
    }
    success();
    state.lastLine = clock.now();
    state.open = answer;
    skipNextWait = false;
    wake();
    const silence = watchSilence(
      clock,
      timings.silentMs,
      () => state.lastLine,
      () => answer.close(),
    );
    let progress = false;
    try {
      for await (const text of answer.lines) {
        state.lastLine = clock.now();
        const end = apply(parseWatchLine(text));
        if (end !== undefined) return { ...end, progress };
        progress = true;
      }
      return { cause: silence.fired() ? 'silent' : answer.ended() ? 'clean-end' : 'lost', progress };
    } catch (error) {
      if (silence.fired()) return { cause: 'silent', progress };
      return { cause: causeOf(error) === 'too-large' ? 'garbage' : 'lost', progress };
    } finally {
      silence.stop();
      answer.close();
      state.open = undefined;
      wake();
    }
  }

  /** One attempt; a thrown error is a connection that failed, unless our own credentials cannot be read. */
  async function attempt(needList: boolean): Promise<End | undefined> {
    try {
      if (needList || state.resourceVersion === undefined) return await list();
      return await watch(state.resourceVersion);
    } catch (error) {
      const ours = error instanceof PortError && !('reason' in error);
      return { cause: ours ? 'credentials' : 'lost', progress: false };
    }
  }

  /** Stopping does not wait for a request; the request's end is then nobody's business. */
  function unlessStopped(work: Promise<End | undefined>): Promise<End | undefined> {
    return new Promise((resolve) => {
      const stop = () => resolve({ cause: 'lost', progress: false });
      stopping.signal.addEventListener('abort', stop, { once: true });
      void work.then((end) => {
        stopping.signal.removeEventListener('abort', stop);
        resolve(end);
      });
    });
  }

  async function pause(wait: Millis, asked: boolean): Promise<void> {
    const skip = skipNextWait && !asked;
    skipNextWait = false;
    const pause = new AbortController();
    waiting = asked || skip ? undefined : pause;
    const startedAt = clock.now();
    const ms = skip ? Math.min(wait, timings.minGapMs) : wait;
    await clock.sleep(ms, AbortSignal.any([pause.signal, stopping.signal])).catch(() => {});
    waiting = undefined;
    const gap = Math.min(wait, timings.minGapMs) - (clock.now() - startedAt);
    if (gap > 0 && !stopping.signal.aborted) await clock.sleep(gap, stopping.signal).catch(() => {});
  }

  async function run(): Promise<void> {
    let needList = true;
    let failedHere = false;
    let lastCause: EndCause | undefined;
    while (!stopping.signal.aborted) {
      const startedAt = clock.now();
      const before = state.lastAnswer;
      const end = await unlessStopped(attempt(needList));
      if (end === undefined) {
        needList = false;
        continue;
      }
      if (stopping.signal.aborted) return;
      observer.watchRestart(end.cause);
      const lived = clock.now() - startedAt;
      if (lived >= timings.healthyMs) backoff.reset();
      if (!needList && nextMove(end, failedHere) === 'list') {
        needList = true;
        state.synced = false;
      }
      if (end.cause === 'silent') transport.abandon();
      // A connection that broke says nothing about the point at which it broke.
      failedHere = !end.progress && (failedHere || isDoubt(end.cause)) && !needList;
      if (state.lastAnswer !== before || needList) wake();
      // A watch that ran its time goes on at once, and so does the first relist after an expiry: most outages end with one.
      const gentle = (end.cause === 'clean-end' && lived >= timings.backoffBaseMs) || (end.cause === 'expired' && lastCause !== 'expired');
      lastCause = end.cause;
      if (!gentle) await pause(end.waitMs ?? backoff.next(), end.waitMs !== undefined);
    }
  }

  return {
    start(onWake) {
      wake = onWake;
      running ??= run();
    },
    view(): PodWatchView {
      const alive = Math.max(state.lastLine, state.open?.lastPing() ?? 0);
      return {
        synced: state.synced,
        healthy: state.open !== undefined && clock.now() - alive <= timings.lifeMs,
        ...(state.regressions === 0 ? {} : { regressions: state.regressions }),
        ...(state.lastSuccess === undefined ? {} : { lastSuccess: state.lastSuccess }),
        ...(state.lastAnswer === undefined ? {} : { lastAnswer: state.lastAnswer }),
        ...(state.denied === undefined ? {} : { denied: state.denied }),
        pods: state.pods,
      };
    },
    retryNow() {
      if (state.open !== undefined) return;
      transport.redial();
      if (waiting === undefined) skipNextWait = true;
      else waiting.abort();
    },
    async stop() {
      stopping.abort();
      wake = () => {};
      state.open?.close();
      await running;
    },
  };
}

function uidOf(pod: RawPod): string {
  return pod.metadata?.uid ?? '';
}

/** Calls `onSilent` once when nothing came for `limit`; looks no more often than that. */
function watchSilence(clock: Clock, limit: Millis, lastLine: () => Millis, onSilent: () => void): { fired(): boolean; stop(): void } {
  const abort = new AbortController();
  let fired = false;
  const look = async () => {
    for (let left = limit; left > 0 && !abort.signal.aborted; left = lastLine() + limit - clock.now()) {
      await clock.sleep(left, abort.signal).catch(() => {});
    }
    if (abort.signal.aborted) return;
    fired = true;
    onSilent();
  };
  void look();
  return { fired: () => fired, stop: () => abort.abort() };
}
