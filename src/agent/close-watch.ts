/**
 * The close watch: while a copy on a host port waits for its parent, asks the runtime every few milliseconds for the
 * parent's containers, and wakes the loop the instant a new one is there. It decides nothing; the turn looks itself.
 *
 * Why polling: not every runtime has an event stream (containerd before 1.7 has none), one call costs under a
 * millisecond, and it runs only from the first sign of the API server on, until the hand-back.
 */
import type { Millis } from '../core/model.ts';
import type { WatchTarget } from '../core/needs.ts';
import type { Ports } from '../ports.ts';

const MAX_PACE_MS: Millis = 1_000;
const CALL_DEADLINE_MS: Millis = 1_000;

export interface CloseWatch {
  /** What to look for from now on; an empty list lets it rest. */
  aim(targets: readonly WatchTarget[]): void;
  run(signal: AbortSignal): Promise<void>;
}

export function createCloseWatch(ports: Pick<Ports, 'runtime' | 'clock'>, wake: () => void): CloseWatch {
  let targets: readonly WatchTarget[] = [];
  let told = new Set<string>();
  let roused: (() => void) | undefined;

  async function lookOnce(): Promise<void> {
    for (const target of targets) {
      for (const uid of target.podUids) {
        const containers = await ports.runtime.containersOf(uid, CALL_DEADLINE_MS);
        const news = containers.filter(
          (c) => (c.state === 'created' || c.state === 'running') && !target.known.has(c.id) && !told.has(c.id),
        );
        for (const container of news) told.add(container.id);
        if (news.length > 0) wake();
      }
    }
  }

  return {
    aim(next) {
      targets = next;
      if (next.length === 0) told = new Set();
      else roused?.();
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
        // A runtime that does not answer is the turn's business to report; here it only means: look again.
        await lookOnce().catch(() => undefined);
        await ports.clock.sleep(Math.min(...targets.map((target) => target.paceMs), MAX_PACE_MS), signal).catch(() => undefined);
      }
    },
  };
}
