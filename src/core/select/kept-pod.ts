/**
 * What is kept in memory of a pod that the API server shows: with hundreds of them it is most of what the agent holds.
 * Of every pod the managed fields go, which are half of its text and tell who wrote it. Of a pod that nobody asked us
 * to keep only what decisions read stays. Nothing is decided otherwise by a pod that was cut down. Pure.
 */
import { field, fieldAt, isObject, objectsIn } from '../model/json.ts';
import type { Json, RawPod } from '../model/model.ts';
import { type SelectionPolicy, select } from './select.ts';

/** Stands for all managed fields of a pod: its record goes on saying that there were some, and stays the same. */
const MANAGED: readonly Json[] = [{ manager: 'left out' }];

const METADATA = ['name', 'namespace', 'uid', 'resourceVersion', 'labels', 'annotations', 'ownerReferences', 'deletionTimestamp'];
const CONTAINER = ['name', 'restartPolicy', 'resources'];
const STATUS = ['name', 'ready', 'containerID', 'state', 'allocatedResources', 'resources'];

/** `policy`: what `select` goes by; a pod that it ignores is cut down, but for the agent's own. */
export function keptPod(pod: RawPod, policy: SelectionPolicy): RawPod {
  const ours = pod.metadata?.uid === policy.ownUid || select(pod, policy).kind !== 'ignored';
  return ours ? withoutManagers(pod) : (reduced(pod) as unknown as RawPod);
}

function withoutManagers(pod: RawPod): RawPod {
  const managers = field(pod.metadata, 'managedFields');
  if (!Array.isArray(managers) || managers.length === 0) return pod;
  return { ...pod, metadata: { ...pod.metadata, managedFields: MANAGED } } as RawPod;
}

function reduced(pod: RawPod): Json {
  const spec = field(pod, 'spec');
  const status = field(pod, 'status');
  return {
    metadata: picked(field(pod, 'metadata'), METADATA),
    spec: {
      ...picked(spec, ['nodeName', 'resources', 'overhead']),
      initContainers: objectsIn(spec, 'initContainers').map((container) => picked(container, CONTAINER)),
      containers: objectsIn(spec, 'containers').map((container) => picked(container, CONTAINER)),
    },
    status: {
      ...picked(status, ['phase', 'allocatedResources', 'resources']),
      conditions: objectsIn(status, 'conditions').filter((condition) => fieldAt(condition, 'type') === 'Ready'),
      initContainerStatuses: objectsIn(status, 'initContainerStatuses').map((own) => picked(own, STATUS)),
      containerStatuses: objectsIn(status, 'containerStatuses').map((own) => picked(own, STATUS)),
    },
  };
}

function picked(value: unknown, keys: readonly string[]): Json {
  if (!isObject(value)) return {};
  return Object.fromEntries(keys.flatMap((key) => (Object.hasOwn(value, key) ? [[key, value[key]]] : [])));
}
