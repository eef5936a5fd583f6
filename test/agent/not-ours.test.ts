/** Something else has taken the place of our manifest: a directory, a link, a file that cannot be read. */
import { afterEach, describe, expect, it } from 'vitest';
import { aContainer, aSandbox } from '../fakes/builders.ts';
import * as story from '../fakes/story.ts';
import type { World } from '../fakes/world.ts';

let world: World;
afterEach(async () => world.stop());

async function covered(): Promise<void> {
  world = await story.coveredWorld();
}
function powerCut(): void {
  story.apiDown(world);
  story.parentGone(world);
}
const copyStarts = (): void => story.copyStarts(world);

describe('a directory in the place of our manifest', () => {
  it('is left alone and said once, and the parent takes over all the same', async () => {
    await covered();
    powerCut();
    await world.clock.until('the copy', () => world.manifests.files.size === 1, 30_000);
    copyStarts();
    const [file = ''] = world.manifests.files.keys();
    world.manifests.files.set(file, undefined);
    await world.clock.run(60_000);
    const told = () => world.lines.filter(({ fields }) => fields['reason'] === 'manifest-not-ours').length;
    expect(told()).toBe(1);
    expect(world.counts.get('checkpointer_activations_total failed')).toBeUndefined();

    world.api.outcome = 'ok';
    world.runtime?.sandboxes.push(aSandbox({ id: 's2' }));
    world.runtime?.containers.push(aContainer({ id: 'p2', sandboxId: 's2' }));
    await world.clock.until('the kill', () => world.stopped.includes('k1'), 5_000);
    world.runtime = { sandboxes: [aSandbox({ id: 's2' })], containers: [aContainer({ id: 'p2', sandboxId: 's2' })] };
    await world.clock.run(60_000);

    expect((await world.store.readLedger()).placed).toEqual([]);
    expect([...world.manifests.files]).toEqual([[file, undefined]]);
    expect(world.lines.filter(({ level }) => level === 'error')).toEqual([]);
    expect(world.lines.filter(({ level }) => level === 'warn').map(({ message }) => message)).toEqual([
      'A file in the place of our manifest is not ours and was left alone',
      // it still lies there
      'The copy would not start in an outage',
    ]);
  });
});
