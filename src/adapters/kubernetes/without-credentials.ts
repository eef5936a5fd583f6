/**
 * The Kubernetes API for an agent that has no credentials: it may still be probed, and that is all.
 *
 * The watch is never synced and never healthy, so nothing is ever concluded from what it does not show; every read is
 * denied. Opens nothing.
 */
import { type ApiReader, type PodWatch, PortError } from '../../ports.ts';

export function blindWatch(): PodWatch {
  return {
    start: () => undefined,
    view: () => ({ synced: false, healthy: false, pods: new Map() }),
    retryNow: () => undefined,
    stop: async () => undefined,
  };
}

/** `cluster`, `cas`: the identity under which the checkpoints were taken. */
export function deniedReader(cluster: string, cas: readonly string[] = []): ApiReader {
  return {
    readPod: async ({ namespace, name }) => {
      throw new PortError('denied', `reading pod ${namespace}/${name}: the standby has no credentials`);
    },
    clusterFingerprint: () => cluster,
    clusterCas: () => cas,
  };
}
