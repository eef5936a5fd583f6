/**
 * Small pods of a scenario's own, one container of the test server each: their objects, how they fare as the API server shows
 * them, and how their copies fare.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { backToNormal, livingCopiesOf } from './copies.ts';
import { goneFromApi } from './gone.ts';
import { ADDRESSES, TESTSERVER_IMAGE } from './node/layout.ts';
import type { Node } from './node/node.ts';
import { done, doneUnless, never, notYet, until } from './node/wait.ts';
import type { World } from './scenario.ts';
import { checkpointDir, checkpointStatus, ownManifests } from './status.ts';
import { copiesOf, NAMESPACE, type Restarts } from './workload.ts';

export interface Server {
  readonly kind: 'DaemonSet' | 'Deployment' | 'Pod';
  readonly name: string;
  /** Where it serves: on the host network the node's, else its own. */
  readonly port: number;
  readonly hostNetwork?: true;
  /** It is to be captured. */
  readonly enabled?: true;
  /** Its request, like `500m`. */
  readonly cpu?: string;
  readonly replicas?: number;
  /** What the server is told besides its port. */
  readonly args?: readonly string[];
  readonly env?: readonly unknown[];
  readonly hostPath?: { readonly path: string; readonly type: string; readonly mountPath: string; readonly readOnly: boolean };
}

/** What `kubectl apply` takes. */
export function serverObject(server: Server): unknown {
  const { kind, name, port, cpu, hostPath, env = [] } = server;
  const container = {
    name: 'server',
    image: TESTSERVER_IMAGE,
    imagePullPolicy: 'IfNotPresent',
    args: ['serve', '--listen', `:${port}`, ...(server.args ?? [])],
    env,
    readinessProbe: { httpGet: { path: '/healthz', port }, periodSeconds: 1 },
    resources: cpu === undefined ? {} : { requests: { cpu, memory: '32Mi' }, limits: { memory: '128Mi' } },
    volumeMounts: hostPath === undefined ? [] : [{ name: 'host', mountPath: hostPath.mountPath, readOnly: hostPath.readOnly }],
  };
  const annotations = server.enabled === true ? { 'checkpointer/enabled': 'true', 'checkpointer/min-ready': '1s' } : {};
  const spec = {
    ...(server.hostNetwork === true ? { hostNetwork: true } : {}),
    terminationGracePeriodSeconds: 1,
    containers: [container],
    volumes: hostPath === undefined ? [] : [{ name: 'host', hostPath: { path: hostPath.path, type: hostPath.type } }],
  };
  const labels = { app: name };
  if (kind === 'Pod') return { apiVersion: 'v1', kind, metadata: { name, namespace: NAMESPACE, labels, annotations }, spec };
  const replicas = server.replicas === undefined ? {} : { replicas: server.replicas };
  const template = { metadata: { labels, annotations }, spec };
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name, namespace: NAMESPACE },
    spec: { ...replicas, selector: { matchLabels: labels }, template },
  };
}

export async function apply(node: Node, items: readonly unknown[]): Promise<void> {
  await node.kubectl(['apply', '--filename=-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
}

/** Deletes what is there of them, and does not wait. */
export async function remove(node: Node, servers: readonly Server[]): Promise<void> {
  const named = servers.map(({ kind, name }) => `${kind.toLowerCase()}/${name}`);
  await node.kubectl(['delete', `--namespace=${NAMESPACE}`, '--wait=false', '--ignore-not-found', ...named]);
}

/** A pod of a server as the API server shows it. */
export interface ServerPod {
  /** Of the server. */
  readonly server: string;
  /** namespace/name, as the product names its checkpoint. */
  readonly checkpoint: string;
  readonly uid: string;
  readonly address: string;
  readonly phase: string;
  /** Why it Failed, or its container does not run. */
  readonly reason: string;
  readonly ready: boolean;
  /** When it became so, or ceased to be; milliseconds since 1970, to the second. */
  readonly readySince: number;
  readonly restarts: number;
}

interface PodJson {
  readonly metadata: { name: string; uid: string; labels?: Record<string, string>; annotations?: Record<string, string> };
  readonly status?: {
    phase?: string;
    reason?: string;
    podIP?: string;
    conditions?: { type: string; status: string; lastTransitionTime?: string }[];
    containerStatuses?: { restartCount: number; state?: { waiting?: { reason?: string } } }[];
  };
}

/** Out of `kubectl get pods --output=json`; mirror pods (copies carry the same labels) are left out. */
export function serverPodsIn(json: string): readonly ServerPod[] {
  return (JSON.parse(json) as { items: PodJson[] }).items
    .filter(({ metadata }) => metadata.annotations?.['kubernetes.io/config.mirror'] === undefined)
    .map(({ metadata, status }) => {
      const condition = status?.conditions?.find(({ type }) => type === 'Ready');
      const [container] = status?.containerStatuses ?? [];
      return {
        server: metadata.labels?.['app'] ?? '',
        checkpoint: `${NAMESPACE}/${metadata.name}`,
        uid: metadata.uid,
        address: status?.podIP ?? '',
        phase: status?.phase ?? '',
        reason: status?.reason ?? container?.state?.waiting?.reason ?? '',
        ready: condition?.status === 'True',
        readySince: Date.parse(condition?.lastTransitionTime ?? ''),
        restarts: container?.restartCount ?? 0,
      };
    });
}

export async function podsOf(node: Node, names: readonly string[]): Promise<readonly ServerPod[]> {
  const selector = `--selector=app in (${names.join(',')})`;
  return serverPodsIn((await node.kubectl(['get', 'pods', `--namespace=${NAMESPACE}`, selector, '--output=json'])).stdout);
}

export type Pods<N extends string> = Readonly<Record<N, ServerPod>>;

export interface Wanted<N extends string> {
  /** How often each of them was restarted by then; else any number. */
  readonly restarts?: number;
  /** They must be the same pods as these, and none of them may have Failed on the way. */
  readonly same?: Pods<N>;
}

/** Why it is no use to wait for these pods; undefined: it may be. */
export function lostAmong<N extends string>(pods: readonly ServerPod[], { restarts, same }: Wanted<N>): string | undefined {
  const lost = pods.filter(
    (pod) =>
      (restarts !== undefined && pod.restarts > restarts) ||
      (same !== undefined && (pod.phase === 'Failed' || !Object.values<ServerPod>(same).some(({ uid }) => uid === pod.uid))),
  );
  return lost.length === 0 ? undefined : lost.map(shown).join(', ');
}

/** Waits until there is exactly one pod of each of these servers, and it is Ready. */
export async function podsReady<N extends string>(
  node: Node,
  names: readonly N[],
  limitMs: number,
  wanted: Wanted<N> = {},
): Promise<Pods<N>> {
  return await until(
    `${names.join(', ')} Ready`,
    async () => {
      const pods = await podsOf(node, names);
      const lost = lostAmong(pods, wanted);
      if (lost !== undefined) return never(lost);
      const good = ({ ready, restarts }: ServerPod) => ready && restarts === (wanted.restarts ?? restarts);
      const one = names.every((name) => pods.filter(({ server }) => server === name).length === 1);
      if (!one || !pods.every(good)) return notYet(pods.map(shown).join(', ') || 'no pods');
      return done(Object.fromEntries(pods.map((pod) => [pod.server, pod])) as Pods<N>);
    },
    limitMs,
    250,
  );
}

function shown({ checkpoint, phase, reason, ready, restarts }: ServerPod): string {
  return `${checkpoint} ${ready ? 'Ready' : [phase, reason].filter(Boolean).join(' ')}, ${restarts} restarts`;
}

/** Waits until each of these pods has a checkpoint at rest. */
export async function captured(node: Node, checkpoints: readonly string[]): Promise<void> {
  await until(
    'the pods captured',
    async () => {
      const atRest = (await checkpointStatus(node)).filter(({ state }) => state === 'inactive').map(({ checkpoint }) => checkpoint);
      return doneUnless(checkpoints.filter((checkpoint) => !atRest.includes(checkpoint)).join(' '));
    },
    60_000,
    500,
  );
}

/** Waits until the pod's copy answers at this port, and gives the URL. */
export async function copyAnswers(node: Node, checkpoint: string, port: number, limitMs: number): Promise<string> {
  return await until(
    `an answer from the copy of ${checkpoint}`,
    async () => {
      const copy = copiesOf(await node.cri.pods(), checkpoint).find(({ ready }) => ready);
      if (copy === undefined) return notYet('it has no sandbox');
      const url = `http://${(await node.cri.addressOf(copy.sandboxId)) || ADDRESSES.node}:${port}/`;
      await node.fetch(url);
      return done(url);
    },
    limitMs,
    50,
  );
}

/** A copy's manifest as it lies in staticPodPath. */
export interface Placed {
  readonly attempt: string;
  readonly requests: Readonly<Record<string, string>>;
  readonly limits: Readonly<Record<string, string>>;
}

/** What a manifest says of its first container, if it is one of this pod's copy. */
export function placedIn(text: string, checkpoint: string): Placed | undefined {
  const { metadata, spec } = JSON.parse(text) as {
    metadata: { annotations?: Record<string, string> };
    spec: { containers: { resources?: { requests?: Record<string, string>; limits?: Record<string, string> } }[] };
  };
  if (metadata.annotations?.['checkpointer/copy-of'] !== checkpoint) return undefined;
  const { requests = {}, limits = {} } = spec.containers[0]?.resources ?? {};
  return { attempt: metadata.annotations['checkpointer/attempt'] ?? '', requests, limits };
}

export function placedOf(node: Node, checkpoint: string): Placed | undefined {
  const texts = ownManifests(node).map((name) => readFileSync(join(node.paths.manifests, name), 'utf8'));
  return texts.map((text) => placedIn(text, checkpoint)).find((placed) => placed !== undefined);
}

/** Waits until nothing of the pod's copy lives, and no manifest of it is left. */
export async function copyGone(node: Node, checkpoint: string, limitMs: number): Promise<void> {
  await until(
    `the copy of ${checkpoint} gone`,
    async () => {
      const living = livingCopiesOf(await node.cri.pods(), [checkpoint]).map(({ name }) => name);
      return doneUnless([...living, ...(placedOf(node, checkpoint) === undefined ? [] : ['its manifest'])].join(' '));
    },
    limitMs,
    250,
  );
}

/** Waits until deleted pods and their checkpoints are gone. */
export async function retired({ node, settings }: Pick<World, 'node' | 'settings'>, checkpoints: readonly string[]): Promise<void> {
  await goneFromApi(node, checkpoints);
  const left = () => checkpoints.filter((checkpoint) => existsSync(checkpointDir(node, checkpoint)));
  await until('their checkpoints gone', () => doneUnless(left().join(' ')), settings.retireGraceMs + 120_000, 500);
}

/** {@link retired}, and the parents of all scenarios are as before, restarted so often. */
export async function nothingLeft(world: World, checkpoints: readonly string[], restarts: Restarts): Promise<void> {
  await retired(world, checkpoints);
  await backToNormal(world, restarts, 240_000);
}
