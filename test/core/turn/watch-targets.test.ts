/** For whom the close watch looks, how often, and what it may do the instant they appear. */

import { describe, expect, it } from 'vitest';
import { seen, unseen } from '../../../src/core/model/model.ts';
import { EMPTY_MIND, type Mind } from '../../../src/core/turn/mind.ts';
import { initialTrack } from '../../../src/core/turn/track.ts';
import { isAwaited, watchTargets } from '../../../src/core/turn/watch-targets.ts';
import { aCheckpoint, aContainer, aLedger, anObservation, aPlaced, aReach, copyServes, policy, WALL } from '../../fakes/builders.ts';

const checkpoint = aCheckpoint();

describe('the close watch', () => {
  const ledger = aLedger([aPlaced()]);
  const look = (o: Parameters<typeof anObservation>[0], mind: Mind = EMPTY_MIND, of = checkpoint) =>
    watchTargets([of], ledger, mind, anObservation(o), policy);

  it('rests until there is a sign of the API server, from itself or from the kubelet', () => {
    expect(look({ api: aReach('unreachable') })).toEqual([]);
    expect(look({ api: aReach('unsure', 0, 99_000) })).toMatchObject([{ podUids: ['u1'], paceMs: 10 }]);
    expect(look({ api: aReach('unreachable'), kubelet: seen(new Set(['kube-system/web-1'])) }).length).toBe(1);
  });

  it('rests again when the sign is two minutes old', () => {
    expect(look({ api: aReach('unreachable', 0, 1_000), now: 121_001 })).toEqual([]);
  });

  it('looks less often for a parent that is overdue', () => {
    const mind: Mind = { ...EMPTY_MIND, tracks: new Map([[checkpoint.key, { ...initialTrack(0), awaitingSince: -500_000 }]]) };

    expect(look({ api: aReach('reachable') }, mind)).toMatchObject([{ paceMs: 100 }]);
  });

  it('is only for copies on the host network', () => {
    expect(look({ api: aReach('reachable') }, EMPTY_MIND, aCheckpoint({ handBack: 'overlap' }))).toEqual([]);
  });

  it('prepares the withdrawal, with every container of the copy', () => {
    const [target] = look({ api: aReach('reachable'), runtime: seen(copyServes) });

    expect(target?.withdrawal).toMatchObject({ do: 'withdraw', placed: { key: checkpoint.key }, stop: ['k1'], graceSeconds: 0 });
  });

  it('prepares nothing while the runtime is unknown: which containers are to stop?', () => {
    expect(look({ api: aReach('reachable'), runtime: unseen('refused') })[0]?.withdrawal).toBeUndefined();
  });

  it('leaves it to the turn when a stuck parent may only be making another hopeless attempt', () => {
    const stuck = aLedger([aPlaced({ why: 'parent-stuck' })]);
    const placedSince = { attempt: 1, revision: 'r1', at: 50_000 };
    const mind: Mind = { ...EMPTY_MIND, tracks: new Map([[checkpoint.key, { ...initialTrack(0), placedSince }]]) };
    const withdrawal = (lastAnswer: number) =>
      watchTargets([checkpoint], stuck, mind, anObservation({ api: aReach('unsure', 0, lastAnswer), runtime: seen(copyServes) }), policy)[0]
        ?.withdrawal;

    expect(withdrawal(49_000)).toBeUndefined();
    expect(withdrawal(51_000)).toBeDefined();
  });

  it('does not look for a pod to which a hand-back has just failed', () => {
    const memory = {
      key: checkpoint.key,
      toUid: 'u1',
      at: '2026-11-21T08:00:00.000Z',
      bootId: 'b1',
      failures: 1,
      blockedUntil: '2026-11-21T08:05:00.000Z',
    };
    const uids = (wall: number) =>
      watchTargets([checkpoint], aLedger([aPlaced()], [memory]), EMPTY_MIND, anObservation({ api: aReach('reachable'), wall }), policy)[0]
        ?.podUids;

    expect(uids(WALL)).toEqual([]);
    expect(uids(WALL + 300_000)).toEqual(['u1']);
  });

  it('waits for a new serving container that is created or runs, and for nothing else', () => {
    const [target] = look({ api: aReach('reachable') });
    if (target === undefined) throw new Error('there should be a target');
    const known = aContainer({ id: 'old', podUid: 'u1', state: 'running' });

    expect(isAwaited(target, aContainer({ id: 'new', podUid: 'u1', state: 'created' }))).toBe(true);
    expect(isAwaited(target, aContainer({ id: 'new', podUid: 'u1', state: 'running' }))).toBe(true);
    expect(isAwaited(target, aContainer({ id: 'new', podUid: 'u1', state: 'exited' }))).toBe(false);
    expect(isAwaited(target, aContainer({ id: 'new', podUid: 'u1', state: 'created', name: 'init' }))).toBe(false);
    expect(isAwaited(target, aContainer({ id: 'new', podUid: 'other', state: 'created' }))).toBe(false);
    expect(isAwaited({ ...target, known: new Set(['old']) }, known)).toBe(false);
  });
});
