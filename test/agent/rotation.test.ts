/** The cluster's CA is rotated, by appending the new one and removing the old one later: no checkpoint is lost by it. */
import { afterEach, describe, expect, it } from 'vitest';
import { clusterDigest } from '../../src/core/model/cluster.ts';
import type { Where } from '../../src/core/turn/observation.ts';
import { aContainer, aHostPod, aSandbox, parentDied, where } from '../fakes/builders.ts';
import { createWorld, type World } from '../fakes/world.ts';
import { agentOf, filesOf, inCharge } from './own-world.ts';

const [A, B, C] = ['a', 'b', 'c'].map((letter) => letter.repeat(64)) as [string, string, string];

/** The bundle as the agent reads it now. */
let bundle: readonly string[];
const here: Where = {
  ...where,
  get cluster() {
    return clusterDigest(bundle);
  },
  get cas() {
    return bundle;
  },
};

let world: World;
afterEach(async () => world.stop());

async function captured(): Promise<void> {
  bundle = [A];
  world = createWorld({ where: here });
  world.api.pods.set('u1', aHostPod());
  world.runtime = { sandboxes: [aSandbox()], containers: [aContainer()] };
  world.kubelet = [{ namespace: 'kube-system', name: 'web-1' }];
  world.start();
  await world.clock.until('the capture', () => world.counts.get('checkpointer_captures_total saved') === 1, 60_000);
  await world.clock.run(15_000);
}
/** Power cut without an API server, and an agent that knows only what it is given. */
async function outage(): Promise<void> {
  await world.stop();
  const { store } = world;
  world = createWorld({ where: here });
  world = Object.assign(world, { store });
  Object.assign(world.ports, { store });
  world.api.outcome = 'refused';
  world.api.healthy = false;
  world.runtime = structuredClone({ sandboxes: [...parentDied.sandboxes], containers: [...parentDied.containers] });
  world.start();
  await world.clock.run(30_000);
}
const stamps = (): number => world.store.calls.filter((call) => call === 'stamp').length;

describe('a CA rotation', () => {
  it('by append, then removal, keeps the copy able to start, without any new capture', async () => {
    await captured();
    bundle = [A, B];
    await world.clock.run(30_000);
    bundle = [B];
    await world.clock.run(30_000);
    expect(world.counts.get('checkpointer_captures_total saved')).toBe(1);

    await outage();

    expect(filesOf(world)).toHaveLength(1);
  });

  it('is written down once for each bundle, and never while the API server does not answer', async () => {
    await captured();
    expect(stamps()).toBe(1);
    await world.clock.run(300_000);
    expect(stamps()).toBe(1);

    world.api.healthy = false;
    world.api.outcome = 'refused';
    await world.clock.run(20_000);
    bundle = [A, B];
    await world.clock.run(60_000);
    expect(stamps()).toBe(1);

    world.api.healthy = true;
    world.api.outcome = 'ok';
    await world.clock.run(60_000);
    expect(stamps()).toBe(2);
    expect((await world.store.load())[0]?.cas).toEqual([A, B]);
  });

  it('that shares nothing with the one before is another cluster: what runs here is captured anew', async () => {
    await captured();
    bundle = [C];
    await world.clock.until('the capture', () => world.counts.get('checkpointer_captures_total saved') === 2, 120_000);

    await outage();

    expect(filesOf(world)).toHaveLength(1);
  });

  it('stamps the standby too', async () => {
    bundle = [A];
    world = await inCharge({ ...agentOf('a1'), where: here });
    await world.clock.run(15_000);

    const stored = await world.store.load();
    expect(stored.map(({ record, cas }) => [record.self === true, cas])).toEqual([
      [true, [A]],
      [false, [A]],
    ]);
  });

  it('that cannot be written down is said, and tried again a minute later', async () => {
    await captured();
    bundle = [A, B];
    world.store.failOnNthCall(1, new Error('EIO'), 'stamp');
    await world.clock.run(30_000);
    expect(world.lines.filter(({ message }) => /CA certificates could not be written down/.test(message))).toHaveLength(1);
    expect((await world.store.load())[0]?.cas).toEqual([A]);

    await world.clock.run(60_000);
    expect((await world.store.load())[0]?.cas).toEqual([A, B]);
  });
});
