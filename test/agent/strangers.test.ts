/** A disk that was moved: to another node, or to another cluster. Nothing on it is retired, and that is said. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Where } from '../../src/core/turn/observation.ts';
import { aHostPod, where } from '../fakes/builders.ts';
import * as story from '../fakes/story.ts';
import { createWorld, type World } from '../fakes/world.ts';

let world: World;
afterEach(async () => world.stop());

/** An agent that has captured a pod ends; another one begins on the same disk, elsewhere. */
async function movedTo(there: Partial<Where>): Promise<void> {
  const before = await story.coveredWorld();
  await before.stop();
  world = createWorld({ where: { ...where, ...there }, selection: { namespaces: ['*'], nodeName: there.node ?? where.node } });
  world = Object.assign(world, { store: before.store });
  Object.assign(world.ports, { store: before.store });
  world.start();
}
const said = (): readonly string[] => world.lines.filter(({ level }) => level === 'warn').map(({ message }) => message);
const stored = async (): Promise<readonly string[]> => (await world.store.load()).map(({ key }) => key);

describe('a moved disk', () => {
  it.each<[string, Partial<Where>, RegExp]>([
    ['to a node of another name', { node: 'n2' }, /one stored checkpoint is of another node/],
    ['to another machine', { machineId: 'm2' }, /no stored checkpoint of node n1 has the id of this machine/],
    ['to another cluster', { cluster: 'c2' }, /one stored checkpoint is of another node or another cluster/],
  ])('%s keeps its checkpoints, whatever the API server there does not show, and says so once', async (_name, there, sentence) => {
    await movedTo(there);
    await world.clock.run(300_000);

    expect(await stored()).toEqual([story.KEY]);
    expect(said().filter((line) => sentence.test(line))).toHaveLength(1);
    expect(world.agent.status().strangers).toMatch(sentence);
  });

  it('whose pod runs here as well is captured anew, and that it was another machine is over', async () => {
    await movedTo({ machineId: 'm2' });
    world.api.pods.set('u1', aHostPod());
    story.parentRunning(world);
    world.podsChanged();
    await world.clock.run(60_000);

    expect((await world.store.load()).map(({ record }) => record.node.machineId)).toEqual(['m2']);
    expect(world.agent.status().strangers).toBeUndefined();
    expect(world.lines.some(({ message }) => /Every stored checkpoint is of this node/.test(message))).toBe(true);
  });
});
