/** What a capture is told to bring. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { neededInputs, usedVolumes } from '../../../src/core/copy/references.ts';
import type { Json, RawPod } from '../../../src/core/model/model.ts';
import { fixture, tinyPod } from '../pods.ts';

const volume = (source: Json): RawPod => tinyPod({ volumes: [{ name: 'v', ...source }] });
const item = (fieldPath: string, more: Json = {}): Json => ({ path: 'x', fieldRef: { fieldPath }, ...more });

describe('neededInputs', () => {
  it('lists volumes by plugin, containers with references or running ones, and all images', () => {
    expect(neededInputs(fixture('deployment-app'))).toEqual({
      volumes: [
        { name: 'tls', plugin: 'secret' },
        { name: 'config', plugin: 'configmap' },
        { name: 'all', plugin: 'projected' },
        { name: 'token', plugin: 'projected' },
      ],
      containers: ['web'],
      images: ['prepare', 'web'],
    });
  });

  it('asks for no volume that nothing mounts, as the kubelet does not either', () => {
    const gone = { name: 'gone', configMap: { name: 'gone' } };
    expect(neededInputs(tinyPod({ volumes: [gone] }, { volumeMounts: [] })).volumes).toEqual([]);
    const initContainers = [{ name: 'init', image: 'x', volumeMounts: [{ name: 'gone', mountPath: '/x' }] }];
    expect(neededInputs(tinyPod({ volumes: [gone], initContainers }, { volumeMounts: [] })).volumes).toEqual([
      { name: 'gone', plugin: 'configmap' },
    ]);
    const volumeDevices = [{ name: 'gone', devicePath: '/dev/x' }];
    expect([...usedVolumes(tinyPod({}, { volumeDevices }))]).toEqual(['gone']);
    const env = [{ name: 'A', valueFrom: { fileKeyRef: { volumeName: 'gone', path: 'x', key: 'k' } } }];
    expect([...usedVolumes(tinyPod({}, { env }))]).toEqual(['gone']);
  });

  it('needs the environment of sidecars, and of init containers that take values from elsewhere', () => {
    const pod = tinyPod({
      initContainers: [
        { name: 'plain', image: 'x' },
        { name: 'all', image: 'x', envFrom: [{ configMapRef: { name: 'c' } }] },
        { name: 'one', image: 'x', env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }] },
        { name: 'sidecar', image: 'x', restartPolicy: 'Always' },
      ],
    });
    expect(neededInputs(pod).containers).toEqual(['all', 'one', 'sidecar', 'main']);
  });

  it.each<[string, Json, string | undefined]>([
    [
      'a downwardAPI volume that the kubelet answers truly',
      { downwardAPI: { items: [item('metadata.labels'), item('metadata.name')] } },
      undefined,
    ],
    [
      'one that asks for a label the copy does not have',
      { downwardAPI: { items: [item("metadata.labels['pod-template-hash']")] } },
      'downward-api',
    ],
    ['one with an owner for a file', { downwardAPI: { items: [item('metadata.uid', { user: 5 })] } }, 'downward-api'],
    ['one with an owner for all files', { downwardAPI: { defaultUser: 5 } }, 'downward-api'],
    [
      'a projected volume with downwardAPI sources only',
      { projected: { sources: [{ downwardAPI: { items: [item('metadata.namespace')] } }] } },
      undefined,
    ],
    ['a projected volume with a token', { projected: { sources: [{ serviceAccountToken: { path: 't' } }] } }, 'projected'],
    ['a hostPath', { hostPath: { path: '/x' } }, undefined],
  ])('%s', (_, source, plugin) => {
    expect(neededInputs(volume(source)).volumes).toEqual(plugin === undefined ? [] : [{ name: 'v', plugin }]);
  });

  it('wants the parent name as a file where a duplicate identity is accepted', () => {
    const pod = volume({ downwardAPI: { items: [item('metadata.name')] } });
    const metadata = { ...pod.metadata, annotations: { 'checkpointer/allow-duplicate': 'true' } };
    expect(neededInputs({ ...pod, metadata } as RawPod).volumes).toEqual([{ name: 'v', plugin: 'downward-api' }]);
  });

  it('never throws, whatever the pod looks like', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (spec) => {
        expect(neededInputs({ spec } as unknown as RawPod).images).toBeInstanceOf(Array);
      }),
    );
  });
});
