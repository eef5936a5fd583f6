/** Several parents take over within milliseconds of each other: no hand-back waits for another. */
import { afterEach, describe, expect, it } from 'vitest';
import { aContainer, aHostPod, copyContainer, copySandbox } from '../fakes/builders.ts';
import { createWorld, type World } from '../fakes/world.ts';

let world: World;
afterEach(async () => world.stop());

describe('several hand-backs at once', () => {
  it('do not wait for each other, however long the runtime takes to stop a copy', async () => {
    world = createWorld();
    const names = ['web-1', 'dns-1', 'proxy-1'];
    for (const name of names) world.api.pods.set(`u-${name}`, aHostPod({ uid: `u-${name}`, name, containerId: `p-${name}` }));
    world.runtime = { sandboxes: [], containers: names.map((name) => aContainer({ id: `p-${name}`, podUid: `u-${name}`, podName: name })) };
    world.start();
    await world.clock.until('the captures', () => world.counts.get('checkpointer_captures_total saved') === 3, 60_000);
    world.api.outcome = 'refused';
    world.api.healthy = false;
    world.runtime = { sandboxes: [], containers: [] };
    world.podsChanged();
    await world.clock.until('the copies', () => world.manifests.files.size === 3, 30_000);
    const parts = names.map((name) => ({
      sandbox: {
        ...copySandbox,
        id: `s-${name}`,
        annotations: { ...copySandbox.annotations, 'checkpointer/copy-of': `kube-system/${name}` },
      },
      copy: { ...copyContainer, id: `k-${name}`, sandboxId: `s-${name}` },
    }));
    world.runtime = { sandboxes: parts.map((part) => part.sandbox), containers: parts.map((part) => part.copy) };
    world.stopTakesMs = 2_000;
    world.api.outcome = 'ok';
    await world.clock.run(3_000);

    for (const [index, name] of names.entries()) {
      world.runtime.containers.push(aContainer({ id: `n-${name}`, podUid: `u-${name}`, podName: name, state: 'created' }));
      const took = await world.clock.until(`the withdrawal of ${name}`, () => world.manifests.files.size === 2 - index, 1_000);
      expect(took).toBeLessThanOrEqual(50);
    }

    expect([...world.stopped].sort()).toEqual(['k-dns-1', 'k-proxy-1', 'k-web-1']);
  });
});
