/**
 * Our own copy of the kubelet's last check of a static pod: does anything in it still need an API object?
 * Stricter than the kubelet's (pkg/api/pod/util.go, HasAPIObjectReference): a reference counts even with an empty name,
 * and a kind of volume not listed as local counts as a reference. Never changes anything, never throws.
 */
import { field, fieldAt, isAbsent, isObject, objectsIn } from '../model/json.ts';
import type { Json } from '../model/model.ts';
import { type Refusal, refusal } from '../model/refusal.ts';

/** Kinds of volume that the kubelet mounts without any API object, and that we let into a copy. */
const LOCAL_VOLUMES = ['hostPath', 'emptyDir', 'downwardAPI', 'image', 'nfs'];
/** Fields of the pod that name API objects. */
const SPEC_REFERENCES = [
  'serviceAccountName',
  'serviceAccount',
  'imagePullSecrets',
  'resourceClaims',
  'ephemeralContainers',
  'runtimeClassName',
];

/** Paths of everything in a manifest that refers to an API object; empty for a good one. */
export function findApiReferences(manifest: unknown): readonly string[] {
  const spec = field(manifest, 'spec');
  return [
    ...SPEC_REFERENCES.filter((key) => !isAbsent(field(spec, key))).map((key) => `spec.${key}`),
    ...['initContainers', 'containers', 'ephemeralContainers'].flatMap((key) =>
      objectsIn(spec, key).flatMap((container, index) => inContainer(container, `spec.${key}[${index}]`)),
    ),
    ...objectsIn(spec, 'volumes').flatMap((volume, index) => inVolume(volume, `spec.volumes[${index}]`)),
  ];
}

/** The same as refusals: an assertion at the end of the sanitizer. One that shows up is an error of ours. */
export function judgeApiReferences(manifest: unknown): readonly Refusal[] {
  const why = 'would still need the API server, which is an error of pod-checkpointer; please report it';
  return findApiReferences(manifest).map((path) => refusal('internal-api-reference', `${path} ${why}`));
}

function inContainer(container: Json, at: string): readonly string[] {
  const found: string[] = [];
  if (!isAbsent(field(container, 'envFrom'))) found.push(`${at}.envFrom`);
  if (!isAbsent(field(container, 'volumeDevices'))) found.push(`${at}.volumeDevices`);
  if (!isAbsent(fieldAt(container, 'resources', 'claims'))) found.push(`${at}.resources.claims`);
  for (const [index, variable] of objectsIn(container, 'env').entries()) {
    for (const kind of ['secretKeyRef', 'configMapKeyRef']) {
      if (fieldAt(variable, 'valueFrom', kind) !== undefined) found.push(`${at}.env[${index}].valueFrom.${kind}`);
    }
  }
  return found;
}

function inVolume(volume: Json, at: string): readonly string[] {
  const kinds = Object.keys(volume).filter((key) => key !== 'name' && field(volume, key) !== undefined);
  if (kinds.length === 0) return [`${at} (no kind)`];
  return kinds.flatMap((kind) => {
    if (kind === 'projected') return inProjected(field(volume, kind), `${at}.projected`);
    return LOCAL_VOLUMES.includes(kind) ? [] : [`${at}.${kind}`];
  });
}

function inProjected(projected: unknown, at: string): readonly string[] {
  const sources = field(projected, 'sources');
  if (sources === undefined) return [];
  if (!Array.isArray(sources)) return [`${at}.sources`];
  return sources.flatMap((source: unknown, index) => {
    const kinds = isObject(source) ? Object.keys(source).filter((key) => field(source, key) !== undefined) : [];
    return kinds.length === 1 && kinds[0] === 'downwardAPI' ? [] : [`${at}.sources[${index}]`];
  });
}
