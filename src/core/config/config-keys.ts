/**
 * Every configuration key, in one table: its name, what it takes, its default and what it is for. The parser, the
 * flags, `--help`, the reference and the chart's schema all follow from it. Data and its wording; reads nothing.
 */

/** What a key takes. `config.ts` holds one reader for each. */
export type ConfigKind =
  | 'node-name'
  | 'path'
  | 'optional-path'
  | 'endpoints'
  | 'namespaces'
  | 'duration'
  | 'count'
  | 'bytes'
  | 'boolean'
  | 'address'
  | 'level'
  | 'annotation'
  | 'kubelet-version'
  | 'image';

export interface ConfigKey {
  /** As in the file; a dot is one level of nesting. */
  readonly name: string;
  readonly kind: ConfigKind;
  /** As a person would write it; a list is joined with commas; '' says that there is none. */
  readonly default: string;
  /** One sentence for help and documentation. */
  readonly doc: string;
  /** Environment variable read when neither flag nor file gives the key. */
  readonly env?: string;
  /** Least and greatest value allowed, written as the value itself is. */
  readonly min?: string;
  readonly max?: string;
  /** For tests and odd hosts; left out of the short documentation. */
  readonly special?: true;
}

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The order here is the order in help, in documentation and in lists of errors. */
export const configKeys = [
  { name: 'nodeName', kind: 'node-name', default: '', env: 'NODE_NAME', doc: 'Name of this node in the API.' },
  {
    name: 'stateDir',
    kind: 'path',
    default: '/var/lib/pod-checkpointer',
    doc: 'Directory of the checkpoints; must survive a reboot.',
  },
  {
    name: 'staticPodPath',
    kind: 'path',
    default: '/etc/kubernetes/manifests',
    doc: "The kubelet's staticPodPath; when it is not given, the one in kubeletConfig counts.",
  },
  { name: 'kubeletRootDir', kind: 'path', default: '/var/lib/kubelet', doc: "The kubelet's --root-dir." },
  {
    name: 'kubeletConfig',
    kind: 'optional-path',
    default: '',
    doc: "The kubelet's configuration file; empty tries config.yaml below kubeletRootDir, /dev/null looks at none.",
  },
  {
    name: 'kubeletVersion',
    kind: 'kubelet-version',
    default: '',
    doc: "Version of the kubelet, such as 1.35; empty means what can be seen on the node: 1.36 where the kubelet's PodsAPI answers, else as if it were the oldest.",
  },
  {
    name: 'literalHostIp',
    kind: 'boolean',
    default: 'false',
    doc: "A copy gets the node's addresses as its parent had them, instead of asking the kubelet; true where kubelets run with --cloud-provider=external and no --node-ip, which without an API server know none.",
  },
  {
    name: 'criSocket',
    kind: 'optional-path',
    default: '',
    doc: "Socket of the container runtime; empty tries the usual places, containerd's first.",
  },
  {
    name: 'podResourcesSocket',
    kind: 'optional-path',
    default: '',
    doc: "The kubelet's podresources socket; empty means pod-resources/kubelet.sock below kubeletRootDir.",
  },
  { name: 'kubeconfig', kind: 'optional-path', default: '', doc: 'Kubeconfig file; empty means the credentials of the pod itself.' },
  {
    name: 'apiEndpoints',
    kind: 'endpoints',
    default: '',
    doc: 'Further API server URLs to probe, besides the one that requests go to.',
  },
  { name: 'namespaces', kind: 'namespaces', default: 'kube-system', doc: 'Namespaces whose annotated pods are checkpointed; * means all.' },
  {
    name: 'minReady',
    kind: 'duration',
    default: '10s',
    max: '1h',
    doc: 'How long a parent must be Ready before a revision of it is taken.',
  },
  {
    name: 'maxAge',
    kind: 'duration',
    default: '0',
    doc: 'Oldest confirmation by the API server with which a copy may still start; 0 means any.',
  },
  {
    name: 'unreachable.probes',
    kind: 'count',
    default: '3',
    min: '1',
    max: '100',
    doc: 'Failed rounds of probes until the API server counts as unreachable.',
  },
  { name: 'unreachable.window', kind: 'duration', default: '6s', max: '10m', doc: 'Time that those rounds must span at least.' },
  { name: 'unreachable.deadline', kind: 'duration', default: '2s', min: '50ms', max: '1m', doc: 'Time one probe may take.' },
  {
    name: 'bootFastPath',
    kind: 'boolean',
    default: 'true',
    doc: 'Decide after two refused probes where this boot has never seen the API server and nothing runs yet.',
  },
  {
    name: 'orphanGrace',
    kind: 'duration',
    default: '30s',
    max: '1h',
    doc: 'How long a parent that the kubelet has forgotten may lie dead before its copy starts.',
  },
  {
    name: 'stuckGrace',
    kind: 'duration',
    default: '60s',
    max: '24h',
    doc: 'How long the kubelet may fail to start a parent it knows before the copy starts.',
  },
  {
    name: 'kubeletBlindGrace',
    kind: 'duration',
    default: '10m',
    max: '24h',
    doc: 'How long a kubelet may show no contact to an API server that answers the agent, as with an expired certificate, before copies start of the pods that it does not start; 0 means that they never do.',
  },
  {
    name: 'endedGrace',
    kind: 'duration',
    default: '5m',
    max: '24h',
    doc: 'How long the copy of a parent waits that the kubelet itself has ended, as by an eviction; the node must have been without pressure for as long.',
  },
  {
    name: 'retireGrace',
    kind: 'duration',
    default: '60s',
    max: '24h',
    doc: 'How long the API server must show a parent to be gone before its checkpoint is removed.',
  },
  {
    name: 'handBackTimeout',
    kind: 'duration',
    default: '10m',
    min: '1s',
    max: '24h',
    doc: 'When a hand-back that does not come about is reported; the copy then leaves only if its parent cannot become Ready beside it.',
  },
  { name: 'limits.checkpoints', kind: 'count', default: '500', min: '1', max: '10000', doc: 'Most checkpoints kept on this node.' },
  { name: 'limits.active', kind: 'count', default: '500', min: '1', max: '10000', doc: 'Most copies that run at once on this node.' },
  { name: 'limits.bytesPerPod', kind: 'bytes', default: '10Mi', min: '4Ki', max: '1Gi', doc: 'Most bytes stored for one pod.' },
  { name: 'limits.bytesTotal', kind: 'bytes', default: '200Mi', min: '4Ki', max: '1Ti', doc: 'Most bytes stored for all pods.' },
  {
    name: 'metrics.address',
    kind: 'address',
    default: '127.0.0.1:9642',
    doc: 'Where /metrics, /healthz and /readyz are served; empty switches them off.',
  },
  { name: 'log.level', kind: 'level', default: 'info', doc: 'Least important level that is logged.' },
  {
    name: 'legacyAnnotation',
    kind: 'annotation',
    default: '',
    doc: 'Annotation key of a predecessor that opts a pod in as well, when its value is "true".',
  },
  {
    name: 'agentImage',
    kind: 'image',
    default: '',
    doc: 'Image of the agent, present on the node; copies with secret-env: env-file begin with it. Empty refuses such pods.',
  },
  {
    name: 'bootIdFile',
    kind: 'path',
    default: '/proc/sys/kernel/random/boot_id',
    special: true,
    doc: 'File that tells one boot from another.',
  },
  { name: 'machineIdFile', kind: 'path', default: '/etc/machine-id', special: true, doc: 'File that tells one machine from another.' },
  {
    name: 'allowTmpfs',
    kind: 'boolean',
    default: 'false',
    special: true,
    doc: 'Accept a stateDir and a staticPodPath that a reboot empties; for demonstrations and tests.',
  },
] as const satisfies readonly ConfigKey[];

export type ConfigKeyName = (typeof configKeys)[number]['name'];
/** Names of the keys of one kind. */
export type KeysOf<K extends ConfigKind> = Extract<(typeof configKeys)[number], { kind: K }>['name'];

/** Flag of a key, without the dashes: `unreachable.probes` → `unreachable-probes`. */
export function flagName(key: string): string {
  return key.replaceAll('.', '-').replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** The values a kind allows, in words that complete "write ...". */
export function allowedForm(key: ConfigKey): string {
  const range = key.min !== undefined && key.max !== undefined ? `, from ${key.min} to ${key.max}` : atMost(key);
  switch (key.kind) {
    case 'node-name':
      return 'the name of a node: lower-case letters, digits, - and .';
    case 'path':
      return 'an absolute path';
    case 'optional-path':
      return 'an absolute path, or nothing';
    case 'endpoints':
      return 'a list of URLs such as https://10.0.0.1:6443';
    case 'namespaces':
      return 'a list of one or more namespaces';
    case 'duration':
      return `a duration such as 500ms, 10s or 2m${range}`;
    case 'count':
      return `a whole number${range}`;
    case 'bytes':
      return `a quantity of bytes such as 512Ki, 10Mi or 1Gi${range}`;
    case 'boolean':
      return 'true or false';
    case 'address':
      return 'host:port such as 127.0.0.1:9642, [::1]:9642 or :9642 for every interface, or nothing';
    case 'level':
      return LOG_LEVELS.join(', ').replace(/, (?=[^,]*$)/, ' or ');
    case 'annotation':
      return 'an annotation key such as example.com/checkpoint, or nothing';
    case 'kubelet-version':
      return 'a version such as 1.35 or v1.35.2, or nothing';
    case 'image':
      return 'the name of an image such as registry.example/pod-checkpointer:1.0, or nothing';
  }
}

function atMost(key: ConfigKey): string {
  return key.max === undefined ? '' : `, ${key.max} at most`;
}
