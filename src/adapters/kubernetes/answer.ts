/**
 * Does an HTTP answer come from a Kubernetes API server, or from something that stands in front of it? Pure.
 */

export interface AnswerHead {
  readonly status: number;
  header(name: string): string | undefined;
}

/** Codes that a load balancer does not make up by itself on a verified connection to the API server. */
const KUBERNETES_CODES: ReadonlySet<number> = new Set([401, 403, 404, 409, 410, 429]);
/** A gateway's own words for "nobody behind me". */
export const GATEWAY_CODES: ReadonlySet<number> = new Set([502, 503, 504]);

/**
 * True for 200, 401, 403, 404, 409, 410 and 429, and for any code with a Kubernetes body or an API server's own header.
 */
export function isKubernetesAnswer(head: AnswerHead, body: string): boolean {
  if (head.status === 200 || KUBERNETES_CODES.has(head.status)) return true;
  return head.header('audit-id') !== undefined || isStatus(body) || isHealthBody(body);
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
