/** The vocabulary of asking an API server whether it is there. Data only. */

/**
 * How one probe on a fresh connection ended. `answered`: a Kubernetes API server spoke, whatever the code (its body or
 * its own header proves it). `tls`: the certificate could not be verified. `expired`: the same, but chain and name are
 * right, and the certificate has expired or is not valid yet. `gateway`: any other HTTP, as of a balancer that has
 * nobody behind it. `storage`: readyz fails and names etcd.
 */
export type ProbeOutcome =
  | 'ok'
  | 'answered'
  | 'refused'
  | 'reset'
  | 'timeout'
  | 'unroutable'
  | 'dns'
  | 'tls'
  | 'expired'
  | 'gateway'
  | 'storage';

/**
 * Why TLS with a server fails:
 * - `authority`: no authority that we know has signed its certificate
 * - `name`: the certificate is for other names than the one it is called by
 * - `dates`: the certificate, or its authority's, has expired or is not valid yet
 * - `client-certificate`: it does not take ours
 * - `not-tls`: it speaks something else
 * - `ours`: our own files or limits are at fault
 */
export type TlsReason = 'authority' | 'name' | 'dates' | 'client-certificate' | 'not-tls' | 'ours' | 'other';

export interface Probe {
  readonly endpoint: string;
  readonly outcome: ProbeOutcome;
  /** Monotonic, milliseconds. */
  readonly at: number;
  readonly detail: string;
  /** With `tls` and `expired`: why. */
  readonly tls?: TlsReason;
  /**
   * The address of a server, or one that was configured for the purpose; false: the service address of the cluster,
   * which is dead until kube-proxy runs.
   */
  readonly direct: boolean;
  /** Its address was learnt from a server, not configured. */
  readonly learnt?: boolean;
}

export type Reachability = 'reachable' | 'unreachable' | 'unsure';
