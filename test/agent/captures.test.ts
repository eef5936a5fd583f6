/** Captures beside the turns: what holds them up and what does not, what is too large, and what is told of those that fail. */
import { afterEach, describe, expect, test } from 'vitest';
import { createAgent } from '../../src/agent/agent.ts';
import { createCaptures } from '../../src/agent/capture/captures.ts';
import { createHeld } from '../../src/agent/held.ts';
import { healthOf } from '../../src/cli/agent/agent.ts';
import type { RawPod } from '../../src/core/model/model.ts';
import { PortError } from '../../src/ports.ts';
import {
  aContainer,
  aHostPod,
  anObservation,
  aPod,
  aReach,
  aSandbox,
  copyContainer,
  copySandbox,
  policy,
  watching,
} from '../fakes/builders.ts';
import * as story from '../fakes/story.ts';
import { createWorld, settings, type World } from '../fakes/world.ts';

const { KEY, PARENT } = story;
const files = (bytes: number) => [{ path: 'a', mode: 0o600, uid: 0, gid: 0, content: Buffer.alloc(bytes, 97) }];

let world: World;
afterEach(async () => {
  await world.stop();
});

function mounting(pod: RawPod, name: string): NonNullable<RawPod['spec']> {
  const containers = (pod.spec?.containers ?? []).map((container) => ({ ...container, volumeMounts: [{ name, mountPath: '/v' }] }));
  return { ...pod.spec, containers, volumes: [{ name, secret: { secretName: 'x' } }] };
}

/** `web-1` runs; with `volume` it mounts a Secret of that name. */
function parentThere(volume?: string): void {
  const pod = aHostPod();
  world.api.pods.set('u1', volume === undefined ? pod : { ...pod, spec: mounting(pod, volume) });
  story.parentRunning(world);
}

function refusedFor(): readonly string[] {
  return world.agent.status().refused.flatMap(({ reasons }) => reasons.map(({ code }) => code));
}

async function outageUntilTheCopyRuns(): Promise<void> {
  story.apiDown(world);
  story.parentGone(world);
  await world.clock.until('the copy', () => world.manifests.files.size === 1, 30_000);
  story.copyStarts(world);
}

function apiBack(): void {
  world.api.outcome = 'ok';
  world.api.healthy = true;
  world.podsChanged();
}

async function captured(handBackTimeoutMs = policy.handBackTimeoutMs): Promise<void> {
  world = await story.coveredWorld({ policy: { ...policy, handBackTimeoutMs } });
}

describe('a copy whose parent never comes', () => {
  test('holds up the captures of others only for the hand-back timeout', async () => {
    await captured(30_000);
    await outageUntilTheCopyRuns();
    await world.clock.run(60_000);
    world.api.pods.set('u2', aPod({ uid: 'u2', name: 'other', containerId: 'o1' }));
    world.runtime?.sandboxes.push(aSandbox({ id: 's2', name: 'other', uid: 'u2' }));
    world.runtime?.containers.push(aContainer({ id: 'o1', sandboxId: 's2', podUid: 'u2', podName: 'other' }));
    world.kubelet = [PARENT, { namespace: 'kube-system', name: 'other' }];
    apiBack();
    await world.clock.run(28_000);
    expect(await world.store.load()).toHaveLength(1);
    await world.clock.run(60_000);
    expect((await world.store.load()).map(({ key }) => key)).toEqual(['kube-system_other', KEY]);
    expect(world.manifests.files.size).toBe(1);
  });

  test('is itself not captured anew while its copy is placed', async () => {
    await captured(30_000);
    await outageUntilTheCopyRuns();
    apiBack();
    await world.clock.run(120_000);
    expect(world.counts.get('checkpointer_captures_total saved')).toBe(1);
    expect(world.manifests.files.size).toBe(1);
  });
});

test('a copy whose checkpoint is lost makes way once its parent was captured again', async () => {
  await captured();
  await outageUntilTheCopyRuns();
  await world.store.remove(KEY);
  await world.stop();
  const { store, manifests } = world;
  world = createWorld();
  world.api.pods.set('u1', aHostPod({ containerId: 'p2' }));
  world.runtime = { sandboxes: [aSandbox(), copySandbox], containers: [aContainer({ id: 'p2' }), copyContainer] };
  world.kubelet = [PARENT];
  const end = new AbortController();
  const running = createAgent({ ...world.ports, store, manifests }, settings).run(end.signal);
  await world.clock.run(120_000);
  expect((await store.load()).map(({ key }) => key)).toEqual([KEY]);
  expect(manifests.files.size).toBe(0);
  end.abort();
  await world.clock.run(1_000);
  await running;
});

describe('a pod that takes too much', () => {
  test('is refused, with the key to raise, where one pod may not have so much', async () => {
    world = createWorld();
    parentThere('big');
    world.volumes = { big: { version: 'v1', files: files(10) } };
    world.ports.volumes.read = async (_uid, _plugin, volume, most) => {
      throw new PortError('too-large', `reading volume ${volume}: larger than the ${most} bytes that are left for it`);
    };
    world.start();
    await world.clock.run(30_000);
    expect(world.agent.status().refused.map(({ reasons }) => reasons)).toEqual([
      [{ code: 'limit', message: expect.stringMatching(/more than 1000000 bytes; raise limits\.bytesPerPod/) }],
    ]);
  });

  test('keeps its old revision where it has grown beyond what the node may hold', async () => {
    world = createWorld({ limits: { checkpoints: 10, bytesPerPod: 1_000_000, bytesTotal: 50_000 } });
    parentThere('big');
    world.volumes = { big: { version: 'v1', files: files(10) } };
    world.start();
    await world.clock.run(30_000);
    const [before] = await world.store.load();
    world.volumes = { big: { version: 'v2', files: files(900_000) } };
    await world.clock.run(180_000);
    expect((await world.store.load()).map(({ record }) => record.revision)).toEqual([before?.record.revision]);
    expect(world.agent.status().refused.map(({ reasons }) => reasons)).toEqual([
      [{ code: 'limit', message: expect.stringMatching(/more than 50000 bytes; raise limits\.bytesTotal/) }],
    ]);
    world.volumes = { big: { version: 'v3', files: files(10_000) } };
    await world.clock.run(180_000);
    expect(world.agent.status().refused).toEqual([]);
    expect((await world.store.load())[0]?.record.revision).not.toBe(before?.record.revision);
  });
});

test('a pod that was one too many is taken as soon as there is room, though nothing of it has changed', async () => {
  world = createWorld({ limits: { checkpoints: 1, bytesPerPod: 1_000_000, bytesTotal: 1_000_000 } });
  parentThere();
  world.start();
  await world.clock.run(30_000);
  world.api.pods.set('u2', aPod({ uid: 'u2', name: 'other', containerId: 'o1' }));
  world.runtime?.sandboxes.push(aSandbox({ id: 's2', name: 'other', uid: 'u2' }));
  world.runtime?.containers.push(aContainer({ id: 'o1', sandboxId: 's2', podUid: 'u2', podName: 'other' }));
  world.podsChanged();
  await world.clock.run(60_000);
  expect(refusedFor()).toEqual(['limit']);
  world.api.pods.delete('u1');
  world.podsChanged();
  await world.clock.run(300_000);
  expect(refusedFor()).toEqual([]);
  expect((await world.store.load()).map(({ key }) => key)).toEqual(['kube-system_other']);
});

describe('a capture that fails again and again', () => {
  test('is told of with its cause after the fourth time, once, and no more after the first that succeeds', async () => {
    world = createWorld();
    parentThere('gone');
    world.start();
    await world.clock.run(20_000);
    expect(world.agent.status().refused).toEqual([]);
    await world.clock.run(600_000);
    expect(world.agent.status().refused).toEqual([
      { ...PARENT, reasons: [{ code: 'capture-failed', message: expect.stringMatching(/tried on: .*gone/) }] },
    ]);
    expect(world.lines.filter(({ message }) => message === 'The pod cannot be checkpointed')).toHaveLength(1);
    world.volumes = { gone: { version: 'v1', files: files(1) } };
    await world.clock.run(120_000);
    expect(world.agent.status().refused).toEqual([]);
    expect(await world.store.load()).toHaveLength(1);
  });

  test('hides no other refusal once it succeeds', async () => {
    world = createWorld({ limits: { checkpoints: 10, bytesPerPod: 1_000_000, bytesTotal: 50_000 } });
    parentThere('v');
    world.volumes = { v: { version: 'v1', files: files(1) } };
    world.start();
    await world.clock.run(30_000);
    world.volumes = { v: { version: 'v2', files: files(900_000) } };
    await world.clock.run(120_000);
    expect(refusedFor()).toEqual(['limit']);
    const { version } = world.ports.volumes;
    world.ports.volumes.version = () => Promise.reject(new PortError('failed', 'input/output error'));
    await world.clock.run(300_000);
    expect(refusedFor()).toEqual(['capture-failed']);
    world.ports.volumes.version = version;
    await world.clock.run(120_000);
    expect(refusedFor()).toEqual(['limit']);
    world.volumes = { v: { version: 'v1', files: files(1) } };
    await world.clock.run(120_000);
    expect(refusedFor()).toEqual([]);
  });

  test('is refused at once where no further try can help', async () => {
    world = createWorld();
    parentThere('odd');
    world.ports.volumes.read = async () => {
      throw new PortError('invalid', 'reading volume odd: a/b is neither a file nor a directory');
    };
    world.start();
    await world.clock.run(30_000);
    expect(world.agent.status().refused.map(({ reasons }) => reasons)).toEqual([
      [{ code: 'volume-not-captured', message: expect.stringContaining('neither a file nor a directory; recreate the pod') }],
    ]);
  });
});

test('a disk that takes minutes for a capture holds up no turn', async () => {
  world = createWorld();
  parentThere();
  const save = world.store.save.bind(world.store);
  world.ports.store.save = async (draft, most) => {
    await world.clock.sleep(180_000);
    return save(draft, most);
  };
  world.start();
  for (let seconds = 0; seconds < 240; seconds += 10) {
    await world.clock.run(10_000);
    expect(healthOf(world.agent.status(), world.clock.now()).ok).toBe(true);
  }
  expect(await world.store.load()).toHaveLength(1);
});

test('a pod refused as a whole hears what its fields would be refused for, too', async () => {
  world = createWorld();
  const pod = aPod();
  const annotations = { ...pod.metadata?.annotations, 'checkpointer/odrer': '1' };
  const spec = { ...mounting(pod, 'v'), restartPolicy: 'Never', activeDeadlineSeconds: 5 };
  world.api.pods.set('u1', { ...pod, metadata: { ...pod.metadata, annotations }, spec });
  world.start();
  await world.clock.run(30_000);
  expect(refusedFor().toSorted()).toEqual(['active-deadline', 'restart-policy', 'unknown-key']);
});

test('the age of a checkpoint is the time since the API server last showed its parent', async () => {
  await captured();
  await world.clock.run(3_600_000);
  expect(world.gauges.get('checkpointer_checkpoint_age_seconds')?.[0]).toBeLessThanOrEqual(70);
});

test.each([
  [false, { valueFrom: { fieldRef: { fieldPath: 'status.hostIP' } } }],
  [true, { value: '192.0.2.10' }],
])("with literalHostIp %s a copy has the node's address as %o", async (literalHostIp, expected) => {
  world = createWorld({ literalHostIp });
  parentThere();
  const pod = world.api.pods.get('u1') as RawPod;
  const env = [{ name: 'HOST', valueFrom: { fieldRef: { fieldPath: 'status.hostIP' } } }];
  const containers = (pod.spec?.containers ?? []).map((container) => ({ ...container, env }));
  world.api.pods.set('u1', { ...pod, spec: { ...pod.spec, containers } });
  world.env = [{ name: 'HOST', value: '192.0.2.10' }];
  world.start();
  await world.clock.run(30_000);
  const [stored] = await world.store.load();
  expect(JSON.parse(stored?.manifest ?? '{}')).toMatchObject({ spec: { containers: [{ env: [{ name: 'HOST', ...expected }] }] } });
});

describe('what a turn goes by', () => {
  const ready = (verdict: 'reachable' | 'unsure', ...pods: RawPod[]) =>
    anObservation({ api: aReach(verdict, 0), watch: watching(...pods), wall: world.clock.wall() });

  test('is what it saw of the pods, whatever the watch shows by now', async () => {
    world = createWorld();
    story.parentRunning(world);
    const held = createHeld(world.ports);
    let woken = 0;
    const captures = createCaptures(world.ports, settings, held, () => void woken++);
    world.api.pods.clear();
    const due = captures.run(ready('reachable', aHostPod()), true) ?? 0;
    expect(due).toBeGreaterThan(0);
    await world.clock.run(due);
    captures.run(ready('reachable', aHostPod()), true);
    expect(captures.busy()).toBe(true);
    await captures.rest();
    expect([...held.checkpoints.keys()]).toEqual([KEY]);
    expect(woken).toBe(1);
  });

  test('is its own verdict on the API server, and no pod that it did not see', async () => {
    world = createWorld();
    story.parentRunning(world);
    const captures = createCaptures(world.ports, settings, createHeld(world.ports), () => undefined);
    world.api.pods.set('u1', aHostPod());
    captures.run(ready('reachable', aHostPod()), true);
    await world.clock.run(60_000);
    expect(captures.run(ready('unsure', aHostPod()), true)).toBeUndefined();
    expect(captures.run(ready('reachable'), true)).toBeUndefined();
    expect(captures.busy()).toBe(false);
  });
});
