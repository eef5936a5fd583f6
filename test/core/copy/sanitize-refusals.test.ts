/** What the sanitizer refuses, and with which reason. */
import { describe, expect, it } from 'vitest';
import type { SanitizeTarget } from '../../../src/core/copy/sanitize.ts';
import { encodeManifest } from '../../../src/core/model/manifest.ts';
import type { Json, RawPod } from '../../../src/core/model/model.ts';
import { accepted, codes, fixture, inputsFor, OPTIONS, run, TARGET, tinyPod } from '../pods.ts';

const OLD: SanitizeTarget = { nodeName: 'node-1', kubeletMinor: 31 };
const MIDDLE: SanitizeTarget = { nodeName: 'node-1', kubeletMinor: 35 };
const sidecarWithRules = (action: string): RawPod =>
  tinyPod({ initContainers: [{ name: 'side', image: 'x', restartPolicy: 'Always', restartPolicyRules: [{ action }] }] });
const annotated = (value: string): RawPod => {
  const pod = tinyPod();
  return { ...pod, metadata: { ...pod.metadata, annotations: { big: value } } } as RawPod;
};

describe('refusals', () => {
  const withVolume = (source: Json): RawPod => tinyPod({ volumes: [{ name: 'v', ...source }] });

  it.each<[string, RawPod, string, SanitizeTarget?]>([
    ['a claim', withVolume({ persistentVolumeClaim: { claimName: 'c' } }), 'persistent-volume'],
    ['an ephemeral volume', withVolume({ ephemeral: {} }), 'persistent-volume'],
    ['a CSI volume', withVolume({ csi: { driver: 'd' } }), 'csi-volume'],
    ['azureFile', withVolume({ azureFile: { secretName: 's' } }), 'api-volume'],
    ['glusterfs', withVolume({ glusterfs: {} }), 'api-volume'],
    ['gitRepo', withVolume({ gitRepo: {} }), 'git-repo-volume'],
    ...[
      'iscsi',
      'fc',
      'rbd',
      'cephfs',
      'flexVolume',
      'gcePersistentDisk',
      'awsElasticBlockStore',
      'azureDisk',
      'cinder',
      'vsphereVolume',
      'portworxVolume',
      'photonPersistentDisk',
      'quobyte',
      'scaleIO',
      'storageos',
      'flocker',
    ].map((kind): [string, RawPod, string] => [kind, withVolume({ [kind]: {} }), 'attached-volume']),
    ['an image volume on an old kubelet', withVolume({ image: { reference: 'x' } }), 'needs-newer-kubelet', OLD],
    ['an image volume on an unknown kubelet', withVolume({ image: { reference: 'x' } }), 'needs-newer-kubelet', { nodeName: 'node-1' }],
    ['a pod certificate', withVolume({ projected: { sources: [{ podCertificate: {} }] } }), 'pod-certificate'],
    ['a projected source nobody knows', withVolume({ projected: { sources: [{ moon: {} }] } }), 'unknown-field'],
    ['an empty projected source', withVolume({ projected: { sources: [{}] } }), 'malformed'],
    ['a kind of volume nobody knows', withVolume({ moon: {} }), 'unknown-field'],
    ['an unknown field of a volume', withVolume({ hostPath: { path: '/', moon: 1 } }), 'unknown-field'],
    ['an unknown field of a Secret volume', withVolume({ secret: { secretName: 's', moon: 1 } }), 'unknown-field'],
    ...[
      { secret: { secretName: 's', items: [{ key: 'k', path: 'p', moon: 1 }] } },
      { configMap: { name: 'c', items: [{ key: 'k', path: 'p', moon: 1 }] } },
      { projected: { sources: [{ secret: { name: 's', moon: 1 } }] } },
      { projected: { sources: [{ secret: { name: 's', items: [{ key: 'k', path: 'p', moon: 1 }] } }] } },
      { projected: { sources: [{ configMap: { name: 'c', moon: 1 } }] } },
      { projected: { sources: [{ serviceAccountToken: { path: 'p', moon: 1 } }] } },
      { projected: { sources: [{ clusterTrustBundle: { path: 'p', moon: 1 } }] } },
      { projected: { sources: [{ clusterTrustBundle: { path: 'p', labelSelector: { moon: 1 } } }] } },
      { projected: { sources: [{ downwardAPI: { items: [{ path: 'p', moon: 1 }] } }, { secret: { name: 's' } }] } },
    ].map((source): [string, RawPod, string] => [`an unknown field in ${JSON.stringify(source)}`, withVolume(source), 'unknown-field']),
    ...[
      { env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'c', key: 'k', moon: 1 } } }] },
      { env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 's', key: 'k', moon: 1 } } }] },
      { env: [{ name: 'A', valueFrom: { fileKeyRef: { volumeName: 'v', path: 'p', key: 'k', moon: 1 } } }] },
      { env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.name', moon: 1 } } }] },
      { env: [{ name: 'A', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', moon: 1 } } }] },
      { envFrom: [{ configMapRef: { name: 'c', moon: 1 } }] },
      { envFrom: [{ secretRef: { name: 's', moon: 1 } }] },
    ].map((main): [string, RawPod, string] => [`an unknown field in ${JSON.stringify(main)}`, tinyPod({}, main), 'unknown-field']),
    ['a volume of two kinds', withVolume({ hostPath: { path: '/' }, emptyDir: {} }), 'malformed'],
    ['a Secret volume that is none', withVolume({ secret: 5 }), 'malformed'],
    ['two volumes of one name', tinyPod({ volumes: [{ name: 'v' }, { name: 'v' }] }), 'malformed'],
    ['a volume named as a path', tinyPod({ volumes: [{ name: '../v', emptyDir: {} }] }), 'malformed'],
    ['a resource claim', tinyPod({ resourceClaims: [{ name: 'x' }] }), 'resource-claim'],
    ['a claim of a container', tinyPod({}, { resources: { claims: [{ name: 'x' }] } }), 'resource-claim'],
    ['an extended resource', tinyPod({}, { resources: { limits: { 'example.com/gpu': 1 } } }), 'extended-resource'],
    ['an extended resource of the pod', tinyPod({ resources: { requests: { 'example.com/gpu': '1' } } }), 'extended-resource'],
    ['a block device', tinyPod({}, { volumeDevices: [{ name: 'v', devicePath: '/x' }] }), 'block-device'],
    ['a runtime class', tinyPod({ runtimeClassName: 'x' }), 'runtime-class'],
    ['a deadline', tinyPod({ activeDeadlineSeconds: 5 }), 'active-deadline'],
    ['Windows', tinyPod({ os: { name: 'windows' } }), 'windows'],
    ['Windows options of the pod', tinyPod({ securityContext: { windowsOptions: { hostProcess: true } } }), 'windows'],
    ['Windows options of a container', tinyPod({}, { securityContext: { windowsOptions: {} } }), 'windows'],
    ["user namespaces on the host's network", tinyPod({ hostNetwork: true, hostUsers: false }), 'host-users'],
    ['a pod that may end', tinyPod({ restartPolicy: 'Never' }), 'restart-policy'],
    ['an unknown field of the pod', tinyPod({ moon: 1 }), 'unknown-field'],
    ['an unknown field of a container', tinyPod({}, { moon: 1 }), 'unknown-field'],
    ['an unknown field of a security context', tinyPod({}, { securityContext: { moon: true } }), 'unknown-field'],
    ['a restart policy of a main container on an old kubelet', tinyPod({}, { restartPolicy: 'Never' }), 'needs-newer-kubelet', OLD],
    ['restart rules on an old kubelet', tinyPod({}, { restartPolicyRules: [{ action: 'Restart' }] }), 'needs-newer-kubelet', OLD],
    ['restart rules of a sidecar on kubelet 1.35', sidecarWithRules('Restart'), 'needs-newer-kubelet', MIDDLE],
    [
      'a restart rule for all containers on kubelet 1.35',
      tinyPod({}, { restartPolicy: 'Never', restartPolicyRules: [{ action: 'RestartAllContainers' }] }),
      'needs-newer-kubelet',
      MIDDLE,
    ],
    ['annotations that fill all the room', annotated('x'.repeat(256 * 1024 - 100)), 'annotations-too-large'],
    ['a name server with a leading zero', tinyPod({ dnsConfig: { nameservers: ['192.0.02.53'] } }), 'ip-notation'],
    ['a host alias with a leading zero', tinyPod({ hostAliases: [{ ip: '010.0.0.1', hostnames: ['a'] }] }), 'ip-notation'],
    ['an IPv4-mapped host alias', tinyPod({ hostAliases: [{ ip: '::ffff:1.2.3.4', hostnames: ['a'] }] }), 'ip-notation'],
    ['an IPv4-mapped host alias in hex', tinyPod({ hostAliases: [{ ip: '0::FFFF:102:304', hostnames: ['a'] }] }), 'ip-notation'],
    ['an image with a blank', tinyPod({}, { image: 'app:1 ' }), 'malformed'],
    ['a search domain that old kubelets refuse', tinyPod({ dnsConfig: { searches: ['.'] } }), 'needs-newer-kubelet', OLD],
    ['a port name that is declared nowhere', tinyPod({ hostNetwork: true }, { livenessProbe: { httpGet: { port: 'web' } } }), 'named-port'],
    ['the stand-in for our directory', tinyPod({}, { args: ['@revision@/record.json'] }), 'reserved-text'],
    ['the stand-in in a host path', withVolume({ hostPath: { path: '@revision@/x' } }), 'reserved-text'],
    ['a mount of no volume', tinyPod({}, { volumeMounts: [{ name: 'v', mountPath: '/' }] }), 'malformed'],
    ['a mount nowhere', tinyPod({ volumes: [{ name: 'v' }] }, { volumeMounts: [{ name: 'v' }] }), 'malformed'],
    ['no image', tinyPod({}, { image: '' }), 'malformed'],
    ['a container without a name', tinyPod({}, { name: undefined }), 'malformed'],
    ['two containers of one name', tinyPod({ initContainers: [{ name: 'main', image: 'x' }] }), 'malformed'],
    ['no containers', tinyPod({ containers: [] }), 'malformed'],
    ['a hostname that is none', tinyPod({ hostname: 'A_b' }), 'malformed'],
    ['a restart policy that is no text', tinyPod({}, { restartPolicy: 5 }), 'malformed'],
    ['text where a number belongs', tinyPod({ terminationGracePeriodSeconds: '30' }), 'malformed'],
    ['an object where a list belongs', tinyPod({}, { command: {} }), 'malformed'],
    ['a list with other things in it', tinyPod({ hostAliases: [5] }), 'malformed'],
    ['text where an object belongs', tinyPod({}, { securityContext: 'x' }), 'malformed'],
    [
      'labels that are no texts',
      { ...tinyPod(), metadata: { name: 'a', namespace: 'b', labels: { x: 1 } } } as unknown as RawPod,
      'malformed',
    ],
    ['a name that is none', { ...tinyPod(), metadata: { name: 'A', namespace: 'b' } } as RawPod, 'malformed'],
    ['no spec', { metadata: {} } as RawPod, 'malformed'],
    ['a node name without room for more', tinyPod(), 'name-too-long', { nodeName: 'n'.repeat(240) }],
  ])('%s', (_, pod, code, target = TARGET) => {
    expect(codes(run(pod, OPTIONS, target))).toContain(code);
  });

  it.each<[string, RawPod, SanitizeTarget]>([
    ['plain addresses', tinyPod({ dnsConfig: { nameservers: ['10.0.100.0', '::1', '64:ff9b::1.2.3.4', 'fd00::ffff:1:2:3'] } }), TARGET],
    ['a restart rule on kubelet 1.35', tinyPod({}, { restartPolicy: 'Never', restartPolicyRules: [{ action: 'Restart' }] }), MIDDLE],
    ['restart rules of a sidecar on kubelet 1.36', sidecarWithRules('RestartAllContainers'), { nodeName: 'node-1', kubeletMinor: 36 }],
    ['large annotations', annotated('x'.repeat(255 * 1024 - 300)), TARGET],
    ['user namespaces off the host network', tinyPod({ hostUsers: false }), TARGET],
  ])('does not refuse %s', (_, pod, target) => {
    expect(codes(run(pod, OPTIONS, target))).toEqual([]);
  });

  it('refuses a volume that was not captured', () => {
    const pod = withVolume({ secret: { secretName: 's' } });
    expect(codes(run(pod, OPTIONS, TARGET, { volumes: {}, containers: {} }))).toEqual(['volume-not-captured']);
  });

  it('refuses a subPath that the volume does not hold', () => {
    const pod = tinyPod(
      { volumes: [{ name: 'v', secret: { secretName: 's' } }] },
      { volumeMounts: [{ name: 'v', mountPath: '/m', subPath: 'gone' }] },
    );
    expect(codes(run(pod))).toEqual(['sub-path-missing']);
  });

  it('gives all reasons at once, each naming its field', () => {
    const pod = tinyPod({ activeDeadlineSeconds: 5, moon: 1, volumes: [{ name: 'v', csi: {} }] }, { volumeDevices: [{}] });
    const result = run(pod);
    const messages = result.ok ? [] : result.reasons.map((reason) => reason.message);
    for (const path of ['spec.activeDeadlineSeconds', 'spec.moon', 'spec.volumes[0].csi', 'spec.containers[0] "main".volumeDevices']) {
      expect(messages.some((message) => message.startsWith(path))).toBe(true);
    }
  });

  it('keeps a stored secret out of the manifest', () => {
    const result = accepted(run(fixture('daemonset-agent'), OPTIONS, TARGET, inputsFor(fixture('daemonset-agent'))));
    expect(encodeManifest(result.manifest) + JSON.stringify(result.changes)).not.toContain('top-secret');
  });
});
