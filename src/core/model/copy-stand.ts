/** Where does a copy stand, and what has the runtime told of one that does not run? Words only. */

/**
 * What runtime and kubelet show of a copy.
 * - `gone`: nothing that could serve is there. Of one that is placed the kubelet is known to have nothing, for a while.
 * - `starting`: it, or a part of it, is there or on its way: the kubelet lists it, or it was placed a moment ago
 * - `no-network`: the same, and it needs the node's network, which the runtime says is not ready
 * - `failing`: a container of it ended by itself, and it has not run steadily since
 * - `serving`: all that serves is running
 * - `unknown`: the source could not be asked whose word was needed
 */
export type CopyStand = 'gone' | 'starting' | 'no-network' | 'failing' | 'serving' | 'unknown';

/** Why a copy that is placed does not serve; in `copy-troubles.ts` are the sentences. */
export type CopyTrouble = 'copy-refused' | 'copy-starting' | 'copy-failing' | 'network-not-ready';

/** How a container ended, by the runtime. */
export interface ContainerExit {
  readonly code: number;
  /** The runtime's word for it, such as Error or OOMKilled; may be empty. */
  readonly reason: string;
  /** Wall clock, milliseconds since 1970. */
  readonly at: number;
}

/** The runtime's word on the network of pods that have an address of their own. */
export interface NetworkWord {
  readonly ready: boolean;
  /** Why not, in the runtime's words; may be empty. */
  readonly message: string;
}
