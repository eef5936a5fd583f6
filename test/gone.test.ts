/** What lingers of deleted pods in the API server, and when the end-to-end tests wait no longer for their kubelet. */
import { expect, test } from 'vitest';
import { hungAt, lingeringIn } from './e2e/gone.ts';

const OUTPUT = `default   other    2026-11-30T10:00:00Z
e2e       a-1      <none>
e2e       b-1      2026-11-30T10:00:00Z
`;

test('of the pods asked for, the ones that are there, and whether they are leaving', () => {
  expect(lingeringIn(OUTPUT, ['e2e/a-1', 'e2e/b-1', 'e2e/c-1'])).toEqual([
    { pod: 'e2e/a-1', leaving: false },
    { pod: 'e2e/b-1', leaving: true },
  ]);
  expect(lingeringIn('', ['e2e/a-1'])).toEqual([]);
});

test('one that has been leaving for half a minute hangs; one that nobody has deleted never does', () => {
  const since = new Map<string, number>();
  const lingering = lingeringIn(OUTPUT, ['e2e/a-1', 'e2e/b-1']);
  expect(hungAt(1_000, lingering, since)).toEqual([]);
  expect(hungAt(30_999, lingering, since)).toEqual([]);
  expect(hungAt(31_000, lingering, since)).toEqual(['e2e/b-1']);
  expect(hungAt(99_000, lingering.slice(0, 1), since)).toEqual([]);
});
