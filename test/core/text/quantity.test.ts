/** One grammar of quantities for all who read them, held against reckonings of its own for each of them. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseBytes } from '../../../src/core/config/config-values.ts';
import { resourceValue } from '../../../src/core/copy/downward-values.ts';
import { parseQuantity, quantityAsNumber } from '../../../src/core/text/quantity.ts';

const SUFFIXES = ['n', 'u', 'm', 'k', 'M', 'G', 'T', 'P', 'E', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const SCALES: Readonly<Record<string, number>> = {
  '': 1,
  n: 1000 ** -3,
  u: 1000 ** -2,
  m: 1000 ** -1,
  ...Object.fromEntries(['k', 'M', 'G', 'T', 'P', 'E'].map((suffix, index) => [suffix, 1000 ** (index + 1)])),
  ...Object.fromEntries(['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'].map((suffix, index) => [suffix, 1024 ** (index + 1)])),
};

/** Good ones, and ones with a slip in them. */
const written = fc
  .tuple(
    fc.constantFrom('', '', '', '+', '-', ' '),
    fc.oneof(fc.nat({ max: 5000 }).map(String), fc.bigInt({ min: 0n, max: 10n ** 18n }).map(String), fc.constant('')),
    fc.oneof(fc.constant(''), fc.constant('.'), fc.stringMatching(/^\.\d{1,8}$/)),
    fc.oneof(
      fc.constant(''),
      fc.constantFrom(...SUFFIXES),
      fc.integer({ min: -30, max: 30 }).map((exponent) => `e${exponent}`),
      fc.constantFrom('E+3', 'e', 'K', 'ki', 'mi', 'MB', 'e1234'),
    ),
  )
  .map((parts) => parts.join(''));

/** Every quantity there is in these few rules; undefined: none. */
function reckoned(text: string): number | undefined {
  const match = /^([+-]?(?:\d+(?:\.\d*)?|\.\d+))(?:([KMGTPE]i|[numkMGTPE])|[eE]([+-]?\d{1,3}))?$/.exec(text);
  if (match === null) return undefined;
  return Number(match[1]) * (match[3] === undefined ? (SCALES[match[2] ?? ''] ?? Number.NaN) : 10 ** Number(match[3]));
}

describe('a quantity', () => {
  test('is the same number to all who count with it', () => {
    fc.assert(
      fc.property(written, (text) => {
        const number = reckoned(text);
        expect(quantityAsNumber(text)).toBe(number);
        const billionths = parseQuantity(text);
        expect(billionths === undefined).toBe(number === undefined);
        // the exact one drops what is less than a billionth, the number has some fifteen digits
        if (number !== undefined)
          expect(Math.abs(Number(billionths) - number * 1e9)).toBeLessThanOrEqual(1 + Math.abs(number * 1e9) * 1e-14);
      }),
      { numRuns: 2000 },
    );
  });

  test('has one exact value, however it is written', () => {
    for (const same of [
      ['1', '1.', '+1', '1000m', '1e0', '10E-1', 1],
      ['1Ki', '1024', '1.024k', 1024],
      ['-.5', '-500m', '-0.5'],
    ])
      expect(new Set(same.map(parseQuantity)).size).toBe(1);
    expect(parseQuantity('1E')).toBe(10n ** 27n);
    expect(parseQuantity('1Ei')).toBe(2n ** 60n * 10n ** 9n);
    expect(parseQuantity('.5n')).toBe(0n);
    expect(parseQuantity('1'.repeat(61))).toBeUndefined();
    expect(['', '.', '+', '1e', '1 Gi', 'Gi', true, null, ['1']].map(parseQuantity)).toEqual(Array(9).fill(undefined));
  });

  test('of bytes in the configuration is a plain one', () => {
    fc.assert(
      fc.property(written, (text) => {
        const plain = /^\d{1,15}(?:\.\d{1,6})?(?:[kMGT]|[KMGT]i)?$/.test(text);
        const bytes = plain ? reckoned(text) : undefined;
        expect(parseBytes(text)).toBe(Number.isSafeInteger(bytes) ? bytes : undefined);
      }),
      { numRuns: 2000 },
    );
  });

  test('of a container is shown in whole units or thousandths, rounded up', () => {
    fc.assert(
      fc.property(written, fc.constantFrom('cpu', 'memory'), (text, resource) => {
        const pod = { spec: { containers: [{ name: 'c', resources: { limits: { [resource]: text } } }] } };
        const number = reckoned(text);
        const value = (number ?? 0) * (resource === 'cpu' ? 1000 : 1);
        const near = Math.round(value);
        const amount = Math.abs(value - near) < 1e-6 ? near : Math.ceil(value);
        const shown = String(Math.ceil(resource === 'cpu' ? amount / 1000 : amount));
        expect(resourceValue({ resource: `limits.${resource}` }, pod, 'c')).toBe(number === undefined ? undefined : shown);
      }),
      { numRuns: 2000 },
    );
  });
});
