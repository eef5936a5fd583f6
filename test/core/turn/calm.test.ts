/** When an outage is calm, and what ends that. */
import { describe, expect, it } from 'vitest';
import { type ContainerState, type Reason, type State, seen, unseen } from '../../../src/core/model/model.ts';
import { type Calm, calmAfter, glanceAt, sameContainers, sameNames, stillSteady } from '../../../src/core/turn/calm.ts';
import { EMPTY_MIND, type Mind } from '../../../src/core/turn/mind.ts';
import { nextTurnIn } from '../../../src/core/turn/needs.ts';
import { aContainer, anObservation } from '../../fakes/builders.ts';

type Told = Parameters<typeof calmAfter>[2];
type Decided = Parameters<typeof calmAfter>[1];

const OUTAGE_FROM = 1_000_000;

function told(now: number, change: Partial<Told> = {}): Told {
  const base = anObservation();
  return {
    now,
    api: { ...base.api, verdict: 'unreachable', since: OUTAGE_FROM },
    runtime: seen({ sandboxes: [], containers: [aContainer({ id: 'c' })] }),
    kubelet: seen(new Set(['kube-system/web-1'])),
    manifests: seen([]),
    begun: new Map(),
    ...change,
  };
}

function decided(reason: Reason = 'copy-serving', change: Partial<Decided> = {}, state: State = 'active', from: State = state): Decided {
  const verdict = { key: 'k', from, decision: { state, reason } };
  return { mind: EMPTY_MIND, actions: [], errors: new Map(), verdicts: [verdict], ...change };
}

/** Calm since 200 s after the beginning. */
const CALM_FROM = OUTAGE_FROM + 200_000;
const before = calmAfter(undefined, decided(), told(CALM_FROM)) as Calm;

const glance = (calm: Calm | undefined, at: number, lastSign?: number) => glanceAt(calm, lastSign, told(at));

describe('an outage', () => {
  it('is calm when it is long and nothing has changed for half a minute', () => {
    expect(before).toMatchObject({ since: CALM_FROM });
    const after = calmAfter(before, decided(), told(CALM_FROM + 30_000));
    expect(glance(after, CALM_FROM + 29_999)).toBeUndefined();
    expect(glance(after, CALM_FROM + 30_000)).toEqual(before.sight);
  });

  it('is not calm in its first two minutes, nor in those after a sign', () => {
    const early = { ...before, since: OUTAGE_FROM };
    expect(glance(early, OUTAGE_FROM + 119_999)).toBeUndefined();
    expect(glance(early, OUTAGE_FROM + 120_000)).toBeDefined();
    expect(glance(before, CALM_FROM + 119_999, CALM_FROM)).toBeUndefined();
    expect(glance(before, CALM_FROM + 120_000, CALM_FROM)).toBeDefined();
  });

  it.each<[string, Partial<Told>]>([
    ['the runtime does not answer', { runtime: unseen('refused') }],
    ['the kubelet does not answer', { kubelet: unseen('refused') }],
    ['staticPodPath cannot be read', { manifests: unseen('gone') }],
    ['a withdrawal has begun', { begun: new Map([['k', 'u']]) }],
    ['the verdict is in doubt', { api: { ...told(0).api, verdict: 'unsure' } }],
    ['the API server answers', { api: { ...told(0).api, verdict: 'reachable' } }],
  ])('is not calm where %s', (_what, change) => {
    expect(calmAfter(before, decided(), told(CALM_FROM + 1_000, change))).toBeUndefined();
  });

  it.each<[State, Reason]>([
    ['active', 'copy-starting'],
    ['active', 'copy-failing'],
    ['active', 'local-truth-unknown'],
    ['inactive', 'parent-orphan-grace'],
    ['inactive', 'kubelet-has-parent'],
    ['inactive', 'image-missing'],
    ['inactive', 'parent-absent'],
    ['handing-back', 'copy-leaving'],
  ])('is not calm while something is %s, %s', (state, reason) => {
    expect(calmAfter(before, decided(reason, {}, state), told(CALM_FROM))).toBeUndefined();
  });

  it('is calm where parents run on, and where only the standby lies there', () => {
    expect(calmAfter(undefined, decided('parent-running', {}, 'inactive'), told(CALM_FROM))).toBeDefined();
    expect(calmAfter(undefined, decided('standby-kept'), told(CALM_FROM))).toBeDefined();
  });

  it('is not calm in a turn that changes a state, acts, errs, or whose clocks have an end', () => {
    const minds: Partial<Mind>[] = [
      { waitingSince: new Map([['k', 1]]) },
      { confirmAfter: 5 },
      { outlook: { ...EMPTY_MIND.outlook, unsettled: new Map([['k', 1]]) } },
      { copies: { exits: new Map(), askExits: ['c'], askNetwork: false } },
      { copies: { exits: new Map(), askExits: [], askNetwork: true } },
    ];
    for (const mind of minds)
      expect(calmAfter(before, decided('copy-serving', { mind: { ...EMPTY_MIND, ...mind } }), told(1))).toBeUndefined();
    expect(calmAfter(before, decided('copy-serving', {}, 'active', 'inactive'), told(1))).toBeUndefined();
    expect(calmAfter(before, decided('copy-serving', { errors: new Map([['k', 'e']]) }), told(1))).toBeUndefined();
    const action = { do: 'forget' } as unknown as Decided['actions'][number];
    expect(calmAfter(before, decided('copy-serving', { actions: [action] }), told(1))).toBeUndefined();
  });

  const later = CALM_FROM + 10_000;
  const containers = (id: string, state: ContainerState) => seen({ sandboxes: [], containers: [aContainer({ id, state })] });
  it.each<[string, Decided, Told]>([
    ['another container', decided(), told(later, { runtime: containers('d', 'running') })],
    ['another state of one', decided(), told(later, { runtime: containers('c', 'exited') })],
    ['another list of the kubelet', decided(), told(later, { kubelet: seen(new Set()) })],
    ['another reason', decided('standby-kept'), told(later)],
  ])('counts its calm anew from %s', (_what, turn, o) => {
    expect(calmAfter(before, turn, o)).toMatchObject({ since: later });
  });

  it('takes its turns from five to five seconds then, and a probe that is due does not wait', () => {
    const observation = anObservation();
    const reach = told(0).api;
    const next = (change: object) =>
      nextTurnIn({
        ledger: { formatVersion: 1, placed: [], handBacks: [] },
        mind: EMPTY_MIND,
        reach,
        lastSign: Number.NEGATIVE_INFINITY,
        observation,
        probeIn: undefined,
        captureIn: undefined,
        acted: false,
        handBackTimeoutMs: 1,
        role: 'daemonset',
        stored: new Map(),
        ...change,
      });
    expect(next({})).toBe(1_000);
    expect(next({ calm: true })).toBe(5_000);
    expect(next({ calm: true, probeIn: 700 })).toBe(700);
    expect(next({ calm: true, role: 'standby' })).toBe(5_000);
  });
});

describe('what a look is held against', () => {
  it('has no order', () => {
    const [a, b] = [aContainer({ id: 'a' }), aContainer({ id: 'b' })];
    expect(sameContainers([a, b], [b, a])).toBe(true);
    expect(sameContainers([a, b], [a, a])).toBe(false);
    expect(sameContainers([a, a], [a, b])).toBe(false);
    expect(sameContainers([a], [a, b])).toBe(false);
    expect(sameContainers([a], [{ ...a, state: 'exited' }])).toBe(false);
    expect(sameNames(new Set(['a', 'b']), new Set(['b', 'a']))).toBe(true);
    expect(sameNames(new Set(['a', 'b']), new Set(['a']))).toBe(false);
    expect(sameNames(new Set(['a']), new Set(['b']))).toBe(false);
  });
});

describe('a parent that ran steadily', () => {
  it('has done so up to the last look that found nothing new', () => {
    const tracks = new Map([
      ['steady', { runningSince: new Map(), lastSteady: 100 }],
      ['dead', { runningSince: new Map(), lastSteady: 40 }],
    ]);
    const after = stillSteady({ ...EMPTY_MIND, tracks }, 100, 105);
    expect(after.tracks.get('steady')).toMatchObject({ lastSteady: 105 });
    expect(after.tracks.get('dead')).toMatchObject({ lastSteady: 40 });
  });
});
