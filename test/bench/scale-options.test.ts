/** What `npm run bench -- scale` takes: a call for help measures nothing. */
import { expect, test } from 'vitest';
import { scaleOptions } from './scale-options.ts';

test.each([
  [[], 500],
  [['102'], 102],
  [['--help'], 'help'],
  [['300', '-h'], 'help'],
  [['101'], { problem: '"101" is no number of pods; write one from 102 to 10000' }],
  [['many'], { problem: '"many" is no number of pods; write one from 102 to 10000' }],
  [['300', '4'], { problem: '"4" is one argument too many; --help tells what it takes' }],
])('%j', (args, expected) => {
  expect(scaleOptions(args)).toEqual(expected);
});
