/**
 * The wait between two attempts, which a sign that the server is back may cut.
 *
 * No two attempts are closer than the least gap, and a wait that the server asked for is not cut.
 */
import type { Millis } from '../../core/model/model.ts';
import type { Clock } from '../../ports.ts';

/** The waits never throw, and end at once when everything is stopped. */
export interface RetryPause {
  /** A wait of our own making. */
  wait(ms: Millis): Promise<void>;
  waitAsAsked(ms: Millis): Promise<void>;
  /** A sign that the server is back: cuts the wait of now, or the next one if there is none to cut. */
  cut(): void;
  /** What a sign announced has come: the next wait is a full one again. */
  forget(): void;
}

export function createRetryPause(clock: Clock, minGapMs: Millis, stopped: AbortSignal): RetryPause {
  let cuttable: AbortController | undefined;
  let signBefore = false;

  const sleep = (ms: Millis, signal: AbortSignal) => clock.sleep(ms, signal).catch(() => {});

  /** However the sleep ends, the gap is kept. */
  async function sleepOver(gap: Millis, ms: Millis, signal: AbortSignal): Promise<void> {
    const startedAt = clock.now();
    await sleep(ms, signal);
    cuttable = undefined;
    const left = gap - (clock.now() - startedAt);
    if (left > 0 && !stopped.aborted) await sleep(left, stopped);
  }

  return {
    wait(ms) {
      const gap = Math.min(ms, minGapMs);
      if (signBefore) {
        signBefore = false;
        return sleepOver(gap, gap, stopped);
      }
      cuttable = new AbortController();
      return sleepOver(gap, ms, AbortSignal.any([cuttable.signal, stopped]));
    },
    waitAsAsked(ms) {
      signBefore = false;
      return sleepOver(Math.min(ms, minGapMs), ms, stopped);
    },
    cut() {
      if (cuttable === undefined) signBefore = true;
      else cuttable.abort();
    },
    forget() {
      signBefore = false;
    },
  };
}
