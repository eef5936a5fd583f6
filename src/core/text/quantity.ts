/** Quantities as Kubernetes writes them (apimachinery, pkg/api/resource). Never throws. */

/** `1.`, `.5` and `1E` are quantities; `1e` and `1 Gi` are none. */
const QUANTITY = /^([+-]?)(\d+)?(?:\.(\d*))?(?:([KMGTPE]i|[numkMGTPE])|[eE]([+-]?\d{1,3}))?$/;
const POWERS = 'KMGTPE';

/** Larger than any amount there is, and small enough to count with. */
const MAX_DIGITS = 60;

/** In billionths, so that quantities can be compared; undefined for what is none. */
export function parseQuantity(written: unknown): bigint | undefined {
  if (typeof written !== 'string' && typeof written !== 'number') return undefined;
  const text = String(written);
  const match = text.length > MAX_DIGITS ? null : QUANTITY.exec(text);
  if (match === null) return undefined;
  const [, sign, whole, fraction, suffix, exponent] = match;
  if (whole === undefined && !fraction) return undefined;
  const digits = BigInt(`${whole ?? ''}${fraction ?? ''}`);
  const binary = suffix?.endsWith('i') === true ? 1024n ** BigInt(POWERS.indexOf(suffix.charAt(0)) + 1) : 1n;
  const power = 9 + (exponent === undefined ? decimalOf(suffix) : Number(exponent)) - (fraction?.length ?? 0);
  const scaled = digits * binary;
  const amount = power >= 0 ? scaled * 10n ** BigInt(power) : scaled / 10n ** BigInt(-power);
  return sign === '-' ? -amount : amount;
}

/** The power of ten that a decimal suffix stands for. */
function decimalOf(suffix: string | undefined): number {
  if (suffix === undefined || suffix.endsWith('i')) return 0;
  const small = 'mun'.indexOf(suffix);
  return small >= 0 ? -3 * (small + 1) : 3 * (POWERS.indexOf(suffix.toUpperCase()) + 1);
}
