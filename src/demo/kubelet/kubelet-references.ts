/**
 * Which API objects a static pod may not name, by the words of kubelets from 1.34 on (`pkg/api/pod/util.go`,
 * HasAPIObjectReference; the gate is gone in 1.37). Written apart from the agent's own check, so that one mistake
 * cannot be made twice in the same way. Pure.
 */
import type { RawContainer, RawPod, RawVolume } from '../../core/model/model.ts';

const ALLOWED_VOLUMES = new Set([
  'hostPath',
  'emptyDir',
  'downwardAPI',
  'projected',
  'image',
  'nfs',
  'iscsi',
  'fc',
  'rbd',
  'cephfs',
  'gitRepo',
]);
const RESOURCE_OF_VOLUME: Readonly<Record<string, string>> = {
  secret: 'secrets',
  configMap: 'configmaps',
  persistentVolumeClaim: 'persistentvolumeclaims',
  csi: 'csidrivers',
  ephemeral: 'persistentvolumeclaims',
};

/** The resource that makes the kubelet refuse this pod, or undefined. `optional: true` exempts nothing. */
export function forbiddenReference(pod: RawPod): string | undefined {
  const spec = pod.spec;
  if (spec === undefined) return undefined;
  if (spec.serviceAccountName || spec.serviceAccount) return 'serviceaccounts';
  if (spec.imagePullSecrets?.some(({ name }) => name)) return 'secrets';
  if (spec.resourceClaims !== undefined && spec.resourceClaims.length > 0) return 'resourceclaims';
  for (const container of [...spec.containers, ...(spec.initContainers ?? [])]) {
    const found = inEnvironment(container);
    if (found !== undefined) return found;
  }
  for (const volume of spec.volumes ?? []) {
    const found = inVolume(volume);
    if (found !== undefined) return found;
  }
  return undefined;
}

function inEnvironment(container: RawContainer): string | undefined {
  for (const { secretRef, configMapRef } of container.envFrom ?? []) {
    if (secretRef?.name) return 'secrets';
    if (configMapRef?.name) return 'configmaps';
  }
  for (const { valueFrom } of container.env ?? []) {
    if (valueFrom?.secretKeyRef?.name) return 'secrets';
    if (valueFrom?.configMapKeyRef?.name) return 'configmaps';
  }
  return undefined;
}

function inVolume(volume: RawVolume): string | undefined {
  const [kind] = Object.keys(volume).filter((key) => key !== 'name');
  if (kind === undefined) return undefined;
  const resource = RESOURCE_OF_VOLUME[kind];
  if (resource !== undefined) return resource;
  if (!ALLOWED_VOLUMES.has(kind)) return `unknown volume type ${kind}`;
  const source = volume.projected?.sources?.find((projection) => projection.downwardAPI === undefined);
  if (source === undefined) return undefined;
  if (source.secret !== undefined) return 'secrets';
  if (source.configMap !== undefined) return 'configmaps';
  return source.serviceAccountToken === undefined ? 'clustertrustbundles' : 'serviceaccounts';
}
