/** What the agent knows of the room on its node: in memory, on the disk, and after a power cut. */
import { afterEach, describe, expect, it } from 'vitest';
import type { RawPod } from '../../src/core/model/model.ts';
import type { NodeCapacity } from '../../src/ports/room.ts';
import { aHostPod, aPod, where } from '../fakes/builders.ts';
import * as story from '../fakes/story.ts';
import { createWorld, type World } from '../fakes/world.ts';

let world: World;
afterEach(async () => world.stop());

const capacity: NodeCapacity = { allocatable: { cpu: 2000, memory: 1e9, 'ephemeral-storage': 1e9 }, podLimit: 110, exclusiveCpus: false };

function asking(pod: RawPod, cpu: string): RawPod {
  const containers = pod.spec?.containers.map((each) => ({ ...each, resources: { requests: { cpu } } }));
  return { ...pod, spec: { ...pod.spec, containers: containers ?? [] } };
}

/** A node with its one parent captured, and a bystander. */
async function node(parentAsks: string, bystanderAsks: string): Promise<void> {
  world = createWorld();
  world.capacity = capacity;
  world.api.pods.set('u1', asking(aHostPod(), parentAsks));
  world.api.pods.set('u2', asking(aPod({ uid: 'u2', name: 'bystander', enabled: false }), bystanderAsks));
  story.parentRunning(world);
  world.start();
  await world.clock.until('the capture', () => world.counts.get('checkpointer_captures_total saved') === 1, 30_000);
}

async function outage(): Promise<void> {
  story.apiDown(world);
  story.parentGone(world);
  await world.clock.until('the copy', () => world.counts.get('checkpointer_activations_total placed') === 1, 60_000);
}

async function reserved(): Promise<unknown> {
  const { placed } = await world.store.readLedger();
  return placed[0]?.reserves;
}

describe('the room for copies', () => {
  it('is what the pods of the watch leave, the parent among them', async () => {
    await node('1200m', '500m');
    await outage();

    expect(await reserved()).toMatchObject({ zeroed: ['cpu'], why: 'no-room' });
  });

  it('suffices on an emptier node', async () => {
    await node('700m', '500m');
    await outage();

    expect(await reserved()).toMatchObject({ zeroed: [], why: 'room', amounts: { cpu: 700 } });
  });

  it('is written down, and known to an agent that starts without an API server', async () => {
    await node('700m', '500m');
    await world.clock.run(5_000);
    expect(world.requested.stored).toMatchObject({ pods: 2, amounts: { cpu: 1200 } });

    const before = world;
    await before.stop();
    world = createWorld({ where: { ...where, bootId: 'b2' } });
    world = Object.assign(world, { store: before.store, requested: before.requested, capacity });
    Object.assign(world.ports, { store: before.store });
    for (const image of before.images) world.images.add(image);
    world.start();
    await outage();

    expect(await reserved()).toMatchObject({ zeroed: [], why: 'room' });
  });

  it('is none where nothing was written down, or nobody knows what the kubelet gives', async () => {
    await node('700m', '500m');
    world.capacity = undefined;
    await world.clock.run(700_000);
    await outage();

    expect(await reserved()).toMatchObject({ zeroed: ['cpu'], why: 'room-unknown' });
  });

  it('is written at most once a minute, and only when it has changed', async () => {
    await node('700m', '500m');
    await world.clock.run(120_000);
    const { writes } = world.requested;

    for (let at = 0; at < 30; at += 1) {
      world.api.pods.set(`x${at}`, asking(aPod({ uid: `x${at}`, name: `x${at}`, enabled: false }), '1m'));
      world.podsChanged();
      await world.clock.run(4_000);
    }
    await world.clock.run(120_000);
    expect(world.requested.writes - writes).toBeLessThanOrEqual(4);
    expect(world.requested.stored).toMatchObject({ pods: 32 });

    const quiet = world.requested.writes;
    await world.clock.run(600_000);
    expect(world.requested.writes).toBe(quiet);
  });
});

describe('pods too many', () => {
  it('are said once, in good times, and so is the end of it', async () => {
    await node('700m', '500m');
    expect(world.agent.status().podsTooMany).toBeUndefined();
    const said = (): readonly string[] =>
      world.lines.map(({ message }) => message).filter((message) => /Pods too many|takes its pods/.test(message));

    world.capacity = { ...capacity, podLimit: 2 };
    await world.clock.run(700_000);
    expect(world.agent.status().podsTooMany).toMatch(
      /with 1 copy beside the 2 pods of this node there would be 3, and its kubelet takes 2/,
    );
    expect(said()).toHaveLength(1);

    world.api.pods.delete('u2');
    world.podsChanged();
    await world.clock.run(5_000);
    expect(world.agent.status().podsTooMany).toBeUndefined();
    expect(said()).toHaveLength(2);
  });
});
