/** Durations as people write them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDuration, parseDuration } from '../../../src/core/model/duration.ts';

describe('parseDuration', () => {
  it.each([
    ['0', 0],
    ['0s', 0],
    ['500ms', 500],
    ['10s', 10_000],
    ['2m', 120_000],
    ['1h30m', 5_400_000],
    ['1.5h', 5_400_000],
    ['0.1s', 100],
    ['1m0.5s', 60_500],
    ['1000000ns', 1],
    ['1000us', 1],
    ['1000µs', 1],
  ])('reads %s as %d ms', (text, ms) => {
    expect(parseDuration(text)).toEqual({ ok: true, ms });
  });

  it.each(['', '5', 's', '-1s', '+1s', '1 s', '1d', '1e3s', '10S', '.5s', '1s ', '1us', '0.5ms', `${'9'.repeat(400)}h`, '100000h'])(
    'refuses %j',
    (text) => {
      expect(parseDuration(text)).toMatchObject({ ok: false });
    },
  );

  it('never throws', () => {
    fc.assert(fc.property(fc.string(), (text) => typeof parseDuration(text).ok === 'boolean'));
  });
});

describe('formatDuration', () => {
  it.each([
    [0, '0'],
    [500, '500ms'],
    [5_400_000, '1h30m'],
    [61_001, '1m1s1ms'],
    [-5, '0'],
  ])('writes %d as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it('is read back to the same length', () => {
    fc.assert(
      fc.property(fc.nat(315_360_000_000), (ms) => {
        expect(parseDuration(formatDuration(ms))).toEqual({ ok: true, ms });
      }),
    );
  });
});
