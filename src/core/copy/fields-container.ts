/**
 * What becomes of every field of a container, plain init container or sidecar, and of its probes, hooks, environment
 * and security context. Rows only; see fields.ts for what they mean.
 */
import { drop, type FieldTable, keep, keepSince, refuse, rewrite } from './field-rules.ts';

export const SELINUX_OPTIONS: FieldTable = {
  user: keep('text', 'local'),
  role: keep('text', 'local'),
  type: keep('text', 'local'),
  level: keep('text', 'local'),
};

export const SECURITY_PROFILE: FieldTable = {
  type: keep('text', 'local'),
  localhostProfile: keep('text', 'a file of the host'),
};

const CAPABILITIES: FieldTable = { add: keep('texts', 'local'), drop: keep('texts', 'local') };

const SECURITY_CONTEXT: FieldTable = {
  capabilities: keep({ object: CAPABILITIES }, 'privileges stay exactly as admitted'),
  privileged: keep('boolean', 'privileges stay exactly as admitted'),
  seLinuxOptions: keep({ object: SELINUX_OPTIONS }, 'local'),
  windowsOptions: refuse('windows', 'Windows nodes are not supported; remove it or do not opt this pod in'),
  runAsUser: keep('integer', 'privileges stay exactly as admitted'),
  runAsGroup: keep('integer', 'privileges stay exactly as admitted'),
  runAsNonRoot: keep('boolean', 'privileges stay exactly as admitted'),
  readOnlyRootFilesystem: keep('boolean', 'privileges stay exactly as admitted'),
  allowPrivilegeEscalation: keep('boolean', 'privileges stay exactly as admitted'),
  procMount: keep('text', 'local'),
  seccompProfile: keep({ object: SECURITY_PROFILE }, 'local'),
  appArmorProfile: keep({ object: SECURITY_PROFILE }, 'local'),
};

export const CONTAINER_PORT: FieldTable = {
  name: keep('text', 'probes and Services may name it'),
  hostPort: keep('integer', 'part of what the pod does'),
  containerPort: keep('integer', 'information'),
  protocol: keep('text', 'information'),
  hostIP: keep('text', 'part of what the pod does'),
};

const HTTP_HEADER: FieldTable = { name: keep('text', 'local'), value: keep('text', 'local') };

const EXEC: FieldTable = { command: keep('texts', 'local') };

const HTTP_GET: FieldTable = {
  path: keep('text', 'local'),
  port: keep('port', 'a name becomes a number where the ports go'),
  host: keep('text', 'local'),
  scheme: keep('text', 'local'),
  httpHeaders: keep({ list: HTTP_HEADER }, 'local'),
  protocol: keep('text', 'local'),
};

const TCP_SOCKET: FieldTable = { port: keep('port', 'a name becomes a number where the ports go'), host: keep('text', 'local') };

const GRPC: FieldTable = {
  port: keep('integer', 'local'),
  service: keep('text', 'local'),
  mode: keep('text', 'local'),
};

const SLEEP: FieldTable = { seconds: keep('integer', 'local') };

const PROBE: FieldTable = {
  exec: keep({ object: EXEC }, 'local'),
  httpGet: keep({ object: HTTP_GET }, 'local'),
  tcpSocket: keep({ object: TCP_SOCKET }, 'local'),
  grpc: keep({ object: GRPC }, 'local'),
  initialDelaySeconds: keep('integer', 'local'),
  timeoutSeconds: keep('integer', 'local'),
  periodSeconds: keep('integer', 'local'),
  successThreshold: keep('integer', 'local'),
  failureThreshold: keep('integer', 'local'),
  terminationGracePeriodSeconds: keep('integer', 'local'),
};

const LIFECYCLE_HANDLER: FieldTable = {
  exec: keep({ object: EXEC }, 'local'),
  httpGet: keep({ object: HTTP_GET }, 'local'),
  tcpSocket: keep({ object: TCP_SOCKET }, 'local'),
  sleep: keep({ object: SLEEP }, 'local'),
};

const LIFECYCLE: FieldTable = {
  postStart: keep({ object: LIFECYCLE_HANDLER }, 'local'),
  preStop: keep({ object: LIFECYCLE_HANDLER }, 'local'),
  stopSignal: keep('text', 'local'),
};

export const VOLUME_MOUNT: FieldTable = {
  name: keep('text', 'local'),
  readOnly: keep('boolean', 'local; true where the volume becomes stored files'),
  recursiveReadOnly: keep('text', 'local'),
  mountPath: keep('text', 'local'),
  subPath: keep('text', 'local'),
  mountPropagation: keep('text', 'local'),
  subPathExpr: keep('text', 'local; a literal path where the volume becomes stored files'),
  bindMountOptions: keep('texts', 'they narrow what the mount allows'),
};

/** Of a container, and of a whole pod. */
export const RESOURCES: FieldTable = {
  limits: keep('quantities', 'the quality of service follows from it'),
  requests: keep('quantities', 'the quality of service follows from it'),
  claims: refuse('resource-claim', 'devices are allocated through the API server; remove the claims or do not opt this pod in'),
};

const RESTART_RULE_EXIT_CODES: FieldTable = { operator: keep('text', 'local'), values: keep('integers', 'local') };
const RESTART_RULE: FieldTable = { action: keep('text', 'local'), exitCodes: keep({ object: RESTART_RULE_EXIT_CODES }, 'local') };

export const ENV_VAR: FieldTable = {
  name: keep('text', 'local'),
  value: keep('text', 'as written: the kubelet expands it again'),
  valueFrom: rewrite('references become values'),
};

export const FIELD_REF: FieldTable = { apiVersion: keep('text', 'local'), fieldPath: keep('text', 'local') };

export const RESOURCE_FIELD_REF: FieldTable = {
  containerName: keep('text', 'local'),
  resource: keep('text', 'local'),
  divisor: keep('quantity', 'local'),
};

const FILE_KEY_REF: FieldTable = {
  volumeName: keep('text', 'local'),
  path: keep('text', 'local'),
  key: keep('text', 'local'),
  optional: keep('boolean', 'local'),
};

// two equal tables each: the rows of a type are its own
const CONFIG_MAP_KEY: FieldTable = {
  name: rewrite('the value that the process got'),
  key: rewrite('the value that the process got'),
  optional: rewrite('what was there is what counts'),
};
const SECRET_KEY: FieldTable = { ...CONFIG_MAP_KEY };

export const ENV_SOURCE: FieldTable = {
  fieldRef: rewrite('kept where the kubelet answers it without the API server and truly; a value otherwise'),
  resourceFieldRef: keep({ object: RESOURCE_FIELD_REF }, 'local'),
  configMapKeyRef: rewrite('the value that the process got', { object: CONFIG_MAP_KEY }),
  secretKeyRef: rewrite('the value that the process got, if the pod consents', { object: SECRET_KEY }),
  // read from an emptyDir by the kubelet: local; older kubelets start the container with an empty value instead
  fileKeyRef: keepSince(35, { object: FILE_KEY_REF }, 'local from kubelet 1.35; upgrade the kubelet or do not opt this pod in'),
};

const CONFIG_MAP_ENV: FieldTable = {
  name: rewrite('the values that the process got'),
  optional: rewrite('what was there is what counts'),
};
const SECRET_ENV: FieldTable = { ...CONFIG_MAP_ENV };

export const ENV_FROM: FieldTable = {
  prefix: rewrite('part of the names that the process got'),
  configMapRef: rewrite('the values that the process got', { object: CONFIG_MAP_ENV }),
  secretRef: rewrite('the values that the process got, if the pod consents', { object: SECRET_ENV }),
};

export const CONTAINER: FieldTable = {
  name: keep('text', 'identity inside the pod'),
  image: rewrite('pinned to the digest that ran where the runtime finds it by digest'),
  command: keep('texts', 'local'),
  args: keep('texts', 'local'),
  workingDir: keep('text', 'local'),
  ports: rewrite("dropped on the host's network, where they would keep the kubelet from admitting the parent beside the copy"),
  envFrom: rewrite('becomes values in env'),
  env: rewrite('references become values'),
  resources: keep({ object: RESOURCES }, 'local; extended resources refuse the pod'),
  resizePolicy: drop('older kubelets refuse it on sidecars, and nothing resizes a static pod'),
  restartPolicy: rewrite('Always on an init container makes a sidecar; others need kubelet 1.35'),
  restartPolicyRules: keepSince(35, { list: RESTART_RULE }, 'local from kubelet 1.35; upgrade the kubelet or do not opt this pod in'),
  volumeMounts: rewrite('read-only where the volume becomes stored files'),
  volumeDevices: refuse('block-device', 'a block device needs a claim, which needs the API server; remove it or do not opt this pod in'),
  livenessProbe: keep({ object: PROBE }, 'local'),
  readinessProbe: keep({ object: PROBE }, 'local'),
  startupProbe: keep({ object: PROBE }, 'local'),
  lifecycle: keep({ object: LIFECYCLE }, 'local'),
  terminationMessagePath: keep('text', 'local'),
  terminationMessagePolicy: keep('text', 'local'),
  imagePullPolicy: rewrite('IfNotPresent, because there may be no registry; Never stays'),
  securityContext: keep({ object: SECURITY_CONTEXT }, 'privileges stay exactly as admitted'),
  stdin: keep('boolean', 'local'),
  stdinOnce: keep('boolean', 'local'),
  tty: keep('boolean', 'local'),
};

/** By the name of the API's type. */
export const CONTAINER_TABLES: Readonly<Record<string, FieldTable>> = {
  AppArmorProfile: SECURITY_PROFILE,
  Capabilities: CAPABILITIES,
  ConfigMapEnvSource: CONFIG_MAP_ENV,
  ConfigMapKeySelector: CONFIG_MAP_KEY,
  Container: CONTAINER,
  ContainerPort: CONTAINER_PORT,
  ContainerRestartRule: RESTART_RULE,
  ContainerRestartRuleOnExitCodes: RESTART_RULE_EXIT_CODES,
  EnvFromSource: ENV_FROM,
  EnvVar: ENV_VAR,
  EnvVarSource: ENV_SOURCE,
  ExecAction: EXEC,
  FileKeySelector: FILE_KEY_REF,
  GRPCAction: GRPC,
  HTTPGetAction: HTTP_GET,
  HTTPHeader: HTTP_HEADER,
  Lifecycle: LIFECYCLE,
  LifecycleHandler: LIFECYCLE_HANDLER,
  ObjectFieldSelector: FIELD_REF,
  Probe: PROBE,
  ResourceFieldSelector: RESOURCE_FIELD_REF,
  ResourceRequirements: RESOURCES,
  SELinuxOptions: SELINUX_OPTIONS,
  SeccompProfile: SECURITY_PROFILE,
  SecretEnvSource: SECRET_ENV,
  SecretKeySelector: SECRET_KEY,
  SecurityContext: SECURITY_CONTEXT,
  SleepAction: SLEEP,
  TCPSocketAction: TCP_SOCKET,
  VolumeMount: VOLUME_MOUNT,
};
