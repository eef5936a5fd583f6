/** Many copies start at once: what is seen meanwhile counts. */
import { afterEach, describe, expect, it } from 'vitest';
import { aContainer, aHostPod, aSandbox } from '../fakes/builders.ts';
import * as story from '../fakes/story.ts';
import { createWorld, type World } from '../fakes/world.ts';

const MANY = 20;
const NAMES = Array.from({ length: MANY }, (_, index) => `web-${String(index).padStart(2, '0')}`);

let world: World;
let placed: string[] = [];
afterEach(async () => {
  const stopped = world.stop();
  await world.clock.run(100_000);
  await stopped;
});

/** All of them are captured; then the node boots without the API server. Placing one takes so long. */
async function outage(placeMs: number): Promise<void> {
  world = createWorld({ limits: { checkpoints: MANY, bytesPerPod: 1_000_000, bytesTotal: 100_000_000 } });
  for (const name of NAMES) world.api.pods.set(`u-${name}`, aHostPod({ uid: `u-${name}`, name, containerId: `p-${name}` }));
  world.runtime = { sandboxes: [], containers: NAMES.map((name) => aContainer({ id: `p-${name}`, podUid: `u-${name}`, podName: name })) };
  world.start();
  await world.clock.until('the captures', () => world.counts.get('checkpointer_captures_total saved') === MANY, 300_000);
  const { place } = world.ports.manifests;
  placed = [];
  world.ports.manifests.place = async (...what) => {
    placed.push(what[0]);
    await world.clock.sleep(placeMs);
    return place(...what);
  };
  world.runtime = { sandboxes: [], containers: [] };
  story.apiDown(world);
}

describe('many copies on a slow disk', () => {
  it('do not start beside a parent that has come while those before them were placed', async () => {
    await outage(1_000);
    await world.clock.until('the first copies', () => world.manifests.files.size === 3, 60_000);
    const last = NAMES.at(-1) ?? '';
    world.runtime = {
      sandboxes: [aSandbox({ id: 's-last', uid: `u-${last}`, name: last })],
      containers: [aContainer({ id: 'p-again', sandboxId: 's-last', podUid: `u-${last}`, podName: last })],
    };
    await world.clock.run(60_000);

    expect(world.manifests.files.size).toBe(MANY - 1);
    expect(placed.filter((file) => file.includes(last))).toEqual([]);
  });

  it('all start in the end, however long each takes', async () => {
    await outage(3_000);
    await world.clock.run(MANY * 5_000);

    expect(world.manifests.files.size).toBe(MANY);
  });
});
