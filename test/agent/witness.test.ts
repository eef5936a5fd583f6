/** The kubelet reaches an API server that the agent does not: nothing starts while that is fresh, and it is told. */
import { afterEach, expect, it } from 'vitest';
import { aSandbox } from '../fakes/builders.ts';
import * as story from '../fakes/story.ts';
import { createWorld, type World } from '../fakes/world.ts';

let world: World;
afterEach(async () => world.stop());

const judged = (): readonly unknown[] =>
  world.lines.filter(({ message }) => message === 'Judged the API server').map(({ fields }) => fields['to']);

/** The parent was deleted while nobody told us, and the kubelet has got another pod since. */
async function cutOff(): Promise<void> {
  world = await story.coveredWorld();
  story.apiDown(world);
  world.runtime = { sandboxes: [], containers: [] };
  world.kubelet = [];
  await world.clock.run(3_000);
  world.kubelet = [{ namespace: 'kube-system', name: 'new-1' }];
}

it('starts nothing for a minute after the kubelet has got a pod that our list did not have', async () => {
  await cutOff();
  await world.clock.run(55_000);

  expect(world.manifests.files.size).toBe(0);
  expect(world.agent.status().api).toMatchObject({ state: 'unsure', evidence: expect.stringContaining('kube-system/new-1') });
  expect(world.agent.status().checkpoints).toMatchObject([{ state: 'inactive', reason: 'api-unsure' }]);
  expect(judged().at(-1)).toBe('unsure');

  await world.clock.run(15_000);
  expect(judged().at(-1)).toBe('unreachable');
  expect(world.manifests.files.size).toBe(1);
});

it('goes on waiting while the kubelet goes on getting pods', async () => {
  await cutOff();
  for (let n = 2; n < 10; n += 1) {
    await world.clock.run(30_000);
    world.kubelet?.push({ namespace: 'kube-system', name: `new-${n}` });
  }

  expect(world.manifests.files.size).toBe(0);
});

it('starts nothing after a boot of the node when the kubelet has its pods, and we have no answer', async () => {
  const before = await story.coveredWorld();
  await before.stop();
  world = createWorld();
  const { store, manifests } = before;
  Object.assign(world.ports, { store, manifests });
  const booted = Object.assign(world, { store, manifests });
  booted.api.outcome = 'unroutable';
  booted.api.healthy = false;
  story.parentGone(booted);
  booted.runtime?.sandboxes.push(aSandbox({ id: 's7', uid: 'u7', name: 'other-1', createdAtMs: booted.clock.wall() - 1_000 }));
  booted.life = { startedAt: booted.clock.wall() - 10_000 };
  booted.kubelet = [{ namespace: 'kube-system', name: 'other-1' }];
  booted.start();
  await booted.clock.run(58_000);

  expect(booted.manifests.files.size).toBe(0);
  expect(booted.agent.status().api.evidence).toMatch(/kube-system\/other-1/);
});
