/**
 * Waiting longer after each failure, with jitter, so that thousands of nodes do not come back to the server at once.
 */
import type { Millis } from '../../core/model/model.ts';

export interface Backoff {
  /** The next wait; each is about twice the one before. */
  next(): Millis;
  reset(): void;
}

/** Waits of 0.75 to 1.25 times `base`, 2 × `base`, … up to `max`. `random` gives numbers in [0, 1). */
export function createBackoff(base: Millis, max: Millis, random: () => number): Backoff {
  let step = 0;
  return {
    next() {
      const wait = Math.min(max, base * 2 ** step);
      step = Math.min(step + 1, 30);
      return Math.min(max, wait * (0.75 + random() / 2));
    },
    reset() {
      step = 0;
    },
  };
}
