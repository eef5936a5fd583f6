/** When the standby makes way for the DaemonSet's pod, and what it remembers of that. */

import { describe, expect, it } from 'vitest';
import { barred } from '../../../src/core/model/ledger.ts';
import {
  afterReturn,
  agentContainers,
  familyOf,
  shouldYield,
  watchAgents,
  type YieldInput,
  yieldTo,
} from '../../../src/core/self/yield.ts';
import { EMPTY_MIND, type Mind } from '../../../src/core/turn/mind.ts';
import { initialTrack } from '../../../src/core/turn/track.ts';
import { aCheckpoint, aContainer, aLedger, aPlaced, aSandbox, WALL, where } from '../../fakes/builders.ts';

const LABELS = { 'app.kubernetes.io/name': 'pod-checkpointer', 'app.kubernetes.io/instance': 'one' };
const FAMILY = { namespace: 'ckpt', labels: LABELS };
const agentSandbox = aSandbox({ id: 's1', uid: 'd1', namespace: 'ckpt', labels: { ...LABELS, 'controller-revision-hash': 'x' } });
const agentContainer = aContainer({ id: 'c1', sandboxId: 's1', podUid: 'd1' });
const view = (sandbox = agentSandbox, container = agentContainer) => ({ sandboxes: [sandbox], containers: [container] });

describe('the family', () => {
  it('is read from our own sandbox, else from the newest stored checkpoint of the agent', () => {
    const own = aSandbox({ uid: 'static', namespace: 'ckpt', labels: { ...LABELS, 'checkpointer/copy': 'true' } });
    const stored = (capturedAt: string, instance: string) =>
      aCheckpoint(
        { parent: { namespace: 'ckpt', name: 'agent', uid: 'u', resourceVersion: '' }, self: true, capturedAt },
        {
          manifest: `{"apiVersion":"v1","kind":"Pod","metadata":{"labels":{"app.kubernetes.io/instance":"${instance}"},"name":"a","namespace":"ckpt"},"spec":{"containers":[{"name":"main"}]}}\n`,
        },
      );
    const all = [stored('2026-11-20T00:00:00.000Z', 'old'), stored('2026-11-21T00:00:00.000Z', 'new'), aCheckpoint()];

    expect(familyOf({ sandboxes: [own], containers: [] }, 'static', [])).toEqual(FAMILY);
    expect(familyOf({ sandboxes: [], containers: [] }, 'static', all)?.labels).toEqual({ 'app.kubernetes.io/instance': 'new' });
    expect(familyOf({ sandboxes: [], containers: [] }, undefined, [aCheckpoint()])).toBeUndefined();
    expect(familyOf({ sandboxes: [aSandbox({ uid: 'static' })], containers: [] }, 'static', [])).toBeUndefined();
  });

  it.each([
    ['a running container of it', view(), 1],
    ['a pod of the uninstall', view({ ...agentSandbox, labels: { ...LABELS, 'app.kubernetes.io/component': 'cleanup' } }), 1],
    ['one that is only created', view(agentSandbox, { ...agentContainer, state: 'created' }), 0],
    ['a dead one', view(agentSandbox, { ...agentContainer, state: 'exited' }), 0],
    ['another namespace', view({ ...agentSandbox, namespace: 'other' }), 0],
    ['another release', view({ ...agentSandbox, labels: { ...LABELS, 'app.kubernetes.io/instance': 'two' } }), 0],
    ['a copy, by its label', view({ ...agentSandbox, labels: { ...LABELS, 'checkpointer/copy': 'true' } }), 0],
    ['a static pod', view({ ...agentSandbox, annotations: { 'kubernetes.io/config.source': 'file' } }), 0],
    ['our own pod', view({ ...agentSandbox, uid: 'static' }), 0],
  ])('finds %s', (_, shown, count) => {
    expect(agentContainers(shown, FAMILY, 'static')).toHaveLength(count);
    expect(agentContainers(shown, undefined, 'static')).toHaveLength(0);
  });
});

describe('the standby', () => {
  const input: YieldInput = {
    containers: [agentContainer],
    runningSince: new Map([['c1', 98_000]]),
    ledger: aLedger([aPlaced({ key: 'ckpt_agent', self: true })]),
    mind: EMPTY_MIND,
    withdrawing: false,
    now: 100_000,
    wall: WALL,
  };
  const waiting = aLedger([aPlaced({ key: 'ckpt_agent', self: true }), aPlaced()]);
  const leaving = aLedger([aPlaced({ phase: 'leaving' })]);
  const leavingSince = (at: number): Mind => ({
    ...EMPTY_MIND,
    tracks: new Map([['kube-system_web-1', { ...initialTrack(0), leavingCopySince: at }]]),
  });
  const blockedFor = (toUid: string, ms: number) => ({
    ...input.ledger,
    yielded: { ...yieldTo(toUid, undefined, { wall: WALL, where }), open: false, blockedUntil: new Date(WALL + ms).toISOString() },
  });

  it.each<[string, Partial<YieldInput>, string | undefined]>([
    ['makes way where no copy waits', {}, 'd1'],
    ['stays while the container may be one that crashes as it starts', { now: 99_999 }, undefined],
    ['stays where the container was never seen before', { runningSince: new Map(), now: 900_000 }, undefined],
    ['stays where no pod of the DaemonSet runs', { containers: [] }, undefined],
    ['stays while a copy waits to hand back', { ledger: waiting }, undefined],
    ['makes way all the same after a minute', { ledger: waiting, now: 158_000 }, 'd1'],
    ['not a moment earlier', { ledger: waiting, now: 157_999 }, undefined],
    [
      'stays where the container was never seen before, though a copy waits',
      { ledger: waiting, now: 900_000, runningSince: new Map() },
      undefined,
    ],
    ['stays in the middle of a withdrawal', { ledger: leaving, mind: leavingSince(896_000), now: 900_000 }, undefined],
    ['stays when a withdrawal was written down a moment ago', { ledger: leaving, now: 900_000 }, undefined],
    ['makes way when the withdrawn copy rests', { ledger: leaving, mind: leavingSince(895_000), now: 900_000 }, 'd1'],
    ['stays while a withdrawal is under way', { withdrawing: true, now: 900_000 }, undefined],
    ['stays while the pod is blocked', { ledger: blockedFor('d1', 1) }, undefined],
    ['makes way when the pause is over', { ledger: blockedFor('d1', 0) }, 'd1'],
    ['makes way for another pod', { ledger: blockedFor('d0', 60_000) }, 'd1'],
  ])('%s', (_, change, to) => {
    expect(shouldYield({ ...input, ...change })).toBe(to);
  });

  it('remembers when it first saw a container running, and forgets those that stopped', () => {
    const first = watchAgents(new Map(), [agentContainer], 5);
    const second = watchAgents(first, [agentContainer, { ...agentContainer, id: 'c2' }], 9);

    expect([...second]).toEqual([
      ['c1', 5],
      ['c2', 9],
    ]);
    expect([...watchAgents(second, [], 10)]).toEqual([]);
  });
});

describe('a yield that came back', () => {
  const given = yieldTo('d1', undefined, { wall: WALL, where });

  it('blocks the same pod for 5, 15, then 60 minutes', () => {
    let memory = given;
    const minutes: number[] = [];
    for (let failure = 0; failure < 4; failure += 1) {
      const back = afterReturn(memory, where.bootId, WALL + 120_000);
      minutes.push((Date.parse(back?.blockedUntil ?? '') - WALL - 120_000) / 60_000);
      expect(barred(back, 'd1', WALL + 120_001)).toBe(true);
      expect(barred(back, 'd2', WALL + 120_001)).toBe(false);
      memory = yieldTo('d1', back, { wall: WALL, where });
    }

    expect(minutes).toEqual([5, 15, 60, 60]);
    expect(yieldTo('d2', { ...memory, failures: 3 }, { wall: WALL, where }).failures).toBe(0);
  });

  it.each([
    ['later than two minutes', where.bootId, 120_001],
    ['after a reboot', 'b9', 1_000],
    ['by a clock that was set back', where.bootId, -1],
  ])('is no failure %s', (_, bootId, later) => {
    expect(afterReturn(given, bootId, WALL + later)).toBeUndefined();
  });

  it('is counted once, however often the standby starts after it', () => {
    const once = afterReturn(given, where.bootId, WALL + 1_000);

    expect(afterReturn(once, where.bootId, WALL + 2_000)).toEqual(once);
    expect(afterReturn(undefined, where.bootId, WALL)).toBeUndefined();
  });
});
