/**
 * Which version the kubelet has at least: from what somebody says, or from what is seen on the node.
 * Only a certain lower bound counts; undefined is older than any gate. Pure.
 */

/** `1.35`, `v1.35.2`, `1.35.0-rc.1+x` → 35; undefined for anything else. */
export function parseKubeletVersion(text: string): number | undefined {
  const minor = /^v?1\.(\d{1,3})(?:\.\d[-+.0-9A-Za-z]*)?$/.exec(text)?.[1];
  return minor === undefined ? undefined : Number(minor);
}

/** What can be seen of the kubelet's PodsAPI (gate PodsAPI, KEP-4188) and of the kubelet itself. */
export interface KubeletEvidence {
  /** `silent`: its socket is there and nobody listens. */
  readonly podsApi: 'answers' | 'silent' | 'absent';
  /** The kubelet's older socket, podresources, answers. */
  readonly running: boolean;
}

/** First version that has the code of the PodsAPI; it is off by default before 1.37. */
const PODS_API_SINCE = 36;

/**
 * A socket file alone proves nothing: it stays when the kubelet is replaced by an older one. So while the kubelet is
 * not running, a silent socket decides nothing: `not-yet`, ask again.
 */
export function kubeletLowerBound(evidence: KubeletEvidence): number | undefined | 'not-yet' {
  if (evidence.podsApi === 'answers') return PODS_API_SINCE;
  return evidence.podsApi === 'silent' && !evidence.running ? 'not-yet' : undefined;
}
