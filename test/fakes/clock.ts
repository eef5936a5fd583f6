/** A clock that stands still until it is told to run: sleepers wake in order, and the code they wake runs to its end. */
import type { Clock } from '../../src/ports.ts';

export interface FakeClock extends Clock {
  /** Lets time pass; everything due on the way happens at its time. */
  run(ms: number): Promise<void>;
  /** Lets time pass until the condition holds, at most `limitMs`; throws with the name otherwise. */
  until(what: string, condition: () => boolean, limitMs: number): Promise<number>;
}

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

export function createFakeClock(wallAtZero = Date.parse('2026-11-21T08:00:00.000Z')): FakeClock {
  let now = 0;
  let sleepers: Sleeper[] = [];

  /** Promises, and the few real I/O-free macrotasks between them, come to rest. */
  async function settle(): Promise<void> {
    for (let i = 0; i < 5; i += 1) await new Promise((resolve) => setImmediate(resolve));
  }

  async function step(limit: number): Promise<boolean> {
    await settle();
    const next = sleepers.reduce<Sleeper | undefined>(
      (first, one) => (one.at <= limit && (first === undefined || one.at < first.at) ? one : first),
      undefined,
    );
    if (next === undefined) return false;
    sleepers = sleepers.filter((one) => one !== next);
    now = Math.max(now, next.at);
    next.wake();
    await settle();
    return true;
  }

  return {
    now: () => now,
    wall: () => wallAtZero + now,
    sleep(ms, signal) {
      return new Promise((resolve, reject) => {
        // as the real timers do
        if (signal?.aborted === true) return reject(new Error('aborted'));
        const sleeper: Sleeper = { at: now + ms, wake: resolve };
        sleepers.push(sleeper);
        signal?.addEventListener('abort', () => {
          sleepers = sleepers.filter((one) => one !== sleeper);
          reject(new Error('aborted'));
        });
      });
    },
    async run(ms) {
      const limit = now + ms;
      while (await step(limit));
      now = limit;
    },
    async until(what, condition, limitMs) {
      const from = now;
      await settle();
      while (!condition()) {
        if (!(await step(from + limitMs))) throw new Error(`${what}: not within ${limitMs} ms`);
      }
      return now - from;
    },
  };
}
