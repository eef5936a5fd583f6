/** When a copy starts, and what becomes of one that does not; no I/O, no clock. */

import { describe, expect, it } from 'vitest';
import { type Checkpoint, type ManifestFile, type Placed, seen, unseen } from '../../../src/core/model/model.ts';
import { EMPTY_MIND } from '../../../src/core/turn/mind.ts';
import type { Observation } from '../../../src/core/turn/observation.ts';
import { type Turn, turn } from '../../../src/core/turn/turn.ts';
import {
  aCheckpoint,
  aContainer,
  aLedger,
  anObservation,
  aPlaced,
  aReach,
  aSandbox,
  copyServes,
  nothing,
  parentDied,
  parentRuns,
  policy,
} from '../../fakes/builders.ts';

import { checkpoint, FILE, kinds, one, over, placedFile, verdictOf } from './turns.ts';

describe('activation', () => {
  it('places the manifest when nobody answers and nothing is left of the parent', () => {
    const result = one({});

    expect(verdictOf(result)).toBe('active: parent-absent');
    const place = result.actions[0];
    expect(place).toMatchObject({ do: 'place', placed: { attempt: 1, phase: 'placed', why: 'parent-absent', revision: 'r1' } });
    expect(place?.do === 'place' && JSON.parse(place.manifest).metadata.annotations).toEqual({
      'checkpointer/attempt': '1',
      'checkpointer/revision': 'r1',
    });
  });

  it.each<[string, Partial<Observation>, string]>([
    ['the runtime cannot be asked', { runtime: unseen('refused') }, 'inactive: local-truth-unknown'],
    ['the kubelet cannot be asked', { kubelet: unseen('refused') }, 'inactive: local-truth-unknown'],
    ['it is not known whether the image is there', { images: new Map() }, 'inactive: local-truth-unknown'],
    ['the parent runs', { runtime: seen(parentRuns), kubelet: unseen('refused') }, 'inactive: parent-running'],
    [
      'the kubelet knows the parent',
      { kubelet: seen(new Set(['kube-system/web-1'])), api: aReach('unreachable', 99_000) },
      'inactive: kubelet-has-parent',
    ],
    ['the image is missing', { images: new Map([['img:1', seen(false)]]) }, 'inactive: image-missing'],
    ['the server is unsure', { api: aReach('unsure') }, 'inactive: api-unsure'],
    ['a foreign file has the name', { manifests: seen([{ file: 'podckpt-kube-system-web-1-XX.json' }]) }, 'active: parent-absent'],
  ])('does what it must when %s', (_name, o, expected) => {
    expect(verdictOf(one(o))).toBe(expected);
  });

  it('starts nothing when another file has the very name', () => {
    const place = one({}).actions[0];
    const file = place?.do === 'place' ? place.placed.file : '';

    const result = one({ manifests: seen([{ file, digest: 'foreign' }]) });

    expect(verdictOf(result)).toBe('inactive: manifest-name-taken');
    expect(result.actions).toEqual([]);
  });

  it.each<[string, Checkpoint, string]>([
    ['of another node', aCheckpoint({ node: { name: 'n2', machineId: 'm1' } }), 'checkpoint-of-other-node'],
    ['of another machine', aCheckpoint({ node: { name: 'n1', machineId: 'm2' } }), 'checkpoint-of-other-node'],
    ['of another cluster', aCheckpoint({ cluster: 'c2' }), 'checkpoint-of-other-cluster'],
    ['that is damaged', aCheckpoint({}, { problem: 'pod.json: digest' }), 'checkpoint-damaged'],
    ['that could not be read', aCheckpoint({}, { problem: 'EMFILE: open', unread: 'EMFILE' }), 'checkpoint-unread'],
    ['that is too old', aCheckpoint({ maxAgeMs: 1_000 }), 'checkpoint-expired'],
    ['from the future', aCheckpoint({ maxAgeMs: 1_000_000_000 }, { confirmedAt: '2030-01-01T00:00:00.000Z' }), 'checkpoint-expired'],
  ])('refuses a checkpoint %s', (_name, of, reason) => {
    const result = one({}, aLedger(), of);

    expect(verdictOf(result)).toBe(`inactive: ${reason}`);
    expect(result.actions).toEqual([]);
  });

  it('waits the orphan grace beside a dead sandbox, then stops it first', () => {
    const orphan = { runtime: seen({ sandboxes: [aSandbox()], containers: [aContainer({ state: 'exited' as const })] }) };

    const early = over([100_000, 129_999], orphan);
    const late = over([100_000, 130_000], orphan);

    expect(verdictOf(early)).toBe('inactive: parent-orphan-grace');
    expect(verdictOf(late)).toBe('active: parent-orphaned');
    expect(late.actions[0]).toMatchObject({ do: 'place', stopOrphans: ['s1'] });
  });

  it('helps a parent that the kubelet knows and cannot start, after the stuck grace', () => {
    const stuck = { kubelet: seen(new Set(['kube-system/web-1'])), runtime: seen(parentDied), api: aReach('unreachable', 100_000) };

    expect(verdictOf(over([100_000, 159_999], stuck))).toBe('inactive: kubelet-has-parent');
    expect(verdictOf(over([100_000, 160_000], stuck))).toBe('active: parent-stuck');
  });

  it('starts the stuck clock anew whenever the parent has run for ten seconds', () => {
    const known = { kubelet: seen(new Set(['kube-system/web-1'])), api: aReach('unreachable', 0) };
    let mind = turn(EMPTY_MIND, [checkpoint], aLedger(), anObservation({ ...known, now: 0, runtime: seen(parentDied) }), policy).mind;
    for (const now of [40_000, 50_000])
      mind = turn(mind, [checkpoint], aLedger(), anObservation({ ...known, now, runtime: seen(parentRuns) }), policy).mind;

    const result = turn(mind, [checkpoint], aLedger(), anObservation({ ...known, now: 109_000, runtime: seen(parentDied) }), policy);

    expect(verdictOf(result)).toBe('inactive: kubelet-has-parent');
  });

  it('lets a higher order wait for the lower one, thirty seconds at most', () => {
    const first = aCheckpoint({ parent: { namespace: 'kube-system', name: 'a', uid: 'ua', resourceVersion: '1' }, order: -1 });
    const second = aCheckpoint({ parent: { namespace: 'kube-system', name: 'b', uid: 'ub', resourceVersion: '1' }, order: 1 });
    const begin = turn(EMPTY_MIND, [second, first], aLedger(), anObservation({ now: 0 }), policy);
    const again = turn(begin.mind, [second, first], aLedger([aPlaced({ key: 'kube-system_a' })]), anObservation({ now: 1_000 }), policy);
    const late = turn(again.mind, [second, first], aLedger([aPlaced({ key: 'kube-system_a' })]), anObservation({ now: 31_000 }), policy);

    expect(again.verdicts.map((verdict) => verdict.decision.reason)).toEqual(['waiting-for-lower-order', 'copy-starting']);
    expect(late.verdicts[0]?.decision.reason).toBe('parent-absent');
  });

  it('lets a higher order wait no longer where the kubelet cannot always be asked, nor start before a lower one that is unknown', () => {
    const first = aCheckpoint({ parent: { namespace: 'kube-system', name: 'a', uid: 'ua', resourceVersion: '1' }, order: -1 });
    const second = aCheckpoint({ parent: { namespace: 'kube-system', name: 'b', uid: 'ub', resourceVersion: '1' }, order: 1 });
    const placed = aLedger([aPlaced({ key: 'kube-system_a' })]);
    let mind = turn(EMPTY_MIND, [second, first], aLedger(), anObservation({ now: 0 }), policy).mind;
    for (const now of [10_000, 20_000]) {
      mind = turn(mind, [second, first], placed, anObservation({ now, kubelet: unseen('late') }), policy).mind;
      mind = turn(mind, [second, first], placed, anObservation({ now: now + 1_000 }), policy).mind;
    }
    const late = turn(mind, [second, first], placed, anObservation({ now: 30_000 }), policy);
    expect(late.verdicts[0]?.decision.reason).toBe('parent-absent');

    const other = { ...first, record: { ...first.record, images: [{ container: 'main', image: 'img:2', imageRef: 'sha256:2' }] } };
    const images = new Map([['img:1', seen(true)]]);
    const both = new Map([...images, ['img:2', seen(true)]]);
    const begin = turn(EMPTY_MIND, [second, other], aLedger(), anObservation({ now: 0, images: both }), policy);
    const again = turn(begin.mind, [second, other], aLedger(), anObservation({ now: 1_000, images }), policy);
    const verdicts = turn(again.mind, [second, other], aLedger(), anObservation({ now: 2_000, images }), policy).verdicts;
    expect(verdicts.map(({ decision }) => decision.reason)).toEqual(['waiting-for-lower-order', 'local-truth-unknown']);
  });
});

describe('several at once', () => {
  const named = (name: string, order = 0) =>
    aCheckpoint({ parent: { namespace: 'kube-system', name, uid: `u-${name}`, resourceVersion: '1' }, order });
  const reasons = (result: Turn) => result.verdicts.map((verdict) => verdict.decision.reason);

  it('start no more copies than the limit allows', () => {
    const all = [named('a'), named('b'), named('c')];

    const result = turn(EMPTY_MIND, all, aLedger(), anObservation(), { ...policy, activeLimit: 2 });

    expect(reasons(result)).toEqual(['parent-absent', 'parent-absent', 'active-limit-reached']);
    expect(kinds(result)).toEqual(['place', 'place']);
  });

  it('start the lowest order first, even when all could start in the same turn', () => {
    const all = [named('a', 5), named('b', -1), named('c', -1)];

    const first = turn(EMPTY_MIND, all, aLedger(), anObservation({ now: 0 }), policy);
    const late = turn(first.mind, all, aLedger(), anObservation({ now: 30_000 }), policy);

    expect(reasons(first)).toEqual(['waiting-for-lower-order', 'parent-absent', 'parent-absent']);
    expect(reasons(late)).toEqual(['parent-absent', 'parent-absent', 'parent-absent']);
  });
});

describe('verification', () => {
  const ledger = aLedger([aPlaced()]);

  it('places a copy that never appeared again as a new attempt, with other bytes', () => {
    const early = over([0, 29_999], { manifests: placedFile }, ledger);
    const late = over([0, 30_000], { manifests: placedFile }, ledger);

    expect(early.actions).toEqual([]);
    expect(late.actions[0]).toMatchObject({ do: 'place', placed: { attempt: 2 } });
  });

  it('gives up after five attempts and says so', () => {
    const result = over([0, 400_000], { manifests: placedFile }, aLedger([aPlaced({ attempt: 5 })]));

    expect(verdictOf(result)).toBe('active: activation-refused');
    expect(result.actions).toEqual([]);
  });

  it('never touches a copy that runs', () => {
    const result = over([0, 1_000_000], { manifests: placedFile, runtime: seen(copyServes) }, ledger);

    expect(verdictOf(result)).toBe('active: copy-serving');
    expect(result.actions).toEqual([]);
  });

  it('does not take an unanswered runtime for a copy that is missing', () => {
    expect(over([0, 1_000_000], { manifests: placedFile, runtime: unseen('refused') }, ledger).actions).toEqual([]);
  });

  it('puts the manifest back when its writing failed', () => {
    expect(one({ manifests: seen([]) }, ledger).actions[0]).toMatchObject({ do: 'place', placed: { attempt: 1 } });
  });

  it.each<[string, ManifestFile, Partial<Placed>]>([
    ['has other bytes', { file: FILE, digest: 'other' }, {}],
    ['has other bytes than we would replace', { file: FILE, digest: 'other' }, { replaces: 'd0' }],
    ['is a directory, a link, or cannot be read', { file: FILE }, {}],
    ['is a directory where we would replace one of ours', { file: FILE }, { replaces: 'd0' }],
  ])('leaves a file alone in the place of ours that %s, and says so', (_what, file, change) => {
    const foreign = { manifests: seen([file]) };
    const runs = over([0, 1_000_000], { ...foreign, runtime: seen(copyServes) }, aLedger([aPlaced(change)]));
    const never = over([0, 1_000_000], foreign, aLedger([aPlaced(change)]));

    expect([verdictOf(runs), verdictOf(never)]).toEqual(['active: manifest-not-ours', 'active: manifest-not-ours']);
    expect([...runs.actions, ...never.actions]).toEqual([]);
  });

  it('does not put a copy back whose parent failed where a file that is not ours has the name', () => {
    const leaving = aPlaced({ phase: 'leaving' });
    const memory = { key: checkpoint.key, toUid: 'u1', at: '2026-11-21T08:00:00.000Z', bootId: 'b1', failures: 0 };
    const died = { runtime: seen({ ...copyServes }), manifests: seen([{ file: FILE }]) };

    const result = one(died, aLedger([leaving], [memory]));

    expect(verdictOf(result)).toBe('active: hand-back-failed');
    expect(result.actions).toEqual([]);
  });

  it('completes what a crash left half done: our own older bytes are replaced', () => {
    const half = aLedger([aPlaced({ replaces: 'd0' })]);

    expect(one({ manifests: seen([{ file: FILE, digest: 'd0' }]) }, half).actions).toMatchObject([{ do: 'place', expect: 'd0' }]);
  });
});

describe('a mistake of ours', () => {
  it('about one checkpoint leaves it as it is, and the others go on', () => {
    const broken = aCheckpoint(
      { parent: { namespace: 'kube-system', name: 'broken', uid: 'u-broken', resourceVersion: '1' } },
      { manifest: 'no JSON' },
    );

    const result = turn(EMPTY_MIND, [broken, checkpoint], aLedger(), anObservation(), policy);

    expect(result.errors.size).toBe(1);
    expect(result.actions).toMatchObject([{ do: 'place', placed: { key: checkpoint.key } }]);
  });
});

describe('order of things', () => {
  it('does not depend on the order in which the checkpoints are given', () => {
    const all = ['a', 'b', 'c'].map((name, index) =>
      aCheckpoint({ parent: { namespace: 'kube-system', name, uid: `u-${name}`, resourceVersion: '1' }, order: -index }),
    );
    const forward = turn(EMPTY_MIND, all, aLedger(), anObservation(), policy);
    const backward = turn(EMPTY_MIND, [...all].reverse(), aLedger(), anObservation(), policy);

    expect(forward.actions).toEqual(backward.actions);
  });

  it('asks for nothing the second time when the first was carried out', () => {
    const place = one({}).actions[0];
    const placed = place?.do === 'place' ? place.placed : aPlaced();

    const again = one({ manifests: seen([{ file: placed.file, digest: placed.digest }]), runtime: seen(nothing) }, aLedger([placed]));

    expect(again.actions).toEqual([]);
  });
});
