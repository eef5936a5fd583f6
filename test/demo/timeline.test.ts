/** What the demo says of a promise that was kept, of one of time that was not kept by little, and of one that was broken. */
import { expect, it } from 'vitest';
import { lastWords } from '../../src/cli/demo.ts';
import { createTimeline } from '../../src/demo/timeline.ts';

it('marks each and counts them apart', () => {
  let text = '';
  const timeline = createTimeline((more) => {
    text += more;
  }, false);

  timeline.check(true, 'kept');
  timeline.late('0.70 s (promised: 0.5 s)');
  timeline.check(false, 'broken');

  expect(text).toBe('   ✓ kept\n   ! 0.70 s (promised: 0.5 s): not kept\n   ✗ broken\n');
  expect([timeline.broken(), timeline.lateSoFar()]).toEqual([['broken'], ['0.70 s (promised: 0.5 s)']]);
});

it.each([
  [0, 0, 'Every promise was kept, in 9 s.'],
  [
    0,
    1,
    'Everything came back, in 9 s. One promise of time was not kept: a computer busy with other things does that, an idle one should not.',
  ],
  [
    0,
    2,
    'Everything came back, in 9 s. 2 promises of time were not kept: a computer busy with other things does that, an idle one should not.',
  ],
  [2, 0, '2 promises were not kept.'],
  [1, 1, '2 promises were not kept.'],
])('ends with %i broken and %i late: %s', (broken, late, words) => {
  expect(lastWords(broken, late, 9.2)).toBe(words);
});
