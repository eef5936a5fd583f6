/** Parent and copy write the same data: whatever happens, the copy leaves when a container of the parent comes. */
import { describe, expect, it } from 'vitest';
import { type Checkpoint, type HandBackMode, type RuntimeContainer, type RuntimeView, seen } from '../../../src/core/model/model.ts';
import { EMPTY_MIND, type Mind } from '../../../src/core/turn/mind.ts';
import { initialTrack } from '../../../src/core/turn/track.ts';
import { isAwaited, watchTargets } from '../../../src/core/turn/watch-targets.ts';
import {
  aCheckpoint,
  aContainer,
  aLedger,
  anObservation,
  aPlaced,
  aReach,
  aSandbox,
  copyServes,
  parentDied,
  policy,
  WALL,
} from '../../fakes/builders.ts';
import { checkpoint, kinds, one, over, placedFile, verdictOf } from './turns.ts';

const sharing = (handBack: HandBackMode = 'container', more: Parameters<typeof aCheckpoint>[0] = {}): Checkpoint =>
  aCheckpoint({ handBack, writers: ['migrate', 'main'], ...more });
const ledger = aLedger([aPlaced()]);
const leaving = aLedger([aPlaced({ phase: 'leaving' })]);
const beside = (...containers: RuntimeContainer[]): RuntimeView => ({
  sandboxes: [...copyServes.sandboxes, aSandbox({ id: 's2' })],
  containers: [...copyServes.containers, ...containers],
});
const made = (change: Parameters<typeof aContainer>[0] = {}): RuntimeContainer =>
  aContainer({ id: 'p2', sandboxId: 's2', state: 'created', ...change });
const see = (...containers: RuntimeContainer[]) => ({ runtime: seen(beside(...containers)), manifests: placedFile });
const barredPod = {
  key: checkpoint.key,
  toUid: 'u1',
  at: new Date(WALL).toISOString(),
  bootId: 'b1',
  failures: 1,
  blockedUntil: new Date(WALL + 300_000).toISOString(),
};

describe('the copy of a parent that shares data', () => {
  it.each(['reachable', 'unsure', 'unreachable'] as const)(
    'stops for its first container that writes, an init container, with the API server %s',
    (api) => {
      const result = one({ ...see(made({ name: 'migrate' })), api: aReach(api) }, ledger, sharing());

      expect(verdictOf(result)).toBe('handing-back: parent-started');
      expect(result.actions[0]).toMatchObject({ do: 'withdraw', stop: ['k1'], graceSeconds: 0 });
    },
  );

  it('stays for a container that neither serves nor writes', () => {
    expect(verdictOf(one(see(made({ name: 'wait-for-dns' })), ledger, sharing()))).toBe('active: copy-serving');
  });

  it('stops for any container of a later pod, of whose template nobody knows which containers write', () => {
    const next = aSandbox({ id: 's3', name: 'web-zzzzz', uid: 'u2', labels: { 'controller-revision-hash': 'h2' } });
    const of = sharing('container', {
      parent: { ...checkpoint.record.parent, controller: { kind: 'DaemonSet', name: 'web', uid: 'ds1' } },
    });
    const prepare = made({ sandboxId: 's3', podUid: 'u2', podName: 'web-zzzzz', name: 'prepare' });
    const view = { sandboxes: [...copyServes.sandboxes, next], containers: [...copyServes.containers, prepare] };
    const o = { runtime: seen(view), manifests: placedFile };

    expect(verdictOf(one(o, ledger, of))).toBe('handing-back: parent-started');
    const [target] = watchTargets([of], ledger, EMPTY_MIND, anObservation({ ...o, api: aReach('reachable') }), policy);
    expect(target && isAwaited(target, prepare)).toBe(true);
    expect(verdictOf(one(o, ledger, { ...of, record: { ...of.record, writers: [] } }))).toBe('active: copy-serving');
  });

  it('is killed although it was promised its own grace, in which it would go on writing', () => {
    const result = one(see(made()), ledger, sharing('container', { handBackGraceful: true }));

    expect(result.actions[0]).toMatchObject({ do: 'withdraw', graceSeconds: 0 });
  });

  it('stops for the attempt of a stuck parent, however hopeless', () => {
    expect(verdictOf(one(see(made()), aLedger([aPlaced({ why: 'parent-stuck' })]), sharing()))).toBe('handing-back: parent-started');
  });

  it('stops for a pod to which a hand-back has just failed', () => {
    expect(verdictOf(one(see(made()), aLedger([aPlaced()], [barredPod]), sharing()))).toBe('handing-back: parent-started');
    expect(verdictOf(one(see(made()), aLedger([aPlaced()], [barredPod])))).toBe('active: copy-serving');
  });

  it('stops for a container that was made before the copy was placed, once it runs', () => {
    expect(verdictOf(one(see(made({ id: 'p1' })), ledger, sharing()))).toBe('active: copy-serving');
    expect(verdictOf(one(see(made({ id: 'p1', state: 'running' })), ledger, sharing()))).toBe('handing-back: parent-started');
  });

  it('is stopped again as long as the parent is there and any of it runs', () => {
    const again = one({ ...see(made()), manifests: seen([]), api: aReach('reachable') }, leaving, sharing());

    expect(again.actions).toMatchObject([{ do: 'withdraw', placed: { phase: 'leaving' }, stop: ['k1'], graceSeconds: 0 }]);
    expect(kinds(one({ ...see(), manifests: seen([]), api: aReach('reachable') }, leaving, sharing()))).toEqual([]);
  });

  it('does not start while the container of its parent is being started, but beside one that is a leftover', () => {
    const memory = { ...barredPod, at: new Date(WALL - 10_000).toISOString(), failures: 0, blockedUntil: new Date(0).toISOString() };
    const known = { kubelet: seen(new Set(['kube-system/web-1'])), api: aReach('unreachable', 99_000) };
    const verdict = (createdAtMs: number, of = sharing()) => {
      const containers = [aContainer({ id: 'p2', name: 'migrate', state: 'created', createdAtMs })];
      return verdictOf(one({ ...known, runtime: seen({ sandboxes: [], containers }) }, aLedger([], [memory]), of));
    };

    expect(verdict(WALL - 29_999)).toBe('inactive: kubelet-has-parent');
    expect(verdict(WALL - 30_000)).toBe('active: hand-back-failed');
    expect(verdict(WALL - 1, checkpoint)).toBe('active: hand-back-failed');
  });

  it('does not start before every running container of an orphan is stopped, be its sandbox dead', () => {
    const part = aContainer({ id: 'p3', sandboxId: 's1', name: 'migrate', state: 'running' });
    const o = { runtime: seen({ sandboxes: parentDied.sandboxes, containers: [...parentDied.containers, part] }) };
    const [first] = over([0, 30_000], o, aLedger(), sharing()).actions;

    expect(first).toMatchObject({ do: 'place', stopOrphans: ['s1'] });
  });
});

describe('the copy of a parent that shares data and has a host port', () => {
  const of = sharing('first-sign');

  it('loses its manifest at the first sign and serves on until the parent comes', () => {
    const first = over([0, 1_000], { ...see(), api: aReach('unsure', 0, 500) }, ledger, of);

    expect(first.actions[0]).toMatchObject({ do: 'withdraw', stop: [] });
    expect(kinds(one({ ...see(), manifests: seen([]), api: aReach('reachable') }, leaving, of))).toEqual([]);
    expect(one({ ...see(made()), manifests: seen([]), api: aReach('reachable') }, leaving, of).actions).toMatchObject([
      { do: 'withdraw', stop: ['k1'] },
    ]);
  });

  it('stops at once where the parent comes before any sign', () => {
    const result = one({ ...see(made()), api: aReach('unreachable') }, ledger, of);

    expect(verdictOf(result)).toBe('handing-back: parent-started');
    expect(result.actions[0]).toMatchObject({ do: 'withdraw', stop: ['k1'] });
  });
});

describe('the close watch for a parent that shares data', () => {
  const look = (of: Checkpoint, o: Parameters<typeof anObservation>[0], placed = ledger, mind: Mind = EMPTY_MIND) =>
    watchTargets([of], placed, mind, anObservation({ runtime: seen(copyServes), ...o }), policy);

  it('looks for every container that serves or writes', () => {
    const [target] = look(sharing('container', { writers: ['migrate'] }), { api: aReach('reachable') });

    expect(target).toMatchObject({ signs: ['main', 'migrate'], paceMs: 10, withdrawal: { stop: ['k1'] } });
    expect(target && isAwaited(target, made({ name: 'migrate' }))).toBe(true);
    expect(target && isAwaited(target, made({ id: 'p1', state: 'running' }))).toBe(true);
    expect(target && isAwaited(target, made({ id: 'p1' }))).toBe(false);
  });

  it('looks every second also without a sign of the API server, of which the kubelet may hear first', () => {
    expect(look(sharing(), { api: aReach('unreachable') })).toMatchObject([{ paceMs: 1_000, withdrawal: { stop: ['k1'] } }]);
    expect(look(sharing(), { api: aReach('unreachable'), kubelet: seen(new Set(['kube-system/web-1'])) })).toMatchObject([{ paceMs: 10 }]);
    expect(look(checkpoint, { api: aReach('unreachable') })).toEqual([]);
  });

  it('is ready to act beside a stuck parent, and for a pod to which a hand-back failed', () => {
    const stuck = aLedger([aPlaced({ why: 'parent-stuck' })], [barredPod]);

    expect(look(sharing(), { api: aReach('unreachable') }, stuck)).toMatchObject([{ podUids: ['u1'], withdrawal: { stop: ['k1'] } }]);
  });

  it('goes on after the manifest has left, for as long as anything of the copy runs', () => {
    expect(look(sharing('first-sign'), { api: aReach('reachable') }, leaving)).toMatchObject([
      { withdrawal: { placed: { phase: 'leaving' } } },
    ]);
    expect(look(sharing('first-sign'), { api: aReach('reachable'), runtime: seen(parentDied) }, leaving)).toEqual([]);
    expect(look(aCheckpoint({ handBack: 'first-sign' }), { api: aReach('reachable') }, leaving)).toEqual([]);
  });

  it('is none for the standby', () => {
    const self = { self: true as const, writers: ['main'] };

    expect(look(aCheckpoint(self), { api: aReach('reachable') }, aLedger([aPlaced({ self: true })]))).toEqual([]);
  });
});

describe('an overdue hand-back with nothing shared', () => {
  const of = aCheckpoint({ handBack: 'overlap' });
  const beats = (awaiting: number, beside: number | undefined): Mind => ({
    ...EMPTY_MIND,
    tracks: new Map([
      [
        checkpoint.key,
        { ...initialTrack(0), awaitingSince: 100_000 - awaiting, ...(beside === undefined ? {} : { besideSince: 100_000 - beside }) },
      ],
    ]),
  });
  const running = made({ state: 'running' });
  const o = (...containers: RuntimeContainer[]) => ({ ...see(...containers), api: aReach('reachable', -900_000) });
  const from = (awaiting: number, at: number | undefined, ...containers: RuntimeContainer[]) =>
    one(o(...containers), ledger, of, beats(awaiting, at));

  it('turns over: the parent that cannot become Ready beside its copy gets the place to itself', () => {
    const result = from(600_000, 120_000, running);

    expect(verdictOf(result)).toBe('handing-back: parent-started');
    expect(result.verdicts[0]?.mode).toBe('container');
    expect(result.actions[0]).toMatchObject({ do: 'withdraw', stop: ['k1'] });
  });

  it('does so for one that starts again and again, at its next start', () => {
    expect(verdictOf(from(600_000, 120_000, made({ state: 'exited' })))).toBe('active: hand-back-overdue');
    expect(verdictOf(from(600_000, 120_000, made()))).toBe('handing-back: parent-started');
    const [target] = watchTargets([of], ledger, beats(600_000, 120_000), anObservation(o()), policy);
    expect(target).toMatchObject({ paceMs: 100, withdrawal: { stop: ['k1'] } });
  });

  it('does not before it is overdue, nor for a parent that has only just come, or has not come', () => {
    expect(verdictOf(from(599_999, 500_000, running))).toBe('active: awaiting-parent');
    expect(verdictOf(from(900_000, 119_999, running))).toBe('active: hand-back-overdue');
    expect(verdictOf(from(900_000, undefined, running))).toBe('active: hand-back-overdue');
    expect(verdictOf(from(900_000, undefined))).toBe('active: hand-back-overdue');
    expect(watchTargets([of], ledger, beats(900_000, undefined), anObservation(o()), policy)).toEqual([]);
  });

  it('counts the time of a parent that came and went beside its copy', () => {
    const first = one(o(running), ledger, of, beats(0, undefined));

    expect(first.mind.tracks.get(checkpoint.key)?.besideSince).toBe(100_000);
    expect(one({ ...o(), now: 110_000 }, ledger, of, first.mind).mind.tracks.get(checkpoint.key)?.besideSince).toBe(100_000);
    expect(one({ ...o(), now: 110_000 }, leaving, of, first.mind).mind.tracks.get(checkpoint.key)?.besideSince).toBeUndefined();
  });

  it('of a barred pod, or of a parent with its own host port, changes nothing', () => {
    const barred = aLedger([aPlaced()], [barredPod]);

    expect(verdictOf(one(o(running), barred, of, beats(900_000, 900_000)))).toBe('active: hand-back-overdue');
    expect(verdictOf(one(o(), ledger, aCheckpoint(), beats(900_000, 900_000)))).toBe('active: hand-back-overdue');
  });
});
