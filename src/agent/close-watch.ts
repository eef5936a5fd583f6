/**
 * The close watch: while a copy on a host port waits for its parent, asks the runtime every few milliseconds for the
 * parent's containers. The instant a new one is there it hands over the withdrawal that the last turn prepared, and
 * wakes the loop, whose next turn finds it done. It decides nothing.
 *
 * Why polling: not every runtime has an event stream (containerd before 1.7 has none), one call costs under a
 * millisecond, and it runs only from the first sign of the API server on, until the hand-back. Where there are events,
 * `nudge` makes the next look at once.
 */
import type { Withdrawal } from '../core/actions.ts';
import type { Millis } from '../core/model.ts';
import { isAwaited, type WatchTarget } from '../core/watch-targets.ts';
import type { Ports } from '../ports.ts';

const MAX_PACE_MS: Millis = 1_000;
const CALL_DEADLINE_MS: Millis = 1_000;

export interface CloseWatch {
  /** What to look for from now on; an empty list lets it rest. */
  aim(targets: readonly WatchTarget[]): void;
  /** Something happened in this pod: look now. */
  nudge(podUid: string): void;
  run(signal: AbortSignal): Promise<void>;
}

export interface CloseWatchListener {
  /** The container that this withdrawal was prepared for is there. Called before `wake`. */
  withdraw(withdrawal: Withdrawal): void;
  wake(): void;
}

export function createCloseWatch(ports: Pick<Ports, 'runtime' | 'clock'>, listener: CloseWatchListener): CloseWatch {
  let targets: readonly WatchTarget[] = [];
  let told = new Set<string>();
  let roused: (() => void) | undefined;

  async function lookFor(podUid: string): Promise<void> {
    const containers = await ports.runtime.containersOf(podUid, CALL_DEADLINE_MS);
    // aimed anew meanwhile? then by what holds now
    for (const target of targets) {
      const news = containers.filter((container) => isAwaited(target, container) && !told.has(container.id));
      for (const container of news) told.add(container.id);
      if (news.length === 0) continue;
      if (target.withdrawal !== undefined) listener.withdraw(target.withdrawal);
      listener.wake();
    }
  }

  // A runtime that does not answer is the turn's business to report; here it only means: look again.
  const look = (podUids: readonly string[]): Promise<unknown> =>
    Promise.all(podUids.map(async (podUid) => lookFor(podUid).catch(() => undefined)));

  return {
    aim(next) {
      targets = next;
      if (next.length === 0) told = new Set();
      else roused?.();
    },
    nudge(podUid) {
      if (targets.some((target) => target.podUids.includes(podUid))) void look([podUid]);
    },
    async run(signal) {
      while (!signal.aborted) {
        if (targets.length === 0) {
          await new Promise<void>((resolve) => {
            roused = resolve;
            signal.addEventListener('abort', () => resolve(), { once: true });
          });
          roused = undefined;
          continue;
        }
        await look(targets.flatMap((target) => target.podUids));
        await ports.clock.sleep(Math.min(...targets.map((target) => target.paceMs), MAX_PACE_MS), signal).catch(() => undefined);
      }
    },
  };
}
