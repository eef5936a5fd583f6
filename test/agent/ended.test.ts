/** The kubelet itself ends a parent in an outage, as by an eviction: its copy stays away while that may still have its reason. */
import { afterEach, expect, it } from 'vitest';
import { seen, unseen } from '../../src/core/model/model.ts';
import { aHostPod, policy } from '../fakes/builders.ts';
import * as story from '../fakes/story.ts';
import { aMachine, createWorld, type World } from '../fakes/world.ts';

let world: World;
afterEach(async () => world.stop());

const placed = (): number => world.manifests.files.size;
const reason = (): string | undefined => world.agent.status().checkpoints[0]?.reason;
const GRACE = policy.endedGraceMs;
const FULL = aMachine({ 'nodefs.available': seen({ available: 5, capacity: 100 }) });

/** An outage of five minutes in which the parent goes on running, in a kubelet that has run all the time. */
async function outage(): Promise<void> {
  world = createWorld();
  world.life = { startedAt: world.clock.wall() - 3_600_000 };
  world.api.pods.set('u1', aHostPod());
  story.parentRunning(world);
  world.start();
  await world.clock.until('the capture', () => world.counts.get('checkpointer_captures_total saved') === 1, 30_000);
  await world.clock.run(70_000);
  story.apiDown(world);
  await world.clock.run(300_000);
  expect([placed(), reason()]).toEqual([0, 'parent-running']);
}

it('starts no copy of what the kubelet has evicted before the grace is over', async () => {
  await outage();
  story.parentGone(world);
  await world.clock.run(GRACE - 10_000);
  expect([placed(), reason()]).toEqual([0, 'parent-ended']);

  await world.clock.until('the copy', () => placed() === 1, 20_000);
});

it('starts none while the node is under pressure, says of what, and waits for the grace from its end on', async () => {
  await outage();
  world.machine = FULL;
  story.parentGone(world);
  await world.clock.run(1_800_000);
  expect([placed(), reason()]).toEqual([0, 'node-under-pressure']);
  const told = world.lines.find(({ fields }) => fields['reason'] === 'node-under-pressure' && 'detail' in fields);
  expect(told?.fields['detail']).toBe('nodefs.available (5.0% of what there is) is below 10%');

  world.machine = aMachine();
  await world.clock.run(GRACE - 10_000);
  expect([placed(), reason()]).toEqual([0, 'parent-ended']);
  await world.clock.until('the copy', () => placed() === 1, 30_000);
});

it('waits ten minutes at most where nobody can tell', async () => {
  await outage();
  world.machine = aMachine({ 'imagefs.available': unseen('hangs') });
  story.parentGone(world);
  await world.clock.run(590_000);
  expect([placed(), reason()]).toEqual([0, 'parent-ended']);

  await world.clock.until('the copy', () => placed() === 1, 30_000);
});

it('starts the copy at once when the parent was deleted right before the API server vanished', async () => {
  await outage();
  world.api.outcome = 'ok';
  world.api.healthy = true;
  await world.clock.run(20_000);
  const pod = aHostPod();
  world.api.pods.set('u1', { ...pod, metadata: { ...pod.metadata, deletionTimestamp: '2026-11-21T08:00:00Z' } });
  world.podsChanged();
  await world.clock.run(500);
  story.apiDown(world);
  world.machine = FULL;
  await world.clock.run(1_000);
  story.parentGone(world);

  await world.clock.until('the copy', () => placed() === 1, 12_000);
});

it('starts the copy after a second at most when only the kubelet knows of the deletion', async () => {
  await outage();
  world.podWords.set('u1', { deleting: true, phase: 'Failed', reason: '' });
  world.machine = FULL;
  story.parentGone(world);

  await world.clock.until('the copy', () => placed() === 1, 2_500);
});

it('knows nothing of a kubelet that was started anew', async () => {
  await outage();
  world.machine = FULL;
  world.life = { startedAt: world.clock.wall() };
  story.parentGone(world);

  await world.clock.until('the copy', () => placed() === 1, 2_000);
});

it('never looks at the machine but in an outage with such a parent', async () => {
  await outage();
  expect(world.machineLooks).toBe(0);
  story.parentGone(world);
  await world.clock.run(100_000);
  expect(world.machineLooks).toBeGreaterThanOrEqual(9);
  expect(world.machineLooks).toBeLessThanOrEqual(11);

  await world.clock.until('the copy', () => placed() === 1, GRACE);
  story.copyStarts(world);
  const looks = world.machineLooks;
  await world.clock.run(600_000);
  expect(world.machineLooks).toBe(looks);
});
