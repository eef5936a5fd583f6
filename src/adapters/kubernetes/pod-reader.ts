/**
 * Single, consistent reads of a pod by name, for the moments when a watch is not proof enough.
 *
 * It uses the verb `list` only, so the agent needs no `get`. It never reads from the server's cache (no
 * resourceVersion), and says "there is none" only when a well-formed, authenticated, empty list says so.
 */
import { clusterDigest } from '../../core/model/cluster.ts';
import type { RawPod } from '../../core/model/model.ts';
import { type ApiReader, PortError } from '../../ports.ts';
import { isKubernetesAnswer } from './answer.ts';
import { caFingerprints, followCas } from './ca-identity.ts';
import { parsePodList } from './pod-list.ts';
import type { ApiReply, Transport } from './transport.ts';

/** Throws PortError `invalid` when the CA bundle, as it is now, holds no readable certificate. */
export function createPodReader(transport: Transport, caBundle: () => string): ApiReader {
  const cas = followCas(caBundle);
  return {
    clusterFingerprint: () => clusterDigest(cas()),
    clusterCas: cas,
    async readPod({ namespace, name }, deadlineMs) {
      const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods?fieldSelector=${encodeURIComponent(`metadata.name=${name}`)}`;
      const activity = `reading pod ${namespace}/${name}`;
      const reply = await transport.get(path, 'list', deadlineMs);
      if (reply.status !== 200) throw refusal(activity, reply);
      return only(activity, namespace, name, reply.body);
    },
  };
}

function only(activity: string, namespace: string, name: string, body: string): RawPod | undefined {
  let pods: readonly RawPod[];
  try {
    pods = parsePodList(body).pods;
  } catch (error) {
    throw new PortError('invalid', `${activity}: ${(error as Error).message}`, { cause: error });
  }
  if (pods.some((pod) => pod.metadata?.name !== name || pod.metadata?.namespace !== namespace) || pods.length > 1) {
    throw new PortError('invalid', `${activity}: the answer holds other pods than the one asked for`);
  }
  return pods[0];
}

function refusal(activity: string, reply: ApiReply): PortError {
  const { status } = reply;
  if (status === 401 || status === 403) {
    if (isKubernetesAnswer(reply, reply.body)) return new PortError('denied', `${activity}: HTTP ${status}`);
    return new PortError('unavailable', `${activity}: HTTP ${status}, not the answer of a Kubernetes API server`);
  }
  if (status >= 300 && status < 400) return new PortError('invalid', `${activity}: HTTP ${status}: redirects are not followed`);
  if (status >= 200 && status < 300) return new PortError('invalid', `${activity}: HTTP ${status} instead of 200`);
  if (status === 404) return new PortError('invalid', `${activity}: HTTP 404 for a list, which an API server never answers`);
  if (status === 429 || status >= 500) return new PortError('unavailable', `${activity}: HTTP ${status}`);
  return new PortError('failed', `${activity}: HTTP ${status}`);
}

/** sha256, in hex, over the sorted fingerprints of the bundle's certificates: order and comments do not matter. */
export function caFingerprint(bundle: string): string {
  return clusterDigest(caFingerprints(bundle));
}
