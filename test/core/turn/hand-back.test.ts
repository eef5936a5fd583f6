/** How a copy makes way for its parent, by mode, and what happens when that fails. */

import { describe, expect, it } from 'vitest';
import { type RuntimeView, seen } from '../../../src/core/model/model.ts';
import { EMPTY_MIND, type Mind } from '../../../src/core/turn/mind.ts';
import { initialTrack } from '../../../src/core/turn/track.ts';
import { turn } from '../../../src/core/turn/turn.ts';
import {
  aCheckpoint,
  aContainer,
  aLedger,
  anObservation,
  aPlaced,
  aPod,
  aReach,
  aSandbox,
  copyContainer,
  copySandbox,
  copyServes,
  parentDied,
  parentRuns,
  policy,
  WALL,
  watching,
} from '../../fakes/builders.ts';

import { checkpoint, kinds, one, over, placedFile, verdictOf } from './turns.ts';

describe('hand-back of a pod on the host network', () => {
  const ledger = aLedger([aPlaced()]);
  const created = aContainer({ id: 'p2', sandboxId: 's2', state: 'created' });
  const flip: RuntimeView = {
    sandboxes: [...copyServes.sandboxes, aSandbox({ id: 's2' })],
    containers: [...copyServes.containers, created],
  };
  const flipping = seen(flip);

  it('waits while the parent has only a sandbox', () => {
    const sandboxOnly = seen({ ...copyServes, sandboxes: [...copyServes.sandboxes, aSandbox({ id: 's2' })] });

    expect(verdictOf(one({ api: aReach('reachable'), runtime: sandboxOnly, manifests: placedFile }, ledger))).toBe(
      'active: awaiting-parent',
    );
  });

  it('leaves the instant the container of the parent is created, whatever the server seems to be', () => {
    for (const verdict of ['reachable', 'unsure', 'unreachable'] as const) {
      const result = one({ api: aReach(verdict), runtime: flipping, manifests: placedFile }, ledger);

      expect(verdictOf(result)).toBe('handing-back: parent-started');
      expect(result.actions).toEqual([
        { do: 'withdraw', placed: ledger.placed[0], digest: 'd1', stop: ['k1'], graceSeconds: 0 },
        { do: 'remember', memory: { key: checkpoint.key, toUid: 'u1', at: new Date(WALL).toISOString(), bootId: 'b1', failures: 0 } },
      ]);
      expect(result.localSign).toBe(true);
    }
  });

  it('is not moved by a container that was there when the copy was placed, nor by an init container', () => {
    const old = seen({ ...copyServes, containers: [...copyServes.containers, aContainer({ id: 'p1', state: 'created' })] });
    const init = seen({ ...copyServes, containers: [...copyServes.containers, { ...created, name: 'setup' }] });

    expect(verdictOf(one({ runtime: old, manifests: placedFile }, ledger))).toBe('active: copy-serving');
    expect(verdictOf(one({ runtime: init, manifests: placedFile }, ledger))).toBe('active: copy-serving');
  });

  it('gives the copy its own grace when asked to', () => {
    const result = one({ runtime: flipping, manifests: placedFile }, ledger, aCheckpoint({ handBackGraceful: true }));

    expect(result.actions[0]).toMatchObject({ do: 'withdraw', graceSeconds: 5 });
  });

  it('beside a stuck parent is not moved by its hopeless attempts, but by one that holds', () => {
    const stuck = aLedger([aPlaced({ why: 'parent-stuck' })]);
    const attempt = seen({ ...flip, containers: [...copyServes.containers, { ...created, state: 'running' as const }] });

    expect(verdictOf(over([0, 9_999], { runtime: attempt, manifests: placedFile }, stuck))).toBe('active: copy-serving');
    expect(verdictOf(over([0, 10_000], { runtime: attempt, manifests: placedFile }, stuck))).toBe('handing-back: parent-started');
    expect(verdictOf(over([0, 1_000], { runtime: attempt, manifests: placedFile, api: aReach('reachable', 500, 500) }, stuck))).toBe(
      'handing-back: parent-started',
    );
  });

  it('makes way for the successor that a DaemonSet put in the parent’s place', () => {
    const of = aCheckpoint({ parent: { ...checkpoint.record.parent, controller: { kind: 'DaemonSet', name: 'web', uid: 'ds' } } });
    const runtime = seen({ ...flip, containers: [...copyServes.containers, { ...created, podUid: 'u2' }] });

    const result = one(
      { api: aReach('reachable'), runtime, manifests: placedFile, watch: watching(aPod({ uid: 'u2', name: 'web-2', daemonSet: 'ds' })) },
      ledger,
      of,
    );

    expect(verdictOf(result)).toBe('handing-back: parent-started');
    expect(result.actions[1]).toMatchObject({ do: 'remember', memory: { toUid: 'u2' } });
  });

  it('forgets the copy once the runtime shows it gone', () => {
    const leaving = aLedger([aPlaced({ phase: 'leaving' })]);

    expect(kinds(one({ api: aReach('reachable'), runtime: seen(copyServes) }, leaving))).toEqual([]);
    expect(kinds(one({ api: aReach('reachable'), runtime: seen(parentRuns) }, leaving))).toEqual(['forget-copy']);
  });

  it('stops through the runtime what the kubelet never cleans up', () => {
    const leaving = aLedger([aPlaced({ phase: 'leaving' })]);
    const both = seen({ sandboxes: [aSandbox(), copySandbox], containers: [aContainer(), copyContainer] });

    const result = over([0, 3_000], { api: aReach('reachable'), runtime: both }, leaving);

    expect(result.actions).toEqual([{ do: 'stop-copy', key: checkpoint.key, sandboxes: ['s9'] }]);
  });
});

describe('a copy that was placed a moment ago', () => {
  const o = { api: aReach('reachable'), runtime: seen(parentDied), manifests: placedFile };

  it('is not taken for one that nobody needs: the kubelet may be starting it', () => {
    expect(verdictOf(over([0, 29_999], o, aLedger([aPlaced()])))).toBe('active: copy-starting');
  });

  it('is withdrawn when nothing of it has come', () => {
    expect(verdictOf(over([0, 30_000], o, aLedger([aPlaced()])))).toBe('handing-back: copy-not-needed');
  });
});

describe('a hand-back that fails', () => {
  const memory = { key: checkpoint.key, toUid: 'u1', at: new Date(WALL - 30_000).toISOString(), bootId: 'b1', failures: 0 };

  it.each([
    [0, 0],
    [1, 5],
    [2, 15],
    [3, 60],
    [9, 60],
  ])('brings the copy back at once and after %i failures bars the same pod for %i minutes', (failures, minutes) => {
    const result = one(
      { kubelet: seen(new Set(['kube-system/web-1'])), runtime: seen(parentDied), api: aReach('unreachable', 99_000) },
      aLedger([], [{ ...memory, failures }]),
    );

    expect(verdictOf(result)).toBe('active: hand-back-failed');
    expect(result.actions[1]).toEqual({
      do: 'remember',
      memory: { ...memory, failures: failures + 1, blockedUntil: new Date(WALL + minutes * 60_000).toISOString() },
    });
  });

  it('is forgiven once: the copy may have been slow to free the port', () => {
    const once = { ...memory, failures: 1, blockedUntil: new Date(WALL).toISOString() };
    const again = seen({ ...copyServes, containers: [...copyServes.containers, aContainer({ id: 'p2', state: 'created' })] });
    const o = { api: aReach('reachable', 0, 30_000), runtime: again, manifests: placedFile };
    const result = over([0, 60_000], o, aLedger([aPlaced({ why: 'hand-back-failed' })], [once]));

    expect(verdictOf(result)).toBe('handing-back: parent-started');
    expect(result.actions[1]).toMatchObject({ do: 'remember', memory: { failures: 1 } });
  });

  it('is not what a power cut soon after it was', () => {
    const o = { runtime: seen(parentDied), api: aReach('unreachable', 99_000) };

    expect(verdictOf(one(o, aLedger([], [{ ...memory, bootId: 'the boot before' }])))).toBe('active: parent-absent');
    expect(verdictOf(one(o, aLedger([], [memory])))).toBe('active: hand-back-failed');
  });

  it('is not what the deletion of the parent after it was, nor does that bar the pod; what was gone already is', () => {
    const o = { runtime: seen(parentDied), api: aReach('unreachable', 99_000) };
    const leftAt = (leavingSince: number) => {
      const mind: Mind = { ...EMPTY_MIND, tracks: new Map([[checkpoint.key, { ...initialTrack(0), handedBackAt: 60_000, leavingSince }]]) };
      return one(o, aLedger([], [memory]), checkpoint, mind);
    };

    expect(verdictOf(leftAt(70_000))).toBe('active: parent-absent');
    expect(kinds(leftAt(70_000))).toEqual(['place']);
    expect(verdictOf(leftAt(50_000))).toBe('active: hand-back-failed');
  });

  it('does not trust the barred pod’s containers, but those of a new pod', () => {
    const barredMemory = { ...memory, failures: 1, blockedUntil: new Date(WALL + 300_000).toISOString() };
    const ledger = aLedger([aPlaced({ why: 'hand-back-failed' })], [barredMemory]);
    const again = seen({ ...copyServes, containers: [...copyServes.containers, aContainer({ id: 'p2', state: 'running' })] });
    const o = { api: aReach('reachable'), runtime: again, manifests: placedFile };

    expect(verdictOf(over([0, 60_000], o, ledger))).toBe('active: awaiting-parent');
    expect(verdictOf(over([0, 60_000], { ...o, wall: WALL + 300_001, api: aReach('reachable', 0, 30_000) }, ledger))).toBe(
      'handing-back: parent-started',
    );
  });

  it('is judged by an outage after the hand-back, not by the one before', () => {
    const begin = turn(
      EMPTY_MIND,
      [checkpoint],
      aLedger([aPlaced()]),
      anObservation({
        now: 100_000,
        runtime: seen({ ...copyServes, containers: [...copyServes.containers, aContainer({ id: 'p2', state: 'created' })] }),
      }),
      policy,
    );
    const flip = anObservation({ now: 100_100, kubelet: seen(new Set(['kube-system/web-1'])), runtime: seen(copyServes) });

    const result = turn(begin.mind, [checkpoint], aLedger([aPlaced({ phase: 'leaving' })], [memory]), flip, policy);

    expect(verdictOf(result)).toBe('handing-back: copy-leaving');
  });
});

describe('hand-back of a pod with its own address', () => {
  const of = aCheckpoint({ handBack: 'overlap' });
  const ledger = aLedger([aPlaced()]);
  const running = seen({ ...copyServes, containers: [...copyServes.containers, aContainer({ id: 'p2', state: 'running' as const })] });

  it('waits until the API calls this very container ready', () => {
    const o = { api: aReach('reachable'), runtime: running, manifests: placedFile };

    expect(verdictOf(one({ ...o, watch: watching(aPod({ containerId: 'p1', ready: true })) }, ledger, of))).toBe('active: awaiting-parent');
    expect(verdictOf(one({ ...o, watch: watching(aPod({ containerId: 'p2', ready: false })) }, ledger, of))).toBe(
      'active: awaiting-parent',
    );
    expect(verdictOf(one({ ...o, watch: watching(aPod({ containerId: 'p2', ready: true })) }, ledger, of))).toBe(
      'handing-back: parent-started',
    );
  });

  it('without credentials waits until it has run for minReady', () => {
    const o = { api: aReach('unsure', 0, 10), runtime: running, manifests: placedFile };

    expect(verdictOf(over([0, 9_999], o, ledger, of))).toBe('active: copy-serving');
    expect(verdictOf(over([0, 10_000], o, ledger, of))).toBe('handing-back: parent-started');
  });

  it('leaves stopping to the kubelet', () => {
    const result = one(
      { api: aReach('reachable'), runtime: running, manifests: placedFile, watch: watching(aPod({ containerId: 'p2' })) },
      ledger,
      of,
    );

    expect(result.actions[0]).toMatchObject({ do: 'withdraw', stop: [] });
  });
});

describe('hand-back of a pod with a mapped host port', () => {
  const of = aCheckpoint({ handBack: 'first-sign' });

  it('goes at the first sign of the server, before the kubelet admits the parent', () => {
    const ledger = aLedger([aPlaced()]);
    const o = { runtime: seen(copyServes), manifests: placedFile };

    expect(verdictOf(over([0, 1_000], { ...o, api: aReach('unreachable', 0, 500) }, ledger, of))).toBe('active: copy-serving');
    expect(verdictOf(over([600, 1_000], { ...o, api: aReach('unsure', 0, 500) }, ledger, of))).toBe('active: copy-serving');
    expect(verdictOf(over([0, 1_000], { ...o, api: aReach('unsure', 0, 500) }, ledger, of))).toBe('handing-back: parent-started');
  });
});

describe('a hand-back that does not come about', () => {
  const ledger = aLedger([aPlaced()]);
  const o = { runtime: seen(copyServes), manifests: placedFile };
  /** The last look at each of these times. */
  const last = (...looks: readonly (readonly [number, Parameters<typeof aReach>[0], number?])[]): string => {
    let mind: Mind = EMPTY_MIND;
    let words = '';
    for (const [now, verdict, until] of looks) {
      const api = { ...aReach(verdict, now), ...(until === undefined ? {} : { reachable: { from: 0, until } }) };
      const result = turn(mind, [checkpoint], ledger, anObservation({ ...o, now, api }), policy);
      mind = result.mind;
      words = verdictOf(result);
    }
    return words;
  };

  it('is overdue after its time although the watch is opened anew every few minutes, as every watch is', () => {
    const line = [
      [0, 'reachable'],
      [300_000, 'unsure', 300_000],
      [300_200, 'reachable'],
    ] as const;

    expect(last(...line, [599_999, 'reachable'])).toBe('active: awaiting-parent');
    expect(last(...line, [600_000, 'reachable'])).toBe('active: hand-back-overdue');
  });

  it('has its whole time anew after a longer doubt', () => {
    expect(last([0, 'reachable'], [320_000, 'unsure', 300_000], [321_000, 'reachable'], [900_000, 'reachable'])).toBe(
      'active: awaiting-parent',
    );
  });
});
