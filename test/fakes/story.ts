/** The steps that most stories of the whole agent share: a parent is captured, the API server goes, the node boots, the copy runs. */
import type { AgentSettings } from '../../src/agent/settings.ts';
import { aHostPod, copyContainer, copySandbox, parentDied, parentRuns } from './builders.ts';
import { createWorld, type World } from './world.ts';

export const KEY = 'kube-system_web-1';
export const PARENT = { namespace: 'kube-system', name: 'web-1' };

/** The parent's containers run, and the kubelet knows it. */
export function parentRunning(world: World): void {
  world.runtime = structuredClone({ sandboxes: [...parentRuns.sandboxes], containers: [...parentRuns.containers] });
  world.kubelet = [PARENT];
}

/** An agent that has captured its one parent and sees the API server. */
export async function coveredWorld(change: Partial<AgentSettings> = {}): Promise<World> {
  const world = createWorld(change);
  world.api.pods.set('u1', aHostPod());
  parentRunning(world);
  world.start();
  await world.clock.until('the capture', () => world.counts.get('checkpointer_captures_total saved') === 1, 30_000);
  return world;
}

export function apiDown(world: World): void {
  world.api.outcome = 'refused';
  world.api.healthy = false;
  world.podsChanged();
}

/** What a boot without the API server leaves of it. */
export function parentGone(world: World): void {
  world.runtime = structuredClone({ sandboxes: [...parentDied.sandboxes], containers: [...parentDied.containers] });
  world.kubelet = [];
}

export function copyStarts(world: World): void {
  world.runtime?.sandboxes.push(copySandbox);
  world.runtime?.containers.push(copyContainer);
}
