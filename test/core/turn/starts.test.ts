/** Which sign fits the runtime: the first guess, what is learnt, and how little is asked for it. */
import { describe, expect, it } from 'vitest';
import { type Learnt, NOTHING_LEARNT, signOf, startsToAsk, withAsked, withStart } from '../../../src/core/turn/starts.ts';
import { aCheckpoint, aContainer, aSandbox, copyContainer, copySandbox } from '../../fakes/builders.ts';

const named = (runtime: string): Learnt => ({ ...NOTHING_LEARNT, runtime });
/** Starts that took so long, one after the other. */
const having = (learnt: Learnt, ...took: number[]): Learnt =>
  took.reduce((before, ms, index) => withStart(before, [index * 60_000], index * 60_000 + ms), learnt);

describe('the sign', () => {
  it.each([
    ['containerd', 'attempt'],
    ['cri-o', 'container'],
    ['docker', 'container'],
    ['', 'container'],
  ])('is on %j at first the %s', (runtime, sign) => {
    expect(signOf(named(runtime))).toBe(sign);
  });

  it('is the container where nobody has told which runtime it is', () => {
    expect(signOf(NOTHING_LEARNT)).toBe('container');
  });

  it('is what was seen here, whatever the runtime is called', () => {
    expect(signOf(having(named('cri-o'), 300))).toBe('attempt');
    expect(signOf(having(named('cri-o'), 1_000))).toBe('attempt');
    expect(signOf(having(named('containerd'), 1_001))).toBe('container');
    expect(signOf(having(named('cri-o'), 2_600, 3_200))).toBe('container');
  });

  it('is not turned by a start that a busy node made slow, nor by a lucky one', () => {
    expect(signOf(having(named('containerd'), 200, 200, 200, 9_000, 9_000))).toBe('attempt');
    expect(signOf(having(named('cri-o'), 3_000, 3_000, 3_000, 100, 100))).toBe('container');
    expect(signOf(having(named('containerd'), 200, 9_000))).toBe('container');
  });

  it('follows a node that has changed', () => {
    expect(signOf(having(named('containerd'), 200, 200, 200, 200, 200, 3_000, 3_000, 3_000))).toBe('container');
  });
});

describe('a start', () => {
  it('is measured from the last attempt before it', () => {
    expect(withStart(NOTHING_LEARNT, [1_000, 4_900, 9_000], 5_000).starts).toEqual([{ at: 5_000, tookMs: 100 }]);
  });

  it('without an attempt before it tells nothing', () => {
    expect(withStart(NOTHING_LEARNT, [], 5_000)).toBe(NOTHING_LEARNT);
    expect(withStart(NOTHING_LEARNT, [5_001], 5_000)).toBe(NOTHING_LEARNT);
  });

  it('of long ago does not count before a later one, in whatever order they are told', () => {
    const learnt = [3, 1, 5, 2, 4, 6].reduce((before, at) => withStart(before, [at * 1_000 - at], at * 1_000), NOTHING_LEARNT);

    expect(learnt.starts.map(({ tookMs }) => tookMs)).toEqual([6, 5, 4, 3, 2]);
  });
});

describe('what the runtime is asked', () => {
  const checkpoints = [aCheckpoint()];
  const other = aContainer({ id: 'x1', podUid: 'someone else', sandboxId: 's7' });
  const view = {
    sandboxes: [aSandbox(), copySandbox],
    containers: [aContainer({ createdAtMs: 1 }), { ...copyContainer, createdAtMs: 2 }, other, aContainer({ id: 'p0', state: 'exited' })],
  };
  const ids = (learnt: Learnt): readonly string[] => startsToAsk(learnt, checkpoints, view).map(({ id }) => id);

  it('is about running containers of parents and copies, the latest first', () => {
    expect(ids(NOTHING_LEARNT)).toEqual(['k1', 'p1']);
  });

  it('is asked once', () => {
    const asked = withAsked(NOTHING_LEARNT, view.containers.slice(0, 1), view);

    expect(ids(asked)).toEqual(['k1']);
    expect([...withAsked(asked, [], { sandboxes: [], containers: [] }).asked]).toEqual([]);
  });

  it('is never about more than is kept, nor about what would be no news', () => {
    const many = { sandboxes: [aSandbox()], containers: [1, 2, 3, 4, 5, 6].map((at) => aContainer({ id: `c${at}`, createdAtMs: at })) };
    const learnt = [2, 3, 4, 5, 6].reduce((before, at) => withStart(before, [at], at), NOTHING_LEARNT);

    expect(startsToAsk(NOTHING_LEARNT, checkpoints, many).map(({ id }) => id)).toEqual(['c6', 'c5', 'c4', 'c3', 'c2']);
    expect(startsToAsk(learnt, checkpoints, many).map(({ id }) => id)).toEqual(['c6', 'c5', 'c4', 'c3']);
  });
});
