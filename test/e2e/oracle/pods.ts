/**
 * Random parents: pods over all fields that an API server would store, and now and then something that must be refused.
 * What only an API server's own machinery adds to a stored pod is added by `bind`.
 */
import { type ContainerKind, profile, randomContainer, seLinux } from './containers.ts';
import type { Random } from './random.ts';
import { type Fields, OBJECT_NAMES, REFUSED_VOLUMES, randomVolume } from './volumes.ts';

const NAMESPACES = ['kube-system', 'default', 'n'.repeat(63)] as const;
const SHAPES: readonly ((index: number) => string)[] = [
  (index) => `app-${index}`,
  (index) => `kube-apiserver.${index}.example.com`,
  (index) => `shop-${'x'.repeat(55)}-${index}`,
  (index) => `long-${'y.y'.repeat(80).slice(0, 200 + (index % 36))}y-${index}`,
  (index) => `web-${index}-`.padEnd(62, 'z').concat('.z'),
];
const ANNOTATIONS: Readonly<Record<string, string>> = {
  team: 'shop',
  'k8s.v1.cni.cncf.io/networks': 'storage-net',
  'cni.projectcalico.org/podIP': '10.0.3.7/32',
  'kubectl.kubernetes.io/last-applied-configuration': '{}',
  'seccomp.security.alpha.kubernetes.io/pod': 'runtime/default',
  'controller.kubernetes.io/pod-deletion-cost': '5',
  'container.apparmor.security.beta.kubernetes.io/main': 'runtime/default',
};
const MAX_ANNOTATIONS = 256 * 1024;
const LABELS: Readonly<Record<string, string>> = { app: 'shop', 'pod-template-hash': 'abc', tier: '', 'batch.kubernetes.io/x': 'y' };

function metadata(r: Random, index: number): Fields {
  const pickMap = (map: Readonly<Record<string, string>>, probability: number): Fields =>
    Object.fromEntries(r.some(Object.entries(map), probability));
  return {
    name: (r.chance(0.7) ? SHAPES[0] : r.pick(SHAPES))?.(index),
    namespace: r.chance(0.8) ? NAMESPACES[0] : r.pick(NAMESPACES),
    uid: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
    labels: pickMap(LABELS, 0.5),
    annotations: {
      'checkpointer/enabled': 'true',
      // as much as the API server takes, or a little less
      ...(r.chance(0.002) ? { big: 'x'.repeat(MAX_ANNOTATIONS - 100 - r.int(2000)) } : {}),
      ...pickMap(ANNOTATIONS, 0.12),
      ...(r.chance(0.85) ? { 'checkpointer/secret-env': r.pick(['inline', 'inline', 'inline', 'env-file', 'env-file']) } : {}),
      ...(r.chance(0.3) ? { 'checkpointer/allow-duplicate': 'true' } : {}),
    },
    ...r.fields({
      generateName: [0.2, () => 'app-'],
      finalizers: [0.05, () => ['example.com/keep']],
      ownerReferences: [0.4, () => [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'app', uid: 'u', controller: true }]],
    }),
  };
}

function podSecurity(r: Random): Fields {
  return r.fields({
    seLinuxOptions: [0.2, () => seLinux(r)],
    runAsUser: [0.3, () => r.pick([0, 1000])],
    runAsGroup: [0.2, () => r.pick([0, 1000])],
    runAsNonRoot: [0.2, () => r.chance(0.5)],
    supplementalGroups: [0.2, () => [1, 2000]],
    supplementalGroupsPolicy: [0.2, () => r.pick(['Merge', 'Strict'])],
    fsGroup: [0.3, () => 2000],
    fsGroupChangePolicy: [0.2, () => r.pick(['OnRootMismatch', 'Always'])],
    sysctls: [0.15, () => [{ name: r.pick(['kernel.shm_rmid_forced', 'net.ipv4.tcp_syncookies', 'kernel/msgmax']), value: '1' }]],
    seccompProfile: [0.3, () => profile(r)],
    appArmorProfile: [0.2, () => profile(r)],
    seLinuxChangePolicy: [0.1, () => r.pick(['MountOption', 'Recursive'])],
  });
}

function dnsConfig(r: Random): Fields {
  return r.fields({
    nameservers: [0.9, () => [r.chance(0.8) ? '192.0.2.53' : '192.0.02.53', '2001:db8::53']],
    searches: [
      0.6,
      () => r.some(['svc.example.com', 'example.com.', r.chance(0.2) ? '.' : 'a.b', r.chance(0.2) ? '_tcp.example.com' : 'c'], 0.5),
    ],
    options: [0.5, () => [{ name: 'ndots', value: '2' }, { name: 'edns0' }]],
  });
}

/** Pod level; volumes and containers apart. */
function podFields(r: Random, hostNetwork: boolean, hostUsers: boolean | undefined): Fields {
  const shared = hostUsers === false ? 0 : 0.15;
  const override = r.chance(0.05) && !hostNetwork;
  return {
    ...(hostNetwork ? { hostNetwork } : {}),
    ...(hostUsers === undefined ? {} : { hostUsers }),
    ...(override ? { hostnameOverride: 'other.example.com' } : {}),
    ...r.fields({
      hostPID: [shared, () => true],
      hostIPC: [shared, () => true],
      shareProcessNamespace: [0.1, () => r.chance(0.5)],
      securityContext: [0.6, () => podSecurity(r)],
      terminationGracePeriodSeconds: [0.4, () => r.pick([-1, 0, 1, 30, 3600])],
      dnsPolicy: [0.4, () => r.pick(['ClusterFirst', 'ClusterFirstWithHostNet', 'Default'])],
      dnsConfig: [0.25, () => dnsConfig(r)],
      nodeSelector: [0.2, () => ({ disk: 'ssd' })],
      affinity: [
        0.15,
        () => ({
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'Exists' }] }],
            },
          },
        }),
      ],
      topologySpreadConstraints: [0.15, () => [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'ScheduleAnyway' }]],
      tolerations: [0.3, () => [{ operator: 'Exists' }]],
      schedulerName: [0.1, () => 'mine'],
      serviceAccountName: [0.6, () => 'shop'],
      automountServiceAccountToken: [0.2, () => r.chance(0.5)],
      imagePullSecrets: [0.2, () => [{ name: 'registry-login' }]],
      hostname: [override ? 0 : 0.2, () => r.pick(['web', 'h'.repeat(63)])],
      subdomain: [0.15, () => 'sub'],
      setHostnameAsFQDN: [override ? 0 : 0.1, () => r.chance(0.5)],
      hostAliases: [
        0.15,
        () => [{ ip: r.chance(0.8) ? '192.0.2.1' : r.pick(['010.0.2.1', '::ffff:1.2.3.4']), hostnames: ['a.example', 'b'] }],
      ],
      priorityClassName: [0.3, () => 'business'],
      priority: [0.4, () => 1000],
      preemptionPolicy: [0.2, () => r.pick(['Never', 'PreemptLowerPriority'])],
      readinessGates: [0.1, () => [{ conditionType: 'example.com/lb' }]],
      overhead: [0.05, () => ({ cpu: '1m' })],
      enableServiceLinks: [0.3, () => r.chance(0.5)],
      resources: [0.06, () => ({ requests: { cpu: '2', memory: '2Gi' }, limits: { cpu: '60', memory: '60Gi' } })],
      os: [0.1, () => ({ name: 'linux' })],
      restartPolicy: [0.5, () => 'Always'],
      schedulingGroup: [0.04, () => ({ podGroupName: 'group' })],
    }),
  };
}

/** What admission gives every pod with a service account. */
function tokenVolume(): Fields {
  const ca = { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } };
  const namespace = { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } };
  const token = { serviceAccountToken: { path: 'token', expirationSeconds: 3607 } };
  return { name: 'kube-api-access-x', projected: { defaultMode: 420, sources: [token, ca, namespace] } };
}

/** A pod as someone would create it; `index` makes its name its own. */
export function randomPod(r: Random, index: number): Fields {
  const hostNetwork = r.chance(0.35);
  const hostUsers = r.chance(hostNetwork ? 0.05 : 0.15) ? r.chance(0.5) : undefined;
  const kinds: readonly ContainerKind[] = [
    ...r.some<ContainerKind>(['init', 'sidecar', 'init'], 0.25),
    'main',
    ...r.some<ContainerKind>(['main'], 0.3),
  ];
  const named = kinds.map((kind, place) => ({ kind, name: kind === 'main' && kinds.indexOf('main') === place ? 'main' : `c-${place}` }));
  const names = named.map(({ name }) => name);
  const spec = podFields(r, hostNetwork, hostUsers);
  const volumes = [
    ...r.list(0, 4, (place) => randomVolume(r, `v-${place}`, names)),
    ...(spec['serviceAccountName'] === undefined ? [] : [tokenVolume()]),
  ];
  const near = { hostNetwork, hostUsers, os: spec['os'] !== undefined, volumes, containers: names };
  const make = (plain: boolean): readonly Fields[] =>
    named.filter(({ kind }) => (kind === 'main') === plain).map(({ kind, name }) => randomContainer(r, name, kind, near));
  const init = make(false);
  const pod: Fields = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: metadata(r, index),
    spec: {
      ...spec,
      ...(volumes.length > 0 ? { volumes } : {}),
      ...(init.length > 0 ? { initContainers: init } : {}),
      containers: make(true),
    },
  };
  if (r.chance(0.2)) POISONS[r.pick(Object.keys(POISONS))]?.(pod['spec'] as Spec, r);
  return pod;
}

type Spec = Fields & { volumes?: Fields[]; containers: Fields[] };
const first = (spec: Spec): Fields => spec.containers[0] ?? {};
const addVolume = (spec: Spec, volume: Fields): void => {
  spec.volumes = [...(spec.volumes ?? []), { name: 'refused', ...volume }];
};

/** What an API server takes and we must not keep. */
const POISONS: Readonly<Record<string, (spec: Spec, r: Random) => void>> = {
  ...Object.fromEntries(
    Object.entries(REFUSED_VOLUMES).map(([kind, source]) => [kind, (spec: Spec) => addVolume(spec, { [kind]: source })]),
  ),
  podCertificate: (spec) =>
    addVolume(spec, {
      projected: { sources: [{ podCertificate: { signerName: 'example.com/s', keyType: 'ED25519', credentialBundlePath: 'b' } }] },
    }),
  volumeDevices: (spec) => {
    addVolume(spec, { persistentVolumeClaim: { claimName: 'block' } });
    first(spec)['volumeDevices'] = [{ name: 'refused', devicePath: '/dev/x' }];
  },
  activeDeadlineSeconds: (spec) => Object.assign(spec, { activeDeadlineSeconds: 60 }),
  runtimeClassName: (spec) => Object.assign(spec, { runtimeClassName: 'gvisor' }),
  restartPolicy: (spec, r) => Object.assign(spec, { restartPolicy: r.pick(['Never', 'OnFailure']) }),
  windows: (spec) => Object.assign(spec, { os: { name: 'windows' }, securityContext: {} }),
  podWindowsOptions: (spec) => Object.assign(spec, { securityContext: { windowsOptions: { runAsUserName: 'x' } } }),
  windowsOptions: (spec) => Object.assign(first(spec), { securityContext: { windowsOptions: { runAsUserName: 'x' } } }),
  resourceClaims: (spec) => {
    Object.assign(spec, { resourceClaims: [{ name: 'gpu', resourceClaimName: 'gpu' }] });
    first(spec)['resources'] = { claims: [{ name: 'gpu' }] };
  },
  extended: (spec) => Object.assign(first(spec), { resources: { limits: { 'nvidia.com/gpu': '1' } } }),
  reserved: (spec) => Object.assign(first(spec), { args: ['@revision@/x'] }),
  namedPort: (spec) => Object.assign(first(spec), { readinessProbe: { tcpSocket: { port: 'nowhere' } } }),
  oddName: (spec, r) => Object.assign(first(spec), { env: [{ name: r.pick(['9', 'sp ace', '..x', 'a/b']), value: '' }] }),
};

/** What is there once a pod is bound and running, and what no create could have: kept from the API server's judgement. */
export function bind(stored: Fields, r: Random, node: string): Fields {
  const meta = stored['metadata'] as Fields;
  const spec = stored['spec'] as Spec;
  Object.assign(spec, {
    nodeName: node,
    ...(spec['serviceAccountName'] === undefined ? {} : { serviceAccount: spec['serviceAccountName'] }),
  });
  Object.assign(meta, { resourceVersion: '51000', managedFields: [{ manager: 'kubelet' }] });
  Object.assign(
    meta,
    r.fields({ selfLink: [0.02, () => '/api/v1/x'], clusterName: [0.02, () => 'c'], deletionGracePeriodSeconds: [0.02, () => 30] }),
  );
  Object.assign(
    spec,
    r.fields({
      ephemeralContainers: [0.05, () => [{ name: 'debug', image: 'busybox', envFrom: [{ secretRef: { name: OBJECT_NAMES[0] } }] }]],
      schedulingGates: [0.02, () => [{ name: 'example.com/gate' }]],
      workloadRef: [0.02, () => ({ name: 'w', podGroup: 'g' })],
      evictionResponders: [0.02, () => [{ name: 'example.com/r', priority: 1 }]],
    }),
  );
  if (r.chance(0.03)) r.pick(LATER)(spec, meta);
  return stored;
}

/** What today's API server would not store. */
const LATER: readonly ((spec: Spec, meta: Fields) => void)[] = [
  (spec) => Object.assign(spec, { tomorrow: { secret: 'x' } }),
  (spec) => Object.assign(first(spec), { tomorrow: true }),
  (spec) => addVolume(spec, { tomorrow: {} }),
  (spec) => Object.assign(spec, { resources: { claims: [{ name: 'gpu' }] } }),
  (spec) => Object.assign(first(spec), { env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'status.tomorrow' } } }] }),
  (spec) => Object.assign(first(spec), { image: '' }),
  (_, meta) => Object.assign(meta, { tomorrow: 1 }),
  (_, meta) => Object.assign(meta, { deletionTimestamp: '2026-01-01T00:00:00Z' }),
];
