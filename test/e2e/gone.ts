/**
 * Waiting until deleted pods are gone from the API server: from then on the retire grace counts.
 *
 * A pod goes when its kubelet confirms that nothing of it is left. After an outage that has been seen to hang for minutes, in
 * which nothing of ours is tested: a pod that only waits for it is then deleted by force.
 */
import type { Node } from './node/node.ts';
import { done, notYet, until } from './node/wait.ts';

/** A pod's grace period and a busy kubelet need seconds. */
const HUNG_AFTER_MS = 30_000;

export interface Lingering {
  /** namespace/name */
  readonly pod: string;
  /** It is deleted, and its kubelet has not confirmed it. */
  readonly leaving: boolean;
}

/** Of these pods (`namespace/name`) the ones in the output of kubectl: lines of namespace, name, time of deletion or `<none>`. */
export function lingeringIn(output: string, pods: readonly string[]): readonly Lingering[] {
  return output.split('\n').flatMap((line) => {
    const [namespace, name, deletedAt = '<none>'] = line.trim().split(/\s+/);
    const pod = `${namespace}/${name}`;
    return pods.includes(pod) ? [{ pod, leaving: deletedAt !== '<none>' }] : [];
  });
}

/** Keeps since when each of them has been leaving, and names those for which that is too long. */
export function hungAt(now: number, lingering: readonly Lingering[], leavingSince: Map<string, number>): readonly string[] {
  for (const { pod, leaving } of lingering) if (leaving && !leavingSince.has(pod)) leavingSince.set(pod, now);
  return lingering.map(({ pod }) => pod).filter((pod) => now - (leavingSince.get(pod) ?? now) >= HUNG_AFTER_MS);
}

/** Waits until the API server shows none of these pods (`namespace/name`) any more. */
export async function goneFromApi(node: Node, pods: readonly string[]): Promise<void> {
  const leavingSince = new Map<string, number>();
  await until(
    'the pods gone from the API',
    async () => {
      const columns = 'custom-columns=N:.metadata.namespace,P:.metadata.name,D:.metadata.deletionTimestamp';
      const { stdout } = await node.kubectl(['get', 'pods', '--all-namespaces', '--no-headers', '--output', columns]);
      const lingering = lingeringIn(stdout, pods);
      for (const pod of hungAt(performance.now(), lingering, leavingSince)) await deleteByForce(node, pod);
      return lingering.length === 0 ? done() : notYet(lingering.map(({ pod, leaving }) => `${pod}${leaving ? ' leaving' : ''}`).join(' '));
    },
    240_000,
    500,
  );
}

async function deleteByForce(node: Node, pod: string): Promise<void> {
  const [namespace = '', name = ''] = pod.split('/');
  const now = ['--grace-period=0', '--force', '--wait=false', '--ignore-not-found'];
  await node.kubectl(['delete', 'pod', name, `--namespace=${namespace}`, ...now]);
}
