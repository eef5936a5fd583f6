/** What the kubelet can only have from an API server: which sign counts, from when, for how long, and what is none. */

import { describe, expect, it } from 'vitest';
import { type RuntimeView, type Sandbox, seen, unseen } from '../../../src/core/model/model.ts';
import { EMPTY_MIND } from '../../../src/core/turn/mind.ts';
import type { Observation } from '../../../src/core/turn/observation.ts';
import { turn } from '../../../src/core/turn/turn.ts';
import { doubted, hear, NO_WITNESS, SAME_START_MS, testimony, WITNESS_MS, type Witness } from '../../../src/core/turn/witness.ts';
import {
  aCheckpoint,
  aLedger,
  anObservation,
  aPlaced,
  aPod,
  aReach,
  aSandbox,
  copySandbox,
  parentDied,
  policy,
  WALL,
  watching,
} from '../../fakes/builders.ts';
import { placedFile, verdictOf } from './turns.ts';

const FILE = { 'kubernetes.io/config.source': 'file' };
const DOWN = { synced: true, healthy: false, pods: watching(aPod()).pods };
/** The wall clock at a moment of the monotonic one. */
const at = (now: number): number => WALL + now;
const names = (...pods: string[]): Observation['kubelet'] => seen(new Set(pods.map((name) => `kube-system/${name}`)));
const runs = (...sandboxes: Partial<Sandbox>[]): Observation['runtime'] =>
  seen<RuntimeView>({ sandboxes: sandboxes.map((change, index) => aSandbox({ id: `s-${index}`, ...change })), containers: [] });

function look(now: number, change: Partial<Observation>, before: Witness): Witness {
  return hear(before, anObservation({ now, wall: at(now), watch: DOWN, ...change }));
}
/** Until 100 s the watch lived, and showed one pod `web-1`, uid u1; the kubelet and the runtime had it, too. */
const answering = { api: aReach('reachable', 0, 100_000), watch: watching(aPod()), runtime: runs({ uid: 'u1' }), kubelet: names('web-1') };
const before = look(100_000, answering, NO_WITNESS);
/** Words of the witness when this is seen at 110 s, ten seconds after the last answer. */
const words = (change: Partial<Observation>, memory = before): string | undefined =>
  testimony(look(110_000, { api: aReach('unreachable', 109_000, 100_000), ...change }, memory), 110_000);
/** A kubelet that started at this moment. */
const kubeletOf = (now: number, reachedApi?: boolean): Observation['life'] => ({
  startedAt: at(now),
  ...(reachedApi === undefined ? {} : { reachedApi }),
});

describe('a kubelet that runs through, as a witness', () => {
  it('has a sandbox of a pod that our list did not have, made after our last answer', () => {
    expect(words({ runtime: runs({ uid: 'u7', name: 'new-1', createdAtMs: at(101_000) }) })).toMatch(/the kubelet runs kube-system\/new-1/);
  });

  it('has a pod that our list did not have, without a sandbox yet', () => {
    expect(words({ kubelet: names('web-1', 'new-1') })).toMatch(/the kubelet has kube-system\/new-1/);
  });

  it.each<[string, Partial<Observation>]>([
    ['new sandboxes of pods that it knew', { runtime: runs({ uid: 'u1', createdAtMs: at(105_000) }) }],
    [
      'a sandbox made before our last answer',
      { runtime: runs({ uid: 'u7', name: 'new-1', createdAtMs: at(99_000) }), kubelet: names('web-1', 'new-1') },
    ],
    ['a sandbox that is dead', { runtime: runs({ uid: 'u7', ready: false, createdAtMs: at(101_000) }) }],
    ['a static pod', { runtime: runs({ uid: 'u7', name: 'new-1', annotations: FILE, createdAtMs: at(101_000) }), kubelet: names('new-1') }],
    ['our copy', { runtime: runs({ ...copySandbox, createdAtMs: at(101_000) }), kubelet: names('web-1-ckpt-n1') }],
    ['a static pod without a sandbox yet', { kubelet: names('etcd-n1') }],
    ['a mirror of a static pod', { kubelet: names('odd'), watch: { ...DOWN, pods: watching(mirror()).pods } }],
    ['what it still has of our list', { kubelet: names('web-1') }],
    ['its PodsAPI, which answers since before', { life: kubeletOf(-500_000, true) }],
    ['nothing: neither source answers', { kubelet: unseen('refused'), runtime: unseen('refused') }],
  ])('is none by %s', (_, change) => {
    expect(words(change)).toBeUndefined();
  });

  it('is none where the API server was never reachable: nobody knows what the kubelet had', () => {
    const never = look(109_000, { runtime: runs(), kubelet: names() }, NO_WITNESS);

    expect(words({ runtime: runs({ uid: 'u7', createdAtMs: at(101_000) }), kubelet: names('new-1') }, never)).toBeUndefined();
  });

  it('knows the pods that local truth showed, where no watch tells of them', () => {
    const refused = { ...answering, watch: { synced: false, healthy: false, pods: new Map() } };
    const blind = look(100_000, { ...refused, runtime: runs({ uid: 'u1' }, { uid: 'u2', ready: false }) }, NO_WITNESS);
    const of = (uid: string) =>
      words({ watch: refused.watch, runtime: runs({ uid, createdAtMs: at(101_000) }), kubelet: names('web-1') }, blind);

    expect(of('u2')).toBeUndefined();
    expect(of('u7')).toBeDefined();
  });
});

function mirror(): ReturnType<typeof aPod> {
  const pod = aPod({ uid: 'm1', name: 'odd' });
  return { ...pod, metadata: { ...pod.metadata, annotations: { 'kubernetes.io/config.mirror': 'x' } } };
}

describe('a kubelet that started after our last answer, as a witness', () => {
  const life = kubeletOf(103_000);

  it('runs any API pod, also one that we knew', () => {
    expect(words({ life, runtime: runs({ uid: 'u1', createdAtMs: at(104_000) }) })).toMatch(/runs kube-system\/web-1/);
  });

  it('has any API pod, whatever sandbox is left of it', () => {
    expect(words({ life, kubelet: names('web-1'), runtime: runs({ uid: 'u1', ready: false }) })).toMatch(/has kube-system\/web-1/);
    expect(words({ life, kubelet: names('web-n1'), runtime: runs({ uid: 'u1', name: 'web-n1' }) })).toMatch(/has kube-system\/web-n1/);
  });

  it('says by its PodsAPI that it has its pods', () => {
    expect(words({ life: kubeletOf(103_000, true) })).toMatch(/started after our last answer/);
  });

  it.each<[string, Partial<Observation>]>([
    ['what it left running when it was restarted', { runtime: runs({ uid: 'u1', createdAtMs: at(50_000) }) }],
    ['what an earlier boot has left', { runtime: runs({ uid: 'u1', ready: false, createdAtMs: at(104_000) }) }],
    ['static pods alone', { kubelet: names('etcd-n1', 'web-1-ckpt-n1') }],
    ['a PodsAPI that has never seen an API server', { life: kubeletOf(103_000, false) }],
  ])('is none by %s', (_, change) => {
    expect(words({ life, ...change })).toBeUndefined();
  });

  it('counts as one from before where its start cannot be told', () => {
    expect(words({ life: { reachedApi: true }, kubelet: names('web-1') })).toBeUndefined();
  });
});

describe('an agent that has never had an answer', () => {
  const first = (life: Observation['life'], change: Partial<Observation> = {}): string | undefined =>
    testimony(hear(NO_WITNESS, anObservation({ now: 1_000, wall: at(1_000), life, ...change })), 1_000);

  it('hears a kubelet that started with it, as after a boot', () => {
    expect(first(kubeletOf(-20_000), { runtime: runs({ createdAtMs: at(-10_000) }) })).toBeDefined();
    expect(first(kubeletOf(-20_000), { kubelet: names('web-1') })).toBeDefined();
    expect(first(kubeletOf(-20_000, true))).toBeDefined();
  });

  it('does not hear one that ran long before it: what that has may be older than the outage', () => {
    const old = kubeletOf(-SAME_START_MS - 1, true);

    expect(first(old, { runtime: runs({ createdAtMs: at(-SAME_START_MS) }), kubelet: names('web-1') })).toBeUndefined();
  });

  it('does not hear one that knows static pods alone', () => {
    expect(first(kubeletOf(-20_000, false), { kubelet: names('etcd-n1'), runtime: runs({ ready: false }) })).toBeUndefined();
  });
});

describe('a clock that is set forward', () => {
  const hour = 3_600_000;
  /** At 110 s, the clock having been set forward by an hour since the last look. */
  const forward = (memory: Witness, change: Partial<Observation>): string | undefined =>
    testimony(look(110_000, { api: aReach('unreachable', 109_000, 100_000), wall: at(110_000) + hour, ...change }, memory), 110_000);

  it('hides no sandbox that was made before that and after our last answer', () => {
    const runtime = runs({ uid: 'u7', name: 'new-1', createdAtMs: at(101_000) });

    expect(forward(before, { runtime })).toMatch(/runs kube-system\/new-1/);
    expect(forward(before, { runtime: runs({ uid: 'u7', createdAtMs: at(99_000) }) })).toBeUndefined();
  });

  it('hides no kubelet that started with the agent, as after a boot', () => {
    const first = hear(NO_WITNESS, anObservation({ now: 1_000, wall: at(1_000) }));
    const then = hear(first, anObservation({ now: 2_000, wall: at(2_000) + hour, life: kubeletOf(-20_000), kubelet: names('web-1') }));

    expect(testimony(then, 2_000)).toBeDefined();
  });
});

describe('a witness in time', () => {
  const news = { api: aReach('unreachable', 109_000, 100_000), kubelet: names('web-1', 'new-1') };

  it('counts for a minute from when it was first seen, however long it stays', () => {
    let memory = look(110_000, news, before);
    for (const now of [120_000, 169_999]) {
      memory = look(now, news, memory);
      expect(testimony(memory, now)).toBeDefined();
    }
    memory = look(110_000 + WITNESS_MS, news, memory);

    expect(testimony(memory, 110_000 + WITNESS_MS)).toBeUndefined();
  });

  it('counts once, even where it went and came again', () => {
    const sandbox = (id: string) => runs({ id, uid: 'u7', name: 'new-1', createdAtMs: at(105_000) });
    const there = { ...news, kubelet: names(), runtime: sandbox('a') };
    const gone = look(130_000, { ...there, runtime: runs() }, look(110_000, there, before));

    expect(testimony(look(171_000, { ...there, runtime: sandbox('b') }, gone), 171_000)).toBeUndefined();
  });

  it('is followed by the next: a kubelet that goes on getting pods goes on being one', () => {
    const later = look(165_000, { ...news, kubelet: names('web-1', 'new-1', 'new-2') }, look(110_000, news, before));

    expect(testimony(later, 200_000)).toMatch(/new-2/);
  });

  it('is older than an answer that comes after it, and then none', () => {
    const heard = look(110_000, { ...news, kubelet: names('web-1'), runtime: runs({ uid: 'u7', createdAtMs: at(105_000) }) }, before);
    const answered = look(
      112_000,
      { ...news, kubelet: names('web-1'), api: aReach('unsure', 109_000, 111_000), runtime: runs({ uid: 'u7', createdAtMs: at(105_000) }) },
      heard,
    );

    expect(testimony(heard, 111_000)).toBeDefined();
    expect(testimony(answered, 112_000)).toBeUndefined();
  });

  it('is no new one after each answer of a server that has lost its storage', () => {
    let memory = look(110_000, news, before);
    for (let now = 113_000; now <= 180_000; now += 3_000) memory = look(now, { ...news, api: aReach('unreachable', 175_000, now) }, memory);

    expect(testimony(memory, 180_000)).toBeUndefined();
    const next = look(181_000, { ...news, kubelet: names('web-1', 'new-1', 'new-2') }, memory);
    expect(testimony(next, 181_000)).toMatch(/new-2/);
  });

  it('is forgotten when the API server is reachable', () => {
    expect(look(120_000, { ...answering, api: aReach('reachable', 119_000, 120_000) }, look(110_000, news, before)).since.size).toBe(0);
  });

  it('goes by the lines of the watch, not by its being open: it may be dead already', () => {
    const silent = look(160_000, { ...answering, watch: { ...watching(aPod()), lastAnswer: 100_000 } }, NO_WITNESS);

    expect(silent.answeredAt).toBe(100_000);
  });
});

describe('the verdict beside a witness', () => {
  it('is unsure at most', () => {
    expect(doubted(aReach('unreachable'), 'words')).toMatchObject({ verdict: 'unsure', evidence: 'words' });
    for (const verdict of ['reachable', 'unsure'] as const) expect(doubted(aReach(verdict), 'words').verdict).toBe(verdict);
    expect(doubted(aReach('unreachable'), undefined).verdict).toBe('unreachable');
  });

  const of = aCheckpoint();
  const mind = { ...EMPTY_MIND, witness: before };
  const dead = { watch: DOWN, runtime: seen(parentDied), api: aReach('unreachable', 109_000, 100_000) };
  const then = (now: number, change: Partial<Observation>) => anObservation({ ...dead, ...change, now, wall: at(now) });

  it('starts nothing, and starts the copy when the witness is worth nothing any more', () => {
    const change = { kubelet: names('new-1') };
    const first = turn(mind, [of], aLedger(), then(110_000, change), policy);
    const after = turn(first.mind, [of], aLedger(), then(110_000 + WITNESS_MS, change), policy);

    expect(verdictOf(first)).toBe('inactive: api-unsure');
    expect(first.witness).toMatch(/kube-system\/new-1/);
    expect(verdictOf(after)).toBe('active: parent-absent');
    expect(after.witness).toBeUndefined();
  });

  it('leaves a copy that is placed where it is', () => {
    const o = then(110_000, { kubelet: names('new-1'), manifests: placedFile });

    expect(verdictOf(turn(mind, [of], aLedger([aPlaced()]), o, policy))).toBe('active: copy-starting');
  });

  it('does not keep a failed hand-back from its copy: the pod that failed was known before', () => {
    const memory = { key: of.key, toUid: 'u1', at: new Date(at(95_000)).toISOString(), bootId: 'b1', failures: 0 };
    const o = then(110_000, { kubelet: names('web-1'), runtime: runs({ uid: 'u1', createdAtMs: at(94_000) }) });

    expect(verdictOf(turn(mind, [of], aLedger([], [memory]), o, policy))).toBe('active: hand-back-failed');
  });
});
