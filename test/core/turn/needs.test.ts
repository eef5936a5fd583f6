/** What is asked, how often: quiet when all is well, quick when it counts. */

import { describe, expect, it } from 'vitest';
import { EMPTY_MIND, type Mind } from '../../../src/core/turn/mind.ts';
import { needs, nextTurnIn } from '../../../src/core/turn/needs.ts';
import { initialTrack } from '../../../src/core/turn/track.ts';
import { aCheckpoint, aLedger, anObservation, aPlaced, aReach, policy } from '../../fakes/builders.ts';

const checkpoint = aCheckpoint();
const pace = { lastRuntime: 90_000, lastManifests: 90_000, lastImages: 90_000 };
const base = {
  checkpoints: [checkpoint],
  ledger: aLedger(),
  mind: EMPTY_MIND,
  reach: aReach('reachable'),
  pace,
  now: 100_000,
  policy,
};

describe('what a turn asks', () => {
  it('is nothing while the API server is reachable and nothing is placed', () => {
    expect(needs(base)).toEqual({ runtime: false, kubelet: false, manifests: false, images: [], reads: [] });
  });

  it('is everything local, and the images, once a minute all the same', () => {
    const all = { runtime: true, kubelet: true, manifests: true, images: ['img:1'], everyImage: true, reads: [] };
    expect(needs({ ...base, now: 160_000 })).toEqual(all);
  });

  it('is everything local from the first doubt on, and the images once a copy may have to start', () => {
    expect(needs({ ...base, reach: aReach('unsure') })).toMatchObject({ runtime: true, kubelet: true, manifests: true, images: [] });
    expect(needs({ ...base, reach: aReach('unreachable') }).images).toEqual(['img:1']);
    expect(needs({ ...base, reach: aReach('unreachable'), ledger: aLedger([aPlaced()]) }).images).toEqual([]);
  });

  it('is the images of a parent that ran, whose copy does not start by this turn, only now and then', () => {
    const ran = (...ids: string[]): Mind => ({
      ...EMPTY_MIND,
      tracks: new Map([[checkpoint.key, { ...initialTrack(0), runningSince: new Map(ids.map((id) => [id, 0])) }]]),
    });
    const down = { ...base, reach: aReach('unreachable'), pace: { ...pace, lastImages: 90_000 } };

    expect(needs({ ...down, mind: ran('p1') }).images).toEqual([]);
    expect(needs({ ...down, mind: ran('p1'), now: 120_000 })).toMatchObject({ images: ['img:1'], everyImage: true });
    expect(needs({ ...down, mind: ran() }).images).toEqual(['img:1']);
  });

  it('is the images once a minute also while the runtime is asked in every turn', () => {
    const doubt = { ...base, reach: aReach('unsure'), pace: { ...pace, lastRuntime: 159_000 } };

    expect(needs({ ...doubt, now: 149_999 }).images).toEqual([]);
    expect(needs({ ...doubt, now: 150_000 }).images).toEqual(['img:1']);
  });

  it('is a read of the parent itself once the watch has shown it to be leaving for the whole grace, and not again', () => {
    const leaving = (goneConfirmedAt?: number): Mind => ({
      ...EMPTY_MIND,
      tracks: new Map([
        [checkpoint.key, { ...initialTrack(0), leavingSince: 40_000, ...(goneConfirmedAt === undefined ? {} : { goneConfirmedAt }) }],
      ]),
    });

    expect(needs({ ...base, mind: leaving(), now: 99_999 }).reads).toEqual([]);
    expect(needs({ ...base, mind: leaving() }).reads).toEqual([{ key: checkpoint.key, namespace: 'kube-system', name: 'web-1' }]);
    expect(needs({ ...base, mind: leaving(100_000), now: 101_000 }).reads).toEqual([]);
    expect(needs({ ...base, mind: { ...leaving(100_000), confirmAfter: 160_000 }, now: 160_000 }).reads.length).toBe(1);
  });

  it('is no such read beside a serving copy of a DaemonSet’s pod before its longer grace is over', () => {
    const of = aCheckpoint({ parent: { ...checkpoint.record.parent, controller: { kind: 'DaemonSet', name: 'web', uid: 'ds' } } });
    const mind: Mind = { ...EMPTY_MIND, tracks: new Map([[of.key, { ...initialTrack(0), leavingSince: 40_000 }]]) };
    const serving = { ...base, checkpoints: [of], ledger: aLedger([aPlaced()]), mind };

    expect(needs({ ...serving, now: 639_999 }).reads).toEqual([]);
    expect(needs({ ...serving, now: 640_000 }).reads.length).toBe(1);
  });
});

describe('with a standby in place', () => {
  const own = aCheckpoint({ self: true });
  const placed = aLedger([aPlaced({ self: true })]);
  const mind = (track: object): Mind => ({ ...EMPTY_MIND, tracks: new Map([[own.key, { ...initialTrack(0), ...track }]]) });
  const settled = mind({ placedSince: { attempt: 1, revision: 'r1', at: 40_000 } });
  const quiet = { runtime: false, kubelet: false, manifests: false };

  it('nothing is asked once it has settled; everything local while it settles or leaves, and by the standby itself', () => {
    const asked = { ...base, checkpoints: [own], ledger: placed };

    expect(needs({ ...asked, mind: settled })).toMatchObject(quiet);
    expect(needs({ ...asked, mind: settled, now: 99_999 })).toMatchObject({ runtime: true });
    expect(needs({ ...asked, mind: EMPTY_MIND })).toMatchObject({ runtime: true });
    expect(needs({ ...asked, mind: settled, ledger: aLedger([aPlaced({ self: true, phase: 'leaving' })]) })).toMatchObject({
      runtime: true,
    });
    expect(needs({ ...asked, mind: settled, policy: { ...policy, role: 'standby' } })).toMatchObject({ runtime: true, manifests: true });
  });

  it('its pod is read only when it was shown gone for ten graces', () => {
    const asked = { ...base, checkpoints: [own], mind: mind({ leavingSince: 0 }) };

    expect(needs({ ...asked, now: 599_999 }).reads).toEqual([]);
    expect(needs({ ...asked, now: 600_000 }).reads).toHaveLength(1);
  });
});

describe('when the next turn is due', () => {
  const next = {
    ledger: aLedger(),
    mind: EMPTY_MIND,
    reach: aReach('reachable'),
    observation: anObservation(),
    probeIn: undefined,
    captureIn: undefined,
    acted: false,
    handBackTimeoutMs: 600_000,
    role: 'process' as const,
    stored: new Set([checkpoint.key]),
  };
  const waiting = (awaitingSince: number): Mind => ({
    ...EMPTY_MIND,
    tracks: new Map([[checkpoint.key, { ...initialTrack(0), awaitingSince }]]),
  });

  it('is in ten seconds when all is well, in one when not', () => {
    expect(nextTurnIn(next)).toBe(10_000);
    expect(nextTurnIn({ ...next, reach: aReach('unreachable') })).toBe(1_000);
  });

  it('is four times a second while a copy waits for its parent, until the hand-back timeout', () => {
    const ledger = aLedger([aPlaced()]);

    expect(nextTurnIn({ ...next, ledger, mind: waiting(50_000) })).toBe(250);
    expect(nextTurnIn({ ...next, ledger, mind: waiting(-500_000) })).toBe(1_000);
    // its checkpoint is lost: nobody can hand back to the parent before it is captured anew
    expect(nextTurnIn({ ...next, ledger, mind: EMPTY_MIND, stored: new Set() })).toBe(1_000);
  });

  it('is in ten seconds with a standby that has settled, in one for the standby itself', () => {
    const ledger = aLedger([aPlaced({ self: true })]);
    const mind: Mind = {
      ...EMPTY_MIND,
      tracks: new Map([[checkpoint.key, { ...initialTrack(0), placedSince: { attempt: 1, revision: 'r1', at: 0 } }]]),
    };

    expect(nextTurnIn({ ...next, ledger, mind })).toBe(10_000);
    expect(nextTurnIn({ ...next, ledger, mind, role: 'standby' })).toBe(1_000);
  });

  it('is no later than the next probe or capture', () => {
    expect(nextTurnIn({ ...next, probeIn: 300, captureIn: 700 })).toBe(300);
  });
});
