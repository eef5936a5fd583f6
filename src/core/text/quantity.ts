/**
 * Quantities as Kubernetes writes them (apimachinery, pkg/api/resource): one grammar, and two ways to count with it.
 * Exactly, where quantities are compared; as a plain number, where an amount is wanted. Never throws.
 */

/** `1.`, `.5` and `1E` are quantities; `1e` and `1 Gi` are none. */
const QUANTITY = /^([+-]?)(\d+)?(?:\.(\d*))?(?:([KMGTPE]i|[numkMGTPE])|[eE]([+-]?\d{1,3}))?$/;
const POWERS = 'KMGTPE';

/** Larger than any amount there is, and small enough to count with. */
const MAX_DIGITS = 60;

/** The digits as written, times `base` to the power of `power`. */
interface Quantity {
  readonly sign: string;
  readonly whole: string;
  readonly fraction: string;
  readonly base: 10 | 1024;
  readonly power: number;
}

/** In billionths, so that quantities can be compared; undefined for what is none. */
export function parseQuantity(written: unknown): bigint | undefined {
  if (typeof written !== 'string' && typeof written !== 'number') return undefined;
  const text = String(written);
  const quantity = text.length > MAX_DIGITS ? undefined : readQuantity(text);
  if (quantity === undefined) return undefined;
  const { sign, whole, fraction, base, power } = quantity;
  const digits = BigInt(`${whole}${fraction}`) * (base === 1024 ? 1024n ** BigInt(power) : 1n);
  const decimals = 9 + (base === 10 ? power : 0) - fraction.length;
  const amount = decimals >= 0 ? digits * 10n ** BigInt(decimals) : digits / 10n ** BigInt(-decimals);
  return sign === '-' ? -amount : amount;
}

/** As a number, as exact as numbers are; undefined for what is none. */
export function quantityAsNumber(text: string): number | undefined {
  const quantity = readQuantity(text);
  if (quantity === undefined) return undefined;
  const { sign, whole, fraction, base, power } = quantity;
  return Number(`${sign}${whole}.${fraction}`) * base ** power;
}

function readQuantity(text: string): Quantity | undefined {
  const [matched, sign = '', whole = '', fraction = '', suffix, exponent] = QUANTITY.exec(text) ?? [];
  if (matched === undefined || whole + fraction === '') return undefined;
  const digits = { sign, whole, fraction };
  if (exponent !== undefined) return { ...digits, base: 10, power: Number(exponent) };
  if (suffix?.endsWith('i') === true) return { ...digits, base: 1024, power: POWERS.indexOf(suffix.charAt(0)) + 1 };
  return { ...digits, base: 10, power: decimalOf(suffix) };
}

/** The power of ten that a decimal suffix stands for. */
function decimalOf(suffix: string | undefined): number {
  if (suffix === undefined) return 0;
  const small = 'mun'.indexOf(suffix);
  return small >= 0 ? -3 * (small + 1) : 3 * (POWERS.indexOf(suffix.toUpperCase()) + 1);
}
