/**
 * The reasons for which a pod is not checkpointed: which there are, and how one is noted.
 * Never carries a value taken from a Secret: messages name fields, containers and variables only.
 */

/** Every reason there is. The code is a metric label and part of what commands print: rename nothing. */
export const REFUSAL_CODES = [
  // no API server would have taken it (valid, render)
  'malformed',
  // the pod as a whole (select)
  'unknown-key',
  'bad-value',
  'namespace-not-honoured',
  'mirror-pod',
  'static-pod',
  'own-copy',
  'terminating',
  'finished',
  'job',
  'stateful-set',
  'restart-policy',
  'runtime-class',
  // the pod's fields, and what was captured for them (copy)
  'unknown-field',
  'needs-newer-kubelet',
  'name-too-long',
  'hostname',
  'annotations-too-large',
  'reserved-text',
  'active-deadline',
  'resource-claim',
  'extended-resource',
  'windows',
  'host-users',
  'ip-notation',
  'named-port',
  'persistent-volume',
  'csi-volume',
  'attached-volume',
  'api-volume',
  'git-repo-volume',
  'pod-certificate',
  'block-device',
  'volume-not-captured',
  'sub-path-missing',
  'secret-env',
  'secret-env-file',
  'env-not-captured',
  'env-name',
  'env-value',
  'field-reference',
  // the copy would still need the API server: an assertion of ours failed
  'internal-api-reference',
  // the node's limits, and captures that fail again and again
  'limit',
  'capture-failed',
] as const;
export type RefusalCode = (typeof REFUSAL_CODES)[number];

export interface Refusal {
  readonly code: RefusalCode;
  /** One sentence: which field, why, and what to do about it. */
  readonly message: string;
}

/** Whatever collects reasons: the findings of a sanitizing run, a rendering, a judgement. */
export interface Reasons {
  readonly reasons: Refusal[];
}

/** Notes one more reason. Gives nothing, so that `return refuse(…)` ends a function that has nothing to give then. */
export function refuse(into: Reasons, code: RefusalCode, message: string): undefined {
  into.reasons.push(refusal(code, message));
}

/** A refusal as a value. */
export function refusal(code: RefusalCode, message: string): Refusal {
  return { code, message };
}

/**
 * What a sanitizing run found so far. Owned by one call of `sanitize`, filled in by its helpers.
 */
export interface Findings extends Reasons {
  /** Sentences for record.json; sorted at the end. */
  readonly changes: string[];
}
