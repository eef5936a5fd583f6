/** S18: two writers of one directory never run at once, from the capture of the parent to its return. */
import { afterEach, describe, expect, it } from 'vitest';
import type { RawPod } from '../../src/core/model/model.ts';
import { aContainer, aPod, aSandbox, copyContainer, copySandbox, policy } from '../fakes/builders.ts';
import { createWorld, type World } from '../fakes/world.ts';

let world: World;
afterEach(async () => world.stop());

/** On the pod network; an init container and the main one write a directory of the host. */
function writer(annotations: Record<string, string> = {}, spec: Partial<NonNullable<RawPod['spec']>> = {}): RawPod {
  const pod = aPod();
  const volumeMounts = [{ name: 'data', mountPath: '/data' }];
  return {
    ...pod,
    metadata: { ...pod.metadata, annotations: { ...pod.metadata?.annotations, ...annotations } },
    spec: {
      ...pod.spec,
      initContainers: [{ name: 'migrate', image: 'img:1', volumeMounts }],
      containers: [{ name: 'main', image: 'img:1', volumeMounts }],
      volumes: [{ name: 'data', hostPath: { path: '/srv/data' } }],
      ...spec,
    },
  };
}

async function untilTheCopyServes(pod: RawPod, made = createWorld()): Promise<void> {
  world = made;
  world.api.pods.set('u1', pod);
  world.runtime = { sandboxes: [aSandbox()], containers: [aContainer()] };
  world.start();
  await world.clock.until('the capture', () => world.counts.get('checkpointer_captures_total saved') === 1, 60_000);
  world.api.outcome = 'refused';
  world.api.healthy = false;
  world.runtime = { sandboxes: [], containers: [] };
  world.podsChanged();
  await world.clock.until('the copy', () => world.manifests.files.size === 1, 30_000);
  world.runtime = { sandboxes: [copySandbox], containers: [copyContainer] };
}

const attempted = (container: string): unknown => world.attempts.set(`u1 ${container}`, ['00000001']);
const created = (name: string, id = 'p2'): unknown => world.runtime?.containers.push(aContainer({ id, name, state: 'created' }));
const stopped = (): boolean => world.stopped.includes('k1');

describe('a parent on the pod network that shares a directory with its copy', () => {
  it('finds the copy gone at the first attempt of its init container', async () => {
    await untilTheCopyServes(writer());
    world.attempts.set('u1 migrate', []);
    world.api.outcome = 'ok';
    await world.clock.run(3_000);

    attempted('migrate');
    expect(await world.clock.until('the stop', stopped, 1_000)).toBeLessThanOrEqual(20);
    expect(world.manifests.files.size).toBe(0);
    await world.clock.run(5_000);
    expect((await world.store.readLedger()).placed).toMatchObject([{ phase: 'leaving' }]);
  });

  it('finds it gone also where the agent has heard of no API server, but the kubelet has', async () => {
    await untilTheCopyServes(writer());
    await world.clock.run(130_000);

    created('migrate');
    expect(await world.clock.until('the stop', stopped, 3_000)).toBeLessThanOrEqual(1_000);
  });

  it('has every later start of the copy stopped too', async () => {
    await untilTheCopyServes(writer());
    world.api.outcome = 'ok';
    await world.clock.run(3_000);
    created('migrate');
    await world.clock.until('the stop', stopped, 1_000);

    world.runtime?.containers.push({ ...copyContainer, id: 'k2' });
    expect(await world.clock.until('the second stop', () => world.stopped.includes('k2'), 2_000)).toBeLessThanOrEqual(300);
  });

  it('is not overlapped although the copy was promised its own grace', async () => {
    await untilTheCopyServes(writer({ 'checkpointer/hand-back': 'graceful' }));
    world.pids.set('k1', 4711);
    world.api.outcome = 'ok';
    await world.clock.run(3_000);

    created('main');
    await world.clock.until('the stop', stopped, 1_000);
    expect(world.killed).toEqual(['k1']);
  });

  it('overlaps with its copy where that is said to be fine', async () => {
    await untilTheCopyServes(writer({ 'checkpointer/overlap': 'true' }));
    world.api.outcome = 'ok';
    await world.clock.run(3_000);
    created('migrate');
    created('main', 'p3');
    await world.clock.run(3_000);

    expect(world.stopped).toEqual([]);
    expect(world.manifests.files.size).toBe(1);
  });

  it('with a host port loses the manifest of its copy first, and the copy when it comes', async () => {
    const ports = [{ containerPort: 80, hostPort: 80 }];
    const volumeMounts = [{ name: 'data', mountPath: '/data' }];
    await untilTheCopyServes(writer({}, { containers: [{ name: 'main', image: 'img:1', ports, volumeMounts }] }));
    world.attempts.set('u1 migrate', []);
    await world.clock.run(2_000);
    world.api.outcome = 'ok';
    await world.clock.until('the first sign', () => world.manifests.files.size === 0, 30_000);
    await world.clock.run(3_000);
    expect(world.stopped).toEqual([]);

    attempted('migrate');
    expect(await world.clock.until('the stop', stopped, 1_000)).toBeLessThanOrEqual(20);
  });
});

describe('a parent on the pod network that shares nothing', () => {
  it('gets the place to itself when it has not become Ready beside its copy, which is counted', async () => {
    const scratch = { volumes: [{ name: 'data', emptyDir: {} }] };
    await untilTheCopyServes(writer({}, scratch), createWorld({ policy: { ...policy, handBackTimeoutMs: 60_000 } }));
    world.api.outcome = 'ok';
    await world.clock.run(3_000);
    const { status = {} } = aPod({ ready: false, containerId: 'p2' });
    world.api.pods.set('u1', { ...writer({}, scratch), status });
    world.runtime?.containers.push(aContainer({ id: 'p2', state: 'running' }));

    const took = await world.clock.until('the stop', stopped, 120_000);
    expect(took).toBeGreaterThanOrEqual(55_000);
    expect(took).toBeLessThanOrEqual(65_000);
    expect(world.manifests.files.size).toBe(0);
    expect(world.counts.get('checkpointer_hand_backs_total overlap turned-over')).toBe(1);
    world.runtime?.sandboxes.splice(0, 1, { ...copySandbox, ready: false });
    await world.clock.until('the end', () => world.counts.get('checkpointer_hand_backs_total container done') === 1, 10_000);
    expect(world.counts.get('checkpointer_hand_backs_total overlap turned-over')).toBe(1);
  });
});
