/** Who is not trusted for now, and for how long at most, whatever the clock says. */
import { describe, expect, it } from 'vitest';
import { barred, LONGEST_PAUSE_MS } from '../../../src/core/model/ledger.ts';
import { formatTime } from '../../../src/core/model/time.ts';
import { YIELD_PAUSES_MS } from '../../../src/core/self/yield.ts';
import { HAND_BACK_PAUSES_MS } from '../../../src/core/turn/plan.ts';
import { WALL } from '../../fakes/builders.ts';

const until = (ms: number) => ({ toUid: 'u1', blockedUntil: formatTime(WALL + ms) });

describe('a pod that failed with the place it was given', () => {
  it.each<[string, number, boolean]>([
    ['a moment ago', 1, true],
    ['and has the longest pause before it', LONGEST_PAUSE_MS, true],
    ['whose pause is over', 0, false],
    ['under a clock a minute ahead of today’s', LONGEST_PAUSE_MS + 60_000, false],
    ['under a clock years ahead', 10 * 365 * 86_400_000, false],
  ])('%s', (_, ms, is) => {
    expect(barred(until(ms), 'u1', WALL)).toBe(is);
    expect(barred(until(ms), 'u2', WALL)).toBe(false);
  });

  it('never has a longer pause', () => {
    expect(Math.max(...HAND_BACK_PAUSES_MS, ...YIELD_PAUSES_MS)).toBe(LONGEST_PAUSE_MS);
  });
});
