/**
 * What an API server asks of limits and requests (validation.go, validateResourceRequirements). Which names there may
 * be is judged where copies are made.
 */
import { field, isObject, objectsIn } from '../model/json.ts';
import type { Json } from '../model/model.ts';
import type { Refusal } from '../model/refusal.ts';
import { parseQuantity } from '../text/quantity.ts';
import { type Check, fields, QUANTITY, tell } from './valid-checks.ts';

const HUGE_PAGES = 'hugepages-';

const AMOUNTS: Check = (amounts, at, reasons) => {
  if (!isObject(amounts)) return tell(reasons, at, 'is no object; write a resource and its quantity a line');
  for (const [name, amount] of Object.entries(amounts)) {
    const place = placeOf(at, name);
    QUANTITY(amount, place, reasons);
    if (!name.startsWith(HUGE_PAGES)) continue;
    const [size, pages] = [parseQuantity(name.slice(HUGE_PAGES.length)), parseQuantity(amount)];
    if (size === undefined || size <= 0n || (pages !== undefined && pages % size !== 0n))
      tell(reasons, place, 'is no whole number of such pages; write a multiple of the size in its name');
  }
};

/** A request is never more than the limit, and of huge pages it is the limit. */
const REQUESTS: Check = (resources, at, reasons) => {
  const [limits, requests] = [field(resources, 'limits'), field(resources, 'requests')];
  for (const [name, written] of Object.entries(isObject(requests) ? requests : {})) {
    const [request, limit] = [parseQuantity(written), parseQuantity(field(limits, name))];
    const huge = name.startsWith(HUGE_PAGES);
    if (request === undefined) continue;
    if (limit === undefined) {
      if (huge && field(limits, name) === undefined)
        tell(reasons, placeOf(`${at}.limits`, name), 'is missing, which huge pages need as they need a request; add the same amount');
    } else if (huge && request !== limit)
      tell(reasons, placeOf(`${at}.requests`, name), 'is not the limit, which it must be of huge pages; write the same');
    else if (!huge && request > limit)
      tell(reasons, placeOf(`${at}.requests`, name), 'is more than the limit; lower it, or raise the limit');
  }
  const names = [limits, requests].flatMap((amounts) => (isObject(amounts) ? Object.keys(amounts) : []));
  if (names.some((name) => name.startsWith(HUGE_PAGES)) && !names.includes('cpu') && !names.includes('memory'))
    tell(reasons, at, 'has huge pages and neither cpu nor memory; add one of them');
};

export const RESOURCES = fields({ limits: AMOUNTS, requests: AMOUNTS }, REQUESTS);

/** Of the pod as a whole: no container may have more (validatePodResourceConsistency). */
export function judgePodResources(spec: Json, reasons: Refusal[]): void {
  const limits = field(field(spec, 'resources'), 'limits');
  const words = 'is more than the limit of the pod in spec.resources; lower it, or raise that';
  for (const [index, container] of objectsIn(spec, 'containers').entries()) {
    const own = field(field(container, 'resources'), 'limits');
    for (const name of isObject(own) ? Object.keys(own) : []) {
      const [mine, most] = [parseQuantity(field(own, name)), parseQuantity(field(limits, name))];
      if (mine !== undefined && most !== undefined && mine > most)
        tell(reasons, placeOf(`spec.containers[${index}].resources.limits`, name), words);
    }
  }
}

/** Names with dots or slashes are told from the path around them. */
function placeOf(at: string, name: string): string {
  return /^[-a-zA-Z0-9]+$/.test(name) ? `${at}.${name}` : `${at}[${JSON.stringify(name.slice(0, 80))}]`;
}
