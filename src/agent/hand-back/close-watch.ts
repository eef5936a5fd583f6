/**
 * The close watch: while a copy on a host port waits for its parent, looks every few milliseconds whether the parent comes.
 * The instant it does, the withdrawal that the last turn prepared is handed over, and the loop is woken, whose next turn
 * finds it done. It decides nothing.
 *
 * Two signs, whichever is first: the kubelet's attempt to create the parent's container, which leaves a name on the disk, and
 * the container itself. The attempt is 10 to 110 ms ahead, and those are what decides who finds the port taken. An attempt
 * is only a sign where a withdrawal is prepared: the turn judges what is in the runtime.
 *
 * Why polling: not every runtime has an event stream (containerd before 1.7 has none), one call costs under a
 * millisecond, and it runs only from the first sign of the API server on, until the hand-back. Where there are events,
 * `nudge` makes the next look at once.
 */
import type { Withdrawal } from '../../core/model/actions.ts';
import type { Millis } from '../../core/model/model.ts';
import { isAwaited, type WatchTarget } from '../../core/turn/watch-targets.ts';
import type { Ports } from '../../ports.ts';

const MAX_PACE_MS: Millis = 1_000;
const CALL_DEADLINE_MS: Millis = 1_000;

export interface CloseWatch {
  /** What to look for from now on; an empty list lets it rest. */
  aim(targets: readonly WatchTarget[]): void;
  /** Something happened in this pod: look now. */
  nudge(podUid: string): void;
  run(signal: AbortSignal): Promise<void>;
}

/** What showed that the parent comes. */
export type ParentSign = 'attempt' | 'container';

export interface CloseWatchListener {
  /** The pod that this withdrawal was prepared for is on its way. Called before `wake`. */
  withdraw(withdrawal: Withdrawal, podUid: string, sign: ParentSign): void;
  wake(): void;
}

export function createCloseWatch(ports: Pick<Ports, 'runtime' | 'clock' | 'attempts'>, listener: CloseWatchListener): CloseWatch {
  let targets: readonly WatchTarget[] = [];
  let told = new Set<string>();
  /** Attempts that are no news, by pod and container: made before this watch first looked, or told. */
  let attempts = new Map<string, ReadonlySet<string>>();
  /** Loops that rest until there is something to look for. */
  const roused = new Set<() => void>();

  function lookForAttempts(): void {
    for (const target of targets) {
      for (const podUid of target.podUids) {
        // every container is looked at, so that none of these attempts is news the next time
        const news = target.serving.filter((container) => hasNewAttempt(podUid, container));
        if (news.length === 0 || target.withdrawal === undefined) continue;
        listener.withdraw(target.withdrawal, podUid, 'attempt');
        listener.wake();
      }
    }
  }

  function hasNewAttempt(podUid: string, container: string): boolean {
    const key = `${podUid} ${container}`;
    const before = attempts.get(key);
    const now = ports.attempts.of(podUid, container);
    if (now === undefined) return false;
    attempts.set(key, new Set(now));
    return before !== undefined && now.some((name) => !before.has(name));
  }

  async function lookFor(podUid: string): Promise<void> {
    const containers = await ports.runtime.containersOf(podUid, CALL_DEADLINE_MS);
    // aimed anew meanwhile? then by what holds now
    for (const target of targets) {
      const news = containers.filter((container) => isAwaited(target, container) && !told.has(container.id));
      for (const container of news) told.add(container.id);
      if (news.length === 0) continue;
      if (target.withdrawal !== undefined) listener.withdraw(target.withdrawal, podUid, 'container');
      listener.wake();
    }
  }

  // A runtime that does not answer is the turn's business to report; here it only means: look again.
  const look = (podUids: readonly string[]): Promise<unknown> =>
    Promise.all(podUids.map(async (podUid) => lookFor(podUid).catch(() => undefined)));

  async function lookAtAll(): Promise<void> {
    await look(targets.flatMap((target) => target.podUids));
  }

  function rouse(): void {
    for (const resolve of roused) resolve();
    roused.clear();
  }

  /** At the pace of the most urgent target; rests while there is none. */
  async function again(work: () => Promise<void>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (targets.length === 0) {
        await new Promise<void>((resolve) => roused.add(resolve));
        continue;
      }
      await work();
      await ports.clock.sleep(Math.min(...targets.map((target) => target.paceMs), MAX_PACE_MS), signal).catch(() => undefined);
    }
  }

  return {
    aim(next) {
      targets = next;
      if (next.length === 0) {
        told = new Set();
        attempts = new Map();
        return;
      }
      rouse();
    },
    nudge(podUid) {
      if (targets.some((target) => target.podUids.includes(podUid))) void look([podUid]);
    },
    async run(signal) {
      signal.addEventListener('abort', rouse, { once: true });
      // side by side: a runtime that is slow to answer must not keep the kubelet's attempts from being seen
      await Promise.all([again(async () => lookForAttempts(), signal), again(lookAtAll, signal)]);
    },
  };
}
