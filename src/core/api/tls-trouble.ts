/**
 * A server that TLS does not let us speak to: why, and what to do. It is there, so it is no outage (but for a
 * certificate out of its time, see reachability.ts), and nothing starts. What is left is to say so. Pure.
 */
import type { Probe, TlsReason } from '../model/model.ts';

export interface TlsTrouble {
  readonly endpoint: string;
  readonly reason: TlsReason;
  /** In the words of the TLS library. */
  readonly said: string;
}

/** In the order of the metric. */
export const TLS_REMEDIES: Readonly<Record<TlsReason, string>> = {
  authority:
    "give the agent the cluster's present CA (kubeconfig: certificate-authority; in a pod kube-root-ca.crt comes by itself), or look who answers there",
  name: 'call the server by a name of its certificate (apiEndpoints, or tls-server-name in the kubeconfig), or add this one to the certificate',
  dates: "renew the server's certificate (kubeadm certs renew apiserver, then restart it), and check this node's clock",
  'client-certificate': 'renew the client certificate of the kubeconfig',
  'not-tls': 'name the secure port of the API server',
  ours: 'check the CA, certificate and key that the agent was given, and its limit of open files',
  other: 'look into the log of the API server, and who answers there',
};

/** Of the first server in a round that TLS kept us from. One that was only learnt may be another machine's now. */
export function tlsTroubleIn(probes: readonly Probe[]): TlsTrouble | undefined {
  const found = probes.find((probe) => probe.tls !== undefined && probe.learnt !== true);
  return found?.tls === undefined ? undefined : { endpoint: found.endpoint, reason: found.tls, said: found.detail };
}

export function tlsSentence(trouble: TlsTrouble | undefined): string | undefined {
  if (trouble === undefined) return undefined;
  const { endpoint, reason, said } = trouble;
  return `TLS with the API server at ${endpoint} fails: ${said}; ${TLS_REMEDIES[reason]}`;
}
