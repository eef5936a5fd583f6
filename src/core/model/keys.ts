/**
 * Every label, annotation, variable and name that we read or write in a cluster or on a node, with who writes it.
 * Pure text: never looks at a cluster or a disk.
 */
import { createHash } from 'node:crypto';
import { isDnsLabel, isDnsSubdomain } from './json.ts';
import type { CheckpointKey, PodName } from './model.ts';

/** All our labels and annotations begin so. */
export const PREFIX = 'checkpointer/';

// Written by people on the parent.
export const ANNOTATION_ENABLED = 'checkpointer/enabled';
export const ANNOTATION_SECRET_ENV = 'checkpointer/secret-env';
export const ANNOTATION_ALLOW_DUPLICATE = 'checkpointer/allow-duplicate';
export const ANNOTATION_HAND_BACK = 'checkpointer/hand-back';
export const ANNOTATION_ORDER = 'checkpointer/order';
export const ANNOTATION_MIN_READY = 'checkpointer/min-ready';
export const ANNOTATION_MAX_AGE = 'checkpointer/max-age';
export const ANNOTATION_OVERLAP = 'checkpointer/overlap';
export const ANNOTATION_REQUESTS = 'checkpointer/requests';

/** What people may write on a parent, with the values allowed, in words. */
const VALUES = {
  [ANNOTATION_ENABLED]: '"true"',
  [ANNOTATION_SECRET_ENV]: '"refuse", "inline" or "env-file"',
  [ANNOTATION_ALLOW_DUPLICATE]: '"true"',
  [ANNOTATION_HAND_BACK]: '"fast" or "graceful"',
  [ANNOTATION_ORDER]: 'an integer from -1000 to 1000',
  [ANNOTATION_MIN_READY]: 'a duration such as "10s" or "2m"',
  [ANNOTATION_MAX_AGE]: 'a duration such as "24h", or "0" for unlimited',
  [ANNOTATION_OVERLAP]: '"true"',
  [ANNOTATION_REQUESTS]: '"auto", "keep" or "none"',
} as const;
/** What they are for is in `annotation-meanings.ts`, which must have a row for each. */
export type ParentAnnotation = keyof typeof VALUES;
export const PARENT_ANNOTATIONS: Readonly<Record<string, string>> = VALUES;

// Written by the agent on a copy.
/** Label, value "true". */
export const LABEL_COPY = 'checkpointer/copy';
/** Annotation, `<namespace>/<name>` of the parent. */
export const ANNOTATION_COPY_OF = 'checkpointer/copy-of';
/** Annotation, uid of the parent. */
export const ANNOTATION_PARENT_UID = 'checkpointer/parent-uid';
/** Annotation, the revision's digest; added where the copy is placed. */
export const ANNOTATION_REVISION = 'checkpointer/revision';
/** Annotation, the number of the attempt; added where the copy is placed, because a new value makes a new uid. */
export const ANNOTATION_ATTEMPT = 'checkpointer/attempt';
/** Annotation, which of the parent's requests the copy keeps; added where the copy is placed, if the parent has any. */
export const ANNOTATION_RESERVES = 'checkpointer/reserves';
/** Annotations, with a number behind: what a downwardAPI volume of the copy tells of the parent's requests. */
export const ANNOTATION_TOLD = 'checkpointer/told-';

/** Annotations that only the agent writes, and only on copies; see {@link isCopyAnnotation}. */
export const COPY_ANNOTATIONS: readonly string[] = [
  ANNOTATION_COPY_OF,
  ANNOTATION_PARENT_UID,
  ANNOTATION_REVISION,
  ANNOTATION_ATTEMPT,
  ANNOTATION_RESERVES,
];

/** Is it one that only the agent writes, and only on copies? */
export function isCopyAnnotation(key: string): boolean {
  return COPY_ANNOTATIONS.includes(key) || (key.startsWith(ANNOTATION_TOLD) && /^\d+$/.test(key.slice(ANNOTATION_TOLD.length)));
}

/** Environment variable that makes an agent the standby; written into the standby's manifest and nowhere else. */
export const ENV_ROLE = 'POD_CHECKPOINTER_ROLE';

// Written by the kubelet (pkg/kubelet/types/pod_update.go).
/** On the API's image of a static pod. A manifest that carries it never runs. */
export const ANNOTATION_MIRROR = 'kubernetes.io/config.mirror';
/** `file`, `http` or `api`: where the kubelet got the pod from. */
export const ANNOTATION_SOURCE = 'kubernetes.io/config.source';

/** `<namespace>_<name>`: neither part may contain `_`. Says nothing about whether the names are valid. */
export function checkpointKey(pod: PodName): CheckpointKey {
  return `${pod.namespace}_${pod.name}`;
}

/** The reverse of {@link checkpointKey}; undefined for anything that it cannot have made from valid names. */
export function parseCheckpointKey(key: string): PodName | undefined {
  const cut = key.indexOf('_');
  if (cut < 0) return undefined;
  const namespace = key.slice(0, cut);
  const name = key.slice(cut + 1);
  return isDnsLabel(namespace) && isDnsSubdomain(name) ? { namespace, name } : undefined;
}

const COPY_SUFFIX = '-ckpt';
/** Longest pod name the API accepts. */
const MAX_POD_NAME = 253;
/** Longest file name; the kubelet logs below `<namespace>_<pod>_<uid>`, and a static pod's uid has 32 characters. */
const MAX_FILE_NAME = 255;
const LOG_DIR_EXTRA = 34;

/**
 * Name to write into a copy's manifest. The kubelet appends `-<node name in lower case>`
 * (pkg/kubelet/config/common.go); the full result stays a valid pod name and a usable log directory. Too long ones are
 * cut and marked with a hash of the parent's name.
 * Undefined when the node's name leaves no room at all.
 */
export function copyPodName(parent: PodName, nodeName: string): string | undefined {
  const room = roomForName(parent, nodeName);
  const whole = `${parent.name}${COPY_SUFFIX}`;
  if (whole.length <= room) return whole;
  const tail = `-${shortDigest(parent.name)}${COPY_SUFFIX}`;
  const head = parent.name.slice(0, Math.max(0, room - tail.length)).replace(/[-.]+$/, '');
  return head === '' ? undefined : `${head}${tail}`;
}

/** The pod's own name, as a static pod's, never cut; undefined where it does not fit beside the node's name. */
export function ownPodName(pod: PodName, nodeName: string): string | undefined {
  return pod.name.length <= roomForName(pod, nodeName) ? pod.name : undefined;
}

/** Longest name that can stand in the manifest of a static pod. */
function roomForName(pod: PodName, nodeName: string): number {
  return Math.min(MAX_POD_NAME, MAX_FILE_NAME - LOG_DIR_EXTRA - pod.namespace.length) - 1 - nodeName.length;
}

/** Name that the pod of a copy has in the runtime and in the API. */
export function copyFullName(copyName: string, nodeName: string): string {
  return `${copyName}-${nodeName.toLowerCase()}`;
}

/**
 * File name below staticPodPath: `podckpt-<namespace>-<name>-<short digest>.json`, at most 255 bytes. The digest is
 * over the checkpoint's key, so that `a-b`/`c` and `a`/`b-c` differ.
 */
export function manifestFileName(parent: PodName): string {
  return `${manifestFileHead(parent)}-${shortDigest(checkpointKey(parent))}.json`;
}

/** What it begins with, up to the digest. */
export function manifestFileHead({ namespace, name }: PodName): string {
  return `podckpt-${namespace}-${name}`.slice(0, MAX_FILE_NAME - '-01234567.json'.length);
}

/** Does a name look like one of ours? Says nothing about ownership: that is the ledger's word. */
export function looksLikeManifestFile(file: string): boolean {
  return /^podckpt-[-.a-z0-9]+-[0-9a-f]{8}\.json$/.test(file);
}

/** First 8 hex digits of sha256. */
function shortDigest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}
