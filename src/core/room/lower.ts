/**
 * A copy's manifest with less asked for than its parent asks for; limits stay. Pure, and gives a new manifest.
 *
 * A zero is written out, resource by resource: where a request is missing and a limit is not, the kubelet takes the
 * limit for it (pkg/apis/core/v1/defaults.go: SetDefaults_Pod).
 */
import { field, isObject, objectsIn } from '../model/json.ts';
import type { Json } from '../model/model.ts';
import type { Reservation, Resource } from '../model/reservation.ts';
import { amountIn } from './amounts.ts';
import { withToldRequests } from './told-requests.ts';

type Lowering = Pick<Reservation, 'zeroed' | 'shared'>;
type Lower = (resources: Json) => Json;

export function lowered(manifest: Json, lowering: Lowering): Json {
  const spec = field(manifest, 'spec');
  if (!isObject(spec)) return manifest;
  const shared = lowering.shared === true && !lowering.zeroed.includes('cpu');
  // the pod as a whole may not ask for less than its containers together
  const all = shared && isWhole(field(spec, 'resources'));
  const container: Lower = (resources) => less(zero(resources, lowering.zeroed), shared && (all || isWhole(resources)));
  const next: Json = { ...spec };
  for (const list of ['containers', 'initContainers'] as const) {
    if (field(spec, list) !== undefined) next[list] = objectsIn(spec, list).map((each) => withResources(each, container));
  }
  const made = { ...manifest, spec: withResources(next, (resources) => less(zero(resources, lowering.zeroed), all)) };
  return withToldRequests(made, manifest, shared ? [...lowering.zeroed, 'cpu'] : lowering.zeroed);
}

/** Would the static CPU policy give out CPUs for this: a whole number of them, and no less than the limit? */
export function asksForWholeCpus(manifest: unknown): boolean {
  const spec = field(manifest, 'spec');
  const all = [...objectsIn(spec, 'containers'), ...objectsIn(spec, 'initContainers')];
  return [spec, ...all].some((each) => isWhole(field(each, 'resources')));
}

function withResources(holder: Json, lower: Lower): Json {
  const resources = field(holder, 'resources');
  return isObject(resources) ? { ...holder, resources: lower(resources) } : holder;
}

function zero(resources: Json, zeroed: readonly Resource[]): Json {
  const lists = [field(resources, 'requests'), field(resources, 'limits')];
  const asked = zeroed.filter((resource) => lists.some((list) => field(list, resource) !== undefined));
  return asked.length === 0 ? resources : withRequests(resources, Object.fromEntries(asked.map((resource) => [resource, '0'])));
}

function less(resources: Json, wanted: boolean): Json {
  const cpu = amountIn(field(resources, 'requests'), 'cpu') ?? amountIn(field(resources, 'limits'), 'cpu') ?? 0;
  return wanted && cpu > 0 ? withRequests(resources, { cpu: `${cpu - 1}m` }) : resources;
}

function withRequests(resources: Json, changed: Json): Json {
  const requests = field(resources, 'requests');
  return { ...resources, requests: { ...(isObject(requests) ? requests : {}), ...changed } };
}

function isWhole(resources: unknown): boolean {
  const limit = amountIn(field(resources, 'limits'), 'cpu');
  const asked = amountIn(field(resources, 'requests'), 'cpu') ?? limit;
  return asked !== undefined && asked > 0 && asked === limit && asked % 1000 === 0;
}
