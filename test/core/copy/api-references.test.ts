/** Our copy of the kubelet's check: whatever is put back into a good manifest is found. */
import { describe, expect, it } from 'vitest';
import { findApiReferences, judgeApiReferences } from '../../../src/core/copy/api-references.ts';
import type { Json } from '../../../src/core/model/model.ts';
import { accepted, fixture, INLINE, run } from '../pods.ts';

function mutated(change: (spec: { [key: string]: unknown; containers: Json[]; volumes: Json[] }) => void): readonly string[] {
  const manifest = structuredClone(accepted(run(fixture('deployment-app'), INLINE)).manifest);
  change(manifest['spec'] as Parameters<typeof change>[0]);
  return findApiReferences(manifest);
}

describe('findApiReferences', () => {
  it('finds nothing in sanitized pods', () => {
    for (const name of ['daemonset-agent', 'deployment-app', 'sidecar', 'kube-apiserver'] as const) {
      expect(findApiReferences(accepted(run(fixture(name), INLINE)).manifest)).toEqual([]);
    }
  });

  it.each<[string, unknown]>([
    ['serviceAccountName', 'x'],
    ['serviceAccount', 'x'],
    ['imagePullSecrets', [{ name: '' }]],
    ['resourceClaims', [{}]],
    ['ephemeralContainers', [{}]],
    ['runtimeClassName', 'x'],
  ])('finds spec.%s', (key, value) => {
    expect(mutated((spec) => Object.assign(spec, { [key]: value }))).toEqual([`spec.${key}`]);
  });

  it.each<[string, Json]>([
    ['envFrom', { envFrom: [{ secretRef: {} }] }],
    ['env[0].valueFrom.secretKeyRef', { env: [{ name: 'A', valueFrom: { secretKeyRef: {} } }] }],
    ['env[0].valueFrom.configMapKeyRef', { env: [{ name: 'A', valueFrom: { configMapKeyRef: {} } }] }],
    ['volumeDevices', { volumeDevices: [{}] }],
    ['resources.claims', { resources: { claims: [{}] } }],
  ])('finds %s of a container, an init container and an ephemeral one', (path, change) => {
    expect(mutated((spec) => Object.assign(spec.containers[0] as Json, change))).toEqual([`spec.containers[0].${path}`]);
    expect(mutated((spec) => Object.assign(spec, { initContainers: [change] }))).toEqual([`spec.initContainers[0].${path}`]);
    expect(mutated((spec) => Object.assign(spec, { ephemeralContainers: [change] }))).toContain(`spec.ephemeralContainers[0].${path}`);
  });

  it.each(['secret', 'configMap', 'csi', 'glusterfs', 'persistentVolumeClaim', 'ephemeral', 'azureFile', 'rbd', 'tomorrow'])(
    'finds a volume of kind %s',
    (kind) => {
      expect(mutated((spec) => spec.volumes.push({ name: 'x', [kind]: {} }))).toEqual([`spec.volumes[6].${kind}`]);
    },
  );

  it('finds a volume without a kind', () => {
    expect(mutated((spec) => spec.volumes.push({ name: 'x' }))).toEqual(['spec.volumes[6] (no kind)']);
  });

  it.each(['secret', 'configMap', 'serviceAccountToken', 'clusterTrustBundle', 'podCertificate', 'tomorrow'])(
    'finds a projected source of kind %s',
    (kind) => {
      expect(mutated((spec) => spec.volumes.push({ name: 'x', projected: { sources: [{ downwardAPI: {} }, { [kind]: {} }] } }))).toEqual([
        'spec.volumes[6].projected.sources[1]',
      ]);
    },
  );

  it('finds projected sources that are no list, or empty', () => {
    expect(mutated((spec) => spec.volumes.push({ name: 'x', projected: { sources: {} } }))).toEqual(['spec.volumes[6].projected.sources']);
    expect(mutated((spec) => spec.volumes.push({ name: 'x', projected: { sources: [{}] } }))).toEqual([
      'spec.volumes[6].projected.sources[0]',
    ]);
    expect(mutated((spec) => spec.volumes.push({ name: 'x', projected: {} }))).toEqual([]);
  });

  it('makes a refusal of each, which says that the fault is ours', () => {
    expect(judgeApiReferences({ spec: {} })).toEqual([]);
    const [reason] = judgeApiReferences({ spec: { serviceAccountName: 'x' } });
    expect(reason).toMatchObject({ code: 'internal-api-reference', message: expect.stringContaining('spec.serviceAccountName') });
  });
});
