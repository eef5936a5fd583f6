/**
 * Which containers of a pod write data that another pod, its own copy, would write as well? Looks at the spec only, and
 * fails closed: a kind of volume that is not known to be the pod's own is shared. Pure.
 */
import { field, isObject, objectsIn, textField } from '../model/json.ts';
import type { Json } from '../model/model.ts';

/** Of the pod alone, or written by the kubelet only, or by nobody. */
const NOT_SHARED: readonly string[] = ['emptyDir', 'secret', 'configMap', 'projected', 'downwardAPI', 'image'];
/**
 * The kubelet never changes the group of what lies there (GetAttributes of pkg/volume/hostpath and pkg/volume/nfs:
 * `Managed: false`). Elsewhere it does for a pod with an fsGroup, be the volume mounted read-only or not.
 */
const KEEPS_ITS_GROUP: readonly string[] = ['hostPath', 'nfs'];

/** Names, init containers included, in the order of the spec. */
export function writersOf(spec: unknown): readonly string[] {
  const fsGroup = field(field(spec, 'securityContext'), 'fsGroup') !== undefined;
  const shared = new Map<string, SharedVolume>();
  for (const volume of objectsIn(spec, 'volumes')) {
    const found = sharedVolume(volume, fsGroup);
    if (found !== undefined) shared.set(textField(volume, 'name') ?? '', found);
  }
  const containers = ['initContainers', 'containers'].flatMap((list) => objectsIn(spec, list));
  return containers.filter((container) => writes(container, shared)).flatMap((container) => textField(container, 'name') ?? []);
}

interface SharedVolume {
  /** Written also where no container may. */
  readonly always: boolean;
}

function sharedVolume(volume: Json, fsGroup: boolean): SharedVolume | undefined {
  const kind = Object.keys(volume).find((key) => key !== 'name' && isObject(volume[key]));
  if (kind === undefined || NOT_SHARED.includes(kind) || field(volume[kind], 'readOnly') === true) return undefined;
  return { always: fsGroup && !KEEPS_ITS_GROUP.includes(kind) };
}

function writes(container: Json, shared: ReadonlyMap<string, SharedVolume>): boolean {
  const mounted = objectsIn(container, 'volumeMounts').some((mount) => {
    const volume = shared.get(textField(mount, 'name') ?? '');
    return volume !== undefined && (volume.always || field(mount, 'readOnly') !== true);
  });
  return mounted || objectsIn(container, 'volumeDevices').some((device) => shared.has(textField(device, 'name') ?? ''));
}
