/** Whether a placed copy serves, and what is said of one that does not: never that it serves. */

import { describe, expect, it } from 'vitest';
import type { ContainerExit } from '../../../src/core/model/copy-stand.ts';
import { type RuntimeContainer, type RuntimeView, type Seen, seen, unseen } from '../../../src/core/model/model.ts';
import { EMPTY_MIND, type Mind } from '../../../src/core/turn/mind.ts';
import { needs } from '../../../src/core/turn/needs.ts';
import type { Observation } from '../../../src/core/turn/observation.ts';
import { sentenceOf } from '../../../src/core/turn/outlook.ts';
import { type Turn, turn } from '../../../src/core/turn/turn.ts';
import {
  aCheckpoint,
  aContainer,
  aLedger,
  anObservation,
  aPlaced,
  aReach,
  copySandbox,
  copyServes,
  nothing,
  policy,
  WALL,
} from '../../fakes/builders.ts';
import { placedFile, verdictOf } from './turns.ts';

type Step = readonly [number, Partial<Observation>];
const listed = seen(new Set(['kube-system/web-1-ckpt-n1']));
const web = aCheckpoint();
const onHost = aCheckpoint({}, { manifest: web.manifest.replace('"spec":{', '"spec":{"hostNetwork":true,') });
const ledger = aLedger([aPlaced()]);

const at = (second: number, o: Partial<Observation>): Step => [second, o];

/** Turns at these seconds; the manifest lies there and the kubelet lists the copy. */
function through(steps: readonly Step[], of = web, mind: Mind = EMPTY_MIND): Turn {
  let result: Turn | undefined;
  for (const [second, o] of steps) {
    const all = { manifests: placedFile, kubelet: listed, ...o, now: second * 1_000 };
    result = turn(result?.mind ?? mind, [of], ledger, anObservation(all), policy);
  }
  if (result === undefined) throw new Error('no step given');
  return result;
}
const told = (result: Turn): readonly string[] => [...result.mind.outlook.hindrances.values()].map(({ reason }) => reason);
const sentences = (result: Turn): readonly string[] => [...result.mind.outlook.hindrances.values()].map(sentenceOf);
const asks = ({ mind }: Turn, second: number, of = web) => {
  const { exits, network } = needs({
    checkpoints: [of],
    ledger,
    mind,
    reach: aReach('unreachable'),
    pace: { lastRuntime: 0, lastManifests: 0, lastImages: 0 },
    now: second * 1_000,
    policy,
  });
  return { exits, network };
};

function copyWith(...containers: readonly Partial<RuntimeContainer>[]): Seen<RuntimeView> {
  const own = { sandboxId: 's9', podUid: 'u9', podName: 'web-1-ckpt-n1' };
  return seen({ sandboxes: [copySandbox], containers: containers.map((change) => aContainer({ ...own, ...change })) });
}
const runs = seen(copyServes);
const died = (id: string, createdAtMs = 1) => copyWith({ id, state: 'exited', createdAtMs });
const exit = (change: Partial<ContainerExit> = {}): Seen<ContainerExit> => seen({ code: 1, reason: 'Error', at: WALL, ...change });

describe('a copy of which all that serves runs', () => {
  it('serves, and the runtime is asked nothing more', () => {
    const result = through([at(0, { runtime: runs })]);

    expect([verdictOf(result), told(result)]).toEqual(['active: copy-serving', []]);
    expect(asks(result, 1)).toEqual({ exits: undefined, network: undefined });
  });

  it('awaits its parent when the API server is back, which one that does not run is not said to do', () => {
    const api = aReach('reachable');

    expect(verdictOf(through([at(0, { runtime: runs, api })]))).toBe('active: awaiting-parent');
    expect(verdictOf(through([at(0, { runtime: seen(nothing), api })]))).toBe('active: copy-starting');
    expect(verdictOf(through([at(0, { runtime: died('k1'), api })]))).toBe('active: copy-failing');
  });
});

describe('a copy that has not run yet', () => {
  it('is starting, from the first moment on and for as long as it takes', () => {
    for (const last of [0, 5, 30, 100, 4_000]) {
      expect(verdictOf(through([at(0, {}), at(last, {})]))).toBe('active: copy-starting');
      expect(verdictOf(through([at(0, {}), at(last, { runtime: copyWith() })]))).toBe('active: copy-starting');
      expect(verdictOf(through([at(0, {}), at(last, { runtime: copyWith({ state: 'created' }) })]))).toBe('active: copy-starting');
    }
  });

  it('is starting while one of several containers runs', () => {
    const two = aCheckpoint({ serving: ['main', 'side'] });

    expect(verdictOf(through([at(0, { runtime: copyWith({ name: 'side' }) })], two))).toBe('active: copy-starting');
  });

  it('is told of to people after thirty seconds, and that it runs then', () => {
    expect(told(through([at(0, {}), at(29, {})]))).toEqual([]);
    expect(told(through([at(0, {}), at(30, {})]))).toEqual(['copy-starting']);
    expect(told(through([at(0, {}), at(30, {}), at(31, { runtime: runs })]))).toEqual([]);
  });

  it('is refused where the kubelet does not have it, until it is placed anew', () => {
    const unlisted = { kubelet: seen(new Set<string>()) };

    expect(verdictOf(through([at(0, unlisted), at(29, unlisted)]))).toBe('active: copy-starting');
    expect(verdictOf(through([at(0, unlisted), at(30, unlisted)]))).toBe('active: copy-refused');
    expect(told(through([at(0, unlisted), at(30, unlisted)]))).toEqual([]);
  });

  it('is unknown where the runtime is silent, or the kubelet whose word is needed', () => {
    const silent = unseen('refused');

    expect(verdictOf(through([at(0, { runtime: silent })]))).toBe('active: local-truth-unknown');
    expect(verdictOf(through([at(0, {}), at(30, { kubelet: silent })]))).toBe('active: local-truth-unknown');
    expect(verdictOf(through([at(0, {}), at(29, { kubelet: silent })]))).toBe('active: copy-starting');
    expect(verdictOf(through([at(0, {}), at(30, { kubelet: silent, runtime: runs })]))).toBe('active: copy-serving');
  });

  it('goes on being told while nobody can tell', () => {
    expect(told(through([at(0, {}), at(40, {}), at(41, { runtime: unseen('refused') })]))).toEqual(['copy-starting']);
  });
});

describe('a copy whose container has ended', () => {
  it('is failing until it has run for ten seconds', () => {
    const line: readonly Step[] = [at(0, { runtime: runs }), at(5, { runtime: died('k1') })];
    const again = { runtime: copyWith({ id: 'k1', state: 'exited' }, { id: 'k2', createdAtMs: 2 }) };

    expect(verdictOf(through(line))).toBe('active: copy-failing');
    expect(verdictOf(through([...line, at(6, again)]))).toBe('active: copy-failing');
    expect(verdictOf(through([...line, at(6, again), at(15.9, again)]))).toBe('active: copy-failing');
    expect(verdictOf(through([...line, at(6, again), at(16, again)]))).toBe('active: copy-serving');
  });

  it('is asked about once, and how it ended is told with since when', () => {
    const first = through([at(0, { runtime: died('k1') })]);
    expect(asks(first, 1)).toMatchObject({ exits: ['k1'] });

    const steps: readonly Step[] = [at(1, { runtime: died('k1'), exits: new Map([['k1', exit({ code: 137, reason: 'OOMKilled' })]]) })];
    const known = through(steps, web, first.mind);
    expect(asks(known, 2)).toMatchObject({ exits: undefined });

    const later = through([at(30, { runtime: died('k1') })], web, known.mind);
    expect(later.mind.outlook.hindrances.get(web.key)).toEqual({
      reason: 'copy-failing',
      down: true,
      detail: 'container main, exit code 137, OOMKilled at 2026-11-21T08:00:00.000Z',
    });
    expect(later.mind.tracks.get(web.key)?.copyFailing).toEqual({ id: 'k1', container: 'main', since: 0 });
    expect(sentences(later)[0]).toContain('(container main, exit code 137, OOMKilled at 2026-11-21T08:00:00.000Z)');
  });

  it('has the last exit told, also while the next attempt is on its way', () => {
    const line: readonly Step[] = [
      at(0, { runtime: died('k1') }),
      at(1, { runtime: died('k1'), exits: new Map([['k1', exit()]]) }),
      at(40, { runtime: copyWith({ id: 'k1', state: 'exited' }, { id: 'k2', state: 'exited', createdAtMs: 2 }) }),
      at(41, { runtime: copyWith({ id: 'k2', state: 'exited', createdAtMs: 2 }), exits: new Map([['k2', exit({ code: 2 })]]) }),
      at(42, { runtime: copyWith({ id: 'k2', state: 'exited', createdAtMs: 2 }, { id: 'k3', state: 'created', createdAtMs: 3 }) }),
    ];

    expect(through(line).mind.outlook.hindrances.get(web.key)?.detail).toContain('exit code 2');
    expect(through(line).mind.tracks.get(web.key)?.copyFailing?.since).toBe(0);
  });

  it('is not asked for again where the runtime does not tell, and is failing all the same', () => {
    const silent = through([
      at(0, { runtime: died('k1') }),
      at(1, { runtime: died('k1'), exits: new Map([['k1', unseen('gone')]]) }),
      at(31, { runtime: died('k1') }),
    ]);

    expect(asks(silent, 32)).toMatchObject({ exits: undefined });
    expect(silent.mind.outlook.hindrances.get(web.key)?.detail).toBe('container main');
  });

  it('did not fail where an init container has done its work, but where that has failed', () => {
    const setup = copyWith({ id: 'i1', name: 'setup', state: 'exited' });
    const done: readonly Step[] = [
      at(0, { runtime: setup }),
      at(1, { runtime: setup, exits: new Map([['i1', exit({ code: 0, reason: 'Completed' })]]) }),
    ];
    const bad: readonly Step[] = [at(0, { runtime: setup }), at(1, { runtime: setup, exits: new Map([['i1', exit()]]) })];

    expect(verdictOf(through(done))).toBe('active: copy-starting');
    expect(verdictOf(through(bad))).toBe('active: copy-failing');
  });

  it('did not fail where its sandbox died with it: a boot ends everything', () => {
    const dead = seen({
      sandboxes: [{ ...copySandbox, ready: false }],
      containers: [aContainer({ sandboxId: 's9', podUid: 'u9', state: 'exited' })],
    });

    expect(verdictOf(through([at(0, { runtime: dead })]))).toBe('active: copy-starting');
  });

  it('starts anew with what is placed anew', () => {
    const failing = through([at(0, { runtime: died('k1') })]);
    const next = turn(
      failing.mind,
      [web],
      aLedger([aPlaced({ attempt: 2 })]),
      anObservation({ manifests: placedFile, kubelet: listed }),
      policy,
    );

    expect(verdictOf(next)).toBe('active: copy-starting');
  });
});

describe('a copy that needs the network of the node', () => {
  const down = seen({ ready: false, message: 'cni plugin not initialized' });
  const up = seen({ ready: true, message: '' });

  it('is said to wait for it where the runtime says that it is not ready', () => {
    const result = through([at(0, {}), at(1, { network: down }), at(12, {})]);

    expect(verdictOf(result)).toBe('active: network-not-ready');
    expect(sentences(result)[0]).toContain('(cni plugin not initialized)');
    expect(verdictOf(through([at(0, {}), at(1, { network: up })]))).toBe('active: copy-starting');
    expect(verdictOf(through([at(0, {}), at(1, { network: unseen('refused') })]))).toBe('active: copy-starting');
  });

  it('is not, where it has the network of the host, or runs', () => {
    expect(verdictOf(through([at(0, {}), at(1, { network: down })], onHost))).toBe('active: copy-starting');
    expect(verdictOf(through([at(0, {}), at(1, { network: down, runtime: runs })]))).toBe('active: copy-serving');
  });

  it('has it asked for every five seconds while it does not run, and by no copy on the host network', () => {
    expect(asks(through([at(0, {})]), 1)).toMatchObject({ network: true });
    expect(asks(through([at(0, {}), at(1, { network: down })]), 5.9)).toMatchObject({ network: undefined });
    expect(asks(through([at(0, {}), at(1, { network: down })]), 6)).toMatchObject({ network: true });
    expect(asks(through([at(0, {})], onHost), 1)).toMatchObject({ network: undefined });
    expect(asks(through([at(0, {}), at(1, { network: down }), at(2, { runtime: runs })]), 60)).toMatchObject({ network: undefined });
  });

  it('has the last word remembered between the questions, and over a turn without the runtime', () => {
    expect(verdictOf(through([at(0, {}), at(1, { network: down }), at(2, {}), at(4, {})]))).toBe('active: network-not-ready');
    expect(verdictOf(through([at(0, {}), at(1, { network: down }), at(2, { runtime: unseen('x') }), at(4, {})]))).toBe(
      'active: network-not-ready',
    );
    expect(verdictOf(through([at(0, {}), at(1, { network: down }), at(6, { network: up }), at(7, {})]))).toBe('active: copy-starting');
  });
});
