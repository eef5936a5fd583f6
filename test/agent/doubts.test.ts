/** The whole agent beside a runtime that is not the kubelet's. */
import { afterEach, expect, it } from 'vitest';
import { readyOf } from '../../src/cli/agent/agent.ts';
import type { RawPod } from '../../src/core/model/model.ts';
import { aHostPod } from '../fakes/builders.ts';
import * as story from '../fakes/story.ts';
import { createWorld, type World } from '../fakes/world.ts';

let world: World;
afterEach(async () => world.stop());

function running(pod: RawPod): RawPod {
  const statuses = pod.status?.containerStatuses?.map((status) => ({
    ...status,
    state: { running: { startedAt: '2026-11-21T08:00:00Z' } },
  }));
  return { ...pod, status: { ...pod.status, ...(statuses === undefined ? {} : { containerStatuses: statuses }) } } as RawPod;
}
const errors = (): readonly string[] => world.lines.filter(({ level }) => level === 'error').map(({ message }) => message);

it('says so once, is not Ready, captures nothing and starts nothing; and goes on when they agree', async () => {
  world = await story.coveredWorld();
  world.api.pods.set('u1', running(aHostPod()));
  world.runtime = { sandboxes: [], containers: [] };
  world.podsChanged();
  await world.clock.run(180_000);

  const captured = world.counts.get('checkpointer_captures_total saved');
  expect(errors()).toEqual(['The container runtime and the API server contradict each other']);
  expect(readyOf(world.agent.status(), 'daemonset')).toMatchObject({ ok: false, detail: expect.stringContaining('criSocket') });
  world.api.pods.set('u2', running(aHostPod({ uid: 'u2', name: 'web-2' })));
  world.podsChanged();
  await world.clock.run(120_000);
  expect(world.counts.get('checkpointer_captures_total saved')).toBe(captured);

  story.apiDown(world);
  world.kubelet = [];
  await world.clock.run(180_000);
  expect(world.manifests.files.size).toBe(0);

  world.api.pods.delete('u2');
  story.parentRunning(world);
  Object.assign(world.api, { outcome: 'ok', healthy: true });
  world.podsChanged();
  await world.clock.run(90_000);
  expect(readyOf(world.agent.status(), 'daemonset').ok).toBe(true);
  expect(errors()).toHaveLength(1);
});

it('an agent that begins beside such a runtime captures nothing once it knows', async () => {
  world = createWorld();
  world.api.pods.set('u1', running(aHostPod()));
  world.kubelet = [story.PARENT];
  world.start();
  await world.clock.run(600_000);

  expect(world.agent.status().contradiction).toContain('criSocket');
  expect(world.counts.get('checkpointer_captures_total saved')).toBeUndefined();
});
