/**
 * What a pod asks of its node, counted as the kubelet counts it at admission (k8s.io/component-helpers/resource:
 * PodRequests), after the API's defaults: a limit without a request is one. Pure; never throws, whatever the pod is.
 *
 * Of a pod that is being resized the most of what it asks for, was granted and has counts, container by container.
 */
import { field, fieldAt, objectsIn, textField } from '../model/json.ts';
import type { Json } from '../model/model.ts';
import { type Amounts, RESOURCES, type Resource } from '../model/reservation.ts';
import { amountIn, amountsBy, greatest, NOTHING, sum } from './amounts.ts';

/** Pod-level resources know these (SupportedPodLevelResources), beside huge pages. */
const POD_LEVEL: readonly Resource[] = ['cpu', 'memory'];

export function podRequests(pod: unknown): Amounts {
  const spec = field(pod, 'spec');
  const status = field(pod, 'status');
  const ofContainers = aggregate(spec, status);
  const ofPod = field(spec, 'resources');
  const asked = amountsBy((resource) => podLevel(ofPod, resource, hasAny(spec, resource)) ?? ofContainers[resource]);
  const granted = [field(status, 'allocatedResources'), fieldAt(status, 'resources', 'requests')].map(listed);
  return sum([greatest(asked, ...granted), listed(field(spec, 'overhead'))]);
}

/** Which resources the pod asks for, be it by a limit alone. */
export function requestedResources(pod: unknown): readonly Resource[] {
  const spec = field(pod, 'spec');
  return RESOURCES.filter((resource) => hasAny(spec, resource) || podLevel(field(spec, 'resources'), resource, false) !== undefined);
}

/** Main containers and sidecars run side by side; an init container runs beside the sidecars before it. */
function aggregate(spec: unknown, status: unknown): Amounts {
  let sidecars = NOTHING;
  let atStart = NOTHING;
  for (const container of objectsIn(spec, 'initContainers')) {
    const own = containerRequests(container, status);
    const sidecar = field(container, 'restartPolicy') === 'Always';
    if (sidecar) sidecars = sum([sidecars, own]);
    atStart = greatest(atStart, sidecar ? sidecars : sum([sidecars, own]));
  }
  const main = objectsIn(spec, 'containers').map((container) => containerRequests(container, status));
  return greatest(sum([...main, sidecars]), atStart);
}

function containerRequests(container: Json, status: unknown): Amounts {
  const resources = field(container, 'resources');
  const name = textField(container, 'name');
  const statuses = [...objectsIn(status, 'containerStatuses'), ...objectsIn(status, 'initContainerStatuses')];
  const own = name === undefined ? undefined : statuses.find((candidate) => textField(candidate, 'name') === name);
  return greatest(
    amountsBy((resource) => written(resources, resource) ?? 0),
    listed(field(own, 'allocatedResources')),
    listed(fieldAt(own, 'resources', 'requests')),
  );
}

/** The request, else the limit. */
function written(resources: unknown, resource: Resource): number | undefined {
  return amountIn(field(resources, 'requests'), resource) ?? amountIn(field(resources, 'limits'), resource);
}

/** What the pod as a whole asks for; its limit only where no container asks (pkg/apis/core/v1: defaultPodRequests). */
function podLevel(resources: unknown, resource: Resource, containersAsk: boolean): number | undefined {
  if (!POD_LEVEL.includes(resource)) return undefined;
  return amountIn(field(resources, 'requests'), resource) ?? (containersAsk ? undefined : amountIn(field(resources, 'limits'), resource));
}

function hasAny(spec: unknown, resource: Resource): boolean {
  const all = [...objectsIn(spec, 'containers'), ...objectsIn(spec, 'initContainers')];
  return all.some((container) => written(field(container, 'resources'), resource) !== undefined);
}

function listed(list: unknown): Amounts {
  return amountsBy((resource) => amountIn(list, resource) ?? 0);
}
