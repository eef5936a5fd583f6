/** Amounts of what a node has and pods ask for, as whole numbers, rounded against us. Pure. */
import { field } from '../model/json.ts';
import { type Amounts, RESOURCES, type Resource } from '../model/reservation.ts';
import { parseQuantity } from '../text/quantity.ts';

export const NOTHING: Amounts = { cpu: 0, memory: 0, 'ephemeral-storage': 0 };

export function amountsBy(amount: (resource: Resource) => number): Amounts {
  return { cpu: amount('cpu'), memory: amount('memory'), 'ephemeral-storage': amount('ephemeral-storage') };
}

export function sum(all: Iterable<Amounts>): Amounts {
  let total = NOTHING;
  for (const one of all) total = amountsBy((resource) => total[resource] + one[resource]);
  return total;
}

export function greatest(...all: readonly Amounts[]): Amounts {
  return amountsBy((resource) => Math.max(0, ...all.map((one) => one[resource])));
}

export function sameAmounts(a: Amounts, b: Amounts): boolean {
  return RESOURCES.every((resource) => a[resource] === b[resource]);
}

/** Billionths of a unit, which quantities are parsed to, in one of ours: a thousandth of a CPU, or a byte. */
const BILLIONTHS: Readonly<Record<Resource, bigint>> = { cpu: 10n ** 6n, memory: 10n ** 9n, 'ephemeral-storage': 10n ** 9n };

/** Rounded up, as the kubelet does (MilliValue, Value); undefined: absent, negative, or no quantity. */
export function amountOf(written: unknown, resource: Resource): number | undefined {
  const billionths = parseQuantity(written);
  if (billionths === undefined || billionths < 0n) return undefined;
  const unit = BILLIONTHS[resource];
  return Number((billionths + unit - 1n) / unit);
}

/** Of a list of quantities by resource, such as `requests`. */
export function amountIn(list: unknown, resource: Resource): number | undefined {
  return amountOf(field(list, resource), resource);
}
