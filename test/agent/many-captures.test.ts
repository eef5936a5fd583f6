/** Captures on a node with many pods: none is starved by the others, and those that do not change are quiet. */
import { afterEach, describe, expect, test } from 'vitest';
import { aContainer, aPod, aSandbox } from '../fakes/builders.ts';
import { createWorld, type World } from '../fakes/world.ts';

let world: World;
afterEach(async () => {
  await world.stop();
});

describe('many pods', () => {
  /** Each with a sandbox and a container of its own. */
  function podsThere(count: number): void {
    const numbers = Array.from({ length: count }, (_, number) => number);
    for (const n of numbers) world.api.pods.set(`m${n}`, aPod({ uid: `m${n}`, name: `many-${n}`, containerId: `c${n}` }));
    world.runtime = {
      sandboxes: numbers.map((n) => aSandbox({ id: `s${n}`, name: `many-${n}`, uid: `m${n}` })),
      containers: numbers.map((n) => aContainer({ id: `c${n}`, sandboxId: `s${n}`, podUid: `m${n}`, podName: `many-${n}` })),
    };
    world.kubelet = numbers.map((n) => ({ namespace: 'kube-system', name: `many-${n}` }));
  }
  const unlimited = { checkpoints: 1_000, bytesPerPod: 1_000_000, bytesTotal: 1_000_000_000 };

  test('are all captured where one takes a second, though the first are looked at again before the last had its turn', async () => {
    world = createWorld({ limits: unlimited });
    podsThere(90);
    world.ports.kubeletVersion.atLeast = async () => {
      await world.clock.sleep(1_000);
      return 34;
    };
    world.start();
    await world.clock.run(150_000);
    expect(await world.store.load()).toHaveLength(90);
    for (const [uid, pod] of world.api.pods) {
      world.api.pods.set(uid, { ...pod, metadata: { ...pod.metadata, labels: { ...pod.metadata?.labels, fresh: 'true' } } });
    }
    world.podsChanged();
    await world.clock.run(250_000);
    expect(world.counts.get('checkpointer_captures_total saved')).toBe(180);
  });

  test('that do not change cost no turns beyond those that are taken anyway', async () => {
    world = createWorld({ limits: unlimited });
    podsThere(20);
    world.ports.kubeletVersion.atLeast = async () => {
      await world.clock.sleep(40);
      return 34;
    };
    world.start();
    await world.clock.run(60_000);
    let turns = 0;
    world.ports.meter.observe = (name) => {
      if (name === 'checkpointer_tick_duration_seconds') turns += 1;
    };
    await world.clock.run(600_000);
    expect(turns).toBeGreaterThan(0);
    expect(turns).toBeLessThanOrEqual(62);
  });
});
