/**
 * Everything the agent knows of the Kubernetes API, from one access: a watch, probes and single reads.
 *
 * Creating it opens nothing: connections begin with `watch.start`, a probe or a read.
 */
import type { AddressMemory, ApiProbe, ApiReader, ApiRequestObserver, Clock } from '../../ports.ts';
import type { ApiAccess } from './kubeconfig.ts';
import { createOwnAddresses } from './own-addresses.ts';
import { createPodReader } from './pod-reader.ts';
import type { Kept } from './pod-view.ts';
import { createPodWatch, type PodWatchControl } from './pod-watch.ts';
import { createApiProbe } from './probe.ts';
import { createTransport, type TransportTimings } from './transport.ts';
import type { PodWatchTimings } from './watch-policy.ts';
import { deniedReader } from './without-credentials.ts';

export { type ApiAccess, type ApiAccessOptions, type InCluster, loadApiAccess, loadBareAccess } from './kubeconfig.ts';
export { caFingerprint } from './pod-reader.ts';
export type { PodWatchControl } from './pod-watch.ts';
export { blindWatch, deniedReader } from './without-credentials.ts';

export interface KubernetesOptions {
  readonly nodeName: string;
  /** Of this program, for the User-Agent. */
  readonly version: string;
  readonly clock: Clock;
  /** Numbers in [0, 1): spreads the requests of many nodes over time. */
  readonly random: () => number;
  readonly observer: ApiRequestObserver;
  /** Where the servers' own addresses are kept; without it none is learnt, and only what is configured is probed. */
  readonly addresses?: AddressMemory;
  /** What of a pod the watch keeps; left out: everything. */
  readonly kept?: Kept;
  readonly watchTimings?: Partial<PodWatchTimings>;
  readonly transportTimings?: Partial<TransportTimings>;
}

export interface Kubernetes {
  readonly watch: PodWatchControl;
  readonly probe: ApiProbe;
  readonly reader: ApiReader;
  /** Stops the watch and closes every connection; afterwards nothing keeps the process alive. */
  close(): Promise<void>;
}

/** Throws PortError `invalid` when the CA bundle of the access cannot be read. Without any, nothing can be read. */
export function createKubernetes(access: ApiAccess, options: KubernetesOptions): Kubernetes {
  const { nodeName, version, clock, random, observer } = options;
  const userAgent = `pod-checkpointer/${version}`;
  const transport = createTransport({ access, userAgent, clock, observer, timings: options.transportTimings });
  const own = options.addresses && createOwnAddresses({ access, userAgent, transport, clock, observer, memory: options.addresses });
  const onOpen = (): void => own?.learn();
  const watch = createPodWatch({ transport, nodeName, clock, random, observer, onOpen, kept: options.kept, timings: options.watchTimings });
  return {
    watch,
    probe: createApiProbe({ access, userAgent, clock, observer, learnt: async () => (await own?.endpoints()) ?? [] }),
    reader: access.ca === '' ? deniedReader('') : createPodReader(transport, access.caNow ?? (() => access.ca)),
    async close() {
      await watch.stop();
      await transport.close();
      await own?.close();
    },
  };
}
