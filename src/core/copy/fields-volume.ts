/**
 * What becomes of every kind of volume. Rows only; see fields.ts for what they mean.
 *
 * Kinds that the kubelet fills from API objects become stored files; kinds that must be attached, locked or provisioned
 * refuse the pod, because nothing fences the data while the control plane is away.
 */
import { type FieldTable, keep, keepSince, refuse, rewrite } from './field-rules.ts';
import { FIELD_REF, RESOURCE_FIELD_REF } from './fields-container.ts';

const ATTACHED = 'attaching or locking it without the control plane could damage its data; use a hostPath volume or do not opt this pod in';
// GenerateVerifyControllerAttachedVolumeFunc: both plugins count as attachable, although nothing attaches them
const NEEDS_NODE =
  'the kubelet asks the API server whether it is attached before it mounts it; use a hostPath volume of a mount on the host, or do not opt this pod in';
const NEEDS_API = 'the kubelet reads it through the API server; use a hostPath volume or do not opt this pod in';
const NEEDS_CLAIM = 'a claim is resolved through the API server; use a hostPath volume or do not opt this pod in';

const HOST_PATH: FieldTable = { path: keep('text', 'local'), type: keep('text', 'local') };

const EMPTY_DIR: FieldTable = {
  medium: keep('text', "local; the parent's content is not carried over"),
  sizeLimit: keep('quantity', 'local'),
  mode: keep('integer', 'local'),
};

const NFS: FieldTable = {
  server: keep('text', 'needs the network, not the API server'),
  path: keep('text', 'local'),
  readOnly: keep('boolean', 'local'),
};

export const IMAGE_VOLUME: FieldTable = {
  reference: keep('text', 'must already be on the node'),
  pullPolicy: rewrite('IfNotPresent, because there may be no registry; Never stays'),
};

const DOWNWARD_FILE: FieldTable = {
  path: keep('text', 'local'),
  fieldRef: keep({ object: FIELD_REF }, 'local'),
  resourceFieldRef: keep({ object: RESOURCE_FIELD_REF }, 'local'),
  mode: keep('integer', 'local'),
  user: rewrite('the volume becomes stored files, which carry their owner'),
};

/** Of a downwardAPI volume that stays one. */
export const DOWNWARD_API: FieldTable = {
  items: keep({ list: DOWNWARD_FILE }, 'local'),
  defaultMode: keep('integer', 'local'),
  defaultUser: rewrite('the volume becomes stored files, which carry their owner'),
};

const DOWNWARD_PROJECTION: FieldTable = { items: keep({ list: DOWNWARD_FILE }, 'local') };

/** Of a projected volume that stays one, which is one with downwardAPI sources only. */
export const PROJECTED_LOCAL: FieldTable = {
  sources: keep({ list: { downwardAPI: keep({ object: DOWNWARD_PROJECTION }, 'local') } }, 'local'),
  defaultMode: keep('integer', 'local'),
  defaultUser: rewrite('the volume becomes stored files, which carry their owner'),
};

const KEY_TO_PATH: FieldTable = {
  key: rewrite('stored files'),
  path: rewrite('stored files'),
  mode: rewrite('stored files carry their mode'),
  user: rewrite('stored files carry their owner'),
};

const SECRET_PROJECTION: FieldTable = {
  name: rewrite('stored files'),
  items: rewrite('stored files', { list: KEY_TO_PATH }),
  optional: rewrite('what was there is what is stored'),
};
// equal, but the rows of a type are its own
const CONFIG_MAP_PROJECTION: FieldTable = { ...SECRET_PROJECTION };

const TOKEN_PROJECTION: FieldTable = {
  audience: rewrite('the token that was there is stored'),
  expirationSeconds: rewrite('the token that was there is stored'),
  path: rewrite('stored files'),
  user: rewrite('stored files carry their owner'),
};

const SELECTOR_REQUIREMENT: FieldTable = {
  key: rewrite('the bundle that was there is stored'),
  operator: rewrite('the bundle that was there is stored'),
  values: rewrite('the bundle that was there is stored'),
};
const LABEL_SELECTOR: FieldTable = {
  matchLabels: rewrite('the bundle that was there is stored'),
  matchExpressions: rewrite('the bundle that was there is stored', { list: SELECTOR_REQUIREMENT }),
};
const BUNDLE_PROJECTION: FieldTable = {
  name: rewrite('the bundle that was there is stored'),
  signerName: rewrite('the bundle that was there is stored'),
  labelSelector: rewrite('the bundle that was there is stored', { object: LABEL_SELECTOR }),
  optional: rewrite('what was there is what is stored'),
  path: rewrite('stored files'),
  user: rewrite('stored files carry their owner'),
};

/** Of any projected volume: which sources may become files at all. */
export const PROJECTED_SOURCE: FieldTable = {
  secret: rewrite('stored files', { object: SECRET_PROJECTION }),
  configMap: rewrite('stored files', { object: CONFIG_MAP_PROJECTION }),
  downwardAPI: rewrite('kept where all sources are local; stored files otherwise', { object: DOWNWARD_PROJECTION }),
  serviceAccountToken: rewrite('a stored file, as fresh as the last capture', { object: TOKEN_PROJECTION }),
  clusterTrustBundle: rewrite('a stored file, as fresh as the last capture', { object: BUNDLE_PROJECTION }),
  podCertificate: refuse(
    'pod-certificate',
    'its key belongs to one pod and expires soon; use a certificate from a Secret or do not opt this pod in',
  ),
};

export const PROJECTED: FieldTable = {
  sources: rewrite('see the rows of sources'),
  defaultMode: rewrite('stored files carry their mode'),
  defaultUser: rewrite('stored files carry their owner'),
};

export const SECRET_VOLUME: FieldTable = {
  secretName: rewrite('stored files'),
  items: rewrite('stored files', { list: KEY_TO_PATH }),
  defaultMode: rewrite('stored files carry their mode'),
  optional: rewrite('what was there is what is stored'),
  defaultUser: rewrite('stored files carry their owner'),
};

export const CONFIG_MAP_VOLUME: FieldTable = {
  name: rewrite('stored files'),
  items: rewrite('stored files', { list: KEY_TO_PATH }),
  defaultMode: rewrite('stored files carry their mode'),
  optional: rewrite('what was there is what is stored'),
  defaultUser: rewrite('stored files carry their owner'),
};

export const VOLUME: FieldTable = {
  name: keep('text', 'identity inside the pod'),
  hostPath: keep({ object: HOST_PATH }, 'local'),
  emptyDir: keep({ object: EMPTY_DIR }, 'local'),
  nfs: keep({ object: NFS }, 'needs the network, not the API server'),
  image: keepSince(35, { object: IMAGE_VOLUME }, 'local from kubelet 1.35; upgrade the kubelet or do not opt this pod in'),
  secret: rewrite('a hostPath directory of stored files'),
  configMap: rewrite('a hostPath directory of stored files'),
  projected: rewrite('kept with downwardAPI sources only; a hostPath directory of stored files otherwise'),
  downwardAPI: rewrite('kept where the kubelet answers truly; a hostPath directory of stored files otherwise'),
  persistentVolumeClaim: refuse('persistent-volume', NEEDS_CLAIM),
  ephemeral: refuse('persistent-volume', NEEDS_CLAIM),
  csi: refuse('csi-volume', 'CSI drivers are looked up through the API server; use a hostPath volume or do not opt this pod in'),
  azureFile: refuse('api-volume', NEEDS_API),
  glusterfs: refuse('api-volume', NEEDS_API),
  gitRepo: refuse('git-repo-volume', 'this kind is off in current kubelets; clone in an init container or do not opt this pod in'),
  iscsi: refuse('attached-volume', NEEDS_NODE),
  fc: refuse('attached-volume', NEEDS_NODE),
  rbd: refuse('attached-volume', ATTACHED),
  cephfs: refuse('attached-volume', ATTACHED),
  flexVolume: refuse('attached-volume', ATTACHED),
  gcePersistentDisk: refuse('attached-volume', ATTACHED),
  awsElasticBlockStore: refuse('attached-volume', ATTACHED),
  azureDisk: refuse('attached-volume', ATTACHED),
  cinder: refuse('attached-volume', ATTACHED),
  vsphereVolume: refuse('attached-volume', ATTACHED),
  portworxVolume: refuse('attached-volume', ATTACHED),
  photonPersistentDisk: refuse('attached-volume', ATTACHED),
  quobyte: refuse('attached-volume', ATTACHED),
  scaleIO: refuse('attached-volume', ATTACHED),
  storageos: refuse('attached-volume', ATTACHED),
  flocker: refuse('attached-volume', ATTACHED),
};

/** By the name of the API's type. */
export const VOLUME_TABLES: Readonly<Record<string, FieldTable>> = {
  ClusterTrustBundleProjection: BUNDLE_PROJECTION,
  ConfigMapProjection: CONFIG_MAP_PROJECTION,
  ConfigMapVolumeSource: CONFIG_MAP_VOLUME,
  DownwardAPIProjection: DOWNWARD_PROJECTION,
  DownwardAPIVolumeFile: DOWNWARD_FILE,
  DownwardAPIVolumeSource: DOWNWARD_API,
  EmptyDirVolumeSource: EMPTY_DIR,
  HostPathVolumeSource: HOST_PATH,
  ImageVolumeSource: IMAGE_VOLUME,
  KeyToPath: KEY_TO_PATH,
  LabelSelector: LABEL_SELECTOR,
  LabelSelectorRequirement: SELECTOR_REQUIREMENT,
  NFSVolumeSource: NFS,
  ProjectedVolumeSource: PROJECTED,
  SecretProjection: SECRET_PROJECTION,
  SecretVolumeSource: SECRET_VOLUME,
  ServiceAccountTokenProjection: TOKEN_PROJECTION,
  Volume: VOLUME,
  VolumeProjection: PROJECTED_SOURCE,
};
