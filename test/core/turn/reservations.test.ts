/** What the copies of one turn reserve, together and in their order; and what becomes of it later. */
import { describe, expect, it } from 'vitest';
import type { Action } from '../../../src/core/model/actions.ts';
import { manifestFileName } from '../../../src/core/model/keys.ts';
import { sha256 } from '../../../src/core/model/manifest.ts';
import { type Checkpoint, type Ledger, type Placed, type RevisionRecord, seen } from '../../../src/core/model/model.ts';
import type { Reservation } from '../../../src/core/model/reservation.ts';
import type { NodeRoom } from '../../../src/core/room/reserve.ts';
import { adoptOwn } from '../../../src/core/turn/adopt.ts';
import { EMPTY_MIND } from '../../../src/core/turn/mind.ts';
import type { Observation } from '../../../src/core/turn/observation.ts';
import { placedManifest } from '../../../src/core/turn/plan.ts';
import { turn } from '../../../src/core/turn/turn.ts';
import { aCheckpoint, aLedger, anObservation, aPlaced, aReach, aSandbox, copyContainer, policy, WALL } from '../../fakes/builders.ts';

function asking(name: string, cpu: string, change: Partial<RevisionRecord> = {}): Checkpoint {
  const parent = { namespace: 'kube-system', name, uid: name, resourceVersion: '7' };
  const resources = { requests: { cpu }, limits: { cpu: '8' } };
  const manifest = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `${name}-ckpt`, namespace: 'kube-system' },
    spec: { containers: [{ name: 'main', resources }] },
  };
  return aCheckpoint({ parent, ...change }, { manifest: `${JSON.stringify(manifest)}\n` });
}

const room = (milli: number, change: Partial<NodeRoom> = {}): NodeRoom => ({
  allocatable: { cpu: milli, memory: 1e9, 'ephemeral-storage': 1e9 },
  requested: { cpu: 0, memory: 0, 'ephemeral-storage': 0 },
  exclusiveCpus: false,
  ...change,
});
const reserved = (cpu: number): Reservation => ({ zeroed: [], why: 'room', amounts: { cpu, memory: 0, 'ephemeral-storage': 0 } });

type Place = Extract<Action, { do: 'place' }>;

function places(checkpoints: readonly Checkpoint[], o: Partial<Observation>, ledger: Ledger = aLedger()): readonly Place[] {
  return turn(EMPTY_MIND, checkpoints, ledger, anObservation(o), policy).actions.filter((action) => action.do === 'place');
}
/** What each asks of the CPUs in its manifest, and why, by the ledger. */
function cpusOf(all: readonly Place[]): readonly string[] {
  return all.map(
    ({ placed, manifest }) => `${placed.key} ${JSON.parse(manifest).spec.containers[0].resources.requests.cpu} ${placed.reserves?.why}`,
  );
}

describe('copies that start', () => {
  it('reserve in their order, each what the ones before it have left', () => {
    const two = [asking('b', '700m', { order: -1 }), asking('a', '700m', { order: -1 }), asking('c', '200m', { order: -1 })];

    expect(cpusOf(places(two, { room: room(1000) }))).toEqual([
      'kube-system_a 700m room',
      'kube-system_b 0 no-room',
      'kube-system_c 200m room',
    ]);
  });

  it('leave room for what is bound to the node, their own parents among it', () => {
    const requested = { cpu: 1200, memory: 0, 'ephemeral-storage': 0 };

    expect(cpusOf(places([asking('web', '1200m')], { room: room(2000, { requested }) }))).toEqual(['kube-system_web 0 no-room']);
    expect(cpusOf(places([asking('web', '1200m')], { room: room(2400, { requested }) }))).toEqual(['kube-system_web 1200m room']);
  });

  it('say in the manifest what they reserve, and keep their limits', () => {
    const [none] = places([asking('web', '1200m')], {});
    const manifest = JSON.parse(none?.manifest ?? '');

    expect(manifest.metadata.annotations['checkpointer/reserves']).toBe('nothing');
    expect(manifest.spec.containers[0].resources).toEqual({ requests: { cpu: '0' }, limits: { cpu: '8' } });
    expect(none?.placed).toMatchObject({ reserves: { zeroed: ['cpu'], why: 'room-unknown', amounts: { cpu: 0 } } });
    expect(none?.placed.digest).toBe(sha256(none?.manifest ?? ''));
  });

  it('reserve nothing where the kubelet knows the parent', () => {
    const stuck = { kubelet: seen(new Set(['kube-system/web'])), api: aReach('unreachable', 0), now: 99_000, room: room(9000) };
    const mind = turn(EMPTY_MIND, [asking('web', '1')], aLedger(), anObservation({ ...stuck, now: 1_000 }), policy).mind;
    const { verdicts, actions } = turn(mind, [asking('web', '1')], aLedger(), anObservation(stuck), policy);

    expect(verdicts[0]?.decision).toEqual({ state: 'active', reason: 'parent-stuck' });
    expect(cpusOf(actions.filter((action) => action.do === 'place'))).toEqual(['kube-system_web 0 parent-holds-it']);
  });

  it('do as the parent’s annotation says', () => {
    const kept = asking('a', '700m', { requests: 'keep' });
    const none = asking('b', '100m', { requests: 'none' });

    expect(cpusOf(places([kept, none, asking('c', '100m')], { room: room(700) }))).toEqual([
      'kube-system_a 700m annotation',
      'kube-system_b 0 annotation',
      'kube-system_c 0 no-room',
    ]);
  });

  it('ask for no CPUs of their own', () => {
    expect(cpusOf(places([asking('web', '8')], { room: room(16_000, { exclusiveCpus: true }) }))).toEqual(['kube-system_web 7999m room']);
  });

  it('leave what is placed its reservation', () => {
    const ledger = aLedger([aPlaced({ key: 'kube-system_a', reserves: reserved(600) })]);
    const all = [asking('a', '600m'), asking('b', '500m')];
    const quiet = { manifests: seen([{ file: 'f.json', digest: 'd1' }]), room: room(1000) };

    expect(cpusOf(places(all, quiet, ledger))).toEqual(['kube-system_b 0 no-room']);
    expect(cpusOf(places(all, { ...quiet, room: room(1100) }, ledger))).toEqual(['kube-system_b 500m room']);
  });

  it('take what an older version placed for all that its parent asks for', () => {
    const ledger = aLedger([aPlaced({ key: 'kube-system_a' })]);
    const quiet = { manifests: seen([{ file: 'f.json', digest: 'd1' }]), room: room(1000) };

    expect(cpusOf(places([asking('a', '600m'), asking('b', '500m')], quiet, ledger))).toEqual(['kube-system_b 0 no-room']);
  });

  it('reserve nothing beside a copy of which nobody knows what it reserves', () => {
    const ledger = aLedger([aPlaced({ key: 'kube-system_gone' })]);

    expect(cpusOf(places([asking('b', '500m')], { room: room(9000) }, ledger))).toEqual(['kube-system_b 0 room-unknown']);
  });
});

describe('a copy that is placed once more', () => {
  const web = asking('web', '700m');
  const copyRuns = {
    sandboxes: [
      aSandbox({
        id: 's9',
        name: 'web-ckpt-n1',
        uid: 'u9',
        annotations: { 'kubernetes.io/config.source': 'file', 'checkpointer/copy-of': 'kube-system/web' },
      }),
    ],
    containers: [copyContainer],
  };
  const file = manifestFileName(web.record.parent);
  const placed = (change: Partial<Placed>): Ledger => {
    const entry = aPlaced({ key: web.key, file, ...change });
    return aLedger([{ ...entry, digest: sha256(placedManifest(web, entry.attempt, entry.reserves)) }]);
  };

  it.each<[string, Reservation | undefined, string]>([
    ['what it reserved', reserved(700), '700m room'],
    ['what an older version placed', undefined, '700m undefined'],
  ])('has the same bytes as long as the attempt is the same: %s', (_name, reserves, expected) => {
    const ledger = placed(reserves === undefined ? {} : { reserves });
    const [again] = places([web], { room: room(10), manifests: seen([]) }, ledger);

    expect(cpusOf([again as Place])).toEqual([`kube-system_web ${expected}`]);
    expect(again?.placed.digest).toBe(ledger.placed[0]?.digest);
  });

  it('keeps its bytes after it was withdrawn, if there is room still, for it may run on', () => {
    const ledger = placed({ phase: 'leaving', reserves: reserved(700) });
    const back = (milli: number): readonly Place[] =>
      places([web], { room: room(milli), manifests: seen([]), runtime: seen(copyRuns) }, ledger);

    expect(back(700)[0]?.placed.digest).toBe(ledger.placed[0]?.digest);
    expect(cpusOf(back(699))).toEqual(['kube-system_web 0 no-room']);
  });

  it('keeps its bytes then also where it reserved nothing, though there is room by now', () => {
    const ledger = placed({ phase: 'leaving', reserves: { ...reserved(0), zeroed: ['cpu'], why: 'no-room' } });
    const [back] = places([web], { room: room(9000), manifests: seen([]), runtime: seen(copyRuns) }, ledger);

    expect(back?.placed.digest).toBe(ledger.placed[0]?.digest);
  });

  it('reserves nothing where its checkpoint has another revision by now, whose requests nobody has weighed', () => {
    const captured = asking('web', '900m', { revision: 'r2' });
    const ledger = aLedger([aPlaced({ key: web.key, file, reserves: reserved(700) })]);
    expect(cpusOf(places([captured], { room: room(700), manifests: seen([]) }, ledger))).toEqual(['kube-system_web 0 room-unknown']);

    const there = { manifests: seen([{ file, digest: 'd1' }]), room: room(700) };
    const first = turn(EMPTY_MIND, [captured], ledger, anObservation({ ...there, now: 100_000 }), policy);
    const { actions } = turn(first.mind, [captured], ledger, anObservation({ ...there, now: 400_000 }), policy);
    expect(cpusOf(actions.filter((action) => action.do === 'place'))).toEqual(['kube-system_web 0 tried-again']);
  });

  it('reserves nothing after it was refused', () => {
    const there = { manifests: seen([{ file, digest: placed({ reserves: reserved(700) }).placed[0]?.digest ?? '' }]), room: room(9000) };
    const ledger = placed({ reserves: reserved(700) });
    const first = turn(EMPTY_MIND, [web], ledger, anObservation({ ...there, now: 100_000 }), policy);
    const { actions } = turn(first.mind, [web], ledger, anObservation({ ...there, now: 400_000 }), policy);
    const again = actions.filter((action) => action.do === 'place');

    expect(cpusOf(again)).toEqual(['kube-system_web 0 tried-again']);
    expect(again[0]?.placed.attempt).toBe(2);
  });
});

describe('a standby', () => {
  const own = (revision: string): Checkpoint => asking('own', '100m', { self: true, revision });

  it('pushes nobody out of a full node', () => {
    const full = { api: aReach('reachable'), room: room(1000, { requested: { cpu: 1000, memory: 0, 'ephemeral-storage': 0 } }) };

    expect(cpusOf(places([own('r1')], full))).toEqual(['kube-system_own 0 no-room']);
    expect(cpusOf(places([own('r1')], { ...full, room: room(1100) }))).toEqual(['kube-system_own 100m room']);
  });

  it('that is replaced has the room of the one before', () => {
    const ledger = aLedger([aPlaced({ key: 'kube-system_own', self: true, reserves: reserved(100) })]);
    const quiet = { api: aReach('reachable'), manifests: seen([{ file: 'f.json', digest: 'd1' }]) };

    expect(cpusOf(places([own('r2')], { ...quiet, room: room(100) }, ledger))).toEqual(['kube-system_own 100m room']);
  });
});

describe('a ledger that is lost', () => {
  it.each([[['cpu'] as const], [[] as const]])('is made again with what the copy reserves: zero of %j', (zeroed) => {
    const web = asking('web', '700m');
    const reserves: Reservation = { ...reserved(zeroed.length === 0 ? 700 : 0), zeroed };
    const digest = sha256(placedManifest(web, 2, reserves));

    expect(adoptOwn(aLedger(), [web], [{ file: manifestFileName(web.record.parent), digest }], WALL).placed).toMatchObject([
      { attempt: 2, digest, reserves: { ...reserves, why: 'found' } },
    ]);
  });
});
