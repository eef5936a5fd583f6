/** A source that does not answer any more is told once, and once more when it answers again. */
import { afterEach, expect, it } from 'vitest';
import { aContainer, aSandbox } from '../fakes/builders.ts';
import type { World } from '../fakes/world.ts';
import { inCharge } from './own-world.ts';

let world: World;
afterEach(async () => world.stop());

const told = (): readonly string[] =>
  world.lines
    .filter(({ message }) => /source answers again|source does not answer/i.test(message))
    .map(({ level, fields }) => `${level} ${String(fields['source'])} ${String(fields['error'] ?? 'up')}`);

it('tells of the runtime, the kubelet and staticPodPath once when they go, and once when they are back', async () => {
  world = await inCharge();
  await world.clock.run(120_000);
  expect(told()).toEqual([]);

  const runtime = world.runtime;
  world.runtime = undefined;
  world.kubelet = undefined;
  await world.clock.run(600_000);
  expect([...told()].sort()).toEqual(['warn kubelet refused', 'warn runtime refused']);

  world.runtime = runtime ?? { sandboxes: [aSandbox()], containers: [aContainer()] };
  world.kubelet = [];
  world.manifests.failOnNthCall(1, new Error('no such directory'), 'list');
  await world.clock.run(300_000);
  expect([...told()].sort()).toEqual([
    'info kubelet up',
    'info manifests up',
    'info runtime up',
    'warn kubelet refused',
    'warn manifests no such directory',
    'warn runtime refused',
  ]);
});
