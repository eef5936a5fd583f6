/** What would keep a copy from starting, in good times and in bad: the same answer in every turn until something changes. */

import { describe, expect, it } from 'vitest';
import { type Checkpoint, type Ledger, type Obstacle, seen, unseen } from '../../../src/core/model/model.ts';
import { OBSTACLES } from '../../../src/core/model/obstacles.ts';
import { EMPTY_MIND, type Mind } from '../../../src/core/turn/mind.ts';
import type { Observation } from '../../../src/core/turn/observation.ts';
import { sentenceOf, shownReason } from '../../../src/core/turn/outlook.ts';
import { turn } from '../../../src/core/turn/turn.ts';
import { aCheckpoint, aLedger, anObservation, aPlaced, aReach, copyServes, parentRuns, policy } from '../../fakes/builders.ts';

const reachable = aReach('reachable');
const present = seen(true);
const absent = seen(false);
const images = (value = absent) => new Map([['img:1', value]]);
/** A turn in which nobody asked for anything. */
const quiet: Partial<Observation> = {
  api: reachable,
  runtime: unseen('not asked'),
  kubelet: unseen('not asked'),
  manifests: unseen('not asked'),
  images: new Map(),
};

interface Turns {
  readonly of?: readonly Checkpoint[];
  readonly ledger?: Ledger;
  readonly change?: Partial<typeof policy>;
}

/** One turn after another, ten seconds apart or when they say; what the last one left. */
function after(looks: readonly Partial<Observation>[], { of = [aCheckpoint()], ledger = aLedger(), change = {} }: Turns = {}): Mind {
  let mind = EMPTY_MIND;
  for (const [at, look] of looks.entries())
    mind = turn(mind, of, ledger, anObservation({ now: 100_000 + 10_000 * at, ...look }), { ...policy, ...change }).mind;
  return mind;
}
/** `key: reason`, with a `!` where it keeps a copy down now. */
function told(looks: readonly Partial<Observation>[], turns: Turns = {}): readonly string[] {
  return [...after(looks, turns).outlook.hindrances].map(([key, { reason, down }]) => `${key}: ${reason}${down ? '!' : ''}`);
}
const WEB = 'kube-system_web-1';

describe('while the API server answers', () => {
  const manifestName = (): string => {
    const { actions } = turn(EMPTY_MIND, [aCheckpoint()], aLedger(), anObservation(), policy);
    return actions[0]?.do === 'place' ? actions[0].placed.file : '';
  };

  it.each<[Obstacle, Checkpoint, Partial<Observation>]>([
    ['checkpoint-damaged', aCheckpoint({}, { problem: 'pod.json: digest' }), {}],
    ['checkpoint-expired', aCheckpoint({ maxAgeMs: 1_000 }), {}],
    ['checkpoint-of-other-node', aCheckpoint({ node: { name: 'n1', machineId: 'm2' } }), {}],
    ['checkpoint-of-other-cluster', aCheckpoint({ cluster: 'c2' }), {}],
    ['image-missing', aCheckpoint(), { images: images() }],
    ['manifest-name-taken', aCheckpoint(), { manifests: seen([{ file: manifestName() }]) }],
  ])('%s would keep the copy from starting, whether the API is sure or not, and beside a parent that runs', (reason, checkpoint, o) => {
    const expected = [`${checkpoint.key}: ${reason}`];

    expect(told([{ ...quiet, ...o }], { of: [checkpoint] })).toEqual(expected);
    expect(told([{ ...quiet, ...o, api: aReach('unsure') }], { of: [checkpoint] })).toEqual(expected);
    expect(told([{ ...o, runtime: seen(parentRuns) }], { of: [checkpoint] })).toEqual(expected);
  });

  it('each of those is what a turn says without an API server, and every obstacle is of one kind', () => {
    const ahead = Object.entries(OBSTACLES).filter(([, meaning]) => meaning.told === 'ahead');

    expect(ahead.map(([reason]) => reason)).toEqual([
      'checkpoint-damaged',
      'checkpoint-unread',
      'checkpoint-expired',
      'checkpoint-of-other-node',
      'checkpoint-of-other-cluster',
      'image-missing',
      'manifest-name-taken',
    ]);
    expect(told([{ images: images() }])).toEqual([`${WEB}: image-missing!`]);
  });

  it.each<[string, readonly Partial<Observation>[]]>([
    ['is not asked for', [{ ...quiet, images: images() }, quiet, quiet]],
    [
      'cannot be asked for',
      [
        { ...quiet, images: images() },
        { ...quiet, images: new Map([['img:1', unseen('refused')]]) },
      ],
    ],
  ])('the last answer about an image holds while it %s', (_name, looks) => {
    expect(told(looks)).toEqual([`${WEB}: image-missing`]);
    expect(told([...looks, { ...quiet, images: images(present) }, quiet])).toEqual([]);
  });

  it('what lay in staticPodPath holds until somebody looks again', () => {
    const there = { ...quiet, manifests: seen([{ file: manifestName() }]) };

    expect(told([there, quiet, quiet])).toEqual([`${WEB}: manifest-name-taken`]);
    expect(told([there, quiet, { ...quiet, manifests: seen([]) }, quiet])).toEqual([]);
    expect(told([{ ...quiet, manifests: seen([{ file: 'another.json' }]) }])).toEqual([]);
  });

  it('nothing is told of what nobody knows', () => {
    expect(told([quiet, quiet])).toEqual([]);
  });

  it('a new revision with other images is no all-clear until these were asked for', () => {
    const { outlook } = after([{ ...quiet, images: images() }]);
    const next = aCheckpoint({ images: [{ container: 'main', image: 'img:2', imageRef: '' }] });
    const look = (o: Partial<Observation>, mind: Mind) => turn(mind, [next], aLedger(), anObservation({ ...quiet, ...o }), policy).mind;

    const unknown = look({}, { ...EMPTY_MIND, outlook });
    const known = look({ images: new Map([['img:2', present]]) }, unknown);

    expect(unknown.outlook.hindrances.get(WEB)).toEqual({ reason: 'image-missing', down: false, detail: 'img:1' });
    expect(known.outlook.hindrances.size).toBe(0);
    expect([...known.outlook.images.keys()]).toEqual(['img:2']);
  });

  it('what could not be read is told when that has lasted for ten seconds', () => {
    const of = [aCheckpoint({}, { problem: 'EMFILE: open', unread: 'EMFILE' })];

    expect(told([quiet, { ...quiet, now: 109_999 }], { of })).toEqual([]);
    expect(told([quiet, { ...quiet, now: 110_000 }], { of })).toEqual([`${WEB}: checkpoint-unread`]);
  });

  it('nothing is told of the limit, of the order, or of a copy that is placed', () => {
    const low = aCheckpoint({ parent: { namespace: 'kube-system', name: 'a', uid: 'ua', resourceVersion: '1' }, order: -1 });
    const of = [low, aCheckpoint({ order: 1 })];

    expect(told([{ ...quiet, images: images(present) }], { of, change: { activeLimit: 0 } })).toEqual([]);
    expect(told([{ api: reachable, images: images() }], { ledger: aLedger([aPlaced()]) })).toEqual([]);
    // it has just been handed back, and its place is free in this very turn
    expect(told([{ api: reachable, images: images() }], { ledger: aLedger([aPlaced({ phase: 'leaving' })]) })).toEqual([]);
  });
});

describe('of two checkpoints of one DaemonSet', () => {
  const parent = { namespace: 'kube-system', resourceVersion: '1', controller: { kind: 'DaemonSet', name: 'web', uid: 'ds' } };
  const earlier = aCheckpoint({ parent: { ...parent, name: 'web-1', uid: 'u1' } });
  const later = aCheckpoint({
    parent: { ...parent, name: 'web-2', uid: 'u2' },
    capturedAt: '2026-11-21T07:30:00.000Z',
    images: [{ container: 'main', image: 'img:2', imageRef: '' }],
  });
  const both = (first: typeof present, second: typeof present) =>
    told(
      [
        {
          ...quiet,
          images: new Map([
            ['img:1', first],
            ['img:2', second],
          ]),
        },
      ],
      { of: [earlier, later] },
    );

  it('the earlier may be without its image while the later would start', () => {
    expect(both(absent, present)).toEqual([]);
  });

  it('the one that would not start is told, and the earlier one too where it would have to step in', () => {
    expect(both(present, absent)).toEqual(['kube-system_web-2: image-missing']);
    expect(both(absent, absent)).toEqual(['kube-system_web-1: image-missing', 'kube-system_web-2: image-missing']);
  });
});

describe('during an outage', () => {
  const down = { images: images(present) };

  it('an obstacle keeps the copy down, a wait that ends by itself does not', () => {
    const low = aCheckpoint({ parent: { namespace: 'kube-system', name: 'a', uid: 'ua', resourceVersion: '1' }, order: -1 });

    expect(told([{ images: images() }])).toEqual([`${WEB}: image-missing!`]);
    expect(told([down], { change: { activeLimit: 0 } })).toEqual([`${WEB}: active-limit-reached!`]);
    expect(told([down], { of: [low, aCheckpoint({ order: 1 })] })).toEqual([]);
    expect(told([{ ...down, kubelet: seen(new Set(['kube-system/web-1'])), api: aReach('unreachable', 99_000) }])).toEqual([]);
    expect(told([{ ...down, runtime: seen(parentRuns) }])).toEqual([]);
    expect(told([down])).toEqual([]);
  });

  it('local truth that is unknown keeps it down when that has lasted for ten seconds', () => {
    const blind = { ...down, runtime: unseen('refused') };

    expect(told([blind, { ...blind, now: 109_999 }])).toEqual([]);
    expect(told([blind, { ...blind, now: 110_000 }])).toEqual([`${WEB}: local-truth-unknown!`]);
    expect(told([blind, { ...down, now: 105_000, runtime: seen(parentRuns) }, { ...blind, now: 110_000 }])).toEqual([]);
  });

  it('a turn in a hurry, which asks for no images, changes nothing of what was told', () => {
    expect(told([{ images: images() }, { now: 100_500, images: new Map() }])).toEqual([`${WEB}: image-missing!`]);
    expect(told([{ images: images() }, { now: 100_500, runtime: unseen('refused') }])).toEqual([`${WEB}: image-missing!`]);
  });

  it('a copy in whose place lies another file is told of where it does not run, as long as the API server is away', () => {
    const ledger = aLedger([aPlaced()]);
    const other = { ...down, manifests: seen([{ file: 'f.json', digest: 'other' }]) };
    const later = { ...other, now: 130_000 };

    expect(told([other], { ledger })).toEqual([]);
    expect(told([other, later], { ledger })).toEqual([`${WEB}: manifest-not-ours!`]);
    expect(told([other, { ...later, runtime: seen(copyServes) }], { ledger })).toEqual([]);
    expect(told([other, { ...later, api: reachable }], { ledger })).toEqual([]);
  });
});

describe('of the standby, which is to lie in its place all the time', () => {
  const own = aCheckpoint({ self: true });

  it('an obstacle keeps it down also while the API server answers', () => {
    expect(told([{ api: reachable, images: images() }], { of: [own] })).toEqual([`${WEB}: image-missing!`]);
  });

  it('nothing is told while it lies there', () => {
    expect(told([{ api: reachable, images: images() }], { of: [own], ledger: aLedger([aPlaced({ self: true })]) })).toEqual([]);
  });
});

describe('people are shown', () => {
  it('in good times what would keep the copy from starting, else the reason of the decision', () => {
    const ahead = { reason: 'image-missing', down: false } as const;

    expect(shownReason('api-reachable', ahead)).toBe('would-not-start: image-missing');
    expect(shownReason('api-unsure', ahead)).toBe('would-not-start: image-missing');
    expect(shownReason('parent-running', ahead)).toBe('would-not-start: image-missing');
    expect(shownReason('parent-leaving', ahead)).toBe('parent-leaving');
    expect(shownReason('image-missing', { ...ahead, down: true })).toBe('image-missing');
    expect(shownReason('api-reachable', undefined)).toBe('api-reachable');
  });

  it('one sentence with what it is, and one with what to do, without the marks of a page', () => {
    expect(sentenceOf({ reason: 'image-missing', down: false, detail: 'img:$1' })).toBe(
      'An image of the copy is not on the node (img:$1). Load it onto the node.',
    );
    expect(sentenceOf({ reason: 'active-limit-reached', down: true })).toBe(
      'As many copies run as limits.active allows. Raise limits.active.',
    );
    // one letter beyond Latin-1 would double the program's text in memory
    for (const { means, todo } of Object.values(OBSTACLES)) expect(`${means}${todo ?? ''}`).toMatch(/^[\x20-\x7e]*$/);
  });
});
