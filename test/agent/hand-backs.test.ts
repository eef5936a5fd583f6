/** A parent's process starts within tens of milliseconds: no hand-back waits for another, nor for a slow turn. */
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

describe('a hand-back', () => {
  async function untilTheCopyServes(annotations: Record<string, string> = {}, made = createWorld()): Promise<void> {
    world = made;
    const pod = aHostPod({ uid: 'u1', name: 'web-1', containerId: 'p1' });
    world.api.pods.set('u1', { ...pod, metadata: { ...pod.metadata, annotations: { ...pod.metadata?.annotations, ...annotations } } });
    world.runtime = { sandboxes: [], containers: [aContainer({ id: 'p1', podUid: 'u1', podName: 'web-1' })] };
    world.start();
    await world.clock.until('the capture', () => world.counts.get('checkpointer_captures_total saved') === 1, 60_000);
    world.api.outcome = 'refused';
    world.api.healthy = false;
    world.runtime = { sandboxes: [], containers: [] };
    world.podsChanged();
    await world.clock.until('the copy', () => world.manifests.files.size === 1, 30_000);
    world.runtime = { sandboxes: [copySandbox], containers: [copyContainer] };
    world.api.outcome = 'ok';
    await world.clock.run(3_000);
  }

  it('does not wait for a turn that a slow kubelet holds up', async () => {
    await untilTheCopyServes();
    world.kubeletTakesMs = 1_500;
    await world.clock.run(2_000);

    world.runtime?.containers.push(aContainer({ id: 'p2', podUid: 'u1', podName: 'web-1', state: 'created' }));
    const took = await world.clock.until('the withdrawal', () => world.stopped.includes('k1'), 3_000);

    expect(took).toBeLessThanOrEqual(20);
    expect(world.manifests.files.size).toBe(0);
    world.kubeletTakesMs = 0;
    await world.clock.run(2_000);
  });

  it('is done once, and the copy is not placed again by the turn that was under way', async () => {
    await untilTheCopyServes();
    world.kubeletTakesMs = 1_500;
    await world.clock.run(2_000);
    world.runtime?.containers.push(aContainer({ id: 'p2', podUid: 'u1', podName: 'web-1', state: 'created' }));
    world.kubeletTakesMs = 0;
    await world.clock.run(5_000);

    expect(world.stopped).toEqual(['k1']);
    expect(world.manifests.files.size).toBe(0);
    expect(world.lines.filter((line) => line.message === "Withdrew the copy's manifest").length).toBe(1);
    expect((await world.store.readLedger()).placed.map((placed) => placed.phase)).toEqual(['leaving']);
  });

  it('to a parent that died before a turn could see it ends with the copy again, while no API server answers', async () => {
    await untilTheCopyServes();
    world.api.outcome = 'refused';
    world.api.healthy = false;
    await world.clock.run(2_000);
    world.kubeletTakesMs = 1_500;
    await world.clock.run(2_000);
    world.runtime?.containers.push(aContainer({ id: 'p2', podUid: 'u1', podName: 'web-1', state: 'created' }));
    await world.clock.until('the withdrawal', () => world.stopped.includes('k1'), 3_000);
    world.kubeletTakesMs = 0;
    world.runtime = { sandboxes: [], containers: [aContainer({ id: 'p2', podUid: 'u1', podName: 'web-1', state: 'exited' })] };

    await world.clock.until('the copy again', () => world.manifests.files.size === 1, 30_000);
  });

  it('kills the copy itself where it can, and has the runtime stop it all the same', async () => {
    await untilTheCopyServes();
    world.pids.set('k1', 4711);
    world.runtime = { sandboxes: [copySandbox], containers: [{ ...copyContainer, id: 'k1' }] };
    world.podsChanged();
    await world.clock.run(2_000);

    world.runtime?.containers.push(aContainer({ id: 'p2', podUid: 'u1', podName: 'web-1', state: 'created' }));
    await world.clock.until('the withdrawal', () => world.manifests.files.size === 0, 100);

    expect(world.killed).toEqual(['k1']);
    expect(world.stopped).toEqual(['k1']);
  });

  it('leaves a copy with its own grace to the runtime', async () => {
    await untilTheCopyServes({ 'checkpointer/hand-back': 'graceful' });
    world.pids.set('k1', 4711);
    await world.clock.run(2_000);

    world.runtime?.containers.push(aContainer({ id: 'p2', podUid: 'u1', podName: 'web-1', state: 'created' }));
    await world.clock.until('the withdrawal', () => world.manifests.files.size === 0, 100);

    expect(world.killed).toEqual([]);
    expect(world.stopped).toEqual(['k1']);
  });

  describe('begins with the attempt of the kubelet, before the container is there', () => {
    const attempts = (...names: string[]) => world.attempts.set('u1 main', names);

    it('and the copy is not placed again, however long the runtime takes to make the container', async () => {
      await untilTheCopyServes();
      attempts('00000001');
      const took = await world.clock.until('the withdrawal', () => world.stopped.includes('k1'), 3_000);
      expect(took).toBeLessThanOrEqual(20);
      await world.clock.run(4_000);

      expect(world.manifests.files.size).toBe(0);
      expect(world.lines.filter(({ message }) => message === "Withdrew the copy's manifest").map(({ fields }) => fields['sign'])).toEqual([
        'attempt',
      ]);
      const ledger = await world.store.readLedger();
      expect(ledger.placed.map(({ phase }) => phase)).toEqual(['leaving']);
      expect(ledger.handBacks).toMatchObject([{ toUid: 'u1', failures: 0 }]);
    });

    it('does not wait for a runtime that is slow to answer', async () => {
      await untilTheCopyServes();
      const { containersOf } = world.ports.runtime;
      world.ports.runtime.containersOf = async (uid, deadlineMs) => {
        await world.clock.sleep(900);
        return containersOf(uid, deadlineMs);
      };
      await world.clock.run(1_000);

      attempts('00000001');
      expect(await world.clock.until('the withdrawal', () => world.stopped.includes('k1'), 3_000)).toBeLessThanOrEqual(20);
    });

    it('once, also where the container shows before the ledger is written', async () => {
      await untilTheCopyServes();
      const { writeLedger } = world.ports.store;
      world.ports.store.writeLedger = async (ledger) => {
        await world.clock.sleep(200);
        await writeLedger(ledger);
      };
      attempts('00000001');
      await world.clock.until('the withdrawal', () => world.stopped.includes('k1'), 3_000);
      await world.clock.run(50);
      world.runtime?.containers.push(aContainer({ id: 'p2', podUid: 'u1', podName: 'web-1', state: 'created' }));
      await world.clock.run(5_000);

      expect(world.stopped).toEqual(['k1']);
      expect((await world.store.readLedger()).placed.map(({ phase }) => phase)).toEqual(['leaving']);
    });

    it('and its gap is told, though the copy is dead before any turn looks', async () => {
      await untilTheCopyServes();
      attempts('00000001');
      await world.clock.until('the withdrawal', () => world.stopped.includes('k1'), 3_000);
      world.runtime = {
        sandboxes: [{ ...copySandbox, ready: false }],
        containers: [
          { ...copyContainer, id: 'k0', state: 'exited', createdAtMs: -1 },
          { ...copyContainer, state: 'exited' },
          aContainer({ id: 'p2', podUid: 'u1', podName: 'web-1', state: 'running' }),
        ],
      };
      await world.clock.run(5_000);

      const [told] = world.lines.filter(({ message }) => message === 'Handed back to the parent');
      // as the fake runtime stamps them: ended at 3, started at 5
      expect(told?.fields).toMatchObject({ mode: 'container', gapMs: 2 });
      expect(world.details).not.toContain('k0');
    });

    it('but not with one that was there before the watch began to look', async () => {
      world = createWorld();
      attempts('00000001', '00000002');
      await untilTheCopyServes(undefined, world);
      await world.clock.run(3_000);

      expect(world.stopped).toEqual([]);
      expect(world.manifests.files.size).toBe(1);
    });

    it('but not with names that were only out of sight', async () => {
      world = createWorld();
      attempts('00000001');
      await untilTheCopyServes(undefined, world);
      world.attempts.delete('u1 main');
      await world.clock.run(1_000);
      attempts('00000001');
      await world.clock.run(1_000);

      expect(world.stopped).toEqual([]);
    });

    it('and where it comes to nothing, and no API server answers, with the copy again', async () => {
      await untilTheCopyServes();
      attempts('00000001');
      await world.clock.until('the withdrawal', () => world.stopped.includes('k1'), 3_000);
      world.api.outcome = 'refused';
      world.api.healthy = false;
      world.runtime = { sandboxes: [], containers: [] };

      await world.clock.until('the copy again', () => world.manifests.files.size === 1, 30_000);
    });
  });
});
