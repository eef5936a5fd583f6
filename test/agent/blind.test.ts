/** The kubelet's certificate has expired and the API server is well: copies run where the kubelet starts nothing, until it does. */
import { afterEach, expect, it } from 'vitest';
import { aContainer, aSandbox, policy } from '../fakes/builders.ts';
import * as story from '../fakes/story.ts';
import type { World } from '../fakes/world.ts';

let world: World;
afterEach(async () => world.stop());

const placed = (): number => world.manifests.files.size;
const reason = (): string | undefined => world.agent.status().checkpoints[0]?.reason;

/** The kubelet was started anew and sees no API server; the parent's container has died since. */
async function kubeletCutOff(graceMs: number): Promise<void> {
  world = await story.coveredWorld({ policy: { ...policy, kubeletBlindGraceMs: graceMs } });
  world.life = { startedAt: world.clock.wall(), reachedApi: false };
  story.parentGone(world);
}

it('starts the copy after the grace, keeps it, and hands back when the kubelet has contact again', async () => {
  await kubeletCutOff(600_000);
  await world.clock.run(595_000);
  expect(placed()).toBe(0);
  // a minute passes at most until an idle agent looks
  await world.clock.until('the copy', () => placed() === 1, 70_000);
  story.copyStarts(world);
  await world.clock.run(1_200_000);
  expect([placed(), reason()]).toEqual([1, 'kubelet-blind']);

  world.life = { startedAt: world.clock.wall(), reachedApi: true };
  world.kubelet = [story.PARENT];
  world.runtime?.sandboxes.push(aSandbox({ id: 's2', createdAtMs: world.clock.wall() }));
  await world.clock.run(3_000);
  expect([placed(), reason()]).toEqual([1, 'awaiting-parent']);
  world.runtime?.containers.push(aContainer({ id: 'p2', sandboxId: 's2', state: 'created' }));
  const took = await world.clock.until('the withdrawal', () => placed() === 0, 1_000);
  expect(took).toBeLessThanOrEqual(50);
});

it('starts nothing where the grace is 0', async () => {
  await kubeletCutOff(0);
  await world.clock.run(3_600_000);

  expect([placed(), reason()]).toEqual([0, 'api-reachable']);
});

it('asks no more often than ever while the parents run', async () => {
  world = await story.coveredWorld();
  await world.clock.run(60_000);
  const { look } = world.ports.kubeletProcess;
  let looks = 0;
  const counted: typeof look = async (ms) => {
    looks += 1;
    return look(ms);
  };
  Object.assign(world.ports.kubeletProcess, { look: counted });
  await world.clock.run(600_000);

  expect(looks).toBeLessThanOrEqual(10);
});

it('starts the copy although the watch is opened anew every few minutes, as every watch is', async () => {
  await kubeletCutOff(600_000);
  for (let minutes = 0; minutes < 25; minutes += 5) {
    await world.clock.run(300_000);
    world.api.healthy = false;
    world.podsChanged();
    await world.clock.run(150);
    world.api.healthy = true;
    world.podsChanged();
  }

  expect(placed()).toBe(1);
});

it('counts the grace anew after a while in which nobody knew whether the API server answers', async () => {
  await kubeletCutOff(600_000);
  await world.clock.run(500_000);
  world.api.outcome = 'tls';
  world.api.healthy = false;
  world.podsChanged();
  await world.clock.run(60_000);
  world.api.outcome = 'ok';
  world.api.healthy = true;
  world.podsChanged();
  await world.clock.run(595_000);

  expect(placed()).toBe(0);
});
