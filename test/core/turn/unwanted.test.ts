/** What people no longer want stays so: a deleted parent, a lost annotation, a namespace that is honoured no more. */
import { describe, expect, it } from 'vitest';
import type { Dismissal } from '../../../src/core/model/dismissal.ts';
import { type Checkpoint, type Ledger, seen, unseen } from '../../../src/core/model/model.ts';
import { EMPTY_MIND, type Mind } from '../../../src/core/turn/mind.ts';
import type { Observation } from '../../../src/core/turn/observation.ts';
import { type Turn, turn } from '../../../src/core/turn/turn.ts';
import {
  aCheckpoint,
  aContainer,
  aLedger,
  anObservation,
  aPlaced,
  aPod,
  aReach,
  copyServes,
  parentDied,
  parentRuns,
  policy,
  WALL,
  watching,
} from '../../fakes/builders.ts';
import { checkpoint, kinds, one, over, verdictOf } from './turns.ts';

const AT = new Date(WALL).toISOString();
const deleted: Dismissal = { uid: 'u1', at: AT, why: 'parent-deleted' };
const answering = { api: aReach('reachable'), runtime: seen(parentDied), watch: watching() };
const readGone = new Map([[checkpoint.key, seen(undefined)]]);
const outage = { api: aReach('unreachable'), watch: { synced: true, healthy: false, pods: new Map() } };

const ending = { ...aPod(), metadata: { ...aPod().metadata, deletionTimestamp: '2026-11-21T08:00:00Z' } };

function dismissals(result: Turn): readonly (Dismissal | undefined)[] {
  return result.actions.flatMap((action) => (action.do === 'dismiss' ? [action.dismissal] : []));
}
/** One observation after another, minds carried along. */
function steps(all: readonly Partial<Observation>[], of: Checkpoint = checkpoint, ledger: Ledger = aLedger()): Turn {
  let mind: Mind = EMPTY_MIND;
  let result: Turn | undefined;
  for (const o of all) {
    result = turn(mind, [of], ledger, anObservation(o), policy);
    mind = result.mind;
  }
  if (result === undefined) throw new Error('no step given');
  return result;
}

describe('a parent that was deleted', () => {
  it('is written down once the server answers ten seconds after its last container', () => {
    expect(dismissals(over([0, 9_999], { ...answering, reads: readGone }))).toEqual([]);
    expect(dismissals(over([0, 10_000], { ...answering, reads: readGone }))).toEqual([deleted]);
    expect(
      dismissals(over([0, 10_000], { ...answering, watch: watching(ending), reads: new Map([[checkpoint.key, seen(ending)]]) })),
    ).toEqual([deleted]);
  });

  it.each<[string, Partial<Observation>]>([
    ['a container of it still runs', { runtime: seen(parentRuns), reads: readGone }],
    ['its copy runs', { runtime: seen(copyServes), reads: readGone }],
    ['the runtime does not tell', { runtime: unseen('down'), reads: readGone }],
    ['the read of its own failed', { reads: new Map([[checkpoint.key, unseen('refused')]]) }],
    ['the read shows it', { reads: new Map([[checkpoint.key, seen(aPod())]]) }],
    ['nobody has read it', {}],
    ['the watch is silent', { watch: { synced: true, healthy: false, pods: new Map() }, reads: readGone }],
    ['a pod of its name is wanted here', { watch: watching(aPod({ uid: 'u2' })), reads: readGone }],
  ])('is not while %s', (_, change) => {
    expect(dismissals(over([0, 10_000, 50_000], { ...answering, ...change }))).toEqual([]);
  });

  it('is not where its copy is placed: what answers may be that very copy', () => {
    const o = { ...answering, reads: readGone };

    expect(dismissals(over([0, 10_000, 50_000], o, aLedger([aPlaced()])))).toEqual([]);
  });

  it('is not when the server was away in between', () => {
    const away = { ...answering, now: 5_000, api: aReach('unsure') };
    const late = { ...answering, reads: readGone };

    expect(dismissals(steps([{ ...answering, now: 0 }, away, { ...late, now: 10_000 }]))).toEqual([]);
    expect(dismissals(steps([{ ...answering, now: 0 }, away, { ...late, now: 6_000 }, { ...late, now: 16_000 }]))).toEqual([deleted]);
  });

  it('is not while many are missing at once that were never shown to leave; a drained node is another thing', () => {
    const all = ['a', 'b', 'c', 'd'].map((name) =>
      aCheckpoint({ parent: { namespace: 'kube-system', name, uid: `u-${name}`, resourceVersion: '1' } }),
    );
    const reads = new Map(all.map((each) => [each.key, seen(undefined)] as const));
    const shown = (change: object) =>
      watching(...all.map(({ record: { parent } }) => ({ ...ending, metadata: { ...ending.metadata, ...parent, ...change } })));
    const count = (watch: Observation['watch']): number => {
      const first = turn(EMPTY_MIND, all, aLedger(), anObservation({ ...answering, watch, now: 0 }), policy);
      const then = turn(first.mind, all, aLedger(), anObservation({ ...answering, now: 1 }), policy);
      return dismissals(turn(then.mind, all, aLedger(), anObservation({ ...answering, reads, now: 10_001 }), policy)).length;
    };

    expect(count(shown({}))).toBe(4);
    expect(count(shown({ deletionTimestamp: undefined }))).toBe(0);
  });

  it('of a DaemonSet is none: nothing else covers the node until its successor is captured', () => {
    const of = aCheckpoint({ parent: { ...checkpoint.record.parent, controller: { kind: 'DaemonSet', name: 'web', uid: 'ds' } } });

    expect(dismissals(over([0, 10_000, 50_000], { ...answering, reads: readGone }, aLedger(), of))).toEqual([]);
  });

  it('starts no copy in an outage, nor does it after a restart; right before an outage its deletion is no evidence', () => {
    const gone = { ...answering, reads: readGone };

    expect(
      verdictOf(
        steps([
          { ...gone, now: 0 },
          { ...gone, now: 10_000 },
          { ...outage, now: 90_000 },
        ]),
      ),
    ).toBe('inactive: parent-deleted');
    expect(verdictOf(one(outage, aLedger(), { ...checkpoint, dismissed: deleted }))).toBe('inactive: parent-deleted');
    expect(
      verdictOf(
        steps([
          { ...gone, now: 0 },
          { ...gone, now: 9_000 },
          { ...outage, now: 90_000 },
        ]),
      ),
    ).toBe('active: parent-absent');
  });

  it('is wanted again when the server shows it alive, or another pod of its name', () => {
    const of = { ...checkpoint, dismissed: deleted };

    expect(dismissals(one({ ...answering, watch: watching(aPod()) }, aLedger(), of))).toEqual([undefined]);
    expect(dismissals(one({ ...answering, watch: watching(aPod({ uid: 'u2' })) }, aLedger(), of))).toEqual([undefined]);
    expect(dismissals(one({ ...answering, watch: watching(ending) }, aLedger(), of))).toEqual([]);
    expect(dismissals(one(outage, aLedger(), of))).toEqual([]);
  });

  it('says nothing of a later pod of the same name', () => {
    const later = aCheckpoint({ parent: { ...checkpoint.record.parent, uid: 'u2' } }, { dismissed: deleted });

    expect(verdictOf(one(outage, aLedger(), later))).toBe('active: parent-absent');
  });

  it('goes with its checkpoint', () => {
    const result = over([0, 60_000], { ...answering, reads: readGone });

    expect(kinds(result)).toEqual(['remove-checkpoint']);
  });
});

describe('a parent that lost its annotation', () => {
  const shown = { ...answering, runtime: seen(parentRuns), watch: watching(aPod({ enabled: false })) };

  it('is written down at once, and starts no copy', () => {
    expect(dismissals(one(shown))).toEqual([{ uid: 'u1', at: AT, why: 'opted-out' }]);
    expect(
      verdictOf(
        steps([
          { ...shown, now: 0 },
          { ...outage, now: 20_000 },
        ]),
      ),
    ).toBe('inactive: opted-out');
  });

  it('stays written down when it is deleted, and is wanted again with the annotation', () => {
    const of: Checkpoint = { ...checkpoint, dismissed: { uid: 'u1', at: AT, why: 'opted-out' } };

    expect(dismissals(over([0, 10_000], { ...answering, reads: readGone }, aLedger(), of))).toEqual([]);
    expect(dismissals(one({ ...shown, watch: watching(aPod()) }, aLedger(), of))).toEqual([undefined]);
  });
});

describe('a namespace that is honoured no more', () => {
  const namespaces = ['other'];

  it('starts no copy, whoever is asked', () => {
    expect(verdictOf(one({ ...outage, namespaces }))).toBe('inactive: not-honoured');
    expect(verdictOf(one({ ...outage, namespaces: ['*'] }))).toBe('active: parent-absent');
    expect(verdictOf(one({ ...outage, namespaces: ['kube-system'] }))).toBe('active: parent-absent');
  });

  it('retires what is stored after the grace, although the API server shows the pod', () => {
    const o = { ...answering, runtime: seen(parentRuns), watch: watching(aPod()), namespaces };
    const reads = new Map([[checkpoint.key, seen(aPod())]]);

    expect(verdictOf(over([0, 59_999], { ...o, reads }))).toBe('inactive: parent-leaving');
    expect(kinds(over([0, 60_000], { ...o, reads }))).toEqual(['remove-checkpoint']);
  });

  it('is not for a pod of a DaemonSet whose next pod runs: that one will never be captured', () => {
    const parent = { ...checkpoint.record.parent, controller: { kind: 'DaemonSet', name: 'web', uid: 'ds' } };
    const o = { ...answering, watch: watching(aPod({ uid: 'u2', name: 'web-2', daemonSet: 'ds' })), namespaces, reads: readGone };

    expect(kinds(over([0, 60_000], o, aLedger(), aCheckpoint({ parent })))).toEqual(['remove-checkpoint']);
  });

  it('pulls no brake, however many there are', () => {
    const all = ['a', 'b', 'c', 'd'].map((name) =>
      aCheckpoint({ parent: { namespace: 'kube-system', name, uid: `u-${name}`, resourceVersion: '1' } }),
    );
    const watch = watching(...all.map(({ record }) => aPod({ uid: record.parent.uid, name: record.parent.name })));

    expect(turn(EMPTY_MIND, all, aLedger(), anObservation({ ...answering, watch, namespaces }), policy).braked).toBe(false);
  });

  it('says nothing of the agent’s own pod', () => {
    const own = aCheckpoint({ self: true });
    const o = { ...answering, watch: watching(aPod()), runtime: seen({ ...parentRuns, containers: [aContainer()] }), namespaces };

    expect(verdictOf(over([0, 600_000], o, aLedger(), own))).toBe('active: standby-kept');
  });
});
