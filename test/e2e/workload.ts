/**
 * The pods under test: a DaemonSet pod on the host network and a Deployment pod with an address of its own, each with
 * every kind of volume and environment the product promises to keep. Also what can be seen of them, from the API server,
 * the runtime and from inside.
 */
import type { CriPod } from './node/cri.ts';
import { ADDRESSES, TESTSERVER_IMAGE } from './node/layout.ts';
import type { Node } from './node/node.ts';
import { done, never, notYet, until } from './node/wait.ts';

export const NAMESPACE = 'e2e';
export const HOST_PORT = 8081;
export const POD_PORT = 8080;
export const HOST_URL = `http://${ADDRESSES.node}:${HOST_PORT}`;
/** The parents' one container. */
export const CONTAINER = 'server';

/** `host`: hostNetwork, of a DaemonSet. `pod`: own address, not root, of a Deployment. */
export type Which = 'host' | 'pod';
export const BOTH: readonly Which[] = ['host', 'pod'];

/** Bytes that no text encoding survives; they also must never show up in a log. */
export const PASSWORD = Buffer.from('correct-horse\n\u0000\u00ff battery', 'latin1');

const VOLUME_PATHS = ['/secret', '/config', '/projected', '/var/run/secrets/kubernetes.io/serviceaccount'];

const OBJECTS = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
  {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'credentials', namespace: NAMESPACE },
    data: { user: Buffer.from('operator').toString('base64'), password: PASSWORD.toString('base64') },
  },
  {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'settings', namespace: NAMESPACE },
    data: { mode: 'careful', 'app.conf': 'line = one\nprice = $(COST)\n' },
    binaryData: { blob: Buffer.from([0, 255, 10, 13]).toString('base64') },
  },
];

function podTemplate(which: Which, port: number): unknown {
  const server = {
    name: CONTAINER,
    image: TESTSERVER_IMAGE,
    imagePullPolicy: 'IfNotPresent',
    args: ['serve', '--listen', `:${port}`],
    ports: [{ name: 'http', containerPort: port }],
    env: [
      { name: 'LITERAL', value: 'costs $$(PRICE) and $(MODE)' },
      { name: 'MODE', valueFrom: { configMapKeyRef: { name: 'settings', key: 'mode' } } },
      { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      { name: 'NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
    ],
    readinessProbe: { httpGet: { path: '/healthz', port: 'http' }, periodSeconds: 1 },
    livenessProbe: { httpGet: { path: '/healthz', port: 'http' }, periodSeconds: 5 },
    volumeMounts: [
      { name: 'secret', mountPath: '/secret', readOnly: true },
      { name: 'config', mountPath: '/config' },
      { name: 'projected', mountPath: '/projected' },
    ],
  };
  const secretItems = [
    { key: 'password', path: 'deep/er/password' },
    { key: 'user', path: 'user' },
  ];
  return {
    metadata: {
      labels: { app: which },
      annotations: { 'checkpointer/enabled': 'true', 'checkpointer/min-ready': '2s' },
    },
    spec: {
      ...(which === 'host' ? { hostNetwork: true } : { securityContext: { runAsUser: 1000, fsGroup: 2000 } }),
      tolerations: [{ operator: 'Exists' }],
      containers: [server],
      volumes: [
        { name: 'secret', secret: { secretName: 'credentials', defaultMode: 0o400, items: secretItems } },
        { name: 'config', configMap: { name: 'settings' } },
        {
          name: 'projected',
          projected: {
            sources: [
              { secret: { name: 'credentials', items: [{ key: 'user', path: 'who' }] } },
              { configMap: { name: 'settings', items: [{ key: 'mode', path: 'mode', mode: 0o440 }] } },
              { downwardAPI: { items: [{ path: 'name', fieldRef: { fieldPath: 'metadata.name' } }] } },
            ],
          },
        },
      ],
    },
  };
}

function controller(which: Which): unknown {
  const spec = { selector: { matchLabels: { app: which } }, template: podTemplate(which, which === 'host' ? HOST_PORT : POD_PORT) };
  const kind = which === 'host' ? 'DaemonSet' : 'Deployment';
  return { apiVersion: 'apps/v1', kind, metadata: { name: which, namespace: NAMESPACE }, spec };
}

export async function applyWorkload(node: Node): Promise<void> {
  const items = [...OBJECTS, ...BOTH.map(controller)];
  await node.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
}

export async function deleteControllers(node: Node): Promise<void> {
  await node.kubectl(['delete', '--namespace', NAMESPACE, '--wait=false', 'daemonset/host', 'deployment/pod']);
}

/** A parent as the API server shows it. */
export interface Parent {
  readonly which: Which;
  readonly name: string;
  /** namespace/name, as the product names its checkpoint. */
  readonly checkpoint: string;
  readonly uid: string;
  readonly address: string;
  readonly ready: boolean;
  readonly restarts: number;
}

interface PodJson {
  readonly metadata: { name: string; uid: string; labels?: Record<string, string>; annotations?: Record<string, string> };
  readonly status?: {
    podIP?: string;
    conditions?: { type: string; status: string }[];
    containerStatuses?: { restartCount: number }[];
  };
}

/** Parents by kind; mirror pods (copies carry the same labels) are left out. */
export async function parentsInApi(node: Node): Promise<readonly Parent[]> {
  const { stdout } = await node.kubectl(['get', 'pods', '--namespace', NAMESPACE, '--output=json']);
  return (JSON.parse(stdout) as { items: PodJson[] }).items
    .filter((pod) => pod.metadata.annotations?.['kubernetes.io/config.mirror'] === undefined)
    .flatMap((pod) => {
      const which = BOTH.find((one) => one === pod.metadata.labels?.['app']);
      if (which === undefined) return [];
      return {
        which,
        name: pod.metadata.name,
        checkpoint: `${NAMESPACE}/${pod.metadata.name}`,
        uid: pod.metadata.uid,
        address: pod.status?.podIP ?? '',
        ready: pod.status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false,
        restarts: pod.status?.containerStatuses?.[0]?.restartCount ?? 0,
      };
    });
}

export type Parents = Readonly<Record<Which, Parent>>;

/** How often each parent was restarted, by uid. */
export type Restarts = ReadonlyMap<string, number>;

/**
 * Waits until exactly one parent of each kind is Ready. `restarts` is what their restart counts must be by then: without
 * it the API server's memory of the time before a power cut passes for the present. More restarts fail at once.
 */
export async function parentsReady(node: Node, limitMs: number, restarts?: Restarts): Promise<Parents> {
  return await until(
    'both parents Ready',
    async () => {
      const parents = await parentsInApi(node);
      const only = (which: Which) => {
        const [first, ...more] = parents.filter((parent) => parent.which === which);
        return more.length === 0 ? first : undefined;
      };
      const expected = (parent: Parent) => restarts?.get(parent.uid) ?? parent.restarts;
      const tooMany = parents.filter((parent) => parent.restarts > expected(parent));
      if (tooMany.length > 0) return never(`restarted too often: ${tooMany.map(shownParent).join(', ')}`);
      const good = (parent: Parent | undefined) => parent?.ready === true && parent.restarts === expected(parent);
      const [host, pod] = [only('host'), only('pod')];
      if (host !== undefined && pod !== undefined && good(host) && good(pod)) return done({ host, pod });
      return notYet(parents.map(shownParent).join(', ') || 'no pods');
    },
    limitMs,
    250,
  );
}

function shownParent(parent: Parent): string {
  return `${parent.name} ${parent.ready ? 'Ready' : 'not Ready'}, ${parent.restarts} restarts`;
}

/** The restart counts that `powerCuts` power cuts after these must lead to: one each. */
export function restartsAfter(parents: Parents, powerCuts: number): Restarts {
  return new Map(Object.values(parents).map((parent) => [parent.uid, parent.restarts + powerCuts]));
}

/** What a program in the container sees. */
export interface Inside {
  readonly files: readonly { path: string; mode: string; uid: number; gid: number; content: string; problem?: string }[];
  readonly env: readonly string[];
}

const COMPARED_ENV = /^(LITERAL|MODE|POD_NAME|NODE_NAME|FROM_IMAGE|PATH|HOSTNAME|KUBERNETES_SERVICE_(HOST|PORT))=/;

export async function lookInside(node: Node, url: string): Promise<Inside> {
  const trees = await Promise.all(
    VOLUME_PATHS.map(async (path) => JSON.parse(await node.fetch(`${url}/tree?path=${path}`)) as Inside['files']),
  );
  const env = JSON.parse(await node.fetch(`${url}/env`)) as string[];
  return { files: trees.flat(), env: env.filter((entry) => COMPARED_ENV.test(entry)) };
}

/** Static pods that say they are copies of the parent. */
export function copiesOf(pods: readonly CriPod[], checkpoint: string): readonly CriPod[] {
  return pods.filter((pod) => pod.source === 'file' && pod.annotations['checkpointer/copy-of'] === checkpoint);
}

/** Does anything of the pod live in the runtime? Dead sandboxes are the kubelet's to collect, within a minute. */
export function isLiving(pod: CriPod): boolean {
  return pod.ready || pod.containers.some((container) => container.state === 'RUNNING' || container.state === 'CREATED');
}
