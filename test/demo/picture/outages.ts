/** Outages to draw: one as the demo tells it, quick or slow, and any at all. */
import fc from 'fast-check';
import { LANES, type Outage } from '../../../src/demo/picture/outage.ts';

/** Times of an ordinary run, multiplied by a factor. */
export function ordinary(factor = 1): Outage {
  const t = (ms: number): number => ms * factor;
  return {
    end: t(14_600),
    names: { parent: 'web-x7k2p', copy: 'web-x7k2p-ckpt-demo-node' },
    acts: [
      { at: 0, title: 'All is well' },
      { at: t(2_420), title: 'Power cut, offline boot' },
      { at: t(8_150), title: 'Hand-back' },
    ],
    spans: [
      { lane: 'node', from: 0, to: t(2_420) },
      { lane: 'node', from: t(3_930), to: t(14_600) },
      { lane: 'API server', from: t(90), to: t(2_430) },
      { lane: 'API server', from: t(8_150), to: t(14_600) },
      { lane: 'kubelet', from: t(100), to: t(2_440) },
      { lane: 'kubelet', from: t(3_940), to: t(14_600) },
      { lane: 'agent', from: t(300), to: t(2_450) },
      { lane: 'agent', from: t(3_950), to: t(14_600) },
      { lane: 'parent', from: t(290), to: t(2_420) },
      { lane: 'copy', from: t(5_140), to: t(12_900) },
      { lane: 'parent', from: t(13_090), to: t(14_600) },
    ],
    moments: [
      { lane: 'agent', at: t(2_380), text: 'captured' },
      { lane: 'node', at: t(2_420), text: 'power cut' },
      { lane: 'node', at: t(3_930), text: 'boots' },
      { lane: 'agent', at: t(4_900), text: 'verdict: unreachable' },
      { lane: 'agent', at: t(4_990), text: 'manifest placed' },
      { lane: 'copy', at: t(5_140), text: 'copy serves' },
      { lane: 'API server', at: t(8_150), text: 'answers again' },
      { lane: 'agent', at: t(8_480), text: 'verdict: reachable' },
      { lane: 'agent', at: t(12_890), text: 'manifest is gone' },
      { lane: 'parent', at: t(12_950), text: 'container created' },
    ],
    gaps: [
      { from: t(2_420), to: t(5_140), ends: 'hand-over' },
      { from: t(12_900), to: t(13_090), ends: 'hand-over' },
    ],
    kubeletScale: 0.1,
    broken: [],
  };
}

/** The same story with any times, in any order. */
export function anyTimes(): fc.Arbitrary<Outage> {
  const at = fc.double({ min: 0, max: 1, noNaN: true });
  return fc
    .record({
      end: fc.integer({ min: 1, max: 400_000 }),
      moments: fc.array(at, { minLength: 10, maxLength: 10 }),
      acts: fc.array(at, { minLength: 3, maxLength: 3 }),
      cuts: fc.array(at, { maxLength: 6 }),
    })
    .map(({ end, moments, acts, cuts }) => {
      const story = ordinary();
      const sorted = [0, ...cuts, 1].sort((a, b) => a - b).map((part) => part * end);
      const pieces = sorted
        .slice(1)
        .map((to, index) => ({ from: sorted[index] ?? 0, to, ends: to === end ? ('open' as const) : ('hand-over' as const) }));
      return {
        ...story,
        end,
        acts: acts.sort((a, b) => a - b).map((part, index) => ({ at: part * end, title: story.acts[index]?.title ?? '' })),
        moments: story.moments.map((moment, index) => ({ ...moment, at: (moments[index] ?? 0) * end })),
        // by turns somebody serves and nobody does
        gaps: pieces.filter((_, index) => index % 2 === 1),
        spans: pieces
          .filter((_, index) => index % 2 === 0)
          .map((piece, index) => ({ ...piece, lane: LANES[index % 2 === 0 ? 3 : 4] ?? 'node' })),
      };
    });
}
