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
  ANNOTATION_SECRET_ENV,
  ANNOTATION_SOURCE,
  COPY_ANNOTATIONS,
  checkpointKey,
  LABEL_COPY,
  PARENT_ANNOTATIONS,
  PREFIX,
} from '../model/keys.ts';
import type { Millis, RawPod } from '../model/model.ts';
import { type Refusal, refusal } from '../model/refusal.ts';

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

type Judge = (candidate: Candidate) => readonly Refusal[];

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
  const reasons = JUDGES.flatMap((judge) => judge(candidate));
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
  return Object.keys(annotations).some((key) => key.startsWith(PREFIX) && !(isCopy && COPY_ANNOTATIONS.includes(key)));
}

function judgeShape({ pod, namespace }: Candidate): readonly Refusal[] {
  const name = textField(field(pod, 'metadata'), 'name') ?? '';
  const reasons: Refusal[] = [];
  if (!isDnsSubdomain(name))
    reasons.push(refusal('malformed', 'metadata.name is no valid pod name; only pods that the API server accepted can be kept'));
  if (!isDnsLabel(namespace))
    reasons.push(refusal('malformed', 'metadata.namespace is no valid namespace; only pods that the API server accepted can be kept'));
  if (checkpointKey({ namespace, name }).length > MAX_KEY_LENGTH)
    reasons.push(
      refusal(
        'name-too-long',
        `metadata.namespace and metadata.name have more than ${MAX_KEY_LENGTH - 1} characters together, too many for a directory's name; shorten the name`,
      ),
    );
  if (!isObject(field(pod, 'spec'))) reasons.push(refusal('malformed', 'spec is missing; only whole pods can be kept'));
  return reasons;
}

function judgeKeys({ labels, annotations }: Candidate): readonly Refusal[] {
  const isCopy = labels[LABEL_COPY] === 'true';
  const known = Object.keys(PARENT_ANNOTATIONS);
  const reasons = Object.keys(annotations)
    .filter((key) => key.startsWith(PREFIX) && !known.includes(key) && !(isCopy && COPY_ANNOTATIONS.includes(key)))
    .map((key) =>
      COPY_ANNOTATIONS.includes(key)
        ? refusal('unknown-key', `annotation ${key} is written by the agent on its own copies; remove it from this pod`)
        : refusal('unknown-key', `annotation ${key} is unknown; remove it or use one of ${known.join(', ')}`),
    );
  for (const key of Object.keys(labels)) {
    if (key.startsWith(PREFIX) && key !== LABEL_COPY)
      reasons.push(refusal('unknown-key', `label ${key} is not read; options are annotations, so move it there`));
  }
  return reasons;
}

function judgeValues({ annotations, policy }: Candidate): readonly Refusal[] {
  const reasons: Refusal[] = [];
  const legacy = policy.legacyAnnotation !== undefined && annotations[policy.legacyAnnotation] === 'true';
  if (annotations[ANNOTATION_ENABLED] === undefined && !legacy) {
    reasons.push(
      refusal('bad-value', `annotation ${ANNOTATION_ENABLED} is missing beside other options; set it to "true" or remove the others`),
    );
  }
  for (const [key, value] of Object.entries(annotations)) {
    const allowed = PARENT_ANNOTATIONS[key];
    if (key.startsWith(PREFIX) && allowed !== undefined && !isAllowed(key, value)) {
      reasons.push(refusal('bad-value', `annotation ${key} has an unknown value ${JSON.stringify(value.slice(0, 60))}; use ${allowed}`));
    }
  }
  return reasons;
}

function isAllowed(key: string, value: string): boolean {
  switch (key) {
    case ANNOTATION_ENABLED:
    case ANNOTATION_ALLOW_DUPLICATE:
      return value === 'true';
    case ANNOTATION_SECRET_ENV:
      return value === 'refuse' || value === 'inline' || value === 'env-file';
    case ANNOTATION_HAND_BACK:
      return value === 'fast' || value === 'graceful';
    case ANNOTATION_ORDER:
      return /^-?\d{1,4}$/.test(value) && Math.abs(Number(value)) <= 1000;
    case ANNOTATION_MIN_READY:
    case ANNOTATION_MAX_AGE:
      return parseDuration(value).ok;
    default:
      return false;
  }
}

function judgeNamespace({ pod, namespace, policy }: Candidate): readonly Refusal[] {
  if (policy.ownUid !== undefined && fieldAt(pod, 'metadata', 'uid') === policy.ownUid) return [];
  if (policy.namespaces.includes('*') || policy.namespaces.includes(namespace)) return [];
  const honoured = policy.namespaces.length === 0 ? 'none' : policy.namespaces.join(', ');
  return [
    refusal(
      'namespace-not-honoured',
      `metadata.namespace ${namespace} is not among the namespaces honoured here (${honoured}); add it to the chart value namespaces`,
    ),
  ];
}

function judgeOrigin({ labels, annotations }: Candidate): readonly Refusal[] {
  const reasons: Refusal[] = [];
  if (labels[LABEL_COPY] !== undefined)
    reasons.push(
      refusal(
        'own-copy',
        `label ${LABEL_COPY} marks a copy made by the agent; a copy of a copy is never made, so remove ${ANNOTATION_ENABLED} from it`,
      ),
    );
  if (annotations[ANNOTATION_MIRROR] !== undefined) {
    reasons.push(
      refusal(
        'mirror-pod',
        'this is the mirror of a static pod, which comes back after a reboot by itself; remove the annotation from its manifest',
      ),
    );
  } else if (annotations[ANNOTATION_SOURCE] === 'file' || annotations[ANNOTATION_SOURCE] === 'http') {
    reasons.push(
      refusal('static-pod', 'this is a static pod, which comes back after a reboot by itself; remove the annotation from its manifest'),
    );
  }
  return reasons;
}

function judgeLife({ pod }: Candidate): readonly Refusal[] {
  const reasons: Refusal[] = [];
  if (fieldAt(pod, 'metadata', 'deletionTimestamp') !== undefined)
    reasons.push(refusal('terminating', 'metadata.deletionTimestamp is set: the pod is being deleted; wait for its successor'));
  const phase = fieldAt(pod, 'status', 'phase');
  if (phase === 'Succeeded' || phase === 'Failed')
    reasons.push(refusal('finished', `status.phase is ${phase}: the pod will not run again; wait for its successor`));
  return reasons;
}

function judgeOwner({ ownerKinds, annotations }: Candidate): readonly Refusal[] {
  const reasons: Refusal[] = [];
  const job = ownerKinds.find((kind) => kind === 'Job' || kind === 'CronJob');
  if (job !== undefined)
    reasons.push(
      refusal(
        'job',
        `metadata.ownerReferences names a ${job}: work that ends must not be run again; remove the annotation from its template`,
      ),
    );
  if (ownerKinds.includes('StatefulSet') && annotations[ANNOTATION_ALLOW_DUPLICATE] !== 'true') {
    reasons.push(
      refusal(
        'stateful-set',
        `metadata.ownerReferences names a StatefulSet: two pods of one identity could run; set ${ANNOTATION_ALLOW_DUPLICATE}: "true" to accept that`,
      ),
    );
  }
  return reasons;
}

function judgeRestartPolicy({ pod }: Candidate): readonly Refusal[] {
  const policy = fieldAt(pod, 'spec', 'restartPolicy');
  if (policy === undefined || policy === 'Always') return [];
  return [
    refusal(
      'restart-policy',
      'spec.restartPolicy is not Always: such a pod may end, and must not be run again; set it to Always or remove the annotation',
    ),
  ];
}

function judgeRuntimeClass({ pod }: Candidate): readonly Refusal[] {
  const name = textField(field(pod, 'spec'), 'runtimeClassName');
  if (!name) return [];
  return [
    refusal(
      'runtime-class',
      "spec.runtimeClassName needs the API server to be resolved; make that handler the runtime's default and remove the field",
    ),
  ];
}

function readOptions(annotations: Readonly<Record<string, string>>): PodOptions {
  const minReadyMs = readDuration(annotations[ANNOTATION_MIN_READY]);
  const maxAgeMs = readDuration(annotations[ANNOTATION_MAX_AGE]);
  const secretEnv = annotations[ANNOTATION_SECRET_ENV];
  return {
    secretEnv: secretEnv === 'inline' || secretEnv === 'env-file' ? secretEnv : 'refuse',
    allowDuplicate: annotations[ANNOTATION_ALLOW_DUPLICATE] === 'true',
    handBackGraceful: annotations[ANNOTATION_HAND_BACK] === 'graceful',
    // -0 would be written as another text than 0
    order: Number(annotations[ANNOTATION_ORDER] ?? '0') || 0,
    ...(minReadyMs === undefined ? {} : { minReadyMs }),
    ...(maxAgeMs === undefined ? {} : { maxAgeMs }),
  };
}

function readDuration(text: string | undefined): Millis | undefined {
  if (text === undefined) return undefined;
  const result = parseDuration(text);
  return result.ok ? result.ms : undefined;
}
