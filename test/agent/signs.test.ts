/** The copy leaves at the sign that fits the runtime of this node, by what the starts of parents and copies showed. */
import { afterEach, describe, expect, it } from 'vitest';
import { aContainer, aHostPod, copyContainer, copySandbox } from '../fakes/builders.ts';
import { createWorld, type World } from '../fakes/world.ts';

let world: World;
afterEach(async () => world.stop());

/** `tookMs`: from the kubelet's attempt to the process of the captured parent; left out: nobody saw the attempt. */
async function untilTheCopyServes(runtimeName: string, tookMs?: number): Promise<void> {
  world = createWorld();
  world.runtimeName = runtimeName;
  const started = world.clock.wall();
  world.startedAt.set('p1', started);
  if (tookMs !== undefined) world.attemptedAt.set('u1 main', [started - tookMs]);
  world.api.pods.set('u1', aHostPod());
  world.runtime = { sandboxes: [], containers: [aContainer()] };
  world.start();
  await world.clock.until('the capture', () => world.counts.get('checkpointer_captures_total saved') === 1, 60_000);
  await world.clock.run(61_000);
  world.api.outcome = 'refused';
  world.api.healthy = false;
  world.runtime = { sandboxes: [], containers: [] };
  world.podsChanged();
  await world.clock.until('the copy', () => world.manifests.files.size === 1, 30_000);
  world.runtime = { sandboxes: [copySandbox], containers: [copyContainer] };
  await world.clock.run(2_000);
  world.api.outcome = 'ok';
  await world.clock.run(3_000);
}

/** The kubelet tries; 1.5 s later the container is there. The signs at which the copy left. */
async function attemptThenContainer(): Promise<readonly unknown[]> {
  world.attempts.set('u1 main', ['00000001']);
  await world.clock.run(1_500);
  world.runtime?.containers.push(aContainer({ id: 'p2', state: 'created' }));
  await world.clock.until('the stop', () => world.stopped.includes('k1'), 1_000);
  return world.lines.filter(({ message }) => message === "Withdrew the copy's manifest").map(({ fields }) => fields['sign']);
}

describe('the copy leaves', () => {
  it.each([
    ['containerd', undefined, 'attempt'],
    ['cri-o', undefined, 'container'],
    ['containerd', 2_600, 'container'],
    ['cri-o', 200, 'attempt'],
  ])('on %s, with a parent that took %s ms to start, at the %s', async (runtimeName, tookMs, sign) => {
    await untilTheCopyServes(runtimeName, tookMs);

    expect(await attemptThenContainer()).toEqual([sign]);
  });

  it('by what its own start showed, too', async () => {
    await untilTheCopyServes('containerd');
    world.startedAt.set('k2', world.clock.wall());
    world.attemptedAt.set('u9 main', [world.clock.wall() - 3_000]);
    world.runtime = { sandboxes: [copySandbox], containers: [{ ...copyContainer, id: 'k2', createdAtMs: 1 }] };
    await world.clock.run(3_000);
    const told = world.lines.filter(({ message }) => message === 'Copies leave at another sign of their parents');

    expect(told.map(({ fields }) => [fields['sign'], fields['typicalStartMs']])).toEqual([
      ['attempt', undefined],
      ['container', 3_000],
    ]);
  });

  it('at the container while the runtime has not said what it is', async () => {
    world = createWorld();
    let asked = 0;
    world.ports.runtime.version = async () => {
      asked += 1;
      throw new Error('not now');
    };
    world.start();
    await world.clock.run(200_000);

    expect(asked).toBeGreaterThan(1);
    expect(world.lines.filter(({ message }) => message === 'Copies leave at another sign of their parents')).toEqual([]);
  });
});
