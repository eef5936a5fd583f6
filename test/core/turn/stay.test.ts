/** What a kubelet process shows of a parent that it had, and what is said of it: told apart are a deletion and an end of its own. */
import { describe, expect, it } from 'vitest';
import { type RawPod, seen, unseen } from '../../../src/core/model/model.ts';
import type { Stay } from '../../../src/core/model/stay.ts';
import { movedOn } from '../../../src/core/turn/clocks.ts';
import type { Observation } from '../../../src/core/turn/observation.ts';
import { fateIn } from '../../../src/core/turn/stay.ts';
import { subjectOf } from '../../../src/core/turn/subject.ts';
import { initialTrack, type Track } from '../../../src/core/turn/track.ts';
import { aCheckpoint, aLedger, anObservation, aPod, aSandbox, parentDied, parentRuns, WALL, watching } from '../../fakes/builders.ts';

const BY = WALL - 1_000_000;
const NAME = 'kube-system/web-1';
const checkpoint = aCheckpoint();
const listing = (...names: string[]): Observation['kubelet'] => seen(new Set(names));
const broken = (...pods: RawPod[]): Observation['watch'] => ({ ...watching(...pods), healthy: false });
const deleting: RawPod = { ...aPod(), metadata: { ...aPod().metadata, deletionTimestamp: '2026-11-21T08:00:00Z' } };

const listed: Partial<Observation> = { kubelet: listing(NAME), runtime: seen(parentRuns), watch: watching(aPod()) };
const missing: Partial<Observation> = { kubelet: listing(), runtime: seen(parentDied), watch: broken(aPod()) };

/** Turn after turn, a second each; the same kubelet process unless a turn says otherwise. */
function through(steps: readonly Partial<Observation>[], of = checkpoint): Stay | undefined {
  let track: Track = initialTrack(0);
  for (const [index, step] of steps.entries()) {
    const o = anObservation({ life: { startedAt: BY }, ...step, now: index * 1_000, wall: WALL + index * 1_000 });
    const subject = subjectOf(of, aLedger(), new Map([[of.key, track]]), o);
    track = movedOn(subject, false, o);
  }
  return track.stay;
}

describe('a parent that the kubelet had and has no more', () => {
  it('has ended since it is not listed', () => {
    expect(through([listed, listed])).toEqual({ by: BY, names: [NAME], uids: ['u1'], api: 'alive' });
    expect(through([listed, listed, missing, missing])).toMatchObject({ endedAt: 2_000, api: 'alive' });
  });

  it('has not ended while the kubelet does not answer, is not asked, or lists it again', () => {
    expect(through([listed, listed, { ...missing, kubelet: unseen('down'), life: {} }])?.endedAt).toBeUndefined();
    expect(through([listed, listed, missing, listed])?.endedAt).toBeUndefined();
    expect(through([listed, listed, missing, { ...missing, kubelet: unseen('not asked'), life: {} }])?.endedAt).toBe(2_000);
  });

  it('is forgotten with the kubelet process, also where that begins with the old list', () => {
    const anew = { life: { startedAt: BY + 5 } };

    expect(through([listed, listed, { ...missing, ...anew }, { ...missing, ...anew }])).toMatchObject({ by: BY + 5, names: [] });
    expect(through([listed, listed, { ...listed, ...anew }, { ...missing, ...anew }])?.endedAt).toBeUndefined();
    expect(through([listed, listed, missing, { ...missing, ...anew }, { ...missing, ...anew }])?.endedAt).toBeUndefined();
  });

  it('is never known of where the life of the kubelet cannot be seen', () => {
    expect(through([listed, listed, missing].map((step) => ({ ...step, life: {} })))).toBeUndefined();
  });

  it('is known by its sandbox to an agent that was not there', () => {
    const made = (createdAtMs: number, source = 'api') =>
      seen({
        sandboxes: [aSandbox({ ready: false, createdAtMs, annotations: { 'kubernetes.io/config.source': source } })],
        containers: [],
      });
    const of = (runtime: Observation['runtime'], more: Partial<Observation> = {}) =>
      through([
        { ...missing, runtime, ...more },
        { ...missing, runtime, ...more },
      ])?.endedAt;

    expect(of(made(BY))).toBe(1_000);
    expect(of(made(BY - 1))).toBeUndefined();
    // another clock made it, as on a machine that keeps no time while it is off
    expect(of(made(WALL + 1_001))).toBeUndefined();
    expect(of(made(BY, 'file'))).toBeUndefined();
    expect(of(made(BY), { life: { startedAt: BY, reachedApi: false } })).toBeUndefined();
    expect(of(unseen('down'))).toBeUndefined();
  });
});

describe("the API server's word on it", () => {
  const wordOf = (...steps: readonly Partial<Observation>[]) => through([listed, listed, ...steps])?.api;
  const later = { ...missing, watch: broken() };

  it.each<[string, readonly Partial<Observation>[], Stay['api']]>([
    ['alive while its watch shows it', [missing], 'alive'],
    ['deleted with a time of deletion', [{ ...missing, watch: broken(deleting) }], 'deleted'],
    [
      'deleted with it seen before it ended',
      [
        { ...listed, watch: watching(deleting) },
        { ...missing, watch: broken(deleting) },
      ],
      'deleted',
    ],
    ['deleted where it is gone, also with the last line of the watch', [later], 'deleted'],
    ['finished at an end that no deletion began', [{ ...missing, watch: broken(aPod({ phase: 'Failed' })) }], 'finished'],
    ['finished although it is deleted then', [{ ...missing, watch: watching(aPod({ phase: 'Failed' })) }, later], 'finished'],
    [
      'deleted with a last phase that the deletion began',
      [{ ...missing, watch: broken({ ...deleting, status: { phase: 'Failed' } }) }],
      'deleted',
    ],
    ['as it was while the list is read anew', [{ ...missing, watch: { synced: false, healthy: false, pods: new Map() } }], 'alive'],
  ])('is %s', (_, steps, expected) => {
    expect(wordOf(...steps)).toBe(expected);
  });

  it('is none where no watch ever told', () => {
    const blind = { watch: { synced: false, healthy: false, pods: new Map<string, RawPod>() } };

    expect(
      through([
        { ...listed, ...blind },
        { ...listed, ...blind },
        { ...missing, ...blind },
      ])?.api,
    ).toBeUndefined();
  });

  it('is not that of a pod that a broken watch has never shown', () => {
    expect(through([{ ...listed, watch: broken() }, { ...listed, watch: broken() }, later])?.api).toBeUndefined();
  });

  it('is no deletion where the memory of the server went back in time', () => {
    const restored = { ...missing, watch: { ...watching(), regressions: 1 } };

    expect(wordOf(restored)).toBe('alive');
  });

  it('is that on the pod that was listed, not on one that the kubelet has not got yet', () => {
    const parent = {
      namespace: 'kube-system',
      name: 'web-1',
      uid: 'u1',
      resourceVersion: '7',
      controller: { kind: 'DaemonSet', name: 'web', uid: 'd1' },
    };
    const [one, two] = [aPod({ daemonSet: 'd1' }), aPod({ uid: 'u2', name: 'web-2', daemonSet: 'd1' })];
    const first = { ...listed, watch: watching(one) };
    const second = { ...listed, kubelet: listing('kube-system/web-2'), watch: watching(two) };
    const of = aCheckpoint({ parent });

    // the old one was deleted, and the API server vanished before the kubelet had the next
    expect(through([first, first, { ...missing, watch: broken(two) }], of)?.api).toBe('deleted');
    const both = { ...listed, watch: watching(one, two) };
    expect(through([first, both, { ...missing, watch: broken(two) }], of)?.api).toBe('deleted');
    // the next one was running, and nobody deleted that
    expect(through([first, first, second, { ...missing, watch: broken(two) }], of)).toMatchObject({ api: 'alive', endedAt: 3_000 });
  });

  it('is lost where the kubelet has another pod and no watch tells of that', () => {
    const parent = {
      namespace: 'kube-system',
      name: 'web-1',
      uid: 'u1',
      resourceVersion: '7',
      controller: { kind: 'DaemonSet', name: 'web', uid: 'd1' },
    };
    const first = { ...listed, watch: watching(aPod({ daemonSet: 'd1' })) };
    const pods = new Map([['u2', aPod({ uid: 'u2', name: 'web-2', daemonSet: 'd1' })]]);
    const second = { ...listed, kubelet: listing('kube-system/web-2'), watch: { synced: false, healthy: false, pods } };
    const stay = through([first, first, second], aCheckpoint({ parent }));

    expect([stay?.names, stay?.api]).toEqual([['kube-system/web-2'], undefined]);
  });

  it('is lost where the watch broke before the pod was another', () => {
    const other = { ...listed, kubelet: listing('kube-system/web-1'), watch: watching(aPod({ phase: 'Failed' })) };

    expect(through([listed, other, { ...listed, watch: { synced: false, healthy: false, pods: new Map() } }])?.api).toBeUndefined();
  });
});

describe("the kubelet's word on it", () => {
  it.each<[string, Parameters<typeof fateIn>[0], Stay['fate']]>([
    ['its end', [{ deleting: false, phase: 'Failed', reason: 'Evicted' }], 'ended'],
    ['its end without a reason', [{ deleting: false, phase: 'Succeeded', reason: '' }], 'ended'],
    ['an eviction that a deletion followed', [{ deleting: true, phase: 'Failed', reason: 'Evicted' }], 'ended'],
    ['a deletion', [{ deleting: true, phase: 'Failed', reason: '' }], 'deleted'],
    ['no such pod: it was deleted to its end', ['none'], 'deleted'],
    ['an end of one of two', ['none', { deleting: false, phase: 'Failed', reason: '' }], 'ended'],
    ['a deletion of two', ['none', { deleting: true, phase: 'Running', reason: '' }], 'deleted'],
    ['nothing certain', [{ deleting: false, phase: 'Running', reason: '' }], undefined],
    ['nothing of one of two', ['none', undefined], undefined],
    ['nothing', [undefined], undefined],
    ['nothing of nobody', [], undefined],
    ['nothing where nobody asked', undefined, undefined],
  ])('is %s', (_, words, expected) => {
    expect(fateIn(words)).toBe(expected);
  });

  it('holds from then on, and not for a pod that is listed again', () => {
    const told = { ...missing, fates: new Map([[checkpoint.key, ['none' as const]]]) };

    expect(through([listed, listed, missing, told, missing])?.fate).toBe('deleted');
    expect(through([listed, listed, missing, told, listed, missing])?.fate).toBeUndefined();
    expect(through([listed, { ...listed, fates: told.fates }])?.fate).toBeUndefined();
  });
});
