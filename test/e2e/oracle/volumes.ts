/** Random volumes: every kind the API has, and the sources that become stored files. */
import type { Random } from './random.ts';

export type Fields = Record<string, unknown>;

/** Files that stored volumes hold; sub paths name them. */
export const STORED_FILES = ['ca.crt', 'token', 'config/app.yaml', 'config/more.yaml'] as const;
/** Keys of every ConfigMap and Secret there is, with what they hold; the last two are odd names for variables. */
export const OBJECT_KEYS: Readonly<Record<string, string>> = {
  level: 'debug',
  password: 'pa$$w0rd$(X)$',
  'with.dot': 'a b\n"c"',
  'with-dash_9': '',
  '9digit': 'nine',
  '..dots': 'dots',
};
export const PLAIN_KEYS = Object.keys(OBJECT_KEYS).slice(0, 4);
export const OBJECT_NAMES = ['shop-config', 'shop.extra'] as const;

const FIELD_PATHS = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'metadata.labels',
  'metadata.annotations',
  "metadata.labels['app']",
  "metadata.labels['pod-template-hash']",
  "metadata.annotations['team']",
  "metadata.annotations['checkpointer/enabled']",
] as const;
const RESOURCES = [
  'limits.cpu',
  'limits.memory',
  'requests.cpu',
  'requests.memory',
  'limits.ephemeral-storage',
  'requests.ephemeral-storage',
];

export function resourceFieldRef(r: Random, containers: readonly string[], always: boolean): Fields {
  const resource = r.pick(RESOURCES);
  return {
    resource,
    ...r.fields({
      containerName: [always ? 1 : 0.3, () => r.pick(containers)],
      divisor: [0.4, () => (resource.endsWith('cpu') ? r.pick(['1', '1m']) : r.pick(['1', '1Ki', '1Mi']))],
    }),
  };
}

function downwardItems(r: Random, containers: readonly string[]): readonly Fields[] {
  return r.list(0, 3, (index) => ({
    path: `d/${index}`,
    ...(r.chance(0.7)
      ? { fieldRef: { fieldPath: r.pick(FIELD_PATHS), ...r.fields({ apiVersion: [0.3, () => 'v1'] }) } }
      : { resourceFieldRef: resourceFieldRef(r, containers, true) }),
    ...r.fields({ mode: [0.2, () => 0o440], user: [0.05, () => 1000] }),
  }));
}

const keyItems = (r: Random): readonly Fields[] =>
  r
    .some(PLAIN_KEYS, 0.4)
    .map((key) => ({ key, path: `items/${key}`, ...r.fields({ mode: [0.3, () => 0o400], user: [0.03, () => 1000] }) }));

function bundle(r: Random): Fields {
  if (r.chance(0.5)) return { name: 'bundle' };
  const matchExpressions = [{ key: 'tier', operator: 'In', values: ['a'] }];
  return {
    signerName: 'example.com/signer',
    labelSelector: r.fields({ matchLabels: [0.5, () => ({ a: 'b' })], matchExpressions: [0.5, () => matchExpressions] }),
  };
}

function projectedSource(r: Random, containers: readonly string[]): Fields {
  const named = (): Fields => ({
    name: r.pick(OBJECT_NAMES),
    ...r.fields({ items: [0.4, () => keyItems(r)], optional: [0.3, () => r.chance(0.5)] }),
  });
  const kind = r.pick(['secret', 'configMap', 'downwardAPI', 'downwardAPI', 'serviceAccountToken', 'clusterTrustBundle']);
  switch (kind) {
    case 'secret':
    case 'configMap':
      return { [kind]: named() };
    case 'downwardAPI':
      return { downwardAPI: { items: downwardItems(r, containers) } };
    case 'serviceAccountToken':
      return {
        serviceAccountToken: {
          path: 'token',
          ...r.fields({ expirationSeconds: [0.7, () => 3607], audience: [0.3, () => 'vault'], user: [0.05, () => 1000] }),
        },
      };
    default:
      return {
        clusterTrustBundle: { ...bundle(r), path: 'bundle.pem', ...r.fields({ optional: [0.3, () => true], user: [0.05, () => 1000] }) },
      };
  }
}

const MODES = [0o644, 0o400, 0o777, 0] as const;
const filed = (r: Random): Fields => r.fields({ defaultMode: [0.4, () => r.pick(MODES)], defaultUser: [0.05, () => 1000] });

/** Kinds a copy can have, or that become files. */
const KINDS: Readonly<Record<string, (r: Random, containers: readonly string[]) => Fields>> = {
  hostPath: (r) => ({
    hostPath: {
      path: r.pick(['/', '/etc/kubernetes', '/var/log', '/run/x.sock']),
      ...r.fields({
        type: [0.6, () => r.pick(['', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket', 'CharDevice', 'BlockDevice'])],
      }),
    },
  }),
  emptyDir: (r) => ({
    emptyDir: r.fields({
      medium: [0.4, () => r.pick(['', 'Memory', 'HugePages', 'HugePages-2Mi'])],
      sizeLimit: [0.4, () => r.pick(['1Mi', '0', '1500m', '1e3'])],
      mode: [0.1, () => 0o1777],
    }),
  }),
  nfs: (r) => ({ nfs: { server: 'nfs.example', path: '/export', ...r.fields({ readOnly: [0.4, () => r.chance(0.5)] }) } }),
  image: (r) => ({
    image: {
      reference: r.chance(0.03) ? '' : 'registry.example/data:1',
      ...r.fields({ pullPolicy: [0.5, () => r.pick(['Always', 'Never', 'IfNotPresent'])] }),
    },
  }),
  secret: (r) => ({
    secret: {
      secretName: r.pick(OBJECT_NAMES),
      ...filed(r),
      ...r.fields({ items: [0.4, () => keyItems(r)], optional: [0.3, () => r.chance(0.5)] }),
    },
  }),
  configMap: (r) => ({
    configMap: {
      name: r.pick(OBJECT_NAMES),
      ...filed(r),
      ...r.fields({ items: [0.4, () => keyItems(r)], optional: [0.3, () => r.chance(0.5)] }),
    },
  }),
  downwardAPI: (r, containers) => ({ downwardAPI: { items: downwardItems(r, containers), ...filed(r) } }),
  projected: (r, containers) => ({ projected: { sources: r.list(0, 3, () => projectedSource(r, containers)), ...filed(r) } }),
  none: () => ({}),
};

/** Kinds that refuse the pod. */
export const REFUSED_VOLUMES: Readonly<Record<string, Fields>> = {
  persistentVolumeClaim: { claimName: 'data' },
  ephemeral: {
    volumeClaimTemplate: { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } },
  },
  csi: { driver: 'csi.example.com' },
  azureFile: { secretName: 's', shareName: 'share' },
  glusterfs: { endpoints: 'gluster', path: 'vol' },
  gitRepo: { repository: 'https://git.example/x.git' },
  iscsi: { targetPortal: '192.0.2.1:3260', iqn: 'iqn.2001-04.com.example:storage', lun: 0 },
  fc: { targetWWNs: ['500a0982991b8dc5'], lun: 2 },
  rbd: { monitors: ['192.0.2.1:6789'], image: 'foo' },
  cephfs: { monitors: ['192.0.2.1:6789'] },
  flexVolume: { driver: 'kubernetes.io/lvm' },
  gcePersistentDisk: { pdName: 'disk' },
  awsElasticBlockStore: { volumeID: 'vol-1' },
  azureDisk: { diskName: 'd', diskURI: 'https://blob.core.windows.net/d.vhd' },
  cinder: { volumeID: 'v' },
  vsphereVolume: { volumePath: '[ds] v' },
  portworxVolume: { volumeID: 'v' },
  photonPersistentDisk: { pdID: 'p' },
  quobyte: { registry: 'quobyte.example:7861', volume: 'v' },
  scaleIO: { gateway: 'https://gw', system: 's', secretRef: { name: 's' }, volumeName: 'v' },
  storageos: { volumeName: 'v' },
  flocker: { datasetName: 'd' },
};

export function randomVolume(r: Random, name: string, containers: readonly string[]): Fields {
  return { name, ...KINDS[r.pick(Object.keys(KINDS))]?.(r, containers) };
}
