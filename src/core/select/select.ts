/**
 * Is this pod ours? Not annotated: ignored. Annotated: taken, or refused with every reason at once.
 * Judges the pod as a whole; what its fields allow is the sanitizer's business. Never throws.
 */
import { parseDuration } from '../model/duration.ts';
import { field, fieldAt, isDnsLabel, isDnsSubdomain, isObject, objectsIn, textField, textMap } from '../model/json.ts';
import {
  ANNOTATION_ALLOW_DUPLICATE,
  ANNOTATION_ENABLED,
  ANNOTATION_HAND_BACK,
  ANNOTATION_MAX_AGE,
  ANNOTATION_MIN_READY,
  ANNOTATION_MIRROR,
  ANNOTATION_ORDER,
  ANNOTATION_OVERLAP,
  ANNOTATION_REQUESTS,
  ANNOTATION_SECRET_ENV,
  ANNOTATION_SOURCE,
  checkpointKey,
  isCopyAnnotation,
  LABEL_COPY,
  PARENT_ANNOTATIONS,
  PREFIX,
} from '../model/keys.ts';
import type { Millis, RawPod } from '../model/model.ts';
import { type Reasons, type Refusal, refuse } from '../model/refusal.ts';
import type { RequestsWish } from '../model/reservation.ts';

export type SecretEnv = 'refuse' | 'inline' | 'env-file';

/** What the parent's annotations ask for. */
export interface PodOptions {
  readonly secretEnv: SecretEnv;
  readonly allowDuplicate: boolean;
  readonly handBackGraceful: boolean;
  /** -1000…1000; higher numbers start later. */
  readonly order: number;
  /** Milliseconds; absent: the agent's default. */
  readonly minReadyMs?: Millis;
  /** Milliseconds, 0 = unlimited; absent: the agent's default. */
  readonly maxAgeMs?: Millis;
  /** Pod and copy may write the same data at once. */
  readonly overlap?: true;
  /** Absent: as far as there is room. */
  readonly requests?: RequestsWish;
}

export interface SelectionPolicy {
  /** Namespaces in which the annotation is honoured; `*` for all. */
  readonly namespaces: readonly string[];
  readonly nodeName: string;
  /** The agent's own pod, which is kept in whatever namespace it runs. */
  readonly ownUid?: string;
  /** Another annotation that, set to "true", opts a pod in: for those who come from an older checkpointer. */
  readonly legacyAnnotation?: string;
}

export type Selection =
  | { readonly kind: 'ignored' }
  | { readonly kind: 'refused'; readonly reasons: readonly Refusal[]; readonly options: PodOptions }
  | { readonly kind: 'taken'; readonly options: PodOptions };

/** What the judges look at, read once. */
interface Candidate {
  readonly pod: unknown;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly ownerKinds: readonly string[];
  readonly policy: SelectionPolicy;
}

/** Longest name of a directory on the host. */
const MAX_KEY_LENGTH = 255;

type Judge = (candidate: Candidate, found: Reasons) => void;

/** In the order in which a reader wants to hear it. */
const JUDGES: readonly Judge[] = [
  judgeShape,
  judgeKeys,
  judgeValues,
  judgeNamespace,
  judgeOrigin,
  judgeLife,
  judgeOwner,
  judgeRestartPolicy,
  judgeRuntimeClass,
];

/** Takes, refuses or ignores one pod of this node. A pod bound to another node is ignored. */
export function select(pod: RawPod, policy: SelectionPolicy): Selection {
  const metadata = field(pod, 'metadata');
  const candidate: Candidate = {
    pod,
    namespace: textField(metadata, 'namespace') ?? '',
    labels: textMap(field(metadata, 'labels')),
    annotations: textMap(field(metadata, 'annotations')),
    ownerKinds: objectsIn(metadata, 'ownerReferences').map((owner) => textField(owner, 'kind') ?? ''),
    policy,
  };
  if (!concernsUs(candidate)) return { kind: 'ignored' };
  const reasons: Refusal[] = [];
  for (const judge of JUDGES) judge(candidate, { reasons });
  const options = readOptions(candidate.annotations);
  return reasons.length > 0 ? { kind: 'refused', reasons, options } : { kind: 'taken', options };
}

/** A key of ours that is misspelt concerns us too: it must not look like coverage. */
function concernsUs({ pod, labels, annotations, policy }: Candidate): boolean {
  const node = textField(field(pod, 'spec'), 'nodeName');
  if (node !== undefined && node !== policy.nodeName) return false;
  const isCopy = labels[LABEL_COPY] === 'true';
  // a copy keeps its parent's other annotations, and with them the older checkpointer's
  if (policy.legacyAnnotation !== undefined && annotations[policy.legacyAnnotation] === 'true' && !isCopy) return true;
  return Object.keys(annotations).some((key) => key.startsWith(PREFIX) && !(isCopy && isCopyAnnotation(key)));
}

function judgeShape({ pod, namespace }: Candidate, found: Reasons): void {
  const name = textField(field(pod, 'metadata'), 'name') ?? '';
  if (!isDnsSubdomain(name))
    refuse(found, 'malformed', 'metadata.name is no valid pod name; only pods that the API server accepted can be kept');
  if (!isDnsLabel(namespace))
    refuse(found, 'malformed', 'metadata.namespace is no valid namespace; only pods that the API server accepted can be kept');
  if (checkpointKey({ namespace, name }).length > MAX_KEY_LENGTH) {
    const much = `more than ${MAX_KEY_LENGTH - 1} characters together, too many for a directory's name`;
    refuse(found, 'name-too-long', `metadata.namespace and metadata.name have ${much}; shorten the name`);
  }
  if (!isObject(field(pod, 'spec'))) refuse(found, 'malformed', 'spec is missing; only whole pods can be kept');
}

function judgeKeys({ labels, annotations }: Candidate, found: Reasons): void {
  const isCopy = labels[LABEL_COPY] === 'true';
  const known = Object.keys(PARENT_ANNOTATIONS);
  for (const key of Object.keys(annotations)) {
    if (!key.startsWith(PREFIX) || known.includes(key)) continue;
    if (!isCopyAnnotation(key)) refuse(found, 'unknown-key', `annotation ${key} is unknown; remove it or use one of ${known.join(', ')}`);
    else if (!isCopy) refuse(found, 'unknown-key', `annotation ${key} is written by the agent on its own copies; remove it from this pod`);
  }
  for (const key of Object.keys(labels)) {
    if (key.startsWith(PREFIX) && key !== LABEL_COPY)
      refuse(found, 'unknown-key', `label ${key} is not read; options are annotations, so move it there`);
  }
}

function judgeValues({ annotations, policy }: Candidate, found: Reasons): void {
  const legacy = policy.legacyAnnotation !== undefined && annotations[policy.legacyAnnotation] === 'true';
  if (annotations[ANNOTATION_ENABLED] === undefined && !legacy) {
    const remedy = 'set it to "true" or remove the others';
    refuse(found, 'bad-value', `annotation ${ANNOTATION_ENABLED} is missing beside other options; ${remedy}`);
  }
  for (const [key, value] of Object.entries(annotations)) {
    const allowed = PARENT_ANNOTATIONS[key];
    if (key.startsWith(PREFIX) && allowed !== undefined && !isAllowed(key, value))
      refuse(found, 'bad-value', `annotation ${key} has an unknown value ${JSON.stringify(value.slice(0, 60))}; use ${allowed}`);
  }
}

function isAllowed(key: string, value: string): boolean {
  switch (key) {
    case ANNOTATION_ENABLED:
    case ANNOTATION_ALLOW_DUPLICATE:
    case ANNOTATION_OVERLAP:
      return value === 'true';
    case ANNOTATION_SECRET_ENV:
      return value === 'refuse' || value === 'inline' || value === 'env-file';
    case ANNOTATION_HAND_BACK:
      return value === 'fast' || value === 'graceful';
    case ANNOTATION_REQUESTS:
      return value === 'auto' || value === 'keep' || value === 'none';
    case ANNOTATION_ORDER:
      return /^-?\d{1,4}$/.test(value) && Math.abs(Number(value)) <= 1000;
    case ANNOTATION_MIN_READY:
    case ANNOTATION_MAX_AGE:
      return parseDuration(value).ok;
    default:
      return false;
  }
}

function judgeNamespace({ pod, namespace, policy }: Candidate, found: Reasons): void {
  if (policy.ownUid !== undefined && fieldAt(pod, 'metadata', 'uid') === policy.ownUid) return;
  if (policy.namespaces.includes('*') || policy.namespaces.includes(namespace)) return;
  const honoured = policy.namespaces.length === 0 ? 'none' : policy.namespaces.join(', ');
  const why = `is not among the namespaces honoured here (${honoured}); add it to the chart value namespaces`;
  refuse(found, 'namespace-not-honoured', `metadata.namespace ${namespace} ${why}`);
}

function judgeOrigin({ labels, annotations }: Candidate, found: Reasons): void {
  if (labels[LABEL_COPY] !== undefined) {
    const why = `a copy of a copy is never made, so remove ${ANNOTATION_ENABLED} from it`;
    refuse(found, 'own-copy', `label ${LABEL_COPY} marks a copy made by the agent; ${why}`);
  }
  const why = 'which comes back after a reboot by itself; remove the annotation from its manifest';
  const source = annotations[ANNOTATION_SOURCE];
  if (annotations[ANNOTATION_MIRROR] !== undefined) refuse(found, 'mirror-pod', `this is the mirror of a static pod, ${why}`);
  else if (source === 'file' || source === 'http') refuse(found, 'static-pod', `this is a static pod, ${why}`);
}

function judgeLife({ pod }: Candidate, found: Reasons): void {
  if (fieldAt(pod, 'metadata', 'deletionTimestamp') !== undefined)
    refuse(found, 'terminating', 'metadata.deletionTimestamp is set: the pod is being deleted; wait for its successor');
  const phase = fieldAt(pod, 'status', 'phase');
  if (phase === 'Succeeded' || phase === 'Failed')
    refuse(found, 'finished', `status.phase is ${phase}: the pod will not run again; wait for its successor`);
}

function judgeOwner({ ownerKinds, annotations }: Candidate, found: Reasons): void {
  const job = ownerKinds.find((kind) => kind === 'Job' || kind === 'CronJob');
  if (job !== undefined) {
    const why = 'work that ends must not be run again; remove the annotation from its template';
    refuse(found, 'job', `metadata.ownerReferences names a ${job}: ${why}`);
  }
  if (ownerKinds.includes('StatefulSet') && annotations[ANNOTATION_ALLOW_DUPLICATE] !== 'true') {
    const why = `two pods of one identity could run; set ${ANNOTATION_ALLOW_DUPLICATE}: "true" to accept that`;
    refuse(found, 'stateful-set', `metadata.ownerReferences names a StatefulSet: ${why}`);
  }
}

function judgeRestartPolicy({ pod }: Candidate, found: Reasons): void {
  const policy = fieldAt(pod, 'spec', 'restartPolicy');
  if (policy === undefined || policy === 'Always') return;
  const why = 'such a pod may end, and must not be run again; set it to Always or remove the annotation';
  refuse(found, 'restart-policy', `spec.restartPolicy is not Always: ${why}`);
}

function judgeRuntimeClass({ pod }: Candidate, found: Reasons): void {
  if (!textField(field(pod, 'spec'), 'runtimeClassName')) return;
  const remedy = "make that handler the runtime's default and remove the field";
  refuse(found, 'runtime-class', `spec.runtimeClassName needs the API server to be resolved; ${remedy}`);
}

function readOptions(annotations: Readonly<Record<string, string>>): PodOptions {
  const minReadyMs = readDuration(annotations[ANNOTATION_MIN_READY]);
  const maxAgeMs = readDuration(annotations[ANNOTATION_MAX_AGE]);
  const secretEnv = annotations[ANNOTATION_SECRET_ENV];
  const requests = annotations[ANNOTATION_REQUESTS];
  return {
    secretEnv: secretEnv === 'inline' || secretEnv === 'env-file' ? secretEnv : 'refuse',
    allowDuplicate: annotations[ANNOTATION_ALLOW_DUPLICATE] === 'true',
    handBackGraceful: annotations[ANNOTATION_HAND_BACK] === 'graceful',
    // -0 would be written as another text than 0
    order: Number(annotations[ANNOTATION_ORDER] ?? '0') || 0,
    ...(minReadyMs === undefined ? {} : { minReadyMs }),
    ...(maxAgeMs === undefined ? {} : { maxAgeMs }),
    ...(annotations[ANNOTATION_OVERLAP] === 'true' ? { overlap: true as const } : {}),
    ...(requests === 'keep' || requests === 'none' ? { requests } : {}),
  };
}

function readDuration(text: string | undefined): Millis | undefined {
  if (text === undefined) return undefined;
  const result = parseDuration(text);
  return result.ok ? result.ms : undefined;
}
