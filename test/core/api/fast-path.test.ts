/** The quick verdict of a node that has just booted: when it is taken, and when not. */
import { describe, expect, it } from 'vitest';
import {
  initialReachability,
  nextReachability,
  type ReachabilityPolicy,
  type ReachabilityState,
} from '../../../src/core/api/reachability.ts';
import type { Probe, ProbeOutcome } from '../../../src/core/model/model.ts';

const policy: ReachabilityPolicy = { probes: 3, windowMs: 6_000, bootFastPath: true };

function round(at: number, ...outcomes: ProbeOutcome[]) {
  const probes: Probe[] = outcomes.map((outcome, index) => ({ endpoint: `https://api-${index}`, outcome, at, detail: '', direct: true }));
  return { kind: 'round', from: at, at, probes, nothingRunsHere: false } as const;
}
function follow(state: ReachabilityState, ...events: Parameters<typeof nextReachability>[1][]): ReachabilityState {
  return events.reduce((now, event) => nextReachability(now, event, policy), state);
}

describe('the fast path at boot', () => {
  const quick = (at: number, outcome: ProbeOutcome) => ({ ...round(at, outcome), nothingRunsHere: true });

  it('needs two refusals half a second apart while nothing from the API runs here', () => {
    const state = follow(initialReachability(0), quick(0, 'refused'), quick(500, 'refused'));

    expect(state.verdict).toBe('unreachable');
  });

  it.each([
    ['the second comes too soon', [quick(0, 'refused'), quick(499, 'refused')]],
    ['one of them is a timeout', [quick(0, 'timeout'), quick(500, 'refused')]],
    ['pods from the API run here', [round(0, 'refused'), round(500, 'refused')]],
  ])('is not taken when %s', (_name, events) => {
    expect(follow(initialReachability(0), ...events).verdict).toBe('unsure');
  });

  type Asked = readonly [outcome: ProbeOutcome, address: 'direct' | 'service', learnt?: 'learnt'];
  it.each<[string, Asked[], string]>([
    [
      "a server's own address refuses, and the service address does",
      [
        ['refused', 'direct'],
        ['refused', 'service'],
      ],
      'unreachable',
    ],
    [
      "a server's own address refuses, and there is no way to the service",
      [
        ['refused', 'direct'],
        ['unroutable', 'service'],
      ],
      'unreachable',
    ],
    ['the service address alone refuses: kube-proxy may be what is missing', [['refused', 'service']], 'unsure'],
    ['there is no way to the server: our own network may not be up yet', [['unroutable', 'direct']], 'unsure'],
    [
      'one of two servers refuses, and there is no way to the other',
      [
        ['refused', 'direct'],
        ['unroutable', 'direct'],
      ],
      'unsure',
    ],
    [
      'a server refuses, and the service address is silent',
      [
        ['refused', 'direct'],
        ['timeout', 'service'],
      ],
      'unsure',
    ],
    [
      'an address that was learnt does not verify',
      [
        ['refused', 'direct'],
        ['tls', 'direct', 'learnt'],
      ],
      'unsure',
    ],
  ])('when %s', (_name, asked, verdict) => {
    const probes = asked.map(([outcome, address, learnt], index): Probe => {
      const about = { direct: address === 'direct', ...(learnt === undefined ? {} : { learnt: true }) };
      return { endpoint: `https://api-${index}`, outcome, at: 0, detail: '', ...about };
    });
    const both = [0, 500].map((at) => ({ kind: 'round', from: at, at, probes, nothingRunsHere: true }) as const);
    expect(follow(initialReachability(0), ...both).verdict).toBe(verdict);
  });

  it('is not taken once this process has had an answer', () => {
    expect(follow(initialReachability(0), quick(0, 'answered'), quick(500, 'refused'), quick(1_000, 'refused')).verdict).toBe('unsure');
  });
});
