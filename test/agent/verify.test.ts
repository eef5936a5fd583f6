/** A copy starts only from what was read whole a moment before; and what could not be read is read again. */
import { afterEach, describe, expect, it } from 'vitest';
import * as story from '../fakes/story.ts';
import type { World } from '../fakes/world.ts';

const { KEY } = story;

let world: World;
afterEach(async () => world.stop());

async function covered(): Promise<void> {
  world = await story.coveredWorld();
}
const apiDown = (): void => story.apiDown(world);
const parentGone = (): void => story.parentGone(world);
const copyStarts = (): void => story.copyStarts(world);
const placedFiles = (): number => world.manifests.files.size;
const reads = (): number => world.store.calls.filter((call) => call === 'load' || call === 'read').length;
const reason = (): string | undefined => world.agent.status().checkpoints[0]?.reason;
const said = (message: string): number => world.lines.filter((line) => line.message === message).length;

describe('a checkpoint that cannot be read when the outage begins', () => {
  it.each(['EMFILE', 'EIO', 'ENOMEM'])('starts no copy while it is so (%s), and one within seconds when it is over', async (code) => {
    await covered();
    world.store.unreadable(KEY, code);
    apiDown();
    parentGone();
    await world.clock.run(15_000);
    expect(placedFiles()).toBe(0);
    expect(reason()).toBe('checkpoint-unread');

    world.store.unreadable(KEY, undefined);
    const took = await world.clock.until('the copy', () => placedFiles() === 1, 60_000);

    expect(took).toBeLessThanOrEqual(10_000);
    expect(said('A stored checkpoint cannot be used')).toBe(1);
    expect(said('The stored checkpoint is whole again')).toBe(1);
  });

  it('is read again for as long as the outage lasts, at most once a minute in the end', async () => {
    await covered();
    world.store.unreadable(KEY, 'EMFILE');
    apiDown();
    parentGone();
    await world.clock.run(3_600_000);
    const before = reads();
    await world.clock.run(600_000);
    expect(reads() - before).toBeGreaterThanOrEqual(9);
    expect(reads() - before).toBeLessThanOrEqual(11);

    world.store.unreadable(KEY, undefined);

    await world.clock.until('the copy', () => placedFiles() === 1, 61_000);
  });

  it('is known by what was read before, and never retired on that', async () => {
    await covered();
    world.store.unreadable(KEY, 'EMFILE');
    await world.clock.run(1_800_000);
    const [checkpoint] = world.agent.status().checkpoints;

    expect(checkpoint).toMatchObject({ key: KEY, state: 'inactive' });
    world.store.unreadable(KEY, undefined);
    expect(await world.store.read(KEY)).toMatchObject({ record: { parent: { uid: 'u1' } } });
  });
});

describe('a checkpoint that is damaged', () => {
  it('hours after the outage began starts no copy', async () => {
    await covered();
    apiDown();
    await world.clock.run(3_600_000);
    world.store.damage(KEY, 'pod.json: other bytes than were written');
    parentGone();

    await world.clock.run(600_000);

    expect(placedFiles()).toBe(0);
    expect(reason()).toBe('checkpoint-damaged');
    expect(said('An action failed and will be planned again')).toBe(0);
    expect(said('A stored checkpoint cannot be used')).toBe(1);
  });

  it('while the copy does not come is not placed a second time', async () => {
    await covered();
    apiDown();
    parentGone();
    await world.clock.until('the copy', () => placedFiles() === 1, 30_000);
    world.store.damage(KEY, 'pod.json: other bytes than were written');

    await world.clock.run(100_000);

    expect(world.manifests.calls.filter((call) => call === 'place').length).toBe(1);
    expect((await world.store.readLedger()).placed).toMatchObject([{ attempt: 1 }]);
  });
});

describe('the reads of an outage', () => {
  it('are one at its beginning, which is fresh enough for the copies that start with it', async () => {
    await covered();
    const before = reads();
    apiDown();
    parentGone();
    await world.clock.until('the copy', () => placedFiles() === 1, 30_000);

    expect(reads() - before).toBeLessThanOrEqual(1);
  });

  it('are none while all is well, and one more before a copy that starts later', async () => {
    await covered();
    apiDown();
    await world.clock.run(10_000);
    const before = reads();
    await world.clock.run(3_600_000);
    expect(reads()).toBe(before);

    parentGone();
    await world.clock.until('the copy', () => placedFiles() === 1, 30_000);
    copyStarts();
    await world.clock.run(120_000);

    expect(reads() - before).toBe(1);
  });

  it('are one before each further attempt', async () => {
    await covered();
    apiDown();
    parentGone();
    await world.clock.until('the copy', () => placedFiles() === 1, 30_000);
    const before = reads();

    await world.clock.run(100_000);

    expect((await world.store.readLedger()).placed).toMatchObject([{ attempt: 3 }]);
    expect(reads() - before).toBe(2);
  });
});
