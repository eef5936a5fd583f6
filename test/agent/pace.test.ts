/** What a long outage costs: turns, calls to the runtime, probes. Counted on the clock that stands still. */
import { afterEach, describe, expect, it } from 'vitest';
import { aContainer, aHostPod, copyContainer, copySandbox } from '../fakes/builders.ts';
import { createWorld, type World } from '../fakes/world.ts';

const COPIES = 30;
const NAMES = Array.from({ length: COPIES }, (_, index) => `web-${index}`);
const MINUTE = 60_000;

let world: World;
afterEach(async () => world.stop());

interface Counted {
  turns: number;
  calls: number;
  probes: number;
}

/** Counts turns by what each must ask while copies are placed, and every call to the runtime; probes are never answered. */
function counted(): Counted {
  const counts: Counted = { turns: 0, calls: 0, probes: 0 };
  const { runtime, probe } = world.ports;
  const { view, containers, containersOf, imageId, imageNames, containerDetails } = runtime;
  runtime.view = async (deadlineMs) => {
    counts.turns += 1;
    counts.calls += 2;
    return view(deadlineMs);
  };
  runtime.containers = async (deadlineMs) => {
    counts.calls += 1;
    return containers(deadlineMs);
  };
  runtime.containersOf = async (uids, deadlineMs) => {
    counts.calls += 1;
    return containersOf(uids, deadlineMs);
  };
  runtime.imageId = async (reference, deadlineMs) => {
    counts.calls += 1;
    return imageId(reference, deadlineMs);
  };
  runtime.imageNames = async (deadlineMs) => {
    counts.calls += 1;
    return imageNames(deadlineMs);
  };
  runtime.containerDetails = async (id, deadlineMs) => {
    counts.calls += 1;
    return containerDetails(id, deadlineMs);
  };
  probe.probe = async (deadlineMs) => {
    counts.probes += 1;
    await world.clock.sleep(deadlineMs);
    return [{ endpoint: 'https://api', outcome: 'timeout', at: world.clock.now(), detail: '', direct: true }];
  };
  return counts;
}

/** Parents on the host network, captured; then the API server is silent, and their copies run. */
async function untilTheCopiesServe(until: 'captured' | 'served' = 'served', copies = COPIES): Promise<Counted> {
  const names = NAMES.slice(0, copies);
  world = createWorld({ limits: { checkpoints: COPIES, bytesPerPod: 1_000_000, bytesTotal: 100_000_000 } });
  for (const name of names) world.api.pods.set(`u-${name}`, aHostPod({ uid: `u-${name}`, name, containerId: `p-${name}` }));
  world.runtime = { sandboxes: [], containers: names.map((name) => aContainer({ id: `p-${name}`, podUid: `u-${name}`, podName: name })) };
  world.start();
  await world.clock.until('the captures', () => world.counts.get('checkpointer_captures_total saved') === copies, 5 * MINUTE);
  const counts = counted();
  if (until === 'captured') return counts;
  world.api.outcome = 'timeout';
  world.api.healthy = false;
  world.runtime = { sandboxes: [], containers: [] };
  world.podsChanged();
  await world.clock.until('the copies', () => world.manifests.files.size === copies, MINUTE);
  const annotations = (name: string) => ({ ...copySandbox.annotations, 'checkpointer/copy-of': `kube-system/${name}` });
  world.runtime = {
    sandboxes: names.map((name) => ({ ...copySandbox, id: `s-${name}`, annotations: annotations(name) })),
    containers: names.map((name) => ({ ...copyContainer, id: `k-${name}`, sandboxId: `s-${name}` })),
  };
  return counts;
}

async function during(counts: Counted, ms: number): Promise<Counted> {
  const before = { ...counts };
  await world.clock.run(ms);
  return { turns: counts.turns - before.turns, calls: counts.calls - before.calls, probes: counts.probes - before.probes };
}

describe('good times with thirty checkpoints', () => {
  it('take no more turns than with one: what is due for a look is looked at in one go', async () => {
    const counts = await untilTheCopiesServe('captured');
    const taken: number[] = [];
    world.ports.meter.observe = (name) => {
      if (name === 'checkpointer_tick_duration_seconds') taken.push(world.clock.now());
    };
    await world.clock.run(5 * MINUTE);

    expect(counts.probes).toBe(0);
    expect(taken.length).toBeLessThanOrEqual(5 * 8);
  });
});

describe('an outage with thirty parents that run', () => {
  it('asks the runtime for their images now and then, not in every turn', async () => {
    const counts = await untilTheCopiesServe('captured');
    let looks = 0;
    const { imageId } = world.ports.runtime;
    world.ports.runtime.imageId = async (reference, deadlineMs) => {
      looks += 1;
      return imageId(reference, deadlineMs);
    };
    world.api.outcome = 'timeout';
    world.api.healthy = false;
    world.podsChanged();
    await world.clock.run(MINUTE);
    looks = 0;
    await during(counts, 5 * MINUTE);
    expect(looks).toBeLessThanOrEqual(5 * 3);
    // and a parent that ends is covered at once all the same
    world.runtime = { sandboxes: [], containers: world.runtime?.containers.slice(1) ?? [] };
    expect(await world.clock.until('the copy', () => world.manifests.files.size === 1, 10_000)).toBeLessThanOrEqual(2_500);
  });
});

describe('an outage with thirty copies', () => {
  it('takes no turn only because a probe is due that is out already', async () => {
    const counts = await untilTheCopiesServe();

    const { turns } = await during(counts, 10_000);

    // four a second, the server having answered less than two minutes ago, and one at the end of each probe
    expect(turns).toBeLessThanOrEqual(50);
  });

  it('costs at most 2 turns and 5 calls to the runtime a second, and a probe in 15 s, once it is long', async () => {
    const counts = await untilTheCopiesServe();
    await world.clock.run(4 * MINUTE);

    const { turns, calls, probes } = await during(counts, MINUTE);

    expect(turns).toBeLessThanOrEqual(2 * 60);
    expect(calls).toBeLessThanOrEqual(5 * 60);
    expect(probes).toBeLessThanOrEqual(4);
    expect(probes).toBeGreaterThanOrEqual(3);
  });

  it('costs no more where the kubelet has known the parents all along', async () => {
    const counts = await untilTheCopiesServe();
    world.kubelet = NAMES.map((name) => ({ namespace: 'kube-system', name }));
    await world.clock.run(6 * MINUTE);

    const { turns, calls, probes } = await during(counts, MINUTE);

    expect(world.looks).toBeGreaterThan(0);
    expect(turns).toBeLessThanOrEqual(2 * 60);
    expect(calls).toBeLessThanOrEqual(5 * 60);
    expect(probes).toBeLessThanOrEqual(4);
  });

  it('costs no more where the parents run on, each with an image of its own, and one of them under a short name', async () => {
    world = createWorld({ limits: { checkpoints: COPIES, bytesPerPod: 1_000_000, bytesTotal: 100_000_000 } });
    for (const [index, name] of NAMES.entries()) {
      const pod = aHostPod({ uid: `u-${name}`, name, containerId: `p-${name}` });
      const image = index === 0 ? 'short' : `registry.example/${name}:1`;
      const containers = (pod.spec?.containers ?? []).map((container) => ({ ...container, image }));
      world.api.pods.set(`u-${name}`, { ...pod, spec: { ...pod.spec, containers } });
      world.images.add(image);
    }
    world.runtime = { sandboxes: [], containers: NAMES.map((name) => aContainer({ id: `p-${name}`, podUid: `u-${name}`, podName: name })) };
    world.ports.runtime.imageNames = async () => new Set([...world.images].filter((image) => image !== 'short'));
    world.start();
    await world.clock.until('the captures', () => world.counts.get('checkpointer_captures_total saved') === COPIES, 5 * MINUTE);
    const counts = counted();
    world.api.outcome = 'timeout';
    world.api.healthy = false;
    world.podsChanged();
    await world.clock.run(5 * MINUTE);

    const { turns, calls } = await during(counts, MINUTE);

    expect(turns).toBeGreaterThanOrEqual(12);
    expect(calls).toBeLessThanOrEqual(5 * 60);
    expect(world.agent.status().hindrances).toEqual([]);
  });

  it('takes a turn in 5 s once it is calm, and looks once a second', async () => {
    const counts = await untilTheCopiesServe();
    await world.clock.run(6 * MINUTE);
    const glances = world.glances;

    const { turns, calls } = await during(counts, MINUTE);

    // and two for each of at most four probes
    expect(turns).toBeLessThanOrEqual(12 + 8);
    expect(turns).toBeGreaterThanOrEqual(12);
    expect(world.glances - glances).toBeGreaterThanOrEqual(50);
    expect(calls).toBe(2 * turns + world.glances - glances);
  });

  /** What happens in a calm outage, and that a turn has seen it. */
  async function noticed(happens: () => void): Promise<number> {
    const counts = await untilTheCopiesServe('served', 4);
    world.kubelet = NAMES.map((name) => ({ namespace: 'kube-system', name }));
    await world.clock.run(4 * MINUTE);
    // right after a turn
    const { turns } = counts;
    await world.clock.until('a turn', () => counts.turns > turns, 10_000);
    await world.clock.run(200);
    const before = counts.turns;
    happens();
    return world.clock.until('the turn that sees it', () => counts.turns > before, 10_000);
  }

  it.each<[string, () => void]>([
    ['a container that ends', () => Object.assign(world.runtime?.containers[3] ?? {}, { state: 'exited' })],
    ['a container that nobody waits for', () => world.runtime?.containers.push(aContainer({ id: 'x', podUid: 'ux', podName: 'x' }))],
    ['a pod that the kubelet lists', () => world.kubelet?.push({ namespace: 'kube-system', name: 'new' })],
    ['a pod that it lists no more', () => world.kubelet?.pop()],
    ['a manifest that somebody removes', () => world.manifests.files.delete([...world.manifests.files.keys()][0] ?? '')],
    ['a file that somebody puts there', () => world.manifests.files.set('other.yaml', 'x')],
    ['a staticPodPath that goes', () => Object.assign(world.manifests, { missing: true })],
    [
      'a runtime that goes',
      () => {
        world.runtime = undefined;
      },
    ],
    [
      'a kubelet that goes',
      () => {
        world.kubelet = undefined;
      },
    ],
  ])('that is calm notices %s within a second, as ever', async (_what, happens) => {
    expect(await noticed(happens)).toBeLessThanOrEqual(1_100);
  });

  it('that is calm hands back within a second where no sign of the API server came first', async () => {
    await untilTheCopiesServe('served', 8);
    world.kubelet = NAMES.map((name) => ({ namespace: 'kube-system', name }));
    await world.clock.run(4 * MINUTE);
    const { looks } = world;
    await world.clock.run(3_000);
    expect(world.looks).toBe(looks);

    world.runtime?.containers.push(aContainer({ id: 'new', podUid: 'u-web-7', podName: 'web-7', state: 'created' }));
    const took = await world.clock.until('the withdrawal', () => world.stopped.includes('k-web-7'), 10_000);

    expect(took).toBeLessThanOrEqual(1_000);
  });

  it('is as quick as ever at the first answer: the next look is a matter of milliseconds', async () => {
    await untilTheCopiesServe();
    world.kubelet = NAMES.map((name) => ({ namespace: 'kube-system', name }));
    await world.clock.run(6 * MINUTE);
    world.ports.probe.probe = async () => [
      { endpoint: 'https://api', outcome: 'answered', at: world.clock.now(), detail: '', direct: true },
    ];
    await world.clock.run(15_500);

    world.runtime?.containers.push(aContainer({ id: 'new', podUid: 'u-web-7', podName: 'web-7', state: 'created' }));
    const took = await world.clock.until('the withdrawal', () => world.stopped.includes('k-web-7'), 5_000);

    expect(took).toBeLessThanOrEqual(20);
  });

  it('and at the first sign of the kubelet, whatever the probes find', async () => {
    const counts = await untilTheCopiesServe();
    await world.clock.run(6 * MINUTE);
    const { calls } = await during(counts, 10_000);
    expect(calls).toBeLessThanOrEqual(25);

    world.kubelet = NAMES.map((name) => ({ namespace: 'kube-system', name }));
    const { probes } = await during(counts, 4_000);
    world.runtime?.containers.push(aContainer({ id: 'new', podUid: 'u-web-7', podName: 'web-7', state: 'created' }));
    const took = await world.clock.until('the withdrawal', () => world.stopped.includes('k-web-7'), 5_000);

    expect(probes).toBeGreaterThanOrEqual(1);
    expect(took).toBeLessThanOrEqual(20);
  });
});
