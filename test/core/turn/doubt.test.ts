/** Sources that contradict each other are unknown, not none; so is a state that the runtime does not know. */
import { describe, expect, it } from 'vitest';
import { type RawPod, type RuntimeContainer, type RuntimeView, seen, unseen } from '../../../src/core/model/model.ts';
import { type Doubt, doubtAfter, doubted, NO_DOUBT, SETTLE_MS } from '../../../src/core/turn/doubt.ts';
import { nothingFromApiRuns } from '../../../src/core/turn/here.ts';
import type { Observation } from '../../../src/core/turn/observation.ts';
import {
  aContainer,
  aLedger,
  anObservation,
  aPlaced,
  aPod,
  aReach,
  aSandbox,
  copyContainer,
  copyServes,
  nothing,
  parentRuns,
  WALL,
  watching,
} from '../../fakes/builders.ts';
import { one, over, placedFile, verdictOf } from './turns.ts';

/** The node booted an hour before the clock of the observations began. */
const BOOTED = -3_600_000;
const iso = (wall: number): string => new Date(wall).toISOString();

/** As the API server shows it: running since a minute ago. */
function shown(change: { id?: string; startedAt?: number | undefined; metadata?: object } = {}): RawPod {
  const pod = aPod();
  const { id = 'containerd://p1', startedAt = WALL - 60_000 } = change;
  const status = { ...pod.status?.containerStatuses?.[0], containerID: id, state: { running: { startedAt: iso(startedAt) } } };
  return { ...pod, metadata: { ...pod.metadata, ...change.metadata }, status: { ...pod.status, containerStatuses: [status] } } as RawPod;
}
const look = (now: number, change: Partial<Observation>): Observation =>
  anObservation({ now, wall: WALL + now, api: aReach('reachable'), watch: watching(shown()), ...change });

function seenIn(looks: readonly Observation[], booted: number | undefined = BOOTED): Doubt {
  return looks.reduce((doubt, o) => doubtAfter(doubt, o, booted), NO_DOUBT);
}
const twice = (change: Partial<Observation>, booted?: number): Doubt => seenIn([look(0, change), look(SETTLE_MS, change)], booted);

describe('a container that runs by the API server’s word', () => {
  it('and of whose pod the runtime knows nothing, contradicts it after the settle time, and names criSocket', () => {
    const change = { runtime: seen(nothing) };

    expect(seenIn([look(0, change), look(SETTLE_MS - 1, change)]).says).toBeUndefined();
    expect(twice(change).says).toMatch(/container main of pod kube-system\/web-1 running.* than the one that criSocket names/);
    expect(twice({ ...change, watch: watching(shown({ id: 'cri-o://p1' })) }).says).toBeDefined();
  });

  it.each<[string, Partial<Observation>]>([
    ['the runtime has it', { runtime: seen(parentRuns) }],
    ['the runtime has it under another pod’s uid', { runtime: seen({ sandboxes: [], containers: [aContainer({ podUid: 'static' })] }) }],
    ['the runtime has another container of its pod', { runtime: seen({ ...nothing, containers: [aContainer({ id: 'p2' })] }) }],
    ['the runtime has the sandbox of its pod', { runtime: seen({ ...nothing, sandboxes: [aSandbox({ ready: false })] }) }],
    ['it was started before this boot', { runtime: seen(nothing), watch: watching(shown({ startedAt: WALL + BOOTED - 1 })) }],
    ['it does not run', { runtime: seen(nothing), watch: watching(aPod()) }],
    ['its pod is leaving', { runtime: seen(nothing), watch: watching(shown({ metadata: { deletionTimestamp: iso(WALL) } })) }],
    [
      'it is that of a mirror',
      { runtime: seen(nothing), watch: watching(shown({ metadata: { annotations: { 'kubernetes.io/config.mirror': 'x' } } })) },
    ],
    ['the watch is silent', { runtime: seen(nothing), watch: { ...watching(shown()), healthy: false } }],
    ['the runtime does not answer', { runtime: unseen('down') }],
  ])('contradicts nothing where %s', (_, change) => {
    expect(twice(change).says).toBeUndefined();
  });

  it('is no contradiction by time alone: it takes a second look', () => {
    const doubt = seenIn([look(0, { runtime: seen(nothing) }), look(SETTLE_MS, { runtime: unseen('not asked in this turn') })]);
    expect(doubt.says).toBeUndefined();
  });

  it('contradicts on while nobody can tell, and until both agree', () => {
    const doubt = twice({ runtime: seen(nothing) });
    const away = doubtAfter(doubt, look(90_000, { watch: { ...watching(), healthy: false }, runtime: seen(nothing) }), BOOTED);

    expect(away.says).toBe(doubt.says);
    expect(doubtAfter(away, look(120_000, { runtime: seen(parentRuns) }), BOOTED).says).toBeUndefined();
  });

  it('counts where nobody knows when the node booted', () => {
    expect(
      doubtAfter(twice({ runtime: seen(nothing) }, undefined), look(60_000, { runtime: seen(nothing) }), undefined).says,
    ).toBeDefined();
  });

  it('makes what the runtime tells unknown, so that nothing starts', () => {
    const doubt = twice({ runtime: seen(nothing) });
    const o = doubted(anObservation({ api: aReach('unreachable') }), doubt, BOOTED);

    expect(o.contradiction).toBe(doubt.says);
    expect(verdictOf(one(o))).toBe('inactive: local-truth-unknown');
    expect(verdictOf(one(anObservation({ api: aReach('unreachable') })))).toBe('active: parent-absent');
  });
});

describe('a state that the runtime does not know', () => {
  const BOOT_WALL = WALL + BOOTED;
  const of = (createdAtMs: number): RuntimeView => ({
    sandboxes: [aSandbox()],
    containers: [aContainer({ state: 'unknown', createdAtMs })],
  });

  function stateAt(createdAtMs: number, booted: number | undefined = BOOTED): RuntimeContainer['state'] | undefined {
    const o = doubted(anObservation({ now: 0, wall: WALL, runtime: seen(of(createdAtMs)) }), NO_DOUBT, booted);
    return o.runtime.known ? o.runtime.value.containers[0]?.state : undefined;
  }

  it.each<[string, RuntimeContainer['state'], number]>([
    ['before this boot: dead', 'exited', BOOT_WALL - 60_001],
    ['about when it began: unknown', 'unknown', BOOT_WALL - 60_000],
    ['in this boot: unknown', 'unknown', WALL],
    ['by a clock that did not know the time: unknown', 'unknown', 86_400_000],
    ['nobody knows when: unknown', 'unknown', 0],
  ])('of a container made %s', (_, state, createdAtMs) => {
    expect(stateAt(createdAtMs)).toBe(state);
  });

  it('stays unknown where the time of the boot is not known', () => {
    const o = doubted(anObservation({ runtime: seen(of(BOOT_WALL - 60_001)) }), NO_DOUBT, undefined);
    expect(o.runtime).toEqual(seen(of(BOOT_WALL - 60_001)));
  });

  it('of a parent’s container starts no copy; of a dead one it does', () => {
    const outage = { api: aReach('unreachable') };
    const dead: RuntimeView = { sandboxes: [aSandbox({ ready: false })], containers: [aContainer({ state: 'exited' })] };

    expect(verdictOf(over([0, 100_000], { ...outage, runtime: seen(of(WALL)) }))).toBe('inactive: local-truth-unknown');
    expect(verdictOf(over([0, 100_000], { ...outage, runtime: seen(dead) }))).toBe('active: parent-absent');
  });

  it('of a copy’s container does not make it one that is gone', () => {
    const view: RuntimeView = {
      sandboxes: copyServes.sandboxes.map((sandbox) => ({ ...sandbox, ready: false })),
      containers: [{ ...copyContainer, state: 'unknown' }],
    };
    const o = { api: aReach('reachable'), watch: watching(aPod()), runtime: seen(view), manifests: placedFile };

    expect(verdictOf(over([0, 60_000], o, aLedger([aPlaced()])))).toBe('active: local-truth-unknown');
  });

  it('of an API pod’s container keeps the fast path at boot closed', () => {
    expect(nothingFromApiRuns(of(WALL))).toBe(false);
    expect(nothingFromApiRuns({ ...of(WALL), containers: [aContainer({ state: 'exited' })] })).toBe(true);
  });
});
