/**
 * One list, or one watch from its opening to its end, and why it ended. It never throws and never tries again.
 */
import type { Millis } from '../../core/model/model.ts';
import { type Clock, PortError } from '../../ports.ts';
import { retryAfterMs } from './answer.ts';
import { causeOf } from './failure.ts';
import type { PodListing } from './pod-list.ts';
import { createPodListReader } from './pod-list-reader.ts';
import { type PodView, refused, served, takeLine, takeList } from './pod-view.ts';
import type { ApiLines, ApiReply, Transport } from './transport.ts';
import { parseWatchLine } from './watch-line.ts';
import { causeOfRefusal, type End, isListing, type PodWatchTimings, type WatchMode } from './watch-policy.ts';

export interface AttemptOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: () => number;
  readonly timings: PodWatchTimings;
  readonly view: PodView;
  readonly stopped: AbortSignal;
  /** The view shows something new. */
  readonly changed: () => void;
  /** The server took the watch. */
  readonly opened: () => void;
}

/** Undefined: a list was read. */
export async function attempt(mode: WatchMode, options: AttemptOptions): Promise<End | undefined> {
  const { resourceVersion } = options.view;
  try {
    if (isListing(mode) || resourceVersion === undefined) return await list(options);
    return await watch(resourceVersion, options);
  } catch (error) {
    // A thrown error is a connection that failed, unless our own credentials cannot be read.
    const ours = error instanceof PortError && !('reason' in error);
    return { cause: ours ? 'credentials' : 'lost', progress: false };
  }
}

function podsOf(nodeName: string): string {
  return `/api/v1/pods?fieldSelector=${encodeURIComponent(`spec.nodeName=${nodeName}`)}`;
}

/** Reads everything; the old pods stay in view until the new list is complete. */
async function list(options: AttemptOptions): Promise<End | undefined> {
  const { transport, view, clock, timings } = options;
  // a doubtful list is followed by consistent ones: no cache of one server among several can be behind those
  const freshness = view.regression === undefined ? '&resourceVersion=0' : '';
  const reader = createPodListReader(view.kept);
  const reply = await transport.pieces(`${podsOf(view.nodeName)}${freshness}`, 'list', timings.listMs, reader.take);
  if (reply.status !== 200) return refusal(reply, options);
  let listing: PodListing;
  try {
    listing = reader.listing();
  } catch {
    return { cause: 'invalid-list', progress: false };
  }
  const end = takeList(view, listing, clock.now(), timings);
  if (end === undefined) options.changed();
  return end;
}

function refusal(reply: ApiReply, { view, clock, random, timings }: AttemptOptions): End {
  const cause = causeOfRefusal(reply);
  refused(view, cause, clock.now());
  const asked = retryAfterMs(reply) ?? 0;
  // Jitter here too: thousands of nodes are told the same second.
  const waitMs = asked === 0 ? undefined : Math.min(asked, timings.retryAfterMaxMs) * (1 + random() / 2);
  return { cause, waitMs, progress: false };
}

async function watch(resourceVersion: string, options: AttemptOptions): Promise<End> {
  const { transport, view, clock, random, timings, stopped } = options;
  const [least, most] = timings.watchSeconds;
  const seconds = Math.round(least + random() * (most - least));
  const from = `&timeoutSeconds=${seconds}&resourceVersion=${encodeURIComponent(resourceVersion)}`;
  const path = `${podsOf(view.nodeName)}&watch=1&allowWatchBookmarks=true${from}`;
  const answer = await transport.lines(path, 'watch', timings.watchHeadMs);
  if ('status' in answer) return refusal(answer, options);
  if (stopped.aborted) {
    answer.close();
    return { cause: 'lost', progress: false };
  }
  served(view, clock.now());
  view.lastLine = clock.now();
  view.open = answer;
  options.opened();
  options.changed();
  try {
    return await follow(answer, options);
  } finally {
    answer.close();
    view.open = undefined;
    options.changed();
  }
}

async function follow(watched: ApiLines, { view, clock, timings, changed }: AttemptOptions): Promise<End> {
  const silence = watchSilence(
    clock,
    timings.silentMs,
    () => view.lastLine,
    () => watched.close(),
  );
  let progress = false;
  try {
    for await (const text of watched.lines) {
      view.lastLine = clock.now();
      const line = parseWatchLine(text);
      const end = takeLine(view, line, clock.now());
      if (end !== undefined) return { ...end, progress };
      if (line.kind !== 'bookmark') changed();
      progress = true;
    }
    return { cause: silence.fired() ? 'silent' : watched.ended() ? 'clean-end' : 'lost', progress };
  } catch (error) {
    if (silence.fired()) return { cause: 'silent', progress };
    return { cause: causeOf(error) === 'too-large' ? 'garbage' : 'lost', progress };
  } finally {
    silence.stop();
  }
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
