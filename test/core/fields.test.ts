/** The field tables against the API: no field of Kubernetes 1.37 is without a row, and no row is without a field. */
import { describe, expect, it } from 'vitest';
import { ALL_FIELD_TABLES } from '../../src/core/fields.ts';
import { REFUSAL_CODES } from '../../src/core/refusal.ts';

/** JSON names by type, from k8s.io/api v0.37.1 (core/v1) and k8s.io/apimachinery v0.37.1 (meta/v1). */
const API: Readonly<Record<string, string>> = {
  AppArmorProfile: 'localhostProfile type',
  Capabilities: 'add drop',
  ConfigMapVolumeSource: 'defaultMode defaultUser items name optional',
  Container:
    'args command env envFrom image imagePullPolicy lifecycle livenessProbe name ports readinessProbe resizePolicy resources restartPolicy restartPolicyRules securityContext startupProbe stdin stdinOnce terminationMessagePath terminationMessagePolicy tty volumeDevices volumeMounts workingDir',
  ContainerPort: 'containerPort hostIP hostPort name protocol',
  ContainerRestartRule: 'action exitCodes',
  ContainerRestartRuleOnExitCodes: 'operator values',
  DownwardAPIProjection: 'items',
  DownwardAPIVolumeFile: 'fieldRef mode path resourceFieldRef user',
  DownwardAPIVolumeSource: 'defaultMode defaultUser items',
  EmptyDirVolumeSource: 'medium mode sizeLimit',
  EnvFromSource: 'configMapRef prefix secretRef',
  EnvVar: 'name value valueFrom',
  EnvVarSource: 'configMapKeyRef fieldRef fileKeyRef resourceFieldRef secretKeyRef',
  ExecAction: 'command',
  FileKeySelector: 'key optional path volumeName',
  GRPCAction: 'mode port service',
  HTTPGetAction: 'host httpHeaders path port protocol scheme',
  HTTPHeader: 'name value',
  HostAlias: 'hostnames ip',
  HostPathVolumeSource: 'path type',
  ImageVolumeSource: 'pullPolicy reference',
  Lifecycle: 'postStart preStop stopSignal',
  LifecycleHandler: 'exec httpGet sleep tcpSocket',
  NFSVolumeSource: 'path readOnly server',
  ObjectFieldSelector: 'apiVersion fieldPath',
  ObjectMeta:
    'annotations clusterName creationTimestamp deletionGracePeriodSeconds deletionTimestamp finalizers generateName generation labels managedFields name namespace ownerReferences resourceVersion selfLink uid',
  PodDNSConfig: 'nameservers options searches',
  PodDNSConfigOption: 'name value',
  PodOS: 'name',
  PodSecurityContext:
    'appArmorProfile fsGroup fsGroupChangePolicy runAsGroup runAsNonRoot runAsUser seLinuxChangePolicy seLinuxOptions seccompProfile supplementalGroups supplementalGroupsPolicy sysctls windowsOptions',
  PodSpec:
    'activeDeadlineSeconds affinity automountServiceAccountToken containers dnsConfig dnsPolicy enableServiceLinks ephemeralContainers evictionResponders hostAliases hostIPC hostNetwork hostPID hostUsers hostname hostnameOverride imagePullSecrets initContainers nodeName nodeSelector os overhead preemptionPolicy priority priorityClassName readinessGates resourceClaims resources restartPolicy runtimeClassName schedulerName schedulingGates schedulingGroup securityContext serviceAccount serviceAccountName setHostnameAsFQDN shareProcessNamespace subdomain terminationGracePeriodSeconds tolerations topologySpreadConstraints volumes workloadRef',
  Probe:
    'exec failureThreshold grpc httpGet initialDelaySeconds periodSeconds successThreshold tcpSocket terminationGracePeriodSeconds timeoutSeconds',
  ProjectedVolumeSource: 'defaultMode defaultUser sources',
  ResourceFieldSelector: 'containerName divisor resource',
  ResourceRequirements: 'claims limits requests',
  SELinuxOptions: 'level role type user',
  SeccompProfile: 'localhostProfile type',
  SecretVolumeSource: 'defaultMode defaultUser items optional secretName',
  SecurityContext:
    'allowPrivilegeEscalation appArmorProfile capabilities privileged procMount readOnlyRootFilesystem runAsGroup runAsNonRoot runAsUser seLinuxOptions seccompProfile windowsOptions',
  SleepAction: 'seconds',
  Sysctl: 'name value',
  TCPSocketAction: 'host port',
  Volume:
    'awsElasticBlockStore azureDisk azureFile cephfs cinder configMap csi downwardAPI emptyDir ephemeral fc flexVolume flocker gcePersistentDisk gitRepo glusterfs hostPath image iscsi name nfs persistentVolumeClaim photonPersistentDisk portworxVolume projected quobyte rbd scaleIO secret storageos vsphereVolume',
  VolumeMount: 'bindMountOptions mountPath mountPropagation name readOnly recursiveReadOnly subPath subPathExpr',
  VolumeProjection: 'clusterTrustBundle configMap downwardAPI podCertificate secret serviceAccountToken',
};

describe('the field tables', () => {
  it('speak of the same types as the API', () => {
    expect(Object.keys(ALL_FIELD_TABLES).sort()).toEqual(Object.keys(API).sort());
  });

  it.each(Object.entries(API))('have one row for every field of %s', (type, names) => {
    expect(Object.keys(ALL_FIELD_TABLES[type] ?? {}).sort()).toEqual(names.split(' '));
  });

  it('say why, and what to do where they refuse', () => {
    for (const table of Object.values(ALL_FIELD_TABLES)) {
      for (const [name, rule] of Object.entries(table)) {
        expect(rule.why, name).not.toBe('');
        if (rule.action === 'refuse') expect(rule.why, name).toMatch(/; (use|remove|make|clone)/);
        if (rule.action === 'keep' && rule.since !== undefined) expect(rule.why, name).toContain('upgrade the kubelet');
      }
    }
  });

  it('refuse with codes that can be metric labels', () => {
    expect(new Set(REFUSAL_CODES).size).toBe(REFUSAL_CODES.length);
    for (const code of REFUSAL_CODES) expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/);
  });
});
