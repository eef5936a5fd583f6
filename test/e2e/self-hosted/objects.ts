/**
 * The control plane as pods of its own node, all annotated: API server (DaemonSet), controller manager and scheduler
 * (Deployments, elected), all on the host network with their files in Secrets; and one ordinary pod as a passenger.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { apiArguments, type ControlPlaneFiles, controllerManagerArguments, schedulerArguments } from '../node/control-plane.ts';
import { ADDRESSES, TESTSERVER_IMAGE } from '../node/layout.ts';
import type { Node } from '../node/node.ts';
import { run } from '../node/process.ts';

export const NAMESPACE = 'kube-system';
export const KUBERNETES_IMAGE = 'localhost/kubernetes:1';
export const COMPONENTS = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'passenger'] as const;
export type Component = (typeof COMPONENTS)[number];
export const API: Component = 'kube-apiserver';
export const PASSENGER_PORT = 8095;

const SECRET_DIR = '/etc/kubernetes';
const IN_POD: ControlPlaneFiles = {
  pki: (file) => join(SECRET_DIR, file),
  kubeconfig: () => join(SECRET_DIR, 'kubeconfig'),
  scratch: '/tmp',
};

const SECRETS: Readonly<Partial<Record<Component, readonly string[]>>> = {
  'kube-apiserver': ['ca.crt', 'kube-apiserver.crt', 'kube-apiserver.key', 'admin.crt', 'admin.key', 'sa.key'],
  'kube-controller-manager': ['ca.crt', 'ca.key', 'sa.key', 'kube-controller-manager.crt', 'kube-controller-manager.key'],
  'kube-scheduler': ['ca.crt', 'kube-scheduler.crt', 'kube-scheduler.key'],
};

/** One image of the three programs: each is about 100 MB, and unpacking is what takes the time. */
export async function importKubernetesImage(node: Node): Promise<void> {
  const program = (name: string) => join(node.components.kubernetes, name);
  const [main = '', ...others] = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];
  const more = others.map((name) => ({ path: `/${name}`, file: program(name) }));
  const libraries = (await sharedLibraries(program(main))).map((file) => ({ path: file, file }));
  await node.importImage(KUBERNETES_IMAGE, program(main), main, [], [...more, ...libraries]);
}

/** What the dynamic linker would load, itself included; none for a static program. */
async function sharedLibraries(program: string): Promise<readonly string[]> {
  const lines = (await run(['ldd', program])).split('\n');
  return lines.flatMap((line) => /(?:=>\s+)?(\/\S+)\s+\(0x/.exec(line)?.[1] ?? []);
}

function secret(node: Node, name: Component): unknown {
  const data = Object.fromEntries((SECRETS[name] ?? []).map((file) => [file, readFileSync(join(node.paths.pki, file)).toString('base64')]));
  const user = { 'client-certificate': `${SECRET_DIR}/${name}.crt`, 'client-key': `${SECRET_DIR}/${name}.key` };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'own',
    contexts: [{ name: 'own', context: { cluster: 'own', user: 'own' } }],
    clusters: [{ name: 'own', cluster: { server: ADDRESSES.api, 'certificate-authority': `${SECRET_DIR}/ca.crt` } }],
    users: [{ name: 'own', user }],
  };
  const kubeconfig = name === API ? {} : { kubeconfig: Buffer.from(JSON.stringify(config)).toString('base64') };
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: NAMESPACE }, data: { ...data, ...kubeconfig } };
}

function template(name: Component, container: Record<string, unknown>, spec: Record<string, unknown>): unknown {
  const mounted = SECRETS[name] !== undefined;
  return {
    metadata: {
      labels: { app: name, tier: 'self-hosted' },
      annotations: {
        'checkpointer/enabled': 'true',
        'checkpointer/min-ready': '2s',
        ...(name === API ? { 'checkpointer/order': '-10' } : {}),
      },
    },
    spec: {
      tolerations: [{ operator: 'Exists' }],
      // shorter than the default, so that a test run is; an API server with open watches takes all of it
      terminationGracePeriodSeconds: 10,
      ...spec,
      containers: [
        {
          name,
          imagePullPolicy: 'IfNotPresent',
          resources: { requests: { cpu: '20m' } },
          ...(mounted ? { volumeMounts: [{ name: 'files', mountPath: SECRET_DIR, readOnly: true }] } : {}),
          ...container,
        },
      ],
      ...(mounted ? { volumes: [{ name: 'files', secret: { secretName: name, defaultMode: 0o400 } }] } : {}),
    },
  };
}

const HOST = { hostNetwork: true, priorityClassName: 'system-node-critical' };

export function apiServerCommand(): readonly string[] {
  return ['/kube-apiserver', ...apiArguments(IN_POD)];
}

function templateOf(name: Component): unknown {
  switch (name) {
    case 'kube-apiserver': {
      const probe = (path: string, more: Record<string, number>) => ({ httpGet: { path, port: 'https', scheme: 'HTTPS' }, ...more });
      return template(
        name,
        {
          image: KUBERNETES_IMAGE,
          command: apiServerCommand(),
          ports: [{ name: 'https', containerPort: ADDRESSES.apiPort }],
          startupProbe: probe('/livez', { periodSeconds: 1, failureThreshold: 60, timeoutSeconds: 5 }),
          readinessProbe: probe('/readyz', { periodSeconds: 1, timeoutSeconds: 5 }),
          livenessProbe: probe('/livez', { periodSeconds: 10, failureThreshold: 8, timeoutSeconds: 15 }),
        },
        { ...HOST, automountServiceAccountToken: false },
      );
    }
    case 'kube-controller-manager':
      return template(name, { image: KUBERNETES_IMAGE, command: [`/${name}`, ...controllerManagerArguments(IN_POD, false)] }, HOST);
    case 'kube-scheduler':
      return template(name, { image: KUBERNETES_IMAGE, command: [`/${name}`, ...schedulerArguments(IN_POD, false)] }, HOST);
    case 'passenger': {
      const args = ['serve', '--listen', `:${PASSENGER_PORT}`];
      return template(name, { image: TESTSERVER_IMAGE, args, readinessProbe: { httpGet: { path: '/healthz', port: PASSENGER_PORT } } }, {});
    }
  }
}

export function kindOf(name: Component): 'DaemonSet' | 'Deployment' {
  return name === API ? 'DaemonSet' : 'Deployment';
}

function controller(name: Component): unknown {
  const daemonSet = kindOf(name) === 'DaemonSet';
  return {
    apiVersion: 'apps/v1',
    kind: kindOf(name),
    metadata: { name, namespace: NAMESPACE },
    spec: {
      selector: { matchLabels: { app: name } },
      template: templateOf(name),
      // on one node a controller manager that first ended its own pod would never make the next
      ...(daemonSet
        ? { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } } }
        : { replicas: 1, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } }),
    },
  };
}

export async function applyControlPlane(node: Node): Promise<void> {
  const secrets = COMPONENTS.filter((name) => SECRETS[name] !== undefined).map((name) => secret(node, name));
  const items = [...secrets, ...COMPONENTS.map(controller)];
  await node.kubectl(['apply', '--filename=-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
}

/** Puts one component's Secret back as it was. */
export async function applySecret(node: Node, name: Component): Promise<void> {
  await node.kubectl(['apply', '--filename=-'], JSON.stringify(secret(node, name)));
}
