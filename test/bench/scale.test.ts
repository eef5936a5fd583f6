/** The measurement of size in small: sixty pods, and counts instead of times. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CRI_METHODS } from '../../src/adapters/cri/names.ts';
import { doneUnless, until } from '../e2e/node/wait.ts';
import { latencies } from './latencies.ts';
import { rowsAsTable } from './rows.ts';
import { createScaleNode, type ScaleNode } from './scale-node.ts';
import { IMAGES, nameOf, orderOf } from './scale-pods.ts';

const PODS = 60;
const LOST = 20;
const LIMIT_MS = 120_000;

let node: ScaleNode;
beforeEach(async () => {
  node = await createScaleNode(PODS);
});
afterEach(async () => node.dispose());

const captured = (): readonly string[] =>
  node.lines.filter(({ msg }) => msg === 'Captured the parent').map(({ fields }) => String(fields['checkpoint']));

test(`${PODS} pods are captured once each, and the copies of ${LOST} start in order, none of them starved`, async () => {
  node.startAgent();
  await until('every pod captured', () => doneUnless(captured().length >= PODS ? undefined : `${captured().length} of ${PODS}`), LIMIT_MS);
  expect(new Set(captured()).size).toBe(PODS);
  // of each container once, and for the look at its image once a minute; not of every image after every capture
  const asked = node.runtime.server.calls(CRI_METHODS.imageStatus);
  expect(asked).toBeLessThan(PODS * 2 + 6 * Math.min(PODS + 1, IMAGES.length));

  await node.api.stop();
  await node.lose(new Set(Array.from({ length: LOST }, (_, index) => nameOf(index))));
  const order: number[] = [];
  const seen = new Set<string>();
  await until(
    'every copy placed',
    async () => {
      const fresh = (await node.manifests()).filter((name) => !seen.has(name));
      for (const name of fresh) seen.add(name);
      order.push(...fresh.map((name) => orderOf(Number(/app-(\d+)-/.exec(name)?.[1]))).sort((a, b) => a - b));
      return doneUnless(order.length >= LOST ? undefined : `${order.length} of ${LOST}`);
    },
    LIMIT_MS,
    20,
  );
  expect(order).toEqual([...order].sort((a, b) => a - b));
  expect(order.length).toBe(LOST);
});

test('the table says what is broken, and the histogram of two pages what came between them', () => {
  const page = (...counts: readonly number[]): string =>
    ['0.05', '0.1', '+Inf'].map((bound, at) => `checkpointer_tick_duration_seconds_bucket{le="${bound}"} ${counts[at]}\n`).join('');
  const between = latencies(page(10, 10, 10), page(108, 109, 110));
  expect([between.count, between.within(50), between.p99, between.slowest]).toEqual([100, 98, '100 ms', 'more than 10 s']);
  expect(rowsAsTable([{ what: 'a', measured: '1', promised: '2', holds: false }])).toContain('BROKEN');
});
