/**
 * One queue of a closed set of wake-ups. Events only wake the loop; truth is read again by the turn that follows.
 */

import type { Millis } from '../core/model/model.ts';
import type { Clock } from '../ports.ts';

/** `close-watch`: a container the hand-back waits for has appeared; everything else can wait for company. */
export type Wakeup = 'api' | 'probe' | 'runtime' | 'close-watch' | 'capture' | 'timer' | 'stop';

/** Others of the same burst are taken along, so that ten events make one turn. */
const GATHER_MS: Millis = 50;

export interface Wakeups {
  wake(reason: Wakeup): void;
  /** Until a wake-up or the time is over; the reasons since the last call. */
  wait(atMostMs: Millis): Promise<ReadonlySet<Wakeup>>;
}

export function createWakeups(clock: Clock): Wakeups {
  let pending = new Set<Wakeup>();
  let release: (() => void) | undefined;
  const urgent = (): boolean => pending.has('close-watch') || pending.has('stop') || pending.has('probe') || pending.has('capture');

  async function pause(ms: Millis): Promise<void> {
    const abort = new AbortController();
    const woken = new Promise<void>((resolve) => {
      release = resolve;
    });
    await Promise.race([clock.sleep(ms, abort.signal), woken]);
    release = undefined;
    abort.abort();
  }

  return {
    wake(reason) {
      pending.add(reason);
      release?.();
    },
    async wait(atMostMs) {
      if (pending.size === 0) await pause(atMostMs);
      if (pending.size > 0 && !urgent()) await pause(Math.min(GATHER_MS, atMostMs));
      const reasons = pending;
      pending = new Set();
      return reasons.size === 0 ? new Set<Wakeup>(['timer']) : reasons;
    },
  };
}
