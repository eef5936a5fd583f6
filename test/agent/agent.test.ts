/** The whole agent against a node in memory with a clock that stands still: the story, and what goes wrong in it. */
import { afterEach, describe, expect, it } from 'vitest';
import { aContainer, aHostPod, aSandbox, parentRuns } from '../fakes/builders.ts';
import * as story from '../fakes/story.ts';
import { createWorld, type World } from '../fakes/world.ts';

const { KEY, PARENT } = story;

let world: World;
afterEach(async () => world.stop());

/** An agent that has captured its one parent and sees the API server. */
async function covered(): Promise<World> {
  world = await story.coveredWorld();
  return world;
}
const apiDown = (): void => story.apiDown(world);
function powerCut(): void {
  story.apiDown(world);
  story.parentGone(world);
}
const copyStarts = (): void => story.copyStarts(world);
const placedFiles = (): number => world.manifests.files.size;

describe('the story', () => {
  it('captures a parent once it has been Ready for minReady, and writes no more while nothing changes', async () => {
    await covered();
    expect(world.clock.now()).toBeGreaterThanOrEqual(10_000);
    expect((await world.store.load()).map((checkpoint) => checkpoint.key)).toEqual([KEY]);

    const writes = world.store.calls.length;
    await world.clock.run(600_000);

    expect(world.store.calls.slice(writes).filter((call) => call !== 'load' && call !== 'keys' && call !== 'read')).toEqual([]);
    expect(world.manifests.calls.filter((call) => call !== 'list')).toEqual([]);
  });

  it('starts nothing while the API server is away and the parent runs', async () => {
    await covered();

    apiDown();
    await world.clock.run(600_000);

    expect(placedFiles()).toBe(0);
  });

  it('places the copy within eight seconds of an outage in which the parent is gone', async () => {
    await covered();

    powerCut();
    const took = await world.clock.until('the copy', () => placedFiles() === 1, 30_000);

    expect(took).toBeGreaterThanOrEqual(6_000);
    expect(took).toBeLessThanOrEqual(8_000);
  });

  it('hands back the moment the parent’s container is created, and forgets the copy', async () => {
    await covered();
    powerCut();
    await world.clock.until('the copy', () => placedFiles() === 1, 30_000);
    copyStarts();
    await world.clock.run(60_000);
    expect(placedFiles()).toBe(1);

    world.api.outcome = 'ok';
    await world.clock.run(3_000);
    expect(placedFiles()).toBe(1);
    world.runtime?.sandboxes.push(aSandbox({ id: 's2' }));
    await world.clock.run(3_000);
    expect(placedFiles()).toBe(1);

    world.runtime?.containers.push(aContainer({ id: 'p2', sandboxId: 's2', state: 'created' }));
    const took = await world.clock.until('the withdrawal', () => placedFiles() === 0, 1_000);
    await world.clock.until('the kill', () => world.stopped.includes('k1'), 100);

    expect(took).toBeLessThanOrEqual(50);
    world.runtime = { sandboxes: [aSandbox({ id: 's2' })], containers: [aContainer({ id: 'p2', sandboxId: 's2' })] };
    await world.clock.run(5_000);
    expect((await world.store.readLedger()).placed).toEqual([]);
    expect((await world.store.load()).length).toBe(1);
  });

  it('retires the checkpoint of a parent that is gone, within the grace and thirty seconds', async () => {
    await covered();

    world.api.pods.clear();
    world.runtime = { sandboxes: [], containers: [] };
    world.kubelet = [];
    world.podsChanged();
    let left = 1;
    const took = await world.clock.until(
      'the retirement',
      () => {
        void world.store.load().then((all) => {
          left = all.length;
        });
        return left === 0;
      },
      120_000,
    );

    expect(took).toBeGreaterThanOrEqual(60_000);
    expect(took).toBeLessThanOrEqual(90_000);
  });

  it('takes up where it left off after a restart', async () => {
    await covered();
    powerCut();
    await world.clock.until('the copy', () => placedFiles() === 1, 30_000);
    const before = await world.store.readLedger();
    const first = world;
    await first.stop();

    world = createWorld();
    const ports = { ...world.ports, store: first.store, manifests: first.manifests };
    world.api.outcome = 'refused';
    world.api.healthy = false;
    const { createAgent } = await import('../../src/agent/agent.ts');
    const { where, policy } = await import('../fakes/builders.ts');
    const abort = new AbortController();
    const agent = createAgent(ports, {
      where,
      optIn: [],
      policy,
      reachability: { probes: 3, windowMs: 6_000, bootFastPath: true, deadlineMs: 2_000 },
      selection: { namespaces: ['*'], nodeName: 'n1' },
      staticPodPath: '/etc/kubernetes/manifests',
      maxAgeMs: 0,
      agentImage: '',
      limits: { checkpoints: 10, bytesPerPod: 1_000_000, bytesTotal: 10_000_000 },
    });
    const run = agent.run(abort.signal);
    await world.clock.run(20_000);

    expect(await first.store.readLedger()).toEqual(before);
    expect(first.manifests.files.size).toBe(1);
    abort.abort();
    await world.clock.run(1_000);
    await run;
  });
});

describe('what must not start a copy', () => {
  it.each(['answered', 'tls'] as const)('an API server that gives %s', async (outcome) => {
    await covered();
    powerCut();

    world.api.outcome = outcome;
    await world.clock.run(600_000);

    expect(placedFiles()).toBe(0);
  });

  it('a runtime that does not answer', async () => {
    await covered();
    powerCut();
    world.runtime = undefined;

    await world.clock.run(600_000);

    expect(placedFiles()).toBe(0);
  });

  it('a kubelet that does not answer', async () => {
    await covered();
    powerCut();
    world.kubelet = undefined;

    await world.clock.run(600_000);

    expect(placedFiles()).toBe(0);
  });

  it('an image that is gone; and when it is back, the copy starts', async () => {
    await covered();
    powerCut();
    world.images.clear();
    await world.clock.run(60_000);
    expect(placedFiles()).toBe(0);

    world.images.add('img:1');

    await world.clock.until('the copy', () => placedFiles() === 1, 5_000);
  });
});

describe('a checkpoint damaged on the disk', () => {
  it('is found and captured anew within two minutes while the parent is well', async () => {
    await covered();
    world.store.damage(KEY, 'pod.json: other bytes than were written');

    await world.clock.until('the second capture', () => world.counts.get('checkpointer_captures_total saved') === 2, 120_000);

    expect((await world.store.load())[0]?.problem).toBeUndefined();
  });

  it('never starts, even if the damage came a moment before the outage', async () => {
    await covered();
    world.store.damage(KEY, 'pod.json: other bytes than were written');
    powerCut();

    await world.clock.run(600_000);

    expect(placedFiles()).toBe(0);
    expect(world.agent.status().checkpoints).toMatchObject([{ reason: 'checkpoint-damaged' }]);
  });

  it('starts only once the store can be read', async () => {
    await covered();
    world.store.failOnNthCall(1, new Error('EIO'), 'read');
    powerCut();

    await world.clock.until('the copy', () => placedFiles() === 1, 30_000);

    expect(world.lines.filter((line) => line.message === 'A stored checkpoint cannot be used').length).toBe(1);
  });
});

describe('what goes wrong', () => {
  it('is tried again: a manifest that cannot be written', async () => {
    await covered();
    world.manifests.failOnNthCall(1, new Error('EIO'), 'place');

    powerCut();
    await world.clock.until('the copy', () => placedFiles() === 1, 30_000);

    expect(world.counts.get('checkpointer_activations_total failed')).toBe(1);
    expect(world.lines.filter((line) => line.message === 'An action failed and will be planned again').length).toBe(1);
  });

  it('is tried again: a ledger that cannot be written; nothing is placed without it', async () => {
    await covered();
    world.store.failOnNthCall(1, new Error('EIO'), 'writeLedger');

    powerCut();
    await world.clock.until('the copy', () => placedFiles() === 1, 30_000);

    expect(world.counts.get('checkpointer_activations_total failed')).toBe(1);
    expect(world.manifests.calls.filter((call) => call === 'place').length).toBe(1);
  });

  it('is tried again: a capture whose save fails', async () => {
    world = createWorld();
    world.api.pods.set('u1', aHostPod());
    world.runtime = structuredClone({ sandboxes: [...parentRuns.sandboxes], containers: [...parentRuns.containers] });
    world.kubelet = [PARENT];
    world.store.failOnNthCall(1, new Error('EIO'), 'save');
    world.start();

    await world.clock.until('the second try', () => world.counts.get('checkpointer_captures_total saved') === 1, 60_000);

    expect(world.counts.get('checkpointer_captures_total failed')).toBe(1);
  });

  it('is said once: a pod that cannot be checkpointed, with all its reasons', async () => {
    world = createWorld();
    const pod = aHostPod();
    world.api.pods.set('u1', {
      ...pod,
      spec: { ...pod.spec, containers: [{ name: 'main', image: 'img:1' }], restartPolicy: 'Never', runtimeClassName: 'kata' },
    });
    world.start();

    await world.clock.run(300_000);

    const said = world.lines.filter((line) => line.message === 'The pod cannot be checkpointed');
    expect(said.length).toBe(1);
    expect(said[0]?.fields['reasons']).toMatchObject([{ code: 'restart-policy' }, { code: 'runtime-class' }]);
    expect(world.agent.status().refused.length).toBe(1);
  });

  it('keeps a checkpoint whose parent is only unknown: the watch broken, the server answering 403', async () => {
    await covered();

    world.api.pods.clear();
    world.api.healthy = false;
    world.api.outcome = 'answered';
    world.podsChanged();
    await world.clock.run(3_600_000);

    expect((await world.store.load()).length).toBe(1);
  });
});
