/**
 * Which fields of a pod the nine manifests must use between them, so that none is lost when somebody edits them. Looks at
 * the pods as the API server holds them.
 */
import type { PodJson } from './pods.ts';

type Value = unknown;

/** All values at a path of keys; a list on the way stands for each of its items. */
function at(value: Value, path: string): readonly Value[] {
  let values: readonly Value[] = [value];
  for (const key of path.split('.')) {
    values = values
      .map((one) => (typeof one === 'object' && one !== null ? (one as Record<string, Value>)[key] : undefined))
      .flatMap((one) => (Array.isArray(one) ? (one as Value[]) : one === undefined ? [] : [one]));
  }
  return values;
}

const has = (path: string) => (pod: PodJson) => at(pod, path).length > 0;
const is = (path: string, wanted: Value) => (pod: PodJson) => at(pod, path).includes(wanted);
const matches = (path: string, pattern: RegExp) => (pod: PodJson) => at(pod, path).some((one) => pattern.test(String(one)));

const CONTAINERS = 'spec.containers';
const hostPathOf = (type: string) => is('spec.volumes.hostPath.type', type);

const FEATURES: Readonly<Record<string, (pod: PodJson) => boolean>> = {
  'host network': is('spec.hostNetwork', true),
  'host processes': is('spec.hostPID', true),
  'host ports': (pod) => pod.spec.hostNetwork !== true && has(`${CONTAINERS}.ports.hostPort`)(pod),
  'a volume mounted by subPath': has(`${CONTAINERS}.volumeMounts.subPath`),
  'a volume mounted by subPathExpr': has(`${CONTAINERS}.volumeMounts.subPathExpr`),
  'a projected volume with several sources': (pod) =>
    at(pod, 'spec.volumes.projected').some((projected) => {
      const kinds = at(projected, 'sources').flatMap((source) => Object.keys(source as object));
      return ['serviceAccountToken', 'configMap', 'downwardAPI'].every((kind) => kinds.includes(kind));
    }),
  'a token for an audience of its own': has('spec.volumes.projected.sources.serviceAccountToken.audience'),
  fsGroup: has('spec.securityContext.fsGroup'),
  'supplemental groups': has('spec.securityContext.supplementalGroups'),
  'sysctls of the pod': has('spec.securityContext.sysctls'),
  'a secret of mode 0400': is('spec.volumes.secret.defaultMode', 0o400),
  'items with a mode of their own': is('spec.volumes.configMap.items.mode', 0o444),
  'an optional configMap volume': is('spec.volumes.configMap.optional', true),
  'an optional key in the environment': is(`${CONTAINERS}.env.valueFrom.configMapKeyRef.optional`, true),
  'binary data': is('spec.volumes.configMap.name', 'cni-agent'),
  'envFrom of a configMap with a prefix': (pod) =>
    at(pod, `${CONTAINERS}.envFrom`).some((from) => has('prefix')(from as PodJson) && has('configMapRef')(from as PodJson)),
  'envFrom of a secret with a prefix': (pod) =>
    at(pod, `${CONTAINERS}.envFrom`).some((from) => has('prefix')(from as PodJson) && has('secretRef')(from as PodJson)),
  'secret keys in the environment': has(`${CONTAINERS}.env.valueFrom.secretKeyRef`),
  'expansion in arguments': matches(`${CONTAINERS}.args`, /\$\(\w+\)/),
  'expansion in commands': matches(`${CONTAINERS}.command`, /\$\(\w+\)/),
  'expansion in the environment': matches(`${CONTAINERS}.env.value`, /(?<!\$)\$\(\w+\)/),
  'escaped expansion': matches(`${CONTAINERS}.env.value`, /\$\$\(/),
  fieldRef: has(`${CONTAINERS}.env.valueFrom.fieldRef`),
  resourceFieldRef: has(`${CONTAINERS}.env.valueFrom.resourceFieldRef`),
  'a downwardAPI volume': has('spec.volumes.downwardAPI'),
  'init containers': (pod) => (pod.spec.initContainers ?? []).some((container) => container.restartPolicy === undefined),
  'native sidecars': is('spec.initContainers.restartPolicy', 'Always'),
  'an exec hook after start': has(`${CONTAINERS}.lifecycle.postStart.exec`),
  'a hook before the end': has(`${CONTAINERS}.lifecycle.preStop`),
  'an exec probe': has(`${CONTAINERS}.livenessProbe.exec`),
  'a startup probe': has(`${CONTAINERS}.startupProbe`),
  'a probe on a named port of the host network': (pod) =>
    pod.spec.hostNetwork === true && at(pod, `${CONTAINERS}.readinessProbe.httpGet.port`).some((port) => typeof port === 'string'),
  'a probe on a named port of an own address': (pod) =>
    pod.spec.hostNetwork !== true && at(pod, `${CONTAINERS}.readinessProbe.httpGet.port`).some((port) => typeof port === 'string'),
  hostAliases: has('spec.hostAliases'),
  dnsConfig: has('spec.dnsConfig'),
  shareProcessNamespace: is('spec.shareProcessNamespace', true),
  'seccomp RuntimeDefault': is('spec.securityContext.seccompProfile.type', 'RuntimeDefault'),
  'capabilities added': has(`${CONTAINERS}.securityContext.capabilities.add`),
  'capabilities dropped': has(`${CONTAINERS}.securityContext.capabilities.drop`),
  'a read-only root': is(`${CONTAINERS}.securityContext.readOnlyRootFilesystem`, true),
  'runAsUser and runAsGroup': (pod) => has('spec.securityContext.runAsUser')(pod) && has('spec.securityContext.runAsGroup')(pod),
  'runAsUser of a container': has(`${CONTAINERS}.securityContext.runAsUser`),
  'mount propagation': is(`${CONTAINERS}.volumeMounts.mountPropagation`, 'HostToContainer'),
  'a hostPath of any type': hostPathOf(''),
  'a hostPath directory': hostPathOf('Directory'),
  'a hostPath directory to be made': hostPathOf('DirectoryOrCreate'),
  'a hostPath file': hostPathOf('File'),
  'a hostPath file to be made': hostPathOf('FileOrCreate'),
  'a hostPath socket': hostPathOf('Socket'),
  'a hostPath device': hostPathOf('CharDevice'),
  'an emptyDir in memory': is('spec.volumes.emptyDir.medium', 'Memory'),
  'a system priority class': is('spec.priorityClassName', 'system-node-critical'),
  'limits and requests': has(`${CONTAINERS}.resources.limits`),
  'a working directory': has(`${CONTAINERS}.workingDir`),
};

/** Features that no pod has. */
export function missingFeatures(pods: readonly PodJson[]): readonly string[] {
  return Object.entries(FEATURES).flatMap(([name, test]) => (pods.some(test) ? [] : [name]));
}
