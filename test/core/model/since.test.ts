/** The one clock: what starts it, what lets it go on, and what ends it. */
import { describe, expect, it } from 'vitest';
import { since, sinceEach } from '../../../src/core/model/since.ts';

describe('the clock of something that holds', () => {
  it.each([
    ['starts at the first look', undefined, true, 9],
    ['goes on, from the zero of all clocks too', 0, true, 0],
    ['ends where it does not hold', 5, false, undefined],
    ['stays away where it never held', undefined, false, undefined],
    ['goes on where it cannot be seen', 5, 'unknown', 5],
    ['does not start where it cannot be seen', undefined, 'unknown', undefined],
  ] as const)('%s', (_, before, holds, expected) => {
    expect(since(before, holds, 9)).toBe(expected);
  });

  it('is kept for each name that still holds, begun for a new one, and dropped for the others', () => {
    const before = new Map([
      ['old', 5],
      ['gone', 6],
    ]);

    expect([...sinceEach(before, ['old', 'new'], 9)]).toEqual([
      ['old', 5],
      ['new', 9],
    ]);
    expect(before.size).toBe(2);
  });
});
