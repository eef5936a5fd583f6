/** The two pods of the demo, what they are given, and how the stand-ins speak of them. Data and pure functions. */
import type { Json } from '../core/model/model.ts';
import type { ApiServer } from './api-server/api-server.ts';
import type { KubeletApi, PodReport } from './kubelet/kubelet-types.ts';

export const NODE = 'demo-node';
export const WEB = { namespace: 'kube-system', name: 'web-x7k2p' };
export const QUEUE = { namespace: 'kube-system', name: 'queue-5d9c7-9qrst' };
export const IMAGES = [{ reference: 'registry.example/web:1.4' }, { reference: 'registry.example/queue:2.0' }];
export const SECRET: Readonly<Record<string, string>> = { password: 'correct-horse' };
export const CONFIG_MAP: Readonly<Record<string, string>> = { 'web.conf': 'workers = 4\n' };

/** A DaemonSet pod on the host network, with all kinds of volumes, and a Deployment pod with an address of its own. */
export function parents(port: number): readonly Json[] {
  return [
    {
      ...pod(WEB, { kind: 'DaemonSet', name: 'web', uid: 'ds-web' }),
      spec: {
        nodeName: NODE,
        hostNetwork: true,
        serviceAccountName: 'web',
        terminationGracePeriodSeconds: 5,
        containers: [
          {
            name: 'web',
            image: 'registry.example/web:1.4',
            ports: [{ name: 'http', containerPort: port, hostPort: port, protocol: 'TCP' }],
            env: [{ name: 'MODE', valueFrom: { configMapKeyRef: { name: 'web', key: 'web.conf' } } }],
            volumeMounts: [
              { name: 'password', mountPath: '/etc/web/secret', readOnly: true },
              { name: 'config', mountPath: '/etc/web', readOnly: true },
              { name: 'kube-api-access-2b7xq', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true },
            ],
          },
        ],
        volumes: [
          { name: 'password', secret: { secretName: 'web', defaultMode: 0o400 } },
          { name: 'config', configMap: { name: 'web', defaultMode: 0o644 } },
          tokenVolume('kube-api-access-2b7xq'),
        ],
      },
    },
    {
      ...pod(QUEUE, { kind: 'ReplicaSet', name: 'queue-5d9c7', uid: 'rs-queue' }),
      spec: {
        nodeName: NODE,
        terminationGracePeriodSeconds: 1,
        containers: [{ name: 'queue', image: 'registry.example/queue:2.0', ports: [{ containerPort: 5672, protocol: 'TCP' }] }],
      },
    },
  ];
}

function pod(name: typeof WEB, owner: { kind: string; name: string; uid: string }): Json {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...name,
      labels: { app: owner.name },
      annotations: { 'checkpointer/enabled': 'true' },
      ownerReferences: [{ apiVersion: 'apps/v1', ...owner, controller: true }],
    },
  };
}

/** What admission adds to a pod with a service account (plugin/pkg/admission/serviceaccount). */
function tokenVolume(name: string): Json {
  return {
    name,
    projected: {
      defaultMode: 0o644,
      sources: [
        { serviceAccountToken: { path: 'token', expirationSeconds: 3607 } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } },
      ],
    },
  };
}

/** What the cluster holds for its pods. */
export interface Holdings {
  readonly data: (kind: 'secret' | 'configmap', name: string) => Readonly<Record<string, string>>;
  readonly token: () => string;
}

const DEMO_HOLDINGS: Holdings = {
  data: (kind) => (kind === 'secret' ? SECRET : CONFIG_MAP),
  token: () => token(Math.floor(Date.now() / 1000) + 3607),
};

/** The API server as the kubelet stand-in asks it: refused while it is stopped. */
export function kubeletApi(api: ApiServer, holdings: Holdings = DEMO_HOLDINGS): KubeletApi {
  const up = (): void => {
    if (!api.running) throw new Error('connection refused');
  };
  return {
    pods: async () => {
      up();
      return api.pods();
    },
    services: async () => up(),
    data: async (kind, _namespace, name) => {
      up();
      if (name === 'kube-root-ca.crt') return { 'ca.crt': api.ca };
      return holdings.data(kind, name);
    },
    token: async () => {
      up();
      return holdings.token();
    },
    serviceHost: '10.96.0.1',
    servicePort: '443',
  };
}

/** The shape of a service-account token; nobody checks its signature here. */
function token(exp: number): string {
  const part = (value: Json): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none' })}.${part({ exp, sub: 'system:serviceaccount:kube-system:web' })}.demo`;
}

/** The pod's status as the kubelet would report it. */
export function podStatus(report: PodReport): Json {
  return {
    phase: report.phase,
    conditions: [{ type: 'Ready', status: report.ready ? 'True' : 'False' }],
    containerStatuses: report.containers.map(({ name, id, running, restarts }) => ({
      name,
      ready: running && report.ready,
      restartCount: restarts,
      image: '',
      imageID: '',
      ...(id === '' ? {} : { containerID: `demo://${id}` }),
    })),
  };
}
