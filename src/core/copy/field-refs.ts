/**
 * What becomes of a downward API reference (`fieldRef`) in a copy.
 * Never reads captured values; says only which references stay true.
 *
 * A static pod answers `metadata.name` and `metadata.uid` with its own identity, and `spec.serviceAccountName` with
 * nothing (kubelet: podFieldSelectorRuntimeValue). Own identity is what we want by default: names and uids end up in
 * leader-election records, and during a hand-back parent and copy may both live for a moment. One identity held by two
 * live processes means two leaders; a second identity only costs one lease. Whoever sets allow-duplicate has accepted
 * that, and such pods (a StatefulSet's) find their data by name, so they get the parent's name.
 */
import { field, fieldAt, textField } from '../model/json.ts';
import { keepsAnnotation, keepsLabel } from './sanitize-metadata.ts';

export interface FieldRefContext {
  readonly allowDuplicate: boolean;
  readonly hostNetwork: boolean;
  readonly kubeletMinor: number | undefined;
  /** The kubelet cannot name the node's addresses while the API server is away. */
  readonly literalHostIp: boolean;
}

/** `keep`: true in the copy as well. `value`: write what the parent got. `refuse`: a field nobody knows. */
export type FieldRefFate = 'keep' | 'value' | 'refuse';

/** First kubelet that accepts `status.hostIPs` in a static pod. */
const HOST_IPS_SINCE = 32;

export function fieldRefFate(path: string, context: FieldRefContext): FieldRefFate {
  const mapKey = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path);
  if (mapKey !== null) {
    const [, map, key = ''] = mapKey;
    return (map === 'labels' ? keepsLabel(key) : keepsAnnotation(key)) ? 'keep' : 'value';
  }
  switch (path) {
    case 'metadata.namespace':
    case 'metadata.uid':
    case 'metadata.labels':
    case 'metadata.annotations':
    case 'spec.nodeName':
      return 'keep';
    case 'metadata.name':
      return context.allowDuplicate ? 'value' : 'keep';
    case 'spec.serviceAccountName':
      return 'value';
    case 'status.podIP':
    case 'status.podIPs':
      return context.literalHostIp && context.hostNetwork ? 'value' : 'keep';
    case 'status.hostIP':
      return context.literalHostIp ? 'value' : 'keep';
    case 'status.hostIPs':
      return context.literalHostIp || (context.kubeletMinor ?? 0) < HOST_IPS_SINCE ? 'value' : 'keep';
    default:
      return 'refuse';
  }
}

/** What the API object itself says of a reference, for a container whose environment the runtime has forgotten. */
export function valueFromPod(path: string, pod: unknown): string | undefined {
  const metadata = field(pod, 'metadata');
  const mapKey = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path);
  if (mapKey !== null) return textField(field(metadata, mapKey[1] ?? ''), mapKey[2] ?? '') ?? '';
  if (path === 'metadata.name') return textField(metadata, 'name');
  // the API server fills it in; a manifest may leave it out
  if (path === 'spec.serviceAccountName') return textField(field(pod, 'spec'), 'serviceAccountName') ?? 'default';
  return undefined;
}

/**
 * Must a downwardAPI volume (or a projected one, which then has `sources`) become stored files, because the kubelet
 * would answer one of its items otherwise than for the parent, or because a field we drop names the files' owner?
 */
export function downwardNeedsFiles(items: readonly unknown[], context: FieldRefContext): boolean {
  return items.some((item) => {
    if (field(item, 'user') !== undefined) return true;
    const path = fieldAt(item, 'fieldRef', 'fieldPath');
    return typeof path === 'string' && fieldRefFate(path, context) === 'value';
  });
}
