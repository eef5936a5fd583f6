/** The verdict on the API server: hysteresis, the fast path at boot, and what never counts as an outage. */
import { describe, expect, it } from 'vitest';
import { nextRoundIn, type ProbeWait, silenceFrom } from '../../../src/core/api/probe-schedule.ts';
import {
  initialReachability,
  nextReachability,
  type ReachabilityPolicy,
  type ReachabilityState,
  reachableFrom,
} from '../../../src/core/api/reachability.ts';
import type { Probe, ProbeOutcome } from '../../../src/core/model/model.ts';

const policy: ReachabilityPolicy = { probes: 3, windowMs: 6_000, bootFastPath: true };

function round(at: number, ...outcomes: ProbeOutcome[]) {
  const probes: Probe[] = outcomes.map((outcome, index) => ({ endpoint: `https://api-${index}`, outcome, at, detail: '', direct: true }));
  return { kind: 'round', from: at, at, probes, nothingRunsHere: false } as const;
}
/** A round whose probes took that long to fail. */
function slow(from: number, ms: number, ...outcomes: ProbeOutcome[]) {
  return { ...round(from + ms, ...outcomes), from };
}
function follow(state: ReachabilityState, ...events: Parameters<typeof nextReachability>[1][]): ReachabilityState {
  return events.reduce((now, event) => nextReachability(now, event, policy), state);
}
const reachable = follow(initialReachability(0), { kind: 'success', at: 0 });

describe('a reachable server', () => {
  it('has been so since before a brief doubt, and anew after a longer one', () => {
    const doubted = (ms: number): ReachabilityState =>
      follow(reachable, { kind: 'lost', at: 300_000 }, { kind: 'success', at: 300_000 + ms });

    expect([doubted(200), doubted(10_000), doubted(10_001)].map((state) => [state.since, reachableFrom(state)])).toEqual([
      [300_200, 0],
      [310_000, 0],
      [310_001, 310_001],
    ]);
    const twice = follow(doubted(200), { kind: 'lost', at: 600_000 }, { kind: 'success', at: 600_100 });
    expect(reachableFrom(twice)).toBe(0);
  });

  it('has been so only since an outage, however short', () => {
    const boot = follow(initialReachability(0), { kind: 'success', at: 1_000 }, { kind: 'lost', at: 2_000 }, round(2_000, 'refused'));
    const down = follow(boot, round(4_000, 'refused'), round(8_000, 'refused'));
    const back = follow(down, { kind: 'success', at: 9_000 });

    expect([down.verdict, reachableFrom(back)]).toEqual(['unreachable', 9_000]);
  });
});

describe('an outage', () => {
  it('is unsure at the first failure and unreachable after three over six seconds', () => {
    const lost = follow(reachable, { kind: 'lost', at: 10_000 });
    const once = follow(lost, round(10_000, 'refused'));
    const twice = follow(once, round(13_000, 'refused'));
    const thrice = follow(twice, round(16_000, 'refused'));

    expect([lost, once, twice, thrice].map((state) => state.verdict)).toEqual(['unsure', 'unsure', 'unsure', 'unreachable']);
    expect(thrice.since).toBe(16_000);
  });

  it('is not proven by three failures within less than the window', () => {
    const state = follow(reachable, { kind: 'lost', at: 0 }, round(0, 'refused'), round(100, 'refused'), round(5_999, 'refused'));

    expect(state.verdict).toBe('unsure');
  });

  it('is proven by the third round, six seconds after the first began, however long each of them took', () => {
    const state = follow(reachable, { kind: 'lost', at: 0 }, slow(0, 40, 'refused'), slow(3_000, 5, 'refused'), slow(6_000, 2, 'refused'));

    expect(state.verdict).toBe('unreachable');
  });

  it('is not counted from a round that began before the server last answered', () => {
    const during: Parameters<typeof nextReachability>[1][] = [
      { kind: 'success', at: 500 },
      { kind: 'lost', at: 600 },
    ];
    const state = follow(reachable, ...during, slow(0, 1_000, 'timeout'), slow(3_000, 5, 'refused'), slow(6_000, 2, 'refused'));

    expect(state.verdict).toBe('unsure');
  });

  it('starts from nothing again when one probe in between is answered', () => {
    const state = follow(
      reachable,
      { kind: 'lost', at: 0 },
      round(0, 'timeout'),
      round(3_000, 'answered'),
      round(6_000, 'timeout'),
      round(9_000, 'timeout'),
    );

    expect(state.verdict).not.toBe('unreachable');
  });

  it('needs every endpoint to fail', () => {
    const state = follow(
      reachable,
      { kind: 'lost', at: 0 },
      round(0, 'refused', 'answered'),
      round(3_000, 'refused', 'ok'),
      round(6_000, 'refused', 'ok'),
    );

    expect(state.verdict).toBe('reachable');
  });

  it.each(['refused', 'reset', 'timeout', 'unroutable', 'dns'] as const)('is what %s means', (outcome) => {
    const state = follow(reachable, { kind: 'lost', at: 0 }, round(0, outcome), round(3_000, outcome), round(6_000, outcome));

    expect(state.verdict).toBe('unreachable');
  });

  it.each(['ok', 'answered', 'tls'] as const)('is never what %s means, however long', (outcome) => {
    let state = follow(reachable, { kind: 'lost', at: 0 });
    for (let at = 0; at < 3_600_000; at += 3_000) state = follow(state, round(at, outcome));

    expect(state.verdict).not.toBe('unreachable');
  });

  it.each(['storage', 'gateway', 'expired'] as const)('of what is there and serves nobody (%s) counts only after a minute', (outcome) => {
    const early = follow(reachable, { kind: 'lost', at: 0 }, round(0, outcome), round(30_000, outcome), round(59_999, outcome));
    const late = follow(early, round(60_000, outcome));

    expect([early.verdict, late.verdict]).toEqual(['unsure', 'unreachable']);
  });

  it('counts that minute over failures in between, and from anew after any answer', () => {
    const lost = follow(reachable, { kind: 'lost', at: 0 });
    const flapping = follow(lost, round(0, 'gateway'), round(30_000, 'refused'), round(50_000, 'storage'), round(60_000, 'gateway'));
    const answered = follow(lost, round(0, 'gateway'), round(30_000, 'answered'), round(50_000, 'gateway'), round(60_000, 'gateway'));
    const twice = follow(lost, round(0, 'gateway'), round(90_000, 'gateway'));

    expect([flapping.verdict, answered.verdict, twice.verdict]).toEqual(['unreachable', 'unsure', 'unsure']);
    expect(follow(answered, round(110_000, 'gateway')).verdict).toBe('unreachable');
  });

  it('stays one when its balancer comes first, and a sign of the server asks for a fresh minute', () => {
    const out = follow(reachable, { kind: 'lost', at: 0 }, round(0, 'refused'), round(3_000, 'refused'), round(6_000, 'refused'));
    expect(follow(out, round(9_000, 'gateway')).verdict).toBe('unreachable');

    const dwelt = follow(reachable, { kind: 'lost', at: 0 }, round(0, 'gateway'), round(30_000, 'gateway'), round(60_000, 'gateway'));
    expect(follow(dwelt, { kind: 'sign', at: 61_000 }, round(62_000, 'gateway'), round(65_000, 'gateway')).verdict).toBe('unsure');
  });

  it('by an expired certificate is told with its date, and is none while any other server answers', () => {
    const detail = 'its certificate has expired, it was valid until 2026-11-20T00:00:00Z';
    const expired: Probe = { endpoint: 'https://api-0', outcome: 'expired', at: 0, detail, direct: true, tls: 'dates' };
    const told = (at: number, ...more: Probe[]) =>
      ({ kind: 'round', from: at, at, probes: [expired, ...more], nothingRunsHere: true }) as const;
    const out = follow(initialReachability(0), told(0), told(30_000), told(60_000));
    expect(out).toMatchObject({ verdict: 'unreachable', evidence: `https://api-0: expired (${detail})` });
    expect(out.tls).toEqual({ endpoint: 'https://api-0', reason: 'dates', said: detail });

    const good: Probe = { endpoint: 'https://api-1', outcome: 'ok', at: 0, detail: 'HTTP 200', direct: true };
    expect(follow(out, told(63_000, good), told(66_000, good))).toMatchObject({ verdict: 'reachable', tls: { reason: 'dates' } });
    expect(follow(out, { kind: 'success', at: 63_000 }).tls).toBeUndefined();
    expect(follow(out, round(63_000, 'refused')).tls).toBeUndefined();
  });

  it('is none while any server answers under its own address, and is not forbidden for ever by one that does not verify', () => {
    const lost = follow(reachable, { kind: 'lost', at: 0 });
    const learnt = (outcome: ProbeOutcome): Probe => ({ endpoint: 'https://own', outcome, at: 0, detail: '', direct: true, learnt: true });
    const service: Probe = { endpoint: 'https://service', outcome: 'timeout', at: 0, detail: '', direct: false };
    const at = (time: number, own: Probe) =>
      ({ kind: 'round', from: time, at: time, probes: [service, own], nothingRunsHere: true }) as const;
    const rounds = (outcome: ProbeOutcome) => Array.from({ length: 21 }, (_, n) => at(n * 3_000, learnt(outcome)));

    expect(follow(lost, ...rounds('answered')).verdict).toBe('reachable');
    expect(follow(lost, ...rounds('tls').slice(0, -1)).verdict).toBe('unsure');
    expect(follow(lost, ...rounds('tls')).verdict).toBe('unreachable');
  });

  it('is in doubt when there is no endpoint to ask', () => {
    expect(follow(reachable, { kind: 'lost', at: 0 }, round(0), round(3_000), round(6_000)).verdict).toBe('unsure');
  });
});

describe('the return', () => {
  const down = follow(reachable, { kind: 'lost', at: 0 }, round(0, 'refused'), round(3_000, 'refused'), round(6_000, 'refused'));

  it('takes two answered rounds', () => {
    const once = follow(down, round(7_000, 'answered'));
    const twice = follow(once, round(8_000, 'ok'));

    expect([once.verdict, twice.verdict]).toEqual(['unsure', 'reachable']);
    expect(once.lastAnswer).toBe(7_000);
  });

  it('is certain at once when an authenticated request succeeds', () => {
    expect(follow(down, { kind: 'success', at: 7_000 }).verdict).toBe('reachable');
  });

  it('puts the verdict in doubt when the kubelet starts the parent, so that a failed hand-back is judged afresh', () => {
    const signed = follow(down, { kind: 'sign', at: 7_000 });

    expect(signed.verdict).toBe('unsure');
    expect(follow(signed, round(7_100, 'refused'), round(10_100, 'refused')).verdict).toBe('unsure');
    expect(follow(signed, round(7_100, 'refused'), round(10_100, 'refused'), round(13_200, 'refused')).verdict).toBe('unreachable');
  });

  it('flickers neither way on single answers', () => {
    const state = follow(down, round(7_000, 'answered'), round(8_000, 'refused'), round(9_000, 'refused'));

    expect(state.verdict).toBe('unsure');
  });
});

describe('the pace of the probes', () => {
  /** No watch tells, the last round was at 0, and nobody waits. */
  const blind: ProbeWait = {
    watchHealthy: false,
    lastRound: 0,
    waiting: 'nobody',
    uncovered: false,
    silence: silenceFrom(0),
    jitter: 0.5,
    now: 0,
  };

  it('is none while the watch is healthy', () => {
    expect(nextRoundIn(reachable, { ...blind, watchHealthy: true, lastRound: undefined }, policy)).toBeUndefined();
  });

  it('fits three rounds into the window', () => {
    const doubtful = follow(reachable, { kind: 'lost', at: 0 }, round(0, 'refused'));

    expect(nextRoundIn(doubtful, { ...blind, now: 1_000 }, policy)).toBe(2_000);
  });

  it('is fast while a copy waits for the first sign of the server', () => {
    const doubtful = follow(reachable, { kind: 'lost', at: 0 }, round(0, 'refused'));

    expect(nextRoundIn(doubtful, { ...blind, waiting: 'copies' }, policy)).toBe(250);
  });

  it('is calm where no watch tells, the server answers and nothing waits', () => {
    expect(nextRoundIn(reachable, { ...blind, now: 500 }, policy)).toBe(1_000);
    expect(nextRoundIn(reachable, { ...blind, waiting: 'copies' }, policy)).toBe(250);
  });

  it('begins at once, and is due at once when it is late', () => {
    expect(nextRoundIn(reachable, { ...blind, lastRound: undefined }, policy)).toBe(0);
    expect(nextRoundIn(reachable, { ...blind, now: 60_000 }, policy)).toBe(0);
  });

  it('is quick while the fast path at boot may still be taken, for twenty rounds, whoever waits', () => {
    const fresh = initialReachability(0);
    const tried = (rounds: number) => ({ ...fresh, failed: { rounds, from: 0, hard: true } });

    expect(nextRoundIn(tried(19), { ...blind, waiting: 'copies' }, policy)).toBe(500);
    expect(nextRoundIn(tried(20), { ...blind, waiting: 'copies' }, policy)).toBe(250);
    expect(nextRoundIn(tried(20), blind, policy)).toBe(3_000);
    expect(nextRoundIn(fresh, blind, { ...policy, bootFastPath: false })).toBe(3_000);
    expect(nextRoundIn({ ...fresh, everAnswered: true }, blind, policy)).toBe(3_000);
  });

  it('is never slower than three seconds in doubt or in a young outage, and quicker for more rounds in the window', () => {
    const out: ReachabilityState = { ...reachable, verdict: 'unreachable' };

    expect(nextRoundIn(out, blind, { ...policy, windowMs: 60_000 })).toBe(3_000);
    expect(nextRoundIn(out, blind, { ...policy, probes: 7 })).toBe(1_000);
    expect(nextRoundIn(out, blind, { ...policy, probes: 1, windowMs: 2_000 })).toBe(2_000);
  });

  it.each([0, 20, 150])('judges an outage within eight seconds where no watch tells, be each round %d ms late', (lateMs) => {
    let state = reachable;
    let now = 0;
    // the worst moment for it to begin: right after an answered round
    for (let last = 0; state.verdict !== 'unreachable'; last = now) {
      now += (nextRoundIn(state, { ...blind, lastRound: last, now }, policy) ?? 0) + lateMs;
      state = follow(state, round(now, 'refused'));
    }

    expect(now).toBeLessThanOrEqual(8_000);
  });
});
