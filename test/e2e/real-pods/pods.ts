/**
 * The nine real-looking pods: their manifests (the YAML files beside this one), and what the API server and the runtime
 * say of them. Never changes a manifest but for the runtime's socket, whose path every node has for itself.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CriPod } from '../node/cri.ts';
import { ADDRESSES } from '../node/layout.ts';
import type { Node } from '../node/node.ts';
import { done, never, notYet, until } from '../node/wait.ts';
import { copiesOf } from '../workload.ts';

export const REAL_NAMESPACE = 'real-pods';

/** Names of the manifests, of their controllers and of their label `app`. */
export const REAL_PODS = [
  'kube-proxy',
  'coredns',
  'cni-agent',
  'node-exporter',
  'ingress',
  'log-shipper',
  'mesh-app',
  'vault-app',
  'kube-apiserver',
] as const;
export type RealPod = (typeof REAL_PODS)[number];

export interface ContainerJson {
  readonly name: string;
  readonly restartPolicy?: string;
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[];
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
}

export interface VolumeJson {
  readonly name: string;
  readonly hostPath?: { readonly path: string; readonly type?: string };
}

/** The parts of a pod that are read here; the rest is there too. */
export interface PodJson {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
  };
  readonly spec: {
    readonly hostNetwork?: boolean;
    readonly initContainers?: readonly ContainerJson[];
    readonly containers: readonly ContainerJson[];
    readonly volumes?: readonly VolumeJson[];
    readonly securityContext?: { readonly sysctls?: readonly { readonly name: string }[] };
  };
  readonly status?: {
    readonly podIP?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly containerStatuses?: readonly { readonly restartCount: number }[];
  };
}

/** Who a pod is: what a program inside may see of it. */
export interface Identity {
  readonly name: string;
  readonly uid: string;
  readonly address: string;
}

export interface RealParent extends Identity {
  readonly which: RealPod;
  /** namespace/name, as the product names its checkpoint. */
  readonly checkpoint: string;
  readonly pod: PodJson;
}
export type RealParents = ReadonlyMap<RealPod, RealParent>;

/** Containers that serve as long as the pod lives: sidecars and main containers. */
export function servingContainers(pod: PodJson): readonly ContainerJson[] {
  return [...(pod.spec.initContainers ?? []).filter((container) => container.restartPolicy === 'Always'), ...pod.spec.containers];
}

function manifests(node: Node): string {
  const read = (name: string) => readFileSync(join(import.meta.dirname, `${name}.yaml`), 'utf8');
  return REAL_PODS.map(read).join('\n---\n').replaceAll('@CRI_SOCKET@', node.paths.criSocket);
}

/** Imports the one image under all the names that the manifests use, and applies the manifests. */
export async function applyRealPods(node: Node): Promise<void> {
  const yaml = manifests(node);
  const images = new Set([...yaml.matchAll(/image: (localhost\/\S+)/g)].map((match) => match[1] ?? ''));
  for (const image of images) await node.importImage(image, node.components.testserver, 'testserver', ['serve']);
  await node.kubectl(['create', 'namespace', REAL_NAMESPACE]);
  const account = async () => done(await node.kubectl(['get', 'serviceaccount', 'default', `--namespace=${REAL_NAMESPACE}`]));
  await until('default service account', account, 30_000);
  await node.kubectl(['apply', `--namespace=${REAL_NAMESPACE}`, '--filename=-'], yaml);
}

/** How often each main container was restarted; of a sidecar the kubelet does not always remember it (1.34). */
function restartsOf({ pod }: RealParent): readonly number[] {
  return (pod.status?.containerStatuses ?? []).map((status) => status.restartCount);
}

/** Restarts of parents on the host's network beyond those by power cuts: starts that found the copy still on their port. */
export function restartsInVain(parents: RealParents, powerCuts: number): number {
  return [...parents.values()].flatMap(restartsOf).reduce((total, count) => total + count - powerCuts, 0);
}

function isReady({ pod }: RealParent): boolean {
  return pod.status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false;
}

async function parentsInApi(node: Node): Promise<readonly RealParent[]> {
  const { stdout } = await node.kubectl(['get', 'pods', `--namespace=${REAL_NAMESPACE}`, '--output=json']);
  return (JSON.parse(stdout) as { items: PodJson[] }).items.flatMap((pod) => {
    const which = REAL_PODS.find((name) => name === pod.metadata.labels?.['app']);
    if (which === undefined || pod.metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined) return [];
    const { name, uid } = pod.metadata;
    return [{ which, name, uid, address: pod.status?.podIP ?? '', checkpoint: `${REAL_NAMESPACE}/${name}`, pod }];
  });
}

/**
 * Waits until exactly one parent of each kind is Ready after so many power cuts, restarted once by each. More restarts fail
 * at once where the parent has an address of its own; on the host's network it may have met the copy on its port.
 */
export async function realParentsReady(node: Node, powerCuts: number, limitMs: number): Promise<RealParents> {
  return await until(
    'all real pods Ready',
    async () => {
      const all = await parentsInApi(node);
      const own = all.filter((parent) => parent.pod.spec.hostNetwork !== true);
      const tooMany = own.filter((parent) => restartsOf(parent).some((count) => count > powerCuts));
      if (tooMany.length > 0) return never(`restarted too often: ${tooMany.map((parent) => parent.name).join(' ')}`);
      const good = all.filter((parent) => isReady(parent) && restartsOf(parent).every((count) => count >= powerCuts));
      const found = new Map(good.map((parent) => [parent.which, parent]));
      if (all.length === REAL_PODS.length && found.size === REAL_PODS.length) return done(found);
      const missing = REAL_PODS.filter((which) => !found.has(which));
      return notYet(`${all.length} pods; not Ready after ${powerCuts} power cuts: ${missing.join(' ')}`);
    },
    limitMs,
    500,
  );
}

export interface RealCopy extends Identity {
  readonly sandboxId: string;
}

/** The running copy of a parent, once it has an address. */
export async function copyOf(node: Node, pods: readonly CriPod[], parent: RealParent): Promise<RealCopy | undefined> {
  const copy = copiesOf(pods, parent.checkpoint).find((pod) => pod.ready);
  if (copy === undefined) return undefined;
  const address = parent.pod.spec.hostNetwork === true ? ADDRESSES.node : await node.cri.addressOf(copy.sandboxId);
  return address === '' ? undefined : { name: copy.name, uid: copy.uid, address, sandboxId: copy.sandboxId };
}
