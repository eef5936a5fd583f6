/** What an API server asks of containers (validation.go, validateContainerCommon and its callers). */
import { field, fieldAt, isAbsent, isObject, objectsIn, textField } from '../model/json.ts';
import type { Json } from '../model/model.ts';
import type { Refusal } from '../model/refusal.ts';
import {
  all,
  boolean,
  type Check,
  type Checks,
  DESCENDING,
  DNS_LABEL,
  each,
  fields,
  given,
  ID,
  INT32,
  integer,
  oneOf,
  PORT,
  PORT_NAME,
  required,
  tell,
  text,
  unique,
} from './valid-checks.ts';
import { envChecks } from './valid-env.ts';
import { lifecycle, PROBES } from './valid-probes.ts';
import { RESOURCES } from './valid-resources.ts';
import { APP_ARMOR, SECCOMP } from './valid-security.ts';

const PORTS = all(
  each(
    fields(
      // 0 counts as absent
      {
        name: given(PORT_NAME),
        containerPort: PORT,
        hostPort: integer(0, 65_535, 'is no port; write a number from 1 to 65535, or remove it'),
        protocol: given(oneOf('TCP', 'UDP', 'SCTP')),
      },
      required('containerPort'),
    ),
  ),
  unique('name', (port) => textField(port, 'name') || undefined),
);

const EACH_ONCE: Check = (options, at, reasons) => {
  if (Array.isArray(options) && new Set(options).size < options.length) tell(reasons, at, 'has an option twice; write each once');
};

const RECURSIVE: Check = (mount, at, reasons) => {
  const value = textField(mount, 'recursiveReadOnly') ?? 'Disabled';
  if (value === 'Disabled') return;
  if (field(mount, 'readOnly') !== true) tell(reasons, `${at}.recursiveReadOnly`, 'needs readOnly: true beside it; add that, or remove it');
  if (!['None', undefined].includes(textField(mount, 'mountPropagation')))
    tell(reasons, `${at}.recursiveReadOnly`, 'cannot stand beside that mountPropagation; remove one of the two');
};

const ONE_SUB_PATH: Check = (mount, at, reasons) => {
  if (textField(mount, 'subPath') && textField(mount, 'subPathExpr'))
    tell(reasons, `${at}.subPathExpr`, 'stands beside subPath; keep one of the two');
};

/** Mounts of these volumes. */
const mountsOf = (volumes: readonly unknown[]): Check =>
  all(
    each(
      fields(
        {
          name: given(text((name) => volumes.includes(name), 'names no volume of this pod; name one of spec.volumes, or add it there')),
          subPath: given(DESCENDING),
          subPathExpr: given(DESCENDING),
          mountPropagation: oneOf('None', 'HostToContainer', 'Bidirectional'),
          recursiveReadOnly: oneOf('Disabled', 'IfPossible', 'Enabled'),
          bindMountOptions: all(each(oneOf('noexec', 'nodev', 'nosuid')), EACH_ONCE),
        },
        required('name', 'mountPath'),
        ONE_SUB_PATH,
        RECURSIVE,
      ),
    ),
    unique('mountPath', (mount) => textField(mount, 'mountPath') || undefined),
  );

const PRIVILEGED_ONLY = 'which only a privileged container may have; write HostToContainer, or make the container privileged';
const SHARED_MOUNTS: Check = (container, at, reasons) => {
  if (fieldAt(container, 'securityContext', 'privileged') === true) return;
  const mounts = field(container, 'volumeMounts');
  for (const [index, mount] of (Array.isArray(mounts) ? mounts : []).entries()) {
    if (textField(mount, 'mountPropagation') === 'Bidirectional')
      tell(reasons, `${at}.volumeMounts[${index}].mountPropagation`, `is Bidirectional, ${PRIVILEGED_ONLY}`);
  }
};

const RULES = each(
  fields(
    {
      action: oneOf('Restart', 'RestartAllContainers'),
      exitCodes: fields({ operator: oneOf('In', 'NotIn'), values: each(INT32) }, required('operator')),
    },
    required('action', 'exitCodes'),
  ),
);
const MAX_RULES = 20;

const RULES_NEED_POLICY: Check = (container, at, reasons) => {
  const rules = objectsIn(container, 'restartPolicyRules');
  if (rules.length > 0 && isAbsent(field(container, 'restartPolicy')))
    tell(reasons, `${at}.restartPolicy`, 'is missing beside restartPolicyRules; add it');
  if (rules.length > MAX_RULES) tell(reasons, `${at}.restartPolicyRules`, `has more than ${MAX_RULES} rules; leave some out`);
};

function securityContext(hostUsers: boolean): Check {
  return fields(
    {
      privileged: boolean,
      runAsUser: ID,
      runAsGroup: ID,
      procMount: (value, at, reasons) => {
        oneOf('Default', 'Unmasked')(value, at, reasons);
        if (value === 'Unmasked' && hostUsers) tell(reasons, at, 'is Unmasked, which needs spec.hostUsers: false; add that, or remove it');
      },
      seccompProfile: SECCOMP,
      appArmorProfile: APP_ARMOR,
    },
    (context, at, reasons) => {
      if (field(context, 'allowPrivilegeEscalation') !== false) return;
      const added = fieldAt(context, 'capabilities', 'add');
      if (field(context, 'privileged') === true || (Array.isArray(added) && added.includes('CAP_SYS_ADMIN')))
        tell(reasons, `${at}.allowPrivilegeEscalation`, 'is false beside privileged: true or CAP_SYS_ADMIN; remove one of the two');
    },
  );
}

/** Not for what runs once and ends. */
const NO_PROBES: Check = (container, at, reasons) => {
  const words = 'is not allowed in an init container that ends; remove it, or make it a sidecar with restartPolicy: Always';
  for (const key of ['lifecycle', ...Object.keys(PROBES)]) {
    if (field(container, key) !== undefined) tell(reasons, `${at}.${key}`, words);
  }
};

const NAMED = required('name', 'image');

/** The API server's default. */
const DEFAULT_GRACE = 30;

/** All containers of a pod; `spec` is its own. */
export function judgeContainers(spec: Json, reasons: Refusal[]): void {
  const written = field(spec, 'terminationGracePeriodSeconds');
  // less than nothing counts as one second
  const grace = typeof written === 'number' ? (written < 0 ? 1 : written) : DEFAULT_GRACE;
  const volumes = objectsIn(spec, 'volumes').map((volume) => textField(volume, 'name'));
  const common: Checks = {
    name: given(DNS_LABEL),
    image: given(text((image) => image.trim() === image, 'has spaces around it; remove them')),
    terminationMessagePolicy: given(oneOf('File', 'FallbackToLogsOnError')),
    imagePullPolicy: given(oneOf('Always', 'IfNotPresent', 'Never')),
    ports: PORTS,
    ...envChecks(spec),
    volumeMounts: mountsOf(volumes),
    resources: RESOURCES,
    resizePolicy: each(fields({ resourceName: oneOf('cpu', 'memory'), restartPolicy: oneOf('NotRequired', 'RestartContainer') })),
    securityContext: securityContext(field(spec, 'hostUsers') !== false),
    restartPolicy: oneOf('Always', 'OnFailure', 'Never'),
    restartPolicyRules: RULES,
  };
  const lasting = fields(
    { ...common, ...PROBES, lifecycle: lifecycle(grace, isObject(field(spec, 'os'))) },
    SHARED_MOUNTS,
    RULES_NEED_POLICY,
    NAMED,
  );
  const ending = fields(common, SHARED_MOUNTS, RULES_NEED_POLICY, NO_PROBES, NAMED);
  const judge = (list: string, of: (container: unknown) => Check): void => {
    const containers = field(spec, list);
    for (const [index, container] of (Array.isArray(containers) ? containers : []).entries()) {
      if (isObject(container)) of(container)(container, `spec.${list}[${index}]`, reasons);
    }
  };
  judge('initContainers', (container) => (field(container, 'restartPolicy') === 'Always' ? lasting : ending));
  judge('containers', () => lasting);
  judgeNames(spec, reasons);
  for (const [index, container] of objectsIn(spec, 'initContainers').entries())
    judgeHostPorts([[`spec.initContainers[${index}]`, container]], reasons);
  judgeHostPorts(
    objectsIn(spec, 'containers').map((container, index) => [`spec.containers[${index}]`, container]),
    reasons,
  );
  if (field(spec, 'hostNetwork') === true) judgeNetworkPorts(spec, reasons);
}

/** Init containers and others share one room of names. */
function judgeNames(spec: Json, reasons: Refusal[]): void {
  const seen = new Set<string>();
  for (const list of ['initContainers', 'containers']) {
    const containers = field(spec, list);
    for (const [index, container] of (Array.isArray(containers) ? containers : []).entries()) {
      const name = textField(container, 'name');
      if (!name) continue;
      if (seen.has(name)) tell(reasons, `spec.${list}[${index}].name`, 'is the name of another container; give each its own');
      seen.add(name);
    }
  }
}

/** No two on one port of the host. */
function judgeHostPorts(containers: readonly (readonly [string, Json])[], reasons: Refusal[]): void {
  const seen = new Set<string>();
  for (const [at, container] of containers) {
    for (const [index, port] of objectsIn(container, 'ports').entries()) {
      const number = field(port, 'hostPort');
      if (typeof number !== 'number' || number === 0) continue;
      const place = `${textField(port, 'protocol') || 'TCP'}/${textField(port, 'hostIP') ?? ''}/${number}`;
      if (seen.has(place)) tell(reasons, `${at}.ports[${index}].hostPort`, 'is taken by another port of this pod; give each its own');
      seen.add(place);
    }
  }
}

function judgeNetworkPorts(spec: Json, reasons: Refusal[]): void {
  const words = "is not the containerPort, which it must be on the host's network; write the same number, or remove it";
  for (const [place, container] of objectsIn(spec, 'containers').entries()) {
    for (const [index, port] of objectsIn(container, 'ports').entries()) {
      const number = field(port, 'hostPort');
      if (typeof number === 'number' && number !== 0 && number !== field(port, 'containerPort'))
        tell(reasons, `spec.containers[${place}].ports[${index}].hostPort`, words);
    }
  }
}
