/**
 * What becomes of every field of a Pod (core/v1 up to Kubernetes 1.37): metadata and pod level; containers and volumes
 * are in fields-container.ts and fields-volume.ts.
 *
 * This is the allow-list itself, not a description of it: the sanitizer copies a field only where a row says so. A
 * field without a row is dropped from metadata and refuses the pod everywhere else: a Kubernetes newer than these rows
 * fails closed. Never decides on values; that is done where a row says `rewrite`.
 */
import { drop, type FieldTable, keep, refuse, rewrite } from './field-rules.ts';
import { CONTAINER_TABLES, RESOURCES, SECURITY_PROFILE, SELINUX_OPTIONS } from './fields-container.ts';
import { VOLUME_TABLES } from './fields-volume.ts';

const API_BOOKKEEPING = "the API server's bookkeeping";
const SCHEDULER_ONLY = 'read by the scheduler only';

const POD_OS: FieldTable = { name: keep('text', 'local; windows is refused elsewhere') };

const HOST_ALIAS: FieldTable = { ip: keep('text', 'local'), hostnames: keep('texts', 'local') };

const DNS_OPTION: FieldTable = { name: keep('text', 'local'), value: keep('text', 'local') };

const DNS_CONFIG: FieldTable = {
  nameservers: keep('texts', 'local'),
  searches: keep('texts', 'local'),
  options: keep({ list: DNS_OPTION }, 'local'),
};

const SYSCTL: FieldTable = { name: keep('text', 'local'), value: keep('text', 'local') };

const POD_SECURITY_CONTEXT: FieldTable = {
  seLinuxOptions: keep({ object: SELINUX_OPTIONS }, 'local'),
  windowsOptions: refuse('windows', 'Windows nodes are not supported; remove it or do not opt this pod in'),
  runAsUser: keep('integer', 'local'),
  runAsGroup: keep('integer', 'local'),
  runAsNonRoot: keep('boolean', 'local'),
  supplementalGroups: keep('integers', 'local'),
  supplementalGroupsPolicy: keep('text', 'local'),
  fsGroup: keep('integer', 'local; stored files carry the group already'),
  fsGroupChangePolicy: keep('text', 'local'),
  sysctls: keep({ list: SYSCTL }, 'local'),
  seccompProfile: keep({ object: SECURITY_PROFILE }, 'local'),
  appArmorProfile: keep({ object: SECURITY_PROFILE }, 'local'),
  seLinuxChangePolicy: keep('text', 'local'),
};

/** ObjectMeta. */
export const METADATA: FieldTable = {
  name: rewrite('the copy has a name of its own, to which the kubelet appends the node'),
  namespace: keep('text', 'the copy belongs where the parent belongs'),
  labels: rewrite('kept, so that Services find the copy, except those by which controllers count their pods'),
  annotations: rewrite('kept, because the runtime and its plugins read them, except results and bookkeeping'),
  generateName: drop('a static pod needs a fixed name'),
  selfLink: drop(API_BOOKKEEPING),
  uid: drop("the parent's uid would merge the two pods inside the kubelet"),
  resourceVersion: drop('it would make the creation of the mirror pod fail'),
  generation: drop(API_BOOKKEEPING),
  creationTimestamp: drop(API_BOOKKEEPING),
  deletionTimestamp: drop('it would make the kubelet tear the copy down'),
  deletionGracePeriodSeconds: drop(API_BOOKKEEPING),
  ownerReferences: drop('the mirror pod is owned by the node'),
  finalizers: drop('they would keep the mirror pod for ever'),
  managedFields: drop(API_BOOKKEEPING),
  clusterName: drop(API_BOOKKEEPING),
};

/** PodSpec. */
export const POD_SPEC: FieldTable = {
  volumes: rewrite('see the rows of volumes'),
  initContainers: rewrite('see the rows of containers'),
  containers: rewrite('see the rows of containers'),
  ephemeralContainers: drop('a debugging session is not part of the pod, and the kubelet refuses it in static pods'),
  restartPolicy: rewrite('only Always can be kept'),
  terminationGracePeriodSeconds: keep('integer', 'local'),
  activeDeadlineSeconds: refuse('active-deadline', 'it would end the copy some time after each start; remove it or do not opt this pod in'),
  dnsPolicy: keep('text', 'local'),
  dnsConfig: keep({ object: DNS_CONFIG }, 'local'),
  nodeSelector: drop('the kubelet judges it without the labels that only the API server knows, and the copy is on its node already'),
  affinity: drop('the kubelet judges it without the labels that only the API server knows, and the copy is on its node already'),
  topologySpreadConstraints: drop(SCHEDULER_ONLY),
  schedulerName: drop(SCHEDULER_ONLY),
  schedulingGates: drop('not allowed on a pod that is bound to a node'),
  serviceAccountName: drop('static pods may not name one; the token is among the stored files'),
  serviceAccount: drop('static pods may not name one; the token is among the stored files'),
  automountServiceAccountToken: rewrite('false: nothing is mounted into static pods'),
  nodeName: drop('set by the kubelet'),
  hostNetwork: keep('boolean', 'local'),
  hostPID: keep('boolean', 'local'),
  hostIPC: keep('boolean', 'local'),
  shareProcessNamespace: keep('boolean', 'local'),
  hostUsers: keep('boolean', 'local'),
  securityContext: keep({ object: POD_SECURITY_CONTEXT }, 'privileges stay exactly as admitted'),
  imagePullSecrets: drop('static pods may not name them; the images must already be on the node'),
  hostname: rewrite("kept, or the parent's pod name, because the copy's own name is another; with a dot in it as hostnameOverride"),
  subdomain: keep('text', 'local'),
  setHostnameAsFQDN: keep('boolean', 'local'),
  hostnameOverride: keep('text', 'local; a kubelet that does not know it gives parent and copy the hostname'),
  tolerations: drop('static pods are not subject to taints'),
  hostAliases: keep({ list: HOST_ALIAS }, 'local'),
  priorityClassName: rewrite('class and value are kept together or not at all'),
  priority: rewrite('class and value are kept together or not at all'),
  preemptionPolicy: drop('read by the scheduler only, and a mismatch keeps the mirror pod from being created'),
  readinessGates: drop('nobody sets their conditions without the API server'),
  runtimeClassName: refuse(
    'runtime-class',
    "it needs the API server to be resolved; make that handler the runtime's default and remove the field",
  ),
  overhead: drop('belongs to a runtime class'),
  enableServiceLinks: rewrite('false: the service variables that the parent got are written into env'),
  resourceClaims: refuse('resource-claim', 'devices are allocated through the API server; remove the claims or do not opt this pod in'),
  resources: keep({ object: RESOURCES }, 'local; the limits of the whole pod, where the kubelet knows them for the parent too'),
  os: keep({ object: POD_OS }, 'local'),
  workloadRef: drop('refers to an object of the scheduler'),
  schedulingGroup: drop('refers to an object of the scheduler'),
  evictionResponders: drop('evictions are an affair of the API server'),
};

/** Every table by the name of the API's type: for the test that proves that no field was forgotten, and for docs. */
export const ALL_FIELD_TABLES: Readonly<Record<string, FieldTable>> = {
  ObjectMeta: METADATA,
  PodSpec: POD_SPEC,
  PodOS: POD_OS,
  HostAlias: HOST_ALIAS,
  PodDNSConfig: DNS_CONFIG,
  PodDNSConfigOption: DNS_OPTION,
  PodSecurityContext: POD_SECURITY_CONTEXT,
  Sysctl: SYSCTL,
  ...CONTAINER_TABLES,
  ...VOLUME_TABLES,
};
