/**
 * Does an HTTP answer come from a Kubernetes API server, or from something that stands in front of it? Pure.
 */

export interface AnswerHead {
  readonly status: number;
  header(name: string): string | undefined;
}

/** A gateway's own words for "nobody behind me". */
export const GATEWAY_CODES: ReadonlySet<number> = new Set([502, 503, 504]);

/**
 * Whatever the code: a balancer in front of no server at all says 404, 401 or 200 as readily as 502. So the code proves
 * nothing; a Kubernetes body does, and so does the header that every API server adds to every reply
 * (apiserver, pkg/endpoints/filters/audit_init.go).
 */
export function isKubernetesAnswer(head: AnswerHead, body: string): boolean {
  return hasAuditId(head) || isStatus(body) || isHealthBody(body);
}

/** The head of a watch that was opened. A proxy may hide the header; a page for people is no JSON. */
export function isKubernetesStream(head: AnswerHead): boolean {
  return head.status === 200 && (hasAuditId(head) || /^application\/json\b/i.test(head.header('content-type') ?? ''));
}

export function hasAuditId(head: AnswerHead): boolean {
  return head.header('audit-id') !== undefined;
}

/** A `Status` object of apimachinery (meta/v1). */
export function isStatus(body: string): boolean {
  return /^\s*\{/.test(body) && /"kind"\s*:\s*"Status"/.test(body);
}

/** The lines `[+]name ok` and `[-]name failed` of readyz and livez (apiserver, pkg/server/healthz/healthz.go). */
export function isHealthBody(body: string): boolean {
  return /^\[[+-]\]\S/m.test(body);
}

/** A readyz that fails and names its storage (checks `etcd` and `etcd-readiness`). */
export function namesStorage(body: string): boolean {
  return /^\[-\]etcd(-readiness)?\b.*failed/m.test(body);
}

/** Milliseconds of a Retry-After in seconds; undefined for none, for a date or for nonsense. */
export function retryAfterMs(head: AnswerHead): number | undefined {
  const text = head.header('retry-after');
  return text !== undefined && /^\d{1,6}$/.test(text) ? Number(text) * 1000 : undefined;
}
