/** On whose word, and after how long, a checkpoint is retired. */

import { describe, expect, it } from 'vitest';
import { seen, unseen } from '../../../src/core/model/model.ts';
import { EMPTY_MIND } from '../../../src/core/turn/mind.ts';
import { type Turn, turn } from '../../../src/core/turn/turn.ts';
import { aCheckpoint, aLedger, anObservation, aPlaced, aPod, aReach, copyServes, policy, watching } from '../../fakes/builders.ts';

import { checkpoint, kinds, over, placedFile, verdictOf } from './turns.ts';

describe('retiring', () => {
  const empty = { api: aReach('reachable'), watch: watching() };
  const read = new Map([[checkpoint.key, seen(undefined)]]);

  it('takes the watch’s word for the whole grace and then a read of its own', () => {
    expect(verdictOf(over([0, 59_999], { ...empty, reads: read }))).toBe('inactive: parent-leaving');
    expect(verdictOf(over([0, 60_000], empty))).toBe('inactive: parent-leaving');
    const gone = over([0, 60_000], { ...empty, reads: read });
    expect(verdictOf(gone)).toBe('retired: parent-gone');
    expect(gone.actions).toEqual([{ do: 'remove-checkpoint', key: checkpoint.key, reason: 'parent-gone' }]);
  });

  it('is not begun while the record, and with it the parent’s uid, could not be read', () => {
    const unread = { ...checkpoint, record: { ...checkpoint.record, parent: { ...checkpoint.record.parent, uid: '' } }, problem: 'EMFILE' };
    const shown = { ...empty, reads: read };

    expect(verdictOf(over([0, 60_000], shown, aLedger(), { ...unread, unread: 'EMFILE' }))).toBe('inactive: api-reachable');
    expect(verdictOf(over([0, 60_000], shown, aLedger(), unread))).toBe('retired: parent-gone');
  });

  it.each<[string, Parameters<typeof aCheckpoint>]>([
    ['of another node', [{ node: { name: 'n2', machineId: 'm1' } }]],
    ['of another machine', [{ node: { name: 'n1', machineId: 'm2' } }]],
    ['of another cluster', [{ cluster: 'c2' }]],
    ['of another cluster by its CA certificates', [{ cluster: 'c2' }, { cas: ['aa'] }]],
    [
      'of another cluster and damaged',
      [
        { cluster: '', parent: { ...checkpoint.record.parent, uid: '' } },
        { problem: 'damaged', cas: ['aa'] },
      ],
    ],
  ])('never comes to a checkpoint %s, placed or not, and asks nobody about it', (_name, of) => {
    const strange = aCheckpoint(...of);
    const late = over([0, 60_000, 10 * 60_000, 3_600_000], { ...empty, reads: read }, aLedger(), strange);
    expect(verdictOf(late)).toBe('inactive: api-reachable');
    expect(late.actions).toEqual([]);
    expect(late.mind.tracks.get(strange.key)?.leavingSince).toBeUndefined();

    const serving = over(
      [0, 60_000, 3_600_000],
      { ...empty, reads: read, ...placedFile, runtime: seen(copyServes) },
      aLedger([aPlaced()]),
      strange,
    );
    expect(kinds(serving)).toEqual([]);
    expect(verdictOf(serving)).toMatch(/^active: /);
  });

  it.each<[string, Parameters<typeof watching>]>([
    ['is bound to another node', [aPod({ node: 'n2' })]],
    ['has failed', [aPod({ phase: 'Failed' })]],
    ['is no longer opted in', [aPod({ enabled: false })]],
    ['was replaced by a pod of the same name', [aPod({ uid: 'u2' })]],
  ])('follows when the parent %s', (_name, pods) => {
    const reads = new Map([[checkpoint.key, seen(pods[0])]]);

    expect(verdictOf(over([0, 60_000], { api: aReach('reachable'), watch: watching(...pods), reads }))).toBe('retired: parent-gone');
  });

  it('never follows a read that failed, or one that shows the parent', () => {
    expect(verdictOf(over([0, 60_000], { ...empty, reads: new Map([[checkpoint.key, unseen('403')]]) }))).toBe('inactive: parent-leaving');
    expect(verdictOf(over([0, 60_000], { ...empty, reads: new Map([[checkpoint.key, seen(aPod())]]) }))).toBe('inactive: parent-leaving');
  });

  it('starts the grace anew when the parent is seen again', () => {
    const once = over([0, 59_000], { ...empty, reads: read });
    const back = turn(
      once.mind,
      [checkpoint],
      aLedger(),
      anObservation({ now: 59_500, api: aReach('reachable'), watch: watching(aPod()) }),
      policy,
    );
    const late = turn(back.mind, [checkpoint], aLedger(), anObservation({ now: 61_000, ...empty, reads: read }), policy);

    expect(verdictOf(late)).toBe('inactive: parent-leaving');
  });

  it('withdraws a placed copy first and keeps the data while the runtime shows it', () => {
    const o = { ...empty, reads: read, runtime: seen(copyServes), manifests: placedFile };

    expect(kinds(over([0, 60_000], o, aLedger([aPlaced()])))).toEqual(['withdraw', 'remember']);
    expect(kinds(over([0, 60_000], o, aLedger()))).toEqual([]);
  });

  it('does not take a checkpoint whose record cannot be read for one of a pod that is gone', () => {
    const of = aCheckpoint(
      { parent: { namespace: 'kube-system', name: 'web-1', uid: '', resourceVersion: '' } },
      { problem: 'record.json: garbage' },
    );
    const there = new Map([[of.key, seen(aPod())]]);

    expect(verdictOf(over([0, 600_000], { api: aReach('reachable'), watch: watching(aPod()), reads: there }, aLedger(), of))).toBe(
      'inactive: api-reachable',
    );
    expect(verdictOf(over([0, 60_000], { ...empty, reads: there }, aLedger(), of))).toBe('inactive: parent-leaving');
    expect(verdictOf(over([0, 60_000], { ...empty, reads: read }, aLedger(), of))).toBe('retired: parent-gone');
  });

  it('waits for the capture of a successor', () => {
    const of = aCheckpoint({ parent: { ...checkpoint.record.parent, controller: { kind: 'DaemonSet', name: 'web', uid: 'ds' } } });
    const o = { api: aReach('reachable'), watch: watching(aPod({ uid: 'u2', name: 'web-2', daemonSet: 'ds' })), reads: read };

    expect(verdictOf(over([0, 600_000], o, aLedger(), of))).toBe('inactive: parent-leaving');
  });

  it('brakes when more than half of the checkpoints, and more than three, leave at once', () => {
    const all = ['a', 'b', 'c', 'd'].map((name) =>
      aCheckpoint({ parent: { namespace: 'kube-system', name, uid: `u-${name}`, resourceVersion: '1' } }),
    );
    const reads = new Map(all.map((one) => [one.key, seen(undefined)] as const));
    const run = (times: readonly number[]): Turn => {
      let result: Turn | undefined;
      for (const now of times) result = turn(result?.mind ?? EMPTY_MIND, all, aLedger(), anObservation({ ...empty, reads, now }), policy);
      if (result === undefined) throw new Error('no time given');
      return result;
    };

    expect(run([0]).braked).toBe(true);
    expect(run([0, 59_999]).actions).toEqual([]);
    expect(run([0, 60_000, 119_999]).actions).toEqual([]);
    expect(new Set(run([0, 60_000, 120_000]).verdicts.map((verdict) => verdict.decision.state))).toEqual(new Set(['retired']));
  });
});
