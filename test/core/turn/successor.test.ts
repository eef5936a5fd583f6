/**
 * A parent that a controller replaces: its checkpoint, and above all a copy of it that serves, outlive the time in which
 * neither the old pod nor the new one is there. On a node that is its own control plane that copy is the API server.
 */

import { describe, expect, it } from 'vitest';
import { type Ledger, type RawPod, seen } from '../../../src/core/model/model.ts';
import { EMPTY_MIND, type Mind } from '../../../src/core/turn/mind.ts';
import type { Observation } from '../../../src/core/turn/observation.ts';
import { type Turn, turn } from '../../../src/core/turn/turn.ts';
import {
  aCheckpoint,
  aLedger,
  anObservation,
  aPlaced,
  aPod,
  aReach,
  copyServes,
  nothing,
  policy,
  WALL,
  watching,
} from '../../fakes/builders.ts';
import { checkpoint, kinds, placedFile, verdictOf } from './turns.ts';

const parent = { ...checkpoint.record.parent, controller: { kind: 'DaemonSet', name: 'web', uid: 'ds' } };
const of = aCheckpoint({ parent });
const successor = aPod({ uid: 'u2', name: 'web-2', daemonSet: 'ds' });
const gone = new Map([[of.key, seen(undefined)]]);

/** A line of time: what the API server shows from each moment on, always with a confirming read at hand. */
function through(line: readonly (readonly [number, ...RawPod[]])[], ledger: Ledger, change: Partial<Observation> = {}): Turn {
  let mind: Mind = EMPTY_MIND;
  let result: Turn | undefined;
  for (const [now, ...pods] of line) {
    const o = { api: aReach('reachable'), manifests: placedFile, runtime: seen(copyServes), reads: gone, ...change };
    result = turn(mind, [of], ledger, anObservation({ ...o, now, wall: WALL + now, watch: watching(...pods) }), policy);
    mind = result.mind;
  }
  if (result === undefined) throw new Error('no time given');
  return result;
}

describe('an active copy whose DaemonSet replaces its pod', () => {
  const active = aLedger([aPlaced()]);

  it('stays while the DaemonSet needs minutes to make the next pod', () => {
    expect(verdictOf(through([[0], [79_000], [599_999]], active))).toBe('active: parent-leaving');
  });

  it('goes when no pod has come for ten minutes', () => {
    const late = through([[0], [600_000]], active);

    expect(verdictOf(late)).toBe('retired: parent-gone');
    expect(kinds(late)).toEqual(['withdraw', 'remember']);
  });

  it('counts anew from the moment at which a bad successor goes', () => {
    const line: [number, ...RawPod[]][] = [[0], [1_000, successor], [900_000, successor], [900_250], [1_499_000]];

    expect(verdictOf(through(line, active))).toBe('active: parent-leaving');
    expect(verdictOf(through([...line, [1_500_250]], active))).toBe('retired: parent-gone');
  });

  it('waits for a successor that is not opted in, too: it takes the place all the same', () => {
    const plain = aPod({ uid: 'u2', name: 'web-2', daemonSet: 'ds', enabled: false });

    expect(
      verdictOf(
        through(
          [
            [0, plain],
            [3_600_000, plain],
          ],
          active,
        ),
      ),
    ).toBe('active: parent-leaving');
  });
});

describe('a checkpoint at rest whose DaemonSet replaces its pod', () => {
  it('is kept for the whole grace after its own copy went', () => {
    const before = through([[0], [600_000]], aLedger([aPlaced()]));
    const o = { api: aReach('reachable'), runtime: seen(nothing), reads: gone, watch: watching() };
    const at = (mind: Mind, now: number) => turn(mind, [of], aLedger(), anObservation({ ...o, now }), policy);
    const first = at(before.mind, 601_000);

    expect(verdictOf(at(first.mind, 660_999))).toBe('inactive: parent-leaving');
    expect(verdictOf(at(first.mind, 661_000))).toBe('retired: parent-gone');
  });

  it('is not kept for a successor that is no longer opted in', () => {
    const plain = aPod({ uid: 'u2', name: 'web-2', daemonSet: 'ds', enabled: false });

    expect(
      verdictOf(
        through(
          [
            [0, plain],
            [60_000, plain],
          ],
          aLedger(),
          { runtime: seen(nothing) },
        ),
      ),
    ).toBe('retired: parent-gone');
  });
});

describe('a copy that was retired and was what served the API', () => {
  const memory = { key: of.key, toUid: 'u1', at: new Date(WALL).toISOString(), bootId: 'b1', failures: 1 };

  it('comes back as soon as the server is found to be gone with it, and is left alone for a while', () => {
    const o = anObservation({ now: 20_000, wall: WALL + 20_000, api: aReach('unreachable', 15_000), runtime: seen(nothing) });
    const back = turn(EMPTY_MIND, [of], aLedger([], [memory]), o, policy);

    expect(verdictOf(back)).toBe('active: hand-back-failed');
    expect(back.actions[1]).toEqual({
      do: 'remember',
      memory: { ...memory, failures: 2, blockedUntil: new Date(WALL + 20_000 + 300_000).toISOString() },
    });
  });

  it('is not taken away again before the pause is over', () => {
    const barred = { ...memory, failures: 2, blockedUntil: new Date(WALL + 900_000).toISOString() };
    const ledger = aLedger([aPlaced({ why: 'hand-back-failed' })], [barred]);

    expect(verdictOf(through([[0], [899_000]], ledger))).toBe('active: parent-leaving');
    expect(verdictOf(through([[0], [899_000], [900_000]], ledger))).toBe('retired: parent-gone');
  });
});

describe('two checkpoints of one DaemonSet', () => {
  const newer = aCheckpoint({
    parent: { ...parent, name: 'web-2', uid: 'u2' },
    capturedAt: '2026-11-21T07:30:00.000Z',
    images: [{ container: 'main', image: 'img:2', imageRef: 'sha256:2' }],
  });
  const images = (second: boolean) =>
    new Map([
      ['img:1', seen(true)],
      ['img:2', seen(second)],
    ]);
  const reasons = (o: Partial<Observation>) =>
    turn(EMPTY_MIND, [of, newer], aLedger(), anObservation(o), policy).verdicts.map((verdict) => verdict.decision.reason);

  it('never start both: the newer one does', () => {
    expect(reasons({ images: images(true) })).toEqual(['superseded', 'parent-absent']);
  });

  it('fall back to the older one when the newer cannot start', () => {
    expect(reasons({ images: images(false) })).toEqual(['parent-absent', 'image-missing']);
  });

  it('wait for a newer one that could not be read: nobody knows that it cannot start', () => {
    const unread = { ...newer, problem: 'EMFILE: open', unread: 'EMFILE' };
    const result = turn(EMPTY_MIND, [of, unread], aLedger(), anObservation({ images: images(true) }), policy);

    expect(result.verdicts.map((verdict) => verdict.decision.reason)).toEqual(['superseded', 'checkpoint-unread']);
  });

  it('never start both: not the newer one while the copy of the older runs, or has just been placed', () => {
    const o = { images: images(true), manifests: placedFile };
    const ledger = aLedger([aPlaced()]);
    const starting = turn(EMPTY_MIND, [of, newer], ledger, anObservation(o), policy);
    const runs = turn(starting.mind, [of, newer], ledger, anObservation({ ...o, now: 500_000, runtime: seen(copyServes) }), policy);
    const never = turn(starting.mind, [of, newer], ledger, anObservation({ ...o, now: 500_000 }), policy);

    const ofNewer = [starting, runs, never].map((result) => result.verdicts[1]?.decision.reason);
    expect(ofNewer).toEqual(['superseded', 'superseded', 'parent-absent']);
  });

  it('fall back to the older one when the kubelet has the newer pod and cannot keep it running', () => {
    expect(reasons({ images: images(true), kubelet: seen(new Set(['kube-system/web-2'])), now: 0 })).toEqual([
      'parent-absent',
      'kubelet-has-parent',
    ]);
  });
});

describe('a server whose memory went back in time', () => {
  it('is no witness that a pod is gone which it showed before', () => {
    const o = { api: aReach('reachable'), runtime: seen(nothing), reads: gone };
    const before = turn(EMPTY_MIND, [of], aLedger(), anObservation({ ...o, now: 0, watch: watching(aPod()) }), policy);
    let late = before;
    for (const now of [1_000, 700_000, 1_400_000])
      late = turn(late.mind, [of], aLedger(), anObservation({ ...o, now, watch: { ...watching(), regressions: 1 } }), policy);

    expect(verdictOf(late)).toBe('inactive: api-reachable');
  });

  it('is one again for a pod that it has shown since', () => {
    const o = { api: aReach('reachable'), runtime: seen(nothing), reads: gone };
    let mind: Mind = EMPTY_MIND;
    const at = (now: number, ...pods: RawPod[]) => {
      const result = turn(mind, [of], aLedger(), anObservation({ ...o, now, watch: { ...watching(...pods), regressions: 1 } }), policy);
      mind = result.mind;
      return verdictOf(result);
    };

    expect([at(0, aPod()), at(1_000), at(61_000)]).toEqual(['inactive: api-reachable', 'inactive: parent-leaving', 'retired: parent-gone']);
  });
});
