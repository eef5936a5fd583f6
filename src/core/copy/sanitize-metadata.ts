/**
 * Name, labels and annotations of a copy.
 * Never carries over what would make the copy count as the parent for a controller, as a mirror pod for the kubelet, or
 * as a parent for us.
 */

import { field, isObject, textField, textMap } from '../model/json.ts';
import { ANNOTATION_COPY_OF, ANNOTATION_PARENT_UID, copyPodName, LABEL_COPY, ownPodName, PREFIX } from '../model/keys.ts';
import type { Json, PodName } from '../model/model.ts';
import { type Findings, refuse } from '../model/refusal.ts';
import { applyFields, malformed } from './apply-fields.ts';
import { METADATA } from './fields.ts';

/** By these, controllers find and count the pods of one of their generations. */
const CONTROLLER_LABELS = [
  'pod-template-hash',
  'controller-revision-hash',
  'pod-template-generation',
  'statefulset.kubernetes.io/pod-name',
  'apps.kubernetes.io/pod-index',
  'controller-uid',
  'job-name',
];
const CONTROLLER_LABEL_PREFIXES = [PREFIX, 'batch.kubernetes.io/'];

const DROPPED_ANNOTATIONS = [
  'kubectl.kubernetes.io/last-applied-configuration',
  'kubectl.kubernetes.io/restartedAt',
  // what a network plugin wrote about the parent's sandbox; what it reads stays
  'cni.projectcalico.org/containerID',
  'cni.projectcalico.org/podIP',
  'cni.projectcalico.org/podIPs',
  'k8s.v1.cni.cncf.io/network-status',
  'k8s.v1.cni.cncf.io/networks-status',
  'k8s.ovn.org/pod-networks',
  // what admission wrote about the parent
  'kubernetes.io/limit-ranger',
  'kubernetes.io/psp',
  'openshift.io/scc',
  'security.openshift.io/validated-scc-subject-type',
  'vpaUpdates',
  'vpaObservedContainers',
  // without effect since the fields exist; a leftover that contradicts the field would be refused
  'seccomp.security.alpha.kubernetes.io/pod',
];
const DROPPED_ANNOTATION_PREFIXES = [
  PREFIX,
  'kubernetes.io/config.',
  'container.seccomp.security.alpha.kubernetes.io/',
  'scheduler.alpha.kubernetes.io/',
  'controller.kubernetes.io/',
];

/** Written with a container's name at its end, and refused by the kubelet when there is no such container. */
const APPARMOR_PREFIX = 'container.apparmor.security.beta.kubernetes.io/';

export function keepsLabel(key: string): boolean {
  return !CONTROLLER_LABELS.includes(key) && !CONTROLLER_LABEL_PREFIXES.some((prefix) => key.startsWith(prefix));
}

export function keepsAnnotation(key: string): boolean {
  return !DROPPED_ANNOTATIONS.includes(key) && !DROPPED_ANNOTATION_PREFIXES.some((prefix) => key.startsWith(prefix));
}

export interface MetadataContext {
  readonly findings: Findings;
  readonly parent: PodName;
  readonly nodeName: string;
  /** Names of the copy's containers, init ones included. */
  readonly containers: readonly string[];
  /** The pod itself and no copy: see SanitizeTarget. */
  readonly standalone: boolean | undefined;
}

/** The copy's metadata; without revision and attempt, which come later. */
export function sanitizeMetadata(metadata: Json, context: MetadataContext): Json {
  const { findings, parent, standalone = false } = context;
  const kept = applyFields(metadata, METADATA, 'metadata', { findings, kubeletMinor: undefined, unknown: 'drop' });
  const name = standalone ? ownPodName(parent, context.nodeName) : copyPodName(parent, context.nodeName);
  if (name === undefined) {
    const [what, remedy] = standalone
      ? ['the name of its node', 'one of the two names']
      : ["a copy's name beside the node's name", "the node's name"];
    refuse(findings, 'name-too-long', `metadata.name leaves no room for ${what}; shorten ${remedy}`);
  }
  const labels = keepEntries(metadata, 'labels', keepsLabel, findings);
  const annotations = keepEntries(
    metadata,
    'annotations',
    (key) => keepsAnnotation(key) && fitsContainers(key, context.containers),
    findings,
  );
  if (!standalone) {
    labels.push([LABEL_COPY, 'true']);
    annotations.push(...marksOf(parent, textField(metadata, 'uid')));
  }
  judgeSize(annotations, findings);
  return { ...kept, name: name ?? '', labels: Object.fromEntries(labels), annotations: Object.fromEntries(annotations) };
}

/** By these, controllers, people and we ourselves know a copy, and whose it is. */
function marksOf(parent: PodName, uid: string | undefined): readonly [string, string][] {
  const copyOf: [string, string] = [ANNOTATION_COPY_OF, `${parent.namespace}/${parent.name}`];
  return uid === undefined ? [copyOf] : [copyOf, [ANNOTATION_PARENT_UID, uid]];
}

/** Revision and attempt, which we add where the copy is placed, and what the kubelet adds before it looks. */
const SIZE_TO_COME = 1024;
/** Of all keys and values, in bytes (apimachinery, TotalAnnotationSizeLimitB). */
const MAX_ANNOTATIONS_SIZE = 256 * 1024;

/** A parent may use up all the room there is; the copy has annotations of its own beside. */
function judgeSize(annotations: readonly (readonly [string, string])[], findings: Findings): void {
  const encoder = new TextEncoder();
  const size = annotations.reduce((sum, [key, value]) => sum + encoder.encode(key).length + encoder.encode(value).length, 0);
  if (size + SIZE_TO_COME <= MAX_ANNOTATIONS_SIZE) return;
  const why = "leave no room for the copy's own within the 256 KiB allowed; shorten them";
  refuse(findings, 'annotations-too-large', `metadata.annotations ${why}`);
}

function keepEntries(
  metadata: Json,
  key: 'labels' | 'annotations',
  keeps: (key: string) => boolean,
  findings: Findings,
): [string, string][] {
  const map = field(metadata, key);
  if (map === undefined) return [];
  const entries = Object.entries(textMap(map));
  if (!isObject(map) || entries.length !== Object.keys(map).length) malformed(`metadata.${key}`, 'a map of texts', { findings });
  for (const [name] of entries) {
    if (!keeps(name)) findings.changes.push(`metadata.${key}[${name}]: dropped (meant for the parent only)`);
  }
  return entries.filter(([name]) => keeps(name));
}

function fitsContainers(annotation: string, containers: readonly string[]): boolean {
  return !annotation.startsWith(APPARMOR_PREFIX) || containers.includes(annotation.slice(APPARMOR_PREFIX.length));
}
