/**
 * What a capture has to bring so that a pod can be sanitized: volumes' files, containers' environments, images.
 * Looks at the spec only; never throws, whatever the spec looks like, and judges nothing.
 */

import { field, fieldAt, isAbsent, isObject, objectsIn, textField } from '../model/json.ts';
import { ANNOTATION_ALLOW_DUPLICATE } from '../model/keys.ts';
import type { Json, RawPod } from '../model/model.ts';
import { downwardNeedsFiles, type FieldRefContext } from './field-refs.ts';

/** Names of the kubelet's volume plugins whose files can be read below its root directory. */
export type CapturedPlugin = 'secret' | 'configmap' | 'projected' | 'downward-api';

export interface NeededInputs {
  /** Volumes that become stored files. */
  readonly volumes: readonly { readonly name: string; readonly plugin: CapturedPlugin }[];
  /** Containers whose environment, as the process got it, cannot be done without; init containers included. */
  readonly containers: readonly string[];
  /** Containers whose image matters: all of them. */
  readonly images: readonly string[];
}

export function neededInputs(pod: RawPod): NeededInputs {
  const context = volumeContext(pod);
  const spec = field(pod, 'spec');
  const used = usedVolumes(pod);
  const volumes = objectsIn(spec, 'volumes').flatMap((volume) => {
    const name = textField(volume, 'name');
    const plugin = storedPlugin(volume, context);
    return name === undefined || plugin === undefined || !used.has(name) ? [] : [{ name, plugin }];
  });
  const plainInit = objectsIn(spec, 'initContainers').filter((container) => !isSidecar(container));
  const running = [...objectsIn(spec, 'initContainers').filter(isSidecar), ...objectsIn(spec, 'containers')];
  return {
    volumes,
    // the runtime may have forgotten an init container that ended long ago; without references it is not missed
    containers: names([...plainInit.filter(hasEnvReferences), ...running]),
    images: names([...plainInit, ...running]),
  };
}

/**
 * Names of the volumes that a container asks for. The kubelet leaves the others alone and waits for none of them
 * (volumemanager/populator: "Skipping unused volume"): their pod runs although what they name does not exist.
 */
export function usedVolumes(pod: unknown): ReadonlySet<string> {
  const spec = field(pod, 'spec');
  const containers = ['initContainers', 'containers'].flatMap((list) => objectsIn(spec, list));
  const mounted = containers.flatMap((container) => [...objectsIn(container, 'volumeMounts'), ...objectsIn(container, 'volumeDevices')]);
  // a file of variables lies in a volume that the reading container need not mount
  const files = containers.flatMap((container) =>
    objectsIn(container, 'env').map((variable) => textField(fieldAt(variable, 'valueFrom', 'fileKeyRef'), 'volumeName')),
  );
  return new Set([...mounted.map((mount) => textField(mount, 'name')), ...files].filter((name) => name !== undefined));
}

/** Which stored-file kind a volume becomes; undefined: it stays what it is (or is refused elsewhere). */
export function storedPlugin(volume: Json, context: FieldRefContext): CapturedPlugin | undefined {
  if (isObject(field(volume, 'secret'))) return 'secret';
  if (isObject(field(volume, 'configMap'))) return 'configmap';
  const downward = field(volume, 'downwardAPI');
  if (isObject(downward)) {
    const owned = field(downward, 'defaultUser') !== undefined;
    return owned || downwardNeedsFiles(objectsIn(downward, 'items'), context) ? 'downward-api' : undefined;
  }
  const projected = field(volume, 'projected');
  if (!isObject(projected)) return undefined;
  const sources = objectsIn(projected, 'sources');
  const local = sources.every((source) => Object.entries(source).every(([kind, value]) => kind === 'downwardAPI' || value === null));
  const items = sources.flatMap((source) => objectsIn(field(source, 'downwardAPI'), 'items'));
  return local && field(projected, 'defaultUser') === undefined && !downwardNeedsFiles(items, context) ? undefined : 'projected';
}

/** Whether volumes stay downwardAPI ones must not depend on settings: only environments do. */
export function volumeContext(pod: unknown): FieldRefContext {
  return {
    allowDuplicate: fieldAt(pod, 'metadata', 'annotations', ANNOTATION_ALLOW_DUPLICATE) === 'true',
    hostNetwork: fieldAt(pod, 'spec', 'hostNetwork') === true,
    kubeletMinor: undefined,
    literalHostIp: false,
  };
}

/** An init container that keeps running beside the others. */
export function isSidecar(initContainer: Json): boolean {
  return field(initContainer, 'restartPolicy') === 'Always';
}

/** Does its environment come partly from ConfigMaps or Secrets? */
export function hasEnvReferences(container: Json): boolean {
  if (!isAbsent(field(container, 'envFrom'))) return true;
  return objectsIn(container, 'env').some((variable) => {
    const source = field(variable, 'valueFrom');
    return field(source, 'configMapKeyRef') !== undefined || field(source, 'secretKeyRef') !== undefined;
  });
}

function names(containers: readonly Json[]): readonly string[] {
  return containers.flatMap((container) => textField(container, 'name') ?? []);
}
