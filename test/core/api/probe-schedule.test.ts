/** When probes are sent: as quick as ever while it matters, slow in a long outage, and never a whole site at once. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextRoundIn, type ProbeWait, silenceAfter, silenceFrom, stirred } from '../../../src/core/api/probe-schedule.ts';
import {
  initialReachability,
  nextReachability,
  type ReachabilityPolicy,
  type ReachabilityState,
} from '../../../src/core/api/reachability.ts';

const policy: ReachabilityPolicy = { probes: 3, windowMs: 6_000, bootFastPath: true };
const MINUTE = 60_000;
const reachable: ReachabilityState = { ...initialReachability(0), verdict: 'reachable', everAnswered: true, good: 2, lastAnswer: 0 };
const out: ReachabilityState = { ...reachable, verdict: 'unreachable', good: 0, failed: { rounds: 9, from: 0, hard: true } };

/** A round has just begun: how long until the next? */
function pace(state: ReachabilityState, now: number, change: Partial<ProbeWait> = {}): number {
  const wait = {
    watchHealthy: false,
    lastRound: now,
    waiting: 'nobody',
    uncovered: false,
    silence: silenceFrom(0),
    jitter: 0,
    now,
  } as const;
  return nextRoundIn(state, { ...wait, ...change }, policy) ?? Number.NaN;
}

describe('in an outage', () => {
  it.each([
    [0, 3_000, 250, 250],
    [30_000, 3_000, 250, 250],
    [50_000, 3_000, 2_000, 2_000],
    [90_000, 6_000, 6_000, 2_000],
    [3 * MINUTE, 15_000, 15_000, 2_000],
    [1_440 * MINUTE, 15_000, 15_000, 2_000],
  ])('that is %d ms old the pace is %d ms, %d while a copy waits, %d in mode first-sign', (age, nobody, copies, firstSign) => {
    expect(pace(out, age)).toBe(nobody);
    expect(pace(out, age, { waiting: 'copies' })).toBe(copies);
    expect(pace(out, age, { waiting: 'first-sign' })).toBe(firstSign);
  });

  it('chance makes a slow pace slower, by a third at most, and never that of a copy in mode first-sign', () => {
    expect(pace(out, 10 * MINUTE, { jitter: 0.5 })).toBe(17_500);
    expect(pace(out, 10 * MINUTE, { jitter: 0.999_999 })).toBeLessThanOrEqual(20_000);
    expect(pace(out, 10 * MINUTE, { jitter: 0.9, waiting: 'first-sign' })).toBe(2_000);
    expect(pace(out, 10_000, { jitter: 0.9 })).toBe(3_000);
  });

  it('what happens here, a sign of the kubelet or a copy placed, makes it quick again for half a minute', () => {
    const silence = stirred(silenceFrom(0), 10 * MINUTE);

    expect(pace(out, 10 * MINUTE + 30_000, { silence, waiting: 'copies' })).toBe(250);
    expect(pace(out, 13 * MINUTE, { silence, waiting: 'copies' })).toBe(15_000);
  });

  it('a verdict that is still open is not put off, whatever the age and the chance', () => {
    const doubtful: ReachabilityState = { ...out, verdict: 'unsure' };

    expect(pace(doubtful, 10 * MINUTE, { jitter: 0.999_999 })).toBeLessThanOrEqual(3_000);
    expect(pace(doubtful, 10 * MINUTE, { jitter: 0.999_999, waiting: 'copies' })).toBeLessThanOrEqual(3_000);
  });
});

describe('once the server answers again', () => {
  const ended = { from: 0, endedAt: 10 * MINUTE };

  it('the calm of a long outage stays for two minutes: no site comes back all at once', () => {
    expect(pace(reachable, 10 * MINUTE, { silence: ended })).toBe(15_000);
    expect(pace(reachable, 10 * MINUTE, { silence: ended, waiting: 'copies' })).toBe(15_000);
    expect(pace(reachable, 12 * MINUTE, { silence: ended })).toBe(1_500);
    expect(pace(reachable, 12 * MINUTE, { silence: ended, waiting: 'copies' })).toBe(1_500);
  });

  it('but not on a node where a parent does not run and no copy stands in', () => {
    expect(pace(reachable, 10 * MINUTE, { silence: ended, uncovered: true })).toBe(1_500);
  });

  it('a short outage leaves none', () => {
    expect(pace(reachable, 20_000, { silence: { from: 0, endedAt: 20_000 } })).toBe(1_500);
    expect(pace(reachable, 20_000, { silence: { from: 0, endedAt: 20_000 }, waiting: 'copies' })).toBe(250);
  });
});

describe('a silence', () => {
  const silent = { ...reachable, verdict: 'unsure', good: 0 } as const;

  it('ends with the first answer, and another begins when that is lost', () => {
    const ended = silenceAfter(silenceFrom(0), { ...silent, good: 1 }, 5_000);

    expect(ended).toEqual({ from: 0, endedAt: 5_000 });
    expect(silenceAfter(ended, reachable, 9_000)).toEqual(ended);
    expect(silenceAfter(ended, silent, 300_000)).toEqual({ from: 300_000 });
  });

  it('goes on where the answer did not last: a server that comes up under a site is not asked more for it', () => {
    const ended = silenceAfter(silenceFrom(0), reachable, 300_000);

    expect(silenceAfter(ended, silent, 330_000)).toEqual({ from: 0 });
  });
});

describe('the first round', () => {
  it('leaves half a second to a watch that is being opened', () => {
    expect(pace(initialReachability(0), 0, { lastRound: undefined, watchOpens: true })).toBe(500);
    expect(pace(initialReachability(0), 700, { lastRound: undefined, watchOpens: true })).toBe(0);
    expect(pace(initialReachability(0), 0, { lastRound: undefined })).toBe(0);
  });
});

describe('an outage is found as soon as ever', () => {
  /** From the moment at which the server stops to answer until the verdict. */
  function found(silence: ProbeWait['silence'], from: number, jitters: readonly number[], uncovered: boolean): number {
    let state: ReachabilityState = { ...reachable, lastAnswer: from };
    let now = from;
    let quiet = silence;
    for (let round = 0; state.verdict !== 'unreachable'; round += 1) {
      const jitter = jitters[round % jitters.length] ?? 0;
      now += pace(state, now, { silence: quiet, jitter, uncovered });
      const probe = { endpoint: 'https://api', outcome: 'refused', at: now, detail: '', direct: true } as const;
      state = nextReachability(state, { kind: 'round', from: now, at: now, probes: [probe], nothingRunsHere: false }, policy);
      quiet = silenceAfter(quiet, state, now);
    }
    return now - from;
  }
  const chance = fc.array(fc.double({ min: 0, max: 0.999_999, noNaN: true }), { minLength: 1, maxLength: 5 });

  it('within eight seconds where the server has answered for two minutes', () => {
    fc.assert(
      fc.property(fc.nat(3_600_000), fc.integer({ min: 120_000, max: 3_600_000 }), chance, (silentFor, answered, jitters) => {
        const silence = { from: 0, endedAt: silentFor };
        expect(found(silence, silentFor + answered, jitters, false)).toBeLessThanOrEqual(8_000);
      }),
    );
  });

  it('and within them in the two minutes before that, where a verdict could start a copy', () => {
    fc.assert(
      fc.property(fc.nat(3_600_000), fc.nat(120_000), chance, (silentFor, answered, jitters) => {
        const silence = { from: 0, endedAt: silentFor };
        expect(found(silence, silentFor + answered, jitters, true)).toBeLessThanOrEqual(8_000);
      }),
    );
  });

  it('within half a minute where it could start none', () => {
    expect(found({ from: 0, endedAt: 10 * MINUTE }, 10 * MINUTE, [0.999], false)).toBeLessThanOrEqual(30_000);
  });
});
