/** How much hurry a turn tells to the probes and to the close watch. */
import { describe, expect, it } from 'vitest';
import { paced, uncovered, waitingOf } from '../../../src/core/turn/pace.ts';
import type { WatchTarget } from '../../../src/core/turn/watch-targets.ts';
import { aCheckpoint, aLedger, aPlaced } from '../../fakes/builders.ts';

const { record } = aCheckpoint();
const target = (paceMs: number): WatchTarget => ({ key: 'k', podUids: ['u1'], record, known: new Set(), signs: ['main'], paceMs });

describe('the close watch', () => {
  it('is as quick as its targets ask in the two minutes after a sign, and then looks once a second', () => {
    expect(paced([target(10)], 1_000, 120_999)).toMatchObject([{ paceMs: 10 }]);
    expect(paced([target(10), target(100)], 1_000, 121_000)).toMatchObject([{ paceMs: 1_000 }, { paceMs: 1_000 }]);
    expect(paced([target(10)], undefined, 121_000)).toMatchObject([{ paceMs: 1_000 }]);
  });
});

describe('the first sign of the API server', () => {
  const placed = aLedger([aPlaced()]);
  const stored = (handBack: 'container' | 'first-sign') => new Map([['kube-system_web-1', aCheckpoint({ handBack })]]);

  it('is waited for by copies, and most of all by those in mode first-sign', () => {
    expect(waitingOf(true, placed, stored('container'))).toBe('copies');
    expect(waitingOf(true, placed, stored('first-sign'))).toBe('first-sign');
    expect(waitingOf(true, aLedger([aPlaced({ phase: 'leaving' })]), stored('first-sign'))).toBe('copies');
    expect(waitingOf(false, placed, stored('first-sign'))).toBe('nobody');
  });
});

describe('a verdict', () => {
  type Told = Parameters<typeof uncovered>[0][number];
  const told = (state: Told['decision']['state'], here: Told['facts']['here']) =>
    ({ decision: { state }, facts: { here } }) as unknown as Told;

  it('is waited for where a parent does not run and no copy stands in for it', () => {
    expect(uncovered([told('inactive', 'running'), told('active', 'absent')])).toBe(false);
    expect(uncovered([told('inactive', 'running'), told('inactive', 'absent')])).toBe(true);
    expect(uncovered([told('inactive', 'unknown')])).toBe(true);
    expect(uncovered([])).toBe(false);
  });
});
