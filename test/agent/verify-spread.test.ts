/** Hundreds of stored checkpoints are read in small pieces, and no turn waits for more than one of them. */
import { afterEach, describe, expect, it } from 'vitest';
import { createHeld } from '../../src/agent/held.ts';
import { createVerifier, type Verifier } from '../../src/agent/verify.ts';
import type { Checkpoint } from '../../src/core/model/model.ts';
import { aCheckpoint } from '../fakes/builders.ts';
import { createWorld, type World } from '../fakes/world.ts';

const MANY = 200;
/** What one read takes on a slow disk, milliseconds. */
const READ_MS = 5;
/** What a turn may wait for reads. */
const SLICE_MS = 50;

let world: World;
afterEach(async () => world.stop());

interface Reads {
  readonly verifier: Verifier;
  readonly held: ReturnType<typeof createHeld>;
  readonly read: Map<string, number>;
  readonly stored: Map<string, Checkpoint>;
}

async function many(meanwhile: (key: string, held: Reads['held']) => void = () => undefined, readMs = READ_MS): Promise<Reads> {
  world = createWorld();
  const { ports, clock } = world;
  const read = new Map<string, number>();
  const stored = new Map<string, Checkpoint>();
  for (let index = 0; index < MANY; index += 1) {
    const parent = { namespace: 'kube-system', name: `p${index}`, uid: `u${index}`, resourceVersion: '1' };
    const checkpoint = aCheckpoint({ parent }, { key: `kube-system_p${index}` });
    stored.set(checkpoint.key, checkpoint);
  }
  const store: typeof ports.store = {
    ...ports.store,
    load: async () => [...stored.values()],
    keys: async () => [...stored.keys()],
    read: async (key) => {
      const found = stored.get(key);
      await clock.sleep(readMs);
      read.set(key, (read.get(key) ?? 0) + 1);
      meanwhile(key, held);
      return found;
    },
  };
  const held = createHeld({ ...ports, store });
  const verifier = createVerifier({ ...ports, store }, held);
  await verifier.begin();
  return { verifier, held, read, stored };
}

/** One turn's share; milliseconds that it took. */
async function turn({ verifier }: Reads, api: 'reachable' | 'unreachable', busy = false): Promise<number> {
  const from = world.clock.now();
  let took: number | undefined;
  void verifier.checkpoints(api, busy).then(() => {
    took = world.clock.now() - from;
  });
  await world.clock.until('the turn', () => took !== undefined, 5_000);
  return took ?? 0;
}

describe('many stored checkpoints', () => {
  it('are all read within a minute of being due, and no turn waits for more than a slice', async () => {
    const reads = await many();
    await world.clock.run(60_000);
    const waits: number[] = [];
    for (let second = 0; second < 60; second += 10) {
      waits.push(await turn(reads, 'reachable'));
      await world.clock.run(10_000);
    }
    expect(Math.max(...waits)).toBeLessThanOrEqual(SLICE_MS + READ_MS);
    expect(reads.read.size).toBe(MANY);
    expect(Math.max(...reads.read.values())).toBe(1);
  });

  it('are read beside the turns at most once a second', async () => {
    const reads = await many();
    await world.clock.run(60_000);
    await turn(reads, 'reachable');
    const first = reads.read.size;
    await world.clock.run(900);
    expect(reads.read.size).toBe(first);
    await world.clock.run(200);
    expect(reads.read.size).toBeGreaterThan(first);
  });

  it('wait while a capture writes or a parent is about to come', async () => {
    const reads = await many();
    await world.clock.run(60_000);
    await turn(reads, 'reachable');
    await turn(reads, 'reachable', true);
    const before = reads.read.size;
    await world.clock.run(30_000);
    expect(reads.read.size).toBe(before);
    await turn(reads, 'reachable');
    await world.clock.run(30_000);
    expect(reads.read.size).toBe(MANY);
  });

  it('are read when an outage begins, the turn waits for a slice only, and one that is to start is read at once', async () => {
    const reads = await many();
    await world.clock.run(30_000);
    expect(await turn(reads, 'unreachable')).toBeLessThanOrEqual(SLICE_MS + READ_MS);
    const key = `kube-system_p${MANY - 1}`;
    expect(reads.read.has(key)).toBe(false);
    let found: Checkpoint | undefined;
    void reads.verifier.fresh(key).then((checkpoint) => {
      found = checkpoint;
    });
    await world.clock.until('the read', () => found !== undefined, 100);
    await world.clock.run(60_000);
    expect(reads.read.size).toBe(MANY);
    expect(reads.read.get(key)).toBe(1);
  });

  it('are read to the end also after a round that was one slice', async () => {
    const reads = await many();
    const all = [...reads.held.checkpoints];
    for (const [key] of all.slice(3)) reads.held.checkpoints.delete(key);
    await world.clock.run(60_000);
    await turn(reads, 'reachable');
    for (const [key, checkpoint] of all) reads.held.checkpoints.set(key, checkpoint);
    await world.clock.run(60_000);
    await turn(reads, 'reachable');
    await world.clock.run(60_000);
    expect(reads.read.size).toBe(MANY);
  });

  it('are read no more once the agent has come to rest, which does not wait for the round', async () => {
    const reads = await many();
    await world.clock.run(60_000);
    await turn(reads, 'reachable');
    await world.clock.run(2_000 + READ_MS);
    const before = reads.read.size;
    let rested = false;
    void reads.verifier.rest().then(() => {
      rested = true;
    });
    await world.clock.run(READ_MS);
    expect(rested).toBe(true);
    await world.clock.run(60_000);
    expect(reads.read.size).toBeLessThanOrEqual(before + 1);
  });

  it('are never put back to what was read before they were changed', async () => {
    const reads = await many((key, held) => {
      const now = held.checkpoints.get(key);
      if (key === 'kube-system_p3' && now !== undefined && reads.read.get(key) === 1)
        held.checkpoints.set(key, { ...now, record: { ...now.record, revision: 'f'.repeat(32) } });
    });
    await world.clock.run(60_000);
    await turn(reads, 'reachable');
    expect(reads.held.checkpoints.get('kube-system_p3')?.record.revision).toBe('f'.repeat(32));
  });

  it('are all read in the end where one round takes longer than the time between two', async () => {
    const reads = await many(undefined, 4 * READ_MS);
    await world.clock.run(60_000);
    for (let second = 0; second < 300; second += 10) {
      await turn(reads, 'reachable');
      await world.clock.run(10_000);
    }
    expect(reads.read.size).toBe(MANY);
  });

  it('are all read in the end where an outage begins again and again', async () => {
    const reads = await many();
    for (let round = 0; round < 20; round += 1) {
      await turn(reads, 'unreachable');
      await world.clock.run(6_000);
      await turn(reads, 'reachable');
    }
    expect(reads.read.size).toBe(MANY);
  });

  it('come back when they were away for a while, as with the disk that they are on', async () => {
    const reads = await many();
    const away = new Map(reads.stored);
    reads.stored.clear();
    await world.clock.run(60_000);
    await turn(reads, 'reachable');
    await world.clock.run(60_000);
    expect(reads.held.checkpoints.size).toBe(0);
    for (const [key, checkpoint] of away) reads.stored.set(key, checkpoint);
    await turn(reads, 'unreachable');
    await world.clock.run(60_000);
    expect(reads.held.checkpoints.size).toBe(MANY);
  });
});
