/** An API server that the kubelet does not reach: what shows it, for how long, and what becomes of the copies. */

import { describe, expect, it } from 'vitest';
import { type Ledger, type RuntimeView, seen, unseen } from '../../../src/core/model/model.ts';
import { contactOf, isBlind, movedBlindness } from '../../../src/core/turn/blind.ts';
import { EMPTY_MIND, type Mind } from '../../../src/core/turn/mind.ts';
import { needs, nextTurnIn } from '../../../src/core/turn/needs.ts';
import type { Observation } from '../../../src/core/turn/observation.ts';
import type { Policy } from '../../../src/core/turn/policy.ts';
import { initialTrack } from '../../../src/core/turn/track.ts';
import { type Turn, turn } from '../../../src/core/turn/turn.ts';
import { watchTargets } from '../../../src/core/turn/watch-targets.ts';
import {
  aCheckpoint,
  aLedger,
  anObservation,
  aPlaced,
  aPod,
  aReach,
  aSandbox,
  copyServes,
  nothing,
  parentDied,
  policy,
  WALL,
  watching,
} from '../../fakes/builders.ts';
import { kinds, placedFile, verdictOf } from './turns.ts';

const GRACE = policy.kubeletBlindGraceMs;
const STARTED = WALL - 5_000;
const names = (...pods: string[]): Observation['kubelet'] => seen(new Set(pods.map((name) => `kube-system/${name}`)));
/** The API server answers and shows the parent; the kubelet shows no contact, and of the parent a dead container is left. */
const cutOff: Partial<Observation> = {
  api: aReach('reachable', 0),
  watch: watching(aPod()),
  life: { startedAt: STARTED },
  kubelet: names('etcd-n1'),
  runtime: seen(parentDied),
};
const at = (now: number, change: Partial<Observation> = {}): Observation => anObservation({ ...cutOff, now, wall: WALL + now, ...change });

/** Turn after turn with the same ledger; each turn's observation by its time. */
function through(
  line: readonly (readonly [number, Partial<Observation>?])[],
  ledger: Ledger = aLedger(),
  change: Partial<Policy> = {},
  mind: Mind = EMPTY_MIND,
): Turn {
  let result: Turn | undefined;
  for (const [now, seenThen] of line) {
    result = turn(result?.mind ?? mind, [aCheckpoint()], ledger, at(now, seenThen), { ...policy, ...change });
  }
  if (result === undefined) throw new Error('no time given');
  return result;
}

describe('contact of the kubelet with an API server', () => {
  it.each<[string, Partial<Observation>, string]>([
    ['static pods alone', {}, 'none'],
    ['a PodsAPI that says so', { life: { startedAt: STARTED, reachedApi: false } }, 'none'],
    ['an API pod in its list', { kubelet: names('other-1') }, 'some'],
    [
      'an API pod named as a static one',
      { kubelet: names('x-n1'), runtime: seen({ sandboxes: [aSandbox({ name: 'x-n1' })], containers: [] }) },
      'some',
    ],
    ['a PodsAPI that answers', { life: { startedAt: STARTED, reachedApi: true } }, 'some'],
    ['a sandbox of an API pod made since it started', made(STARTED), 'some'],
    ['one made before', made(STARTED - 1), 'none'],
    ['one of an earlier boot, by a clock that is behind since', made(WALL + 60_000), 'none'],
    ['a runtime that does not answer', { runtime: unseen('refused') }, 'unknown'],
    ['a list that it does not give', { kubelet: unseen('refused') }, 'unknown'],
    ['a start that cannot be told', { life: {} }, 'unknown'],
  ])('by %s', (_, change, contact) => {
    expect(contactOf(at(0, change))).toBe(contact);
  });

  function made(createdAtMs: number): Partial<Observation> {
    return { runtime: seen<RuntimeView>({ sandboxes: [aSandbox({ ready: false, createdAtMs })], containers: [] }) };
  }
});

describe('the grace of a kubelet that shows none', () => {
  const blind = { startedAt: STARTED, since: 0 };

  it('goes on while nobody knows, and begins anew with a new process', () => {
    expect(movedBlindness(blind, true, at(9_000))).toBe(blind);
    expect(movedBlindness(blind, true, at(9_000, { kubelet: unseen('refused'), life: {} }))).toBe(blind);
    expect(movedBlindness(blind, true, at(9_000, { life: { startedAt: STARTED + 1 } }))).toEqual({ startedAt: STARTED + 1, since: 9_000 });
    expect(movedBlindness(blind, true, at(9_000, { life: { startedAt: STARTED + 1 }, kubelet: unseen('refused') }))).toBeUndefined();
  });

  it('ends with a sign of contact, and where nothing waits for one', () => {
    expect(movedBlindness(blind, true, at(9_000, { kubelet: names('other-1') }))).toBeUndefined();
    expect(movedBlindness(blind, false, at(9_000))).toBeUndefined();
  });

  it('counts only time in which the API server answered us', () => {
    const later = at(GRACE, { api: aReach('reachable', 1_000) });

    expect(isBlind(blind, later, policy)).toBe(false);
    expect(isBlind(blind, { ...later, now: GRACE + 1_000 }, policy)).toBe(true);
    for (const verdict of ['unsure', 'unreachable'] as const)
      expect(isBlind(blind, at(GRACE, { api: aReach(verdict) }), policy)).toBe(false);
  });

  it('never ends where it is 0', () => {
    expect(isBlind(blind, at(86_400_000), { ...policy, kubeletBlindGraceMs: 0 })).toBe(false);
  });
});

describe('a copy of what a blind kubelet does not start', () => {
  it('starts when the grace is over', () => {
    expect(verdictOf(through([[0], [GRACE - 1]]))).toBe('inactive: api-reachable');
    const started = through([[0], [GRACE]]);

    expect(verdictOf(started)).toBe('active: kubelet-blind');
    expect(started.actions).toMatchObject([{ do: 'place', placed: { why: 'kubelet-blind' } }]);
  });

  it('starts in the place of what was left of the parent, after its own grace', () => {
    const orphan = { runtime: seen<RuntimeView>({ sandboxes: [aSandbox()], containers: [] }), life: { startedAt: WALL - 3_000 } };

    expect(verdictOf(through([[0], [GRACE - 10_000, orphan], [GRACE, orphan]]))).toBe('inactive: api-reachable');
    const over = through([
      [0, orphan],
      [GRACE, orphan],
    ]);
    expect(verdictOf(over)).toBe('active: kubelet-blind');
    expect(over.actions[0]).toMatchObject({ stopOrphans: ['s1'] });
  });

  const leaving = aPod();
  const deleted = { ...leaving, metadata: { ...leaving.metadata, deletionTimestamp: '2026-11-21T08:00:00Z' } };
  it.each<[string, Partial<Observation>, Partial<Policy>?]>([
    ['the parent is on another node', { watch: watching(aPod({ node: 'n2' })) }],
    ['the parent is being deleted', { watch: watching(deleted) }],
    ['the watch does not tell', { watch: { ...watching(aPod()), healthy: false } }],
    ['the kubelet had contact', { kubelet: names('etcd-n1', 'other-1') }],
    ['the kubelet cannot be asked', { kubelet: unseen('refused') }],
    ['the runtime cannot be asked', { runtime: unseen('refused') }],
    ['its images are not known to be there', { images: new Map() }],
    ['an image is missing', { images: new Map([['img:1', seen(false)]]) }],
    ['it is switched off', {}, { kubeletBlindGraceMs: 0 }],
  ])('does not start where %s', (_, change, rules = {}) => {
    const result = through(
      [
        [0, change],
        [GRACE, change],
        [2 * GRACE, change],
      ],
      aLedger(),
      rules,
    );

    expect(result.verdicts[0]?.decision.state).not.toBe('active');
  });

  it('has its images looked up, and everything asked, before its grace is over', () => {
    const { mind } = through([[0]]);
    const input = { checkpoints: [aCheckpoint()], ledger: aLedger(), mind, reach: aReach('reachable'), now: 1_000, policy };

    expect(needs({ ...input, pace: { lastRuntime: 0, lastManifests: 0, lastImages: 0 } })).toMatchObject({
      runtime: true,
      kubelet: true,
      images: ['img:1'],
    });
    const next = {
      ...input,
      observation: at(1_000),
      probeIn: undefined,
      captureIn: undefined,
      acted: false,
      handBackTimeoutMs: 1,
      role: policy.role,
    };
    expect(nextTurnIn({ ...next, stored: new Set<string>() })).toBe(1_000);
  });
});

describe('a copy that was placed for a blind kubelet', () => {
  const ledger = aLedger([aPlaced({ why: 'kubelet-blind' })]);
  const serving = { runtime: seen(copyServes), manifests: placedFile, kubelet: names('web-1-ckpt-n1') };

  it('stays, and is not overdue', () => {
    expect(
      verdictOf(
        through(
          [
            [0, serving],
            [86_400_000, serving],
          ],
          ledger,
        ),
      ),
    ).toBe('active: kubelet-blind');
  });

  it('is not withdrawn as if it were not needed while it does not show, nor while nobody knows', () => {
    const gone = { ...serving, runtime: seen(nothing) };

    expect(
      verdictOf(
        through(
          [
            [0, gone],
            [40_000, gone],
          ],
          ledger,
        ),
      ),
    ).toBe('active: copy-starting');
    expect(
      verdictOf(
        through(
          [
            [0, gone],
            [40_000, { ...gone, life: {}, kubelet: unseen('refused') }],
          ],
          ledger,
        ),
      ),
    ).toBe('active: local-truth-unknown');
  });

  it('is placed again where its manifest is gone', () => {
    expect(
      kinds(
        through(
          [
            [0, serving],
            [1_000, { ...serving, manifests: seen([]) }],
          ],
          ledger,
        ),
      ),
    ).toEqual(['place']);
  });

  it('hands back as ever when the kubelet starts the parent', () => {
    const { sandboxes, containers } = copyServes;
    const view = {
      sandboxes: [...sandboxes, aSandbox({ id: 's2', createdAtMs: WALL })],
      containers: [...containers, { ...containers[0], id: 'p2', sandboxId: 's2', state: 'created' }],
    };
    const back = { ...serving, kubelet: names('web-1'), runtime: seen(view as RuntimeView) };

    expect(
      verdictOf(
        through(
          [
            [0, serving],
            [1_000, back],
          ],
          ledger,
        ),
      ),
    ).toBe('handing-back: parent-started');
  });

  it('waits for the parent from when the kubelet has contact, and is overdue after that', () => {
    const back = { ...serving, kubelet: names('web-1') };
    const line = [
      [0, serving],
      [900_000, serving],
      [1_000_000, back],
    ] as const;

    expect(verdictOf(through(line, ledger))).toBe('active: awaiting-parent');
    expect(verdictOf(through([...line, [1_599_999, back]], ledger))).toBe('active: awaiting-parent');
    expect(verdictOf(through([...line, [1_600_000, back]], ledger))).toBe('active: hand-back-overdue');
  });

  it('is looked after closely only when the kubelet has contact', () => {
    const mind: Mind = { ...EMPTY_MIND, blindness: { startedAt: STARTED, since: 0 } };
    const targets = (change: Partial<Observation>, of: Mind) =>
      watchTargets([aCheckpoint()], ledger, of, at(GRACE, { ...serving, ...change }), policy);

    expect(targets({}, mind)).toEqual([]);
    expect(targets({ kubelet: names('web-1') }, mind).length).toBe(1);
    expect(targets({}, EMPTY_MIND).length).toBe(1);
  });

  it('goes when the API server says that the parent is gone', () => {
    const gone = { ...serving, watch: watching(), reads: new Map([[aCheckpoint().key, seen(undefined)]]) };

    expect(
      verdictOf(
        through(
          [
            [0, serving],
            [1_000, gone],
            [61_001, gone],
          ],
          ledger,
        ),
      ),
    ).toBe('retired: parent-gone');
  });

  it('with a host port leaves at the first sign of contact of the kubelet, not of the API server', () => {
    const of = aCheckpoint({ handBack: 'first-sign' });
    const track = { ...initialTrack(0), placedSince: { attempt: 1, revision: 'r1', at: 0 } };
    const mind: Mind = { ...EMPTY_MIND, tracks: new Map([[of.key, track]]) };
    const verdict = (kubelet: Observation['kubelet']) =>
      verdictOf(turn(mind, [of], ledger, at(50_000, { ...serving, kubelet, api: aReach('reachable', 0, 40_000) }), policy));

    expect(verdict(names('web-1-ckpt-n1'))).toBe('active: kubelet-blind');
    expect(verdict(names('web-1'))).toBe('handing-back: parent-started');
  });
});
