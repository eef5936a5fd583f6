/** The whole agent: what people no longer want does not come back, not even with a reboot. */
import { afterEach, expect, it } from 'vitest';
import { createAgent } from '../../src/agent/agent.ts';
import type { AgentSettings } from '../../src/agent/settings.ts';
import { aHostPod } from '../fakes/builders.ts';
import * as story from '../fakes/story.ts';
import { settings, type World } from '../fakes/world.ts';

const { KEY } = story;

let world: World;
afterEach(async () => world.stop());

/** Ends the agent and starts another one on the same disk, after a boot without an API server. */
async function reboot(change: Partial<AgentSettings> = {}): Promise<() => Promise<void>> {
  await world.stop();
  story.apiDown(world);
  story.parentGone(world);
  const end = new AbortController();
  const running = createAgent(world.ports, { ...settings, ...change }).run(end.signal);
  await world.clock.run(120_000);
  return async () => {
    end.abort();
    await world.clock.run(1_000);
    await running;
  };
}
const placedFiles = (): number => world.manifests.files.size;
const words = (): readonly string[] => world.store.calls.filter((call) => call === 'dismiss');

it('a drained parent stays away over a reboot, for one write', async () => {
  world = await story.coveredWorld();
  const pod = aHostPod();
  world.api.pods.set('u1', { ...pod, metadata: { ...pod.metadata, deletionTimestamp: '2026-11-21T08:00:00Z' } });
  world.podsChanged();
  await world.clock.run(2_000);
  story.parentGone(world);
  world.api.pods.clear();
  world.podsChanged();
  await world.clock.run(15_000);

  expect(words()).toHaveLength(1);
  const end = await reboot();
  expect(placedFiles()).toBe(0);
  expect((await world.store.load()).map(({ key }) => key)).toEqual([KEY]);
  await end();
});

it('a parent that was deleted right before the server vanished comes back', async () => {
  world = await story.coveredWorld();
  story.parentGone(world);
  world.api.pods.clear();
  world.podsChanged();
  await world.clock.run(8_000);

  expect(words()).toHaveLength(0);
  const end = await reboot();
  expect(placedFiles()).toBe(1);
  await end();
});

it('a parent whose annotation was removed a second before the outage does not come back', async () => {
  world = await story.coveredWorld();
  world.api.pods.set('u1', aHostPod({ enabled: false }));
  world.podsChanged();
  await world.clock.run(1_000);

  const end = await reboot();
  expect(placedFiles()).toBe(0);
  await end();
});

it('a parent of a namespace that is honoured no more does not come back, and goes with its secrets once the server answers', async () => {
  const without = { ...settings.selection, namespaces: ['other'] };
  world = await story.coveredWorld();
  const end = await reboot({ selection: without });
  expect(placedFiles()).toBe(0);

  story.parentRunning(world);
  Object.assign(world.api, { outcome: 'ok', healthy: true });
  world.podsChanged();
  await world.clock.run(90_000);
  expect(await world.store.load()).toEqual([]);
  await end();
});
