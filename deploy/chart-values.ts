/**
 * Every value of the chart, in one table: its name, default, form and one sentence. `chart.ts` makes values.yaml, the
 * schema and the chart's README of it; the keys below `config` follow from the program's own table of configuration keys.
 * Data only.
 */
import { allowedForm, type ConfigKey, type ConfigKeyName, configKeys, LOG_LEVELS } from '../src/core/config/config-keys.ts';
import { readBytes, readDuration } from '../src/core/config/config-values.ts';

export type Schema = Readonly<Record<string, unknown>>;

export interface ChartValue {
  /** A dot is one level of nesting. */
  readonly name: string;
  readonly default: unknown;
  readonly doc: string;
  readonly schema: Schema;
}

const text: Schema = { type: 'string' };
const flag: Schema = { type: 'boolean' };
const texts: Schema = { type: 'array', items: text };
const mapOfTexts: Schema = { type: 'object', additionalProperties: text };
/** As Kubernetes writes quantities, without a sign. */
const quantity: Schema = {
  type: ['string', 'number'],
  pattern: '^[0-9]+([.][0-9]*)?([eE][+-]?[0-9]+|[numkMGTPE]|[KMGTPE]i)?$',
  minimum: 0,
};
const quantities: Schema = { type: 'object', additionalProperties: quantity };
const closed = (properties: Readonly<Record<string, Schema>>): Schema => ({ type: 'object', additionalProperties: false, properties });

/** Configuration keys that the chart itself writes, or that have no use in a cluster: setting them below `config` fails with a sentence. */
export const KEYS_SET_ELSEWHERE: readonly ConfigKeyName[] = [
  'nodeName',
  'stateDir',
  'staticPodPath',
  'kubeletRootDir',
  'criSocket',
  'podResourcesSocket',
  'kubeletConfig',
  'agentImage',
  'kubeconfig',
  'apiEndpoints',
  'namespaces',
  'metrics.address',
  'bootIdFile',
  'machineIdFile',
  'allowTmpfs',
];

/**
 * In the order of values.yaml. What a person can get wrong in a way that deserves a sentence (paths, images, namespaces)
 * is left to templates/_preflight.tpl: a schema can only say that a pattern does not match.
 */
export const chartValues: readonly ChartValue[] = [
  {
    name: 'image.repository',
    default: 'localhost/pod-checkpointer',
    doc: 'Image without tag and digest. None is published: build it, and push it to your registry or load it onto the nodes.',
    schema: text,
  },
  { name: 'image.tag', default: '', doc: "Empty means the chart's appVersion.", schema: text },
  { name: 'image.digest', default: '', doc: 'sha256:… of the image; goes before the tag.', schema: text },
  {
    name: 'image.pullPolicy',
    default: 'IfNotPresent',
    doc: 'IfNotPresent or Never: in an outage there may be no registry.',
    schema: text,
  },
  {
    name: 'namespaces',
    default: ['kube-system'],
    doc: 'Namespaces whose annotated pods are checkpointed; "*" means all. The release\'s own is always among them, because the agent keeps itself.',
    schema: texts,
  },
  {
    name: 'staticPodPath',
    default: '/etc/kubernetes/manifests',
    doc: "The kubelet's staticPodPath, as its configuration says it; the directory must exist on every node.",
    schema: text,
  },
  {
    name: 'stateDir',
    default: '/var/lib/pod-checkpointer',
    doc: 'Directory of the checkpoints on the node; must survive a reboot. They hold secrets, readable by root only. An upgrade cannot change it.',
    schema: text,
  },
  { name: 'kubeletRootDir', default: '/var/lib/kubelet', doc: "The kubelet's --root-dir.", schema: text },
  {
    name: 'kubeletConfig',
    default: '',
    doc: "The kubelet's own configuration file on the node. With it the agent refuses to start where that names another staticPodPath or none, and heeds the kubelet's policy for pulled images, both as the file was when its pod started. Empty looks at none; drop-ins and flags of the kubelet are never looked at.",
    schema: text,
  },
  {
    name: 'criSocket',
    default: '/run/containerd/containerd.sock',
    doc: 'Socket of the container runtime. Its directory is mounted, so that a restarted runtime is found again.',
    schema: text,
  },
  {
    name: 'apiEndpoints',
    default: [],
    doc: 'Further API server URLs to probe besides the service address, such as https://10.0.0.1:6443.',
    schema: texts,
  },
  { name: 'config', default: {}, doc: "The agent's other configuration keys; deploy/REFERENCE.md explains each.", schema: configSchema() },
  {
    name: 'metrics.enabled',
    default: false,
    doc: 'Serve metrics, health and status on every address of the node instead of 127.0.0.1 only. They hold names of pods and no secret.',
    schema: flag,
  },
  {
    name: 'metrics.port',
    default: 9642,
    doc: "Port on the node's network for metrics and for the kubelet's probes.",
    schema: { type: 'integer', minimum: 1, maximum: 65_535 },
  },
  { name: 'podMonitor.enabled', default: false, doc: 'A PodMonitor for the Prometheus operator; needs metrics.enabled.', schema: flag },
  { name: 'podMonitor.labels', default: {}, doc: 'Labels of the PodMonitor, by which a Prometheus selects it.', schema: mapOfTexts },
  {
    name: 'admissionPolicy.enabled',
    default: false,
    doc: 'Refuse workloads and bare pods that opt in where `namespaces` does not honour it. What controllers create is never refused. Needs Kubernetes 1.30.',
    schema: flag,
  },
  {
    name: 'admissionPolicy.denySecretEnvInline',
    default: false,
    doc: 'Also refuse checkpointer/secret-env: inline, with which secret values become readable in the API while a copy runs.',
    schema: flag,
  },
  { name: 'openshift.scc', default: false, doc: 'A SecurityContextConstraints that allows exactly what the agent uses.', schema: flag },
  {
    name: 'selinux.type',
    default: '',
    doc: 'SELinux type of the agent, such as spc_t where SELinux is enforcing; empty leaves it to the runtime.',
    schema: text,
  },
  {
    name: 'hostPID',
    default: true,
    doc: "Let the agent see the node's processes, so that it ends a copy itself, within a millisecond, when its parent starts. Without it the runtime does, in 20 to 120 ms: a parent on a host port may then find it still taken, and lose ten seconds.",
    schema: flag,
  },
  {
    name: 'resources',
    default: { requests: { cpu: '100m', memory: '48Mi' }, limits: { memory: '128Mi' } },
    doc: 'Set on purpose: the agent must act on a node that is full. It idles at a thousandth of a CPU; the request is its weight in the moment in which everything starts at once. Below 96Mi it would read its own program from the disk again and again.',
    schema: closed({ requests: quantities, limits: quantities }),
  },
  {
    name: 'priorityClassName',
    default: 'system-node-critical',
    doc: 'The namespace of the release must allow it; kube-system does.',
    schema: text,
  },
  {
    name: 'tolerations',
    default: [{ operator: 'Exists' }],
    doc: 'All taints, because a node without the agent is not covered.',
    schema: {
      type: 'array',
      items: closed({
        key: text,
        operator: { enum: ['Exists', 'Equal', 'Lt', 'Gt'] },
        value: text,
        effect: { enum: ['NoSchedule', 'PreferNoSchedule', 'NoExecute'] },
        tolerationSeconds: { type: 'integer' },
      }),
    },
  },
  { name: 'nodeSelector', default: { 'kubernetes.io/os': 'linux' }, doc: 'Nodes that get an agent.', schema: mapOfTexts },
  {
    name: 'affinity',
    default: {},
    doc: 'Further rules for the nodes that get an agent.',
    schema: closed({ nodeAffinity: { type: 'object' }, podAffinity: { type: 'object' }, podAntiAffinity: { type: 'object' } }),
  },
  {
    name: 'purgeOnUninstall',
    default: false,
    doc: 'Let `helm uninstall` remove the stored checkpoints too, not only copies and standby. It counts as it was at the last install or upgrade.',
    schema: flag,
  },
  { name: 'podAnnotations', default: {}, doc: "Further annotations of the agent's pods.", schema: mapOfTexts },
  {
    name: 'updateStrategy',
    default: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } },
    doc: 'A rollout that fails stops at the first nodes.',
    schema: closed({
      type: { enum: ['RollingUpdate', 'OnDelete'] },
      rollingUpdate: closed({ maxUnavailable: { type: ['integer', 'string'], minimum: 1, pattern: '^([1-9][0-9]?|100)%$' } }),
    }),
  },
];

/** What may stand below `config`. */
export function freeConfigKeys(): readonly ConfigKey[] {
  return configKeys.filter((key) => !KEYS_SET_ELSEWHERE.includes(key.name));
}

/** A key with a range, as the preflight needs it. */
export interface ConfigRange {
  readonly name: string;
  readonly kind: 'duration' | 'bytes';
  readonly default: string;
  /** In milliseconds or bytes. */
  readonly min: number;
  readonly max: number;
  /** Completes "write ...". */
  readonly form: string;
}

/** Where a schema cannot compare, because the value has a unit. */
export function configRanges(): readonly ConfigRange[] {
  return freeConfigKeys().flatMap((key) => {
    if (key.kind !== 'duration' && key.kind !== 'bytes') return [];
    const read = key.kind === 'duration' ? readDuration : readBytes;
    const amount = (text: string | undefined, otherwise: number): number => {
      const found = text === undefined ? undefined : read(text);
      return found?.ok === true ? found.amount : otherwise;
    };
    const { name, kind, default: text } = key;
    return [{ name, kind, default: text, min: amount(key.min, 0), max: amount(key.max, Number.MAX_SAFE_INTEGER), form: allowedForm(key) }];
  });
}

function configSchema(): Schema {
  const properties: Record<string, Schema> = {};
  for (const key of configKeys as readonly ConfigKey[]) {
    const schema = KEYS_SET_ELSEWHERE.includes(key.name as ConfigKeyName)
      ? { description: 'Refused with a sentence: the chart sets it, or it is of no use in a cluster.' }
      : { description: `${key.doc} Default: ${key.default === '' ? 'none' : key.default}.`, ...formOf(key) };
    const [section, inner] = key.name.split('.');
    if (section === undefined) continue;
    if (inner === undefined) properties[section] = schema;
    else {
      const before = (properties[section]?.['properties'] ?? {}) as Readonly<Record<string, Schema>>;
      properties[section] = closed({ ...before, [inner]: schema });
    }
  }
  return closed(properties);
}

/** What the agent would accept, as far as a schema can say it; the agent itself refuses the rest, with all mistakes at once. */
function formOf(key: ConfigKey): Schema {
  const range = {
    ...(key.min === undefined ? {} : { minimum: Number(key.min) }),
    ...(key.max === undefined ? {} : { maximum: Number(key.max) }),
  };
  switch (key.kind) {
    case 'duration':
      // of the numbers only 0 needs no unit
      return { type: ['string', 'integer'], pattern: '^(0|(\\d+(\\.\\d+)?(ns|us|ms|s|m|h))+)$', minimum: 0, maximum: 0 };
    case 'bytes':
      return { type: ['string', 'integer'], pattern: '^\\d{1,15}(\\.\\d{1,6})?([kMGT]|[KMGT]i)?$' };
    case 'count':
      return { type: 'integer', ...range };
    case 'boolean':
      return flag;
    case 'level':
      return { enum: [...LOG_LEVELS] };
    case 'kubelet-version':
      return { type: 'string', pattern: '^(v?1\\.\\d{1,3}(\\.\\d[-+.0-9A-Za-z]*)?)?$' };
    case 'annotation':
      return { type: 'string', pattern: '^(([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-\\w.]{0,61}[A-Za-z0-9])?)?$' };
    default:
      throw new Error(`config.${key.name}: no schema for ${allowedForm(key)}; add it here or to KEYS_SET_ELSEWHERE`);
  }
}
