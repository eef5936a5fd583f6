/** The whole agent under a wall clock that was years ahead and is corrected: nothing expires, and nothing stays barred. */
import { afterEach, expect, it } from 'vitest';
import { formatTime, parseTime } from '../../src/core/model/time.ts';
import { aHostPod } from '../fakes/builders.ts';
import * as story from '../fakes/story.ts';
import { createWorld, type World } from '../fakes/world.ts';

const AHEAD_MS = 4 * 365 * 86_400_000;

let world: World;
afterEach(async () => world.stop());

/** The clock of the node; 0: it is right. */
function setClock(aheadMs: number): void {
  const from = Date.parse('2026-11-21T08:00:00.000Z');
  Object.assign(world.clock, { wall: () => from + world.clock.now() + aheadMs });
}

it('a maximum age counts from the first confirmation under the right clock, for one write', async () => {
  world = createWorld({ maxAgeMs: 3_600_000 });
  setClock(AHEAD_MS);
  world.api.pods.set('u1', aHostPod());
  story.parentRunning(world);
  world.start();
  await world.clock.until('the capture', () => world.counts.get('checkpointer_captures_total saved') === 1, 30_000);

  setClock(0);
  await world.clock.run(240_000);
  const [stored] = await world.store.load();
  expect(parseTime(stored?.record.capturedAt ?? '')).toBeGreaterThan(world.clock.wall());
  expect(parseTime(stored?.confirmedAt ?? '')).toBeLessThanOrEqual(world.clock.wall());
  expect(world.store.calls.filter((call) => call === 'confirm')).toHaveLength(1);

  story.apiDown(world);
  story.parentGone(world);
  await world.clock.run(60_000);
  expect(world.manifests.files.size).toBe(1);
});

it('a parent that was barred under such a clock is captured again', async () => {
  world = createWorld();
  const blockedUntil = formatTime(world.clock.wall() + AHEAD_MS);
  const memory = { key: story.KEY, toUid: 'u1', at: blockedUntil, bootId: 'b1', failures: 2, blockedUntil };
  await world.store.writeLedger({ formatVersion: 1, placed: [], handBacks: [memory] });
  world.api.pods.set('u1', aHostPod());
  story.parentRunning(world);
  world.start();
  await world.clock.run(60_000);

  expect(world.counts.get('checkpointer_captures_total saved')).toBe(1);
});
