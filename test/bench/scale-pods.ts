/**
 * The pods of the measurements of size: as large as pods that an API server gives back are, managed fields included, a quarter of
 * DaemonSets, with a Secret, a ConfigMap and a token each. Data only.
 */
import type { Json } from '../../src/core/model/model.ts';
import type { Holdings } from '../../src/demo/parents.ts';

export const NODE = 'bench-node';
export const NAMESPACE = 'kube-system';
/** Pods of one node share images. */
const IMAGE_COUNT = 100;
const imageOf = (index: number): string => `registry.example/team/app-${index % IMAGE_COUNT}:1.${index % IMAGE_COUNT}.0`;
export const IMAGES = Array.from({ length: IMAGE_COUNT }, (_, index) => ({ reference: imageOf(index) }));

/** Three orders, so that an activation has to be in order: the first tenth before all, the last after all. */
export function orderOf(index: number): number {
  return [-10, 0, 0, 0, 0, 0, 0, 0, 0, 10][index % 10] ?? 0;
}

export function nameOf(index: number): string {
  return `app-${String(index).padStart(3, '0')}-7d9f8c6b5-x2k9q`;
}

export const KUBELET_DATA: Holdings = {
  data: (kind, name) =>
    kind === 'secret' ? { password: `secret of ${name}`.repeat(8) } : { 'app.conf': `workers = 4 # ${name}\n`.repeat(40) },
  token: () => token(Math.floor(Date.now() / 1000) + 86_400),
};

function token(exp: number): string {
  const part = (value: Json): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const subject = {
    aud: ['https://kubernetes.default.svc'],
    iss: 'https://kubernetes.default.svc',
    sub: `system:serviceaccount:${NAMESPACE}:app`,
  };
  return `${part({ alg: 'RS256' })}.${part({ exp, ...subject })}.${'s'.repeat(342)}`;
}

export function scalePod(index: number): Json {
  const pod = bare(index);
  const managers = ['kube-controller-manager', 'kubelet'].map((manager) => ({
    manager,
    operation: 'Update',
    apiVersion: 'v1',
    time: '2026-11-30T00:00:00Z',
    fieldsType: 'FieldsV1',
    fieldsV1: manager === 'kubelet' ? managed(KUBELETS_STATUS) : managed({ metadata: pod['metadata'], spec: pod['spec'] }),
    ...(manager === 'kubelet' ? { subresource: 'status' } : {}),
  }));
  return { ...pod, metadata: { ...(pod['metadata'] as Json), managedFields: managers } };
}

const KUBELETS_STATUS: Json = {
  status: {
    conditions: ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map((type) => ({
      type,
      lastProbeTime: '',
      lastTransitionTime: '',
      status: '',
    })),
    ...{ containerStatuses: '', hostIP: '', phase: '', podIP: '', podIPs: [{ ip: '10.244.1.7' }], startTime: '' },
  },
};

/** Who owns what, in the API server's own form: a key for every field, and for every element of a list. */
function managed(value: unknown): Json {
  if (Array.isArray(value)) {
    return Object.fromEntries(value.map((item: Json) => [`k:${JSON.stringify(keyOf(item))}`, { '.': {}, ...managed(item) }]));
  }
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [`f:${key}`, managed(inner)]));
}

function keyOf(item: Json): Json {
  const key = ['name', 'mountPath', 'uid', 'type', 'containerPort', 'key', 'ip'].find((each) => Object.hasOwn(item, each)) ?? '';
  return { [key]: item[key] };
}

function bare(index: number): Json {
  const app = `app-${index}`;
  const owner =
    index % 4 === 0
      ? { kind: 'DaemonSet', name: app, uid: `ds-${index}` }
      : { kind: 'ReplicaSet', name: `${app}-7d9f8c6b5`, uid: `rs-${index}` };
  const access = `kube-api-access-${String(index).padStart(5, 'x')}`;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      namespace: NAMESPACE,
      name: nameOf(index),
      labels: { 'app.kubernetes.io/name': app, 'app.kubernetes.io/part-of': 'shop', tier: 'backend', 'pod-template-hash': '7d9f8c6b5' },
      annotations: { 'checkpointer/enabled': 'true', 'checkpointer/order': String(orderOf(index)), 'prometheus.io/scrape': 'true' },
      ownerReferences: [{ apiVersion: 'apps/v1', ...owner, controller: true, blockOwnerDeletion: true }],
    },
    spec: {
      nodeName: NODE,
      serviceAccountName: 'app',
      serviceAccount: 'app',
      restartPolicy: 'Always',
      dnsPolicy: 'ClusterFirst',
      schedulerName: 'default-scheduler',
      terminationGracePeriodSeconds: 30,
      securityContext: { runAsNonRoot: true, runAsUser: 65_532, fsGroup: 65_532 },
      tolerations: [
        { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
        { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
      ],
      containers: [container('app', imageOf(index), access), container('exporter', imageOf(index + 1), access)],
      volumes: [
        { name: 'password', secret: { secretName: app, defaultMode: 0o440 } },
        { name: 'config', configMap: { name: app, defaultMode: 0o644 } },
        { name: 'scratch', emptyDir: {} },
        tokenVolume(access),
      ],
    },
  };
}

function container(name: string, image: string, access: string): Json {
  return {
    name,
    image,
    imagePullPolicy: 'IfNotPresent',
    args: ['--config=/etc/app/app.conf', '--listen=:8080', '--log-level=info', '--shutdown-timeout=25s'],
    env: Array.from({ length: 8 }, (_, index) => ({ name: `SETTING_${index}`, value: `value ${index} of a setting of ${name}` })),
    ports: [{ name: name.slice(0, 15), containerPort: name === 'app' ? 8080 : 9090, protocol: 'TCP' }],
    resources: { requests: { cpu: '10m', memory: '32Mi' }, limits: { memory: '64Mi' } },
    livenessProbe: {
      httpGet: { path: '/healthz', port: 8080, scheme: 'HTTP' },
      periodSeconds: 10,
      timeoutSeconds: 1,
      failureThreshold: 3,
      successThreshold: 1,
    },
    readinessProbe: {
      httpGet: { path: '/readyz', port: 8080, scheme: 'HTTP' },
      periodSeconds: 10,
      timeoutSeconds: 1,
      failureThreshold: 3,
      successThreshold: 1,
    },
    securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    volumeMounts: [
      { name: 'password', mountPath: '/etc/app/secret', readOnly: true },
      { name: 'config', mountPath: '/etc/app', readOnly: true },
      { name: 'scratch', mountPath: '/tmp' },
      { name: access, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true },
    ],
  };
}

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
