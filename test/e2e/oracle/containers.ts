/** Random containers: every field, mostly with values that the API server takes. */
import type { Random } from './random.ts';
import { type Fields, OBJECT_NAMES, PLAIN_KEYS, resourceFieldRef, STORED_FILES } from './volumes.ts';

export interface Surroundings {
  readonly hostNetwork: boolean;
  readonly hostUsers: boolean | undefined;
  /** The pod says that it is for Linux. */
  readonly os: boolean;
  readonly volumes: readonly Fields[];
  /** Names of all containers of the pod. */
  readonly containers: readonly string[];
}
export type ContainerKind = 'init' | 'sidecar' | 'main';

const FIELD_PATHS = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  "metadata.labels['app']",
  "metadata.labels['pod-template-hash']",
  "metadata.annotations['team']",
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
] as const;
const CAPABILITIES = ['ALL', 'CAP_SYS_ADMIN', 'NET_ADMIN', 'NET_BIND_SERVICE', 'SYS_ADMIN', 'CHOWN'];
const VALUES = [
  '',
  'plain',
  '$(LEVEL)',
  '$$(LEVEL) $(NOWHERE) $',
  'a $(POD_NAME)\n"x"',
  '\u2028 \u00e9 \ud83d\ude00',
  '$(KUBERNETES_SERVICE_HOST)',
];
const ENV_NAMES = ['LEVEL', 'POD_NAME', 'A', 'B_2', 'with.dot', '-dash', 'KUBERNETES_SERVICE_HOST', 'PATH'];
/** Where `DIR` is set, most name stored files. */
const PATHS = ['$(DIR)', './$(DIR)', '$(DIR)/app.yaml', 'ca.crt', '$(LEVEL)/x', '$(KUBERNETES_SERVICE_PORT)'];
const DIRECTORY = { name: 'DIR', value: 'config' };
const ODD_NAMES = ['9digit', 'sp ace', '..dots', '(x)', 'a/b'];

function envSource(r: Random, near: Surroundings): Fields {
  const key = (): Fields => ({
    name: r.pick(OBJECT_NAMES),
    key: r.pick(PLAIN_KEYS),
    ...r.fields({ optional: [0.3, () => r.chance(0.5)] }),
  });
  const dirs = near.volumes.filter((volume) => volume['emptyDir'] !== undefined).map((volume) => volume['name']);
  const kind = r.int(10);
  if (kind < 3) return { fieldRef: { fieldPath: r.pick(FIELD_PATHS), ...r.fields({ apiVersion: [0.3, () => 'v1'] }) } };
  if (kind < 5) return { resourceFieldRef: resourceFieldRef(r, near.containers, false) };
  if (kind < 7) return { configMapKeyRef: key() };
  if (kind < 9 || dirs.length === 0) return { secretKeyRef: key() };
  return { fileKeyRef: { volumeName: r.pick(dirs), path: 'env', key: 'K', ...r.fields({ optional: [0.5, () => r.chance(0.5)] }) } };
}

function env(r: Random, near: Surroundings): readonly Fields[] {
  return r.list(1, 5, () => ({
    name: r.chance(0.02) ? r.pick(ODD_NAMES) : r.pick(ENV_NAMES),
    ...(r.chance(0.5) ? { value: r.pick(VALUES) } : r.chance(0.9) ? { valueFrom: envSource(r, near) } : {}),
  }));
}

function envFrom(r: Random): Fields {
  const from = { name: OBJECT_NAMES[r.chance(0.15) ? 1 : 0], ...r.fields({ optional: [0.3, () => r.chance(0.5)] }) };
  return {
    ...(r.chance(0.6) ? { configMapRef: from } : { secretRef: from }),
    ...r.fields({ prefix: [0.6, () => r.pick(['CFG_', 'x.', '-'])] }),
  };
}

/** Ports are few, so that names and numbers collide. */
function port(r: Random, near: Surroundings, index: number): Fields {
  const number = 8000 + r.int(50);
  const hostPort = near.hostNetwork ? [0.6, () => number] : [0.15, () => 9000 + r.int(100)];
  return {
    containerPort: number,
    ...r.fields({
      name: [0.6, () => `p${index}`],
      hostPort: hostPort as [number, () => number],
      protocol: [0.5, () => r.pick(['TCP', 'UDP', 'SCTP'])],
      hostIP: [0.15, () => r.pick(['127.0.0.1', '::1', '0.0.0.0', '127.0.0.01', '::ffff:127.0.0.1'])],
    }),
  };
}

function action(r: Random, ports: readonly Fields[], probe: boolean): Fields {
  const named = ports.map((item) => item['name']).filter((name) => name !== undefined);
  const target = (): unknown => (r.chance(0.5) && named.length > 0 ? r.pick(named) : 8080);
  const kinds: readonly (() => Fields)[] = [
    () => ({ exec: { command: r.list(1, 2, () => 'true') } }),
    () => ({
      httpGet: {
        port: target(),
        ...r.fields({
          path: [0.7, () => '/healthz?x=$y'],
          host: [0.3, () => '127.0.0.1'],
          scheme: [0.4, () => r.pick(['HTTP', 'HTTPS'])],
          httpHeaders: [0.3, () => [{ name: 'X-A', value: 'b' }]],
          protocol: [probe ? 0.1 : 0, () => r.pick(['HTTP1', 'HTTP2'])],
        }),
      },
    }),
    () => ({ tcpSocket: { port: target(), ...r.fields({ host: [0.3, () => '127.0.0.1'] }) } }),
    () =>
      probe
        ? { grpc: { port: 8080, ...r.fields({ service: [0.5, () => 'liveness'], mode: [0.2, () => r.pick(['Plaintext', 'TLS'])] }) } }
        : { sleep: { seconds: r.pick([0, 1, 5]) } },
  ];
  return r.pick(kinds)();
}

function probe(r: Random, ports: readonly Fields[], kind: 'liveness' | 'readiness' | 'startup'): Fields {
  return {
    ...action(r, ports, true),
    ...r.fields({
      initialDelaySeconds: [0.3, () => r.int(10)],
      timeoutSeconds: [0.3, () => 1 + r.int(5)],
      periodSeconds: [0.3, () => 1 + r.int(20)],
      failureThreshold: [0.3, () => 1 + r.int(5)],
      successThreshold: [0.3, () => (kind === 'readiness' ? 1 + r.int(3) : 1)],
      terminationGracePeriodSeconds: [kind === 'readiness' ? 0 : 0.3, () => 1 + r.int(30)],
    }),
  };
}

export const profile = (r: Random): Fields => {
  const type = r.pick(['RuntimeDefault', 'Unconfined', 'Localhost']);
  return type === 'Localhost' ? { type, localhostProfile: 'profiles/app' } : { type };
};
export const seLinux = (r: Random): Fields =>
  r.fields({ user: [0.5, () => 'u'], role: [0.5, () => 'r'], type: [0.5, () => 'spc_t'], level: [0.5, () => 's0:c1,c2'] });

function securityContext(r: Random, near: Surroundings): Fields {
  const privileged = r.chance(0.15);
  const admin = r.chance(0.2);
  return {
    ...(privileged ? { privileged } : r.fields({ privileged: [0.2, () => false] })),
    ...r.fields({
      capabilities: [
        0.4,
        () =>
          r.fields({
            add: [0.6, () => r.some(admin ? CAPABILITIES : CAPABILITIES.filter((name) => !name.endsWith('SYS_ADMIN')), 0.4)],
            drop: [0.6, () => r.some(CAPABILITIES, 0.3)],
          }),
      ],
      seLinuxOptions: [0.2, () => seLinux(r)],
      runAsUser: [0.3, () => r.pick([0, 1000, 65534])],
      runAsGroup: [0.3, () => r.pick([0, 1000])],
      runAsNonRoot: [0.3, () => r.chance(0.5)],
      readOnlyRootFilesystem: [0.3, () => r.chance(0.5)],
      allowPrivilegeEscalation: [privileged || admin ? 0.05 : 0.3, () => r.chance(0.5)],
      procMount: [0.15, () => (near.hostUsers === false ? 'Unmasked' : 'Default')],
      seccompProfile: [0.3, () => profile(r)],
      appArmorProfile: [0.2, () => profile(r)],
    }),
  };
}

function mount(r: Random, volume: Fields, index: number): Fields {
  const readOnly = r.chance(0.4);
  const recursive = readOnly && r.chance(0.3);
  return {
    name: volume['name'],
    mountPath: `/mnt/${index}`,
    ...r.fields({
      readOnly: [recursive ? 1 : 0.6, () => readOnly],
      recursiveReadOnly: [recursive ? 1 : 0, () => r.pick(['Disabled', 'IfPossible', 'Enabled'])],
      mountPropagation: [0.2, () => (recursive ? 'None' : r.pick(['None', 'HostToContainer']))],
      bindMountOptions: [volume['image'] === undefined ? 0.05 : 0, () => ['noexec']],
      ...(r.chance(0.85)
        ? { subPath: [0.3, () => (r.chance(0.03) ? 'nowhere' : r.pick([...STORED_FILES, 'config']))] }
        : { subPathExpr: [0.7, () => r.pick(PATHS)] }),
    }),
  };
}

const amounts = (r: Random, most: number): Fields =>
  r.fields({
    cpu: [0.5, () => `${1 + r.int(most)}m`],
    memory: [0.5, () => `${1 + r.int(most)}Mi`],
    'ephemeral-storage': [0.3, () => `${1 + r.int(most)}Ki`],
  });

/** Requests never above limits; huge pages in both. */
function resources(r: Random): Fields {
  const requests = amounts(r, 50);
  const limits = Object.fromEntries(Object.entries(amounts(r, 50)).map(([key, value]) => [key, String(value).replace(/^/, '9')]));
  const huge = r.chance(0.05) && limits['memory'] !== undefined ? { 'hugepages-2Mi': '4Mi' } : {};
  return r.fields({
    requests: [0.8, () => ({ ...requests, ...huge })],
    limits: [Object.keys(huge).length > 0 ? 1 : 0.6, () => ({ ...limits, ...huge })],
  });
}

function restartRules(r: Random, kind: ContainerKind): Fields {
  const exitCodes = { operator: r.pick(['In', 'NotIn']), values: [1, 42] };
  return {
    restartPolicy: kind === 'sidecar' ? 'Always' : r.pick(['Always', 'OnFailure', 'Never']),
    restartPolicyRules: [{ action: r.pick(['Restart', 'Restart', 'RestartAllContainers']), exitCodes }],
  };
}

export function randomContainer(r: Random, name: string, kind: ContainerKind, near: Surroundings): Fields {
  const ports = r.chance(0.5) ? r.list(1, 3, (index) => port(r, near, index)) : [];
  const probed = kind === 'init' ? 0 : 0.25;
  const mounts = r.some(near.volumes, 0.6).map((volume, index) => mount(r, volume, index));
  const rules = r.chance(0.06);
  return {
    name,
    image: r.pick(['registry.example/app:1', 'app', `registry.example/app@sha256:${'b'.repeat(64)}`]),
    ...(ports.length > 0 ? { ports } : {}),
    ...(mounts.length > 0 ? { volumeMounts: mounts } : {}),
    ...(kind === 'sidecar' ? { restartPolicy: 'Always' } : {}),
    ...(rules ? restartRules(r, kind) : {}),
    ...r.fields({
      command: [0.5, () => ['app', '--level=$(LEVEL)']],
      args: [0.3, () => ['$(A)', '']],
      workingDir: [0.2, () => '/work'],
      env: [0.7, () => [...env(r, near), ...(r.chance(0.7) ? [DIRECTORY] : [])]],
      envFrom: [0.15, () => r.list(1, 2, () => envFrom(r))],
      resources: [0.6, () => resources(r)],
      resizePolicy: [
        0.1,
        () => [{ resourceName: 'cpu', restartPolicy: kind === 'init' || r.chance(0.5) ? 'NotRequired' : 'RestartContainer' }],
      ],
      livenessProbe: [probed, () => probe(r, ports, 'liveness')],
      readinessProbe: [probed, () => probe(r, ports, 'readiness')],
      startupProbe: [probed, () => probe(r, ports, 'startup')],
      lifecycle: [
        probed,
        () =>
          r.fields({
            postStart: [0.5, () => action(r, ports, false)],
            preStop: [0.6, () => action(r, ports, false)],
            stopSignal: [near.os ? 0.3 : 0, () => 'SIGTERM'],
          }),
      ],
      terminationMessagePath: [0.2, () => '/dev/log'],
      terminationMessagePolicy: [0.2, () => r.pick(['File', 'FallbackToLogsOnError'])],
      imagePullPolicy: [0.4, () => r.pick(['Always', 'Never', 'IfNotPresent'])],
      securityContext: [0.5, () => securityContext(r, near)],
      stdin: [0.1, () => r.chance(0.5)],
      stdinOnce: [0.1, () => r.chance(0.5)],
      tty: [0.1, () => r.chance(0.5)],
    }),
  };
}
