/** What a pod's object says of the values that the downward API gives. */
import { describe, expect, test } from 'vitest';
import { fieldValue, resourceValue } from '../../../src/core/copy/downward-values.ts';
import { podWith } from '../render/render-objects.ts';

describe('a value of the downward API', () => {
  const pod = podWith(
    { nodeName: 'n', containers: [{ name: 'c', resources: { limits: { cpu: '1500m', memory: '1Gi' }, requests: { cpu: 0.1 } } }] },
    { uid: 'u', annotations: { 'a/b': 'tab\tbell\x07é\u2028' } },
  );

  test.each([
    ['metadata.namespace', 'apps'],
    ['metadata.uid', 'u'],
    ["metadata.labels['b']", '2'],
    ['metadata.annotations', 'a/b="tab\\tbell\\aé\\u2028"'],
    ['spec.nodeName', 'n'],
    ['spec.serviceAccountName', 'default'],
    ['status.podIP', undefined],
    ['status.hostIP', undefined],
    ['status.podIPs', undefined],
    ['status.nonsense', undefined],
  ])('%s is %j', (path, expected) => {
    expect(fieldValue(path, pod)).toBe(expected);
  });

  test.each<[string, unknown, string | undefined]>([
    ['limits.cpu', undefined, '2'],
    ['limits.cpu', '1m', '1500'],
    ['requests.cpu', '1m', '100'],
    ['requests.cpu', undefined, '1'],
    ['limits.memory', undefined, '1073741824'],
    ['limits.memory', '1Mi', '1024'],
    ['limits.memory', '1G', '2'],
    ['limits.memory', '1e3', '1073742'],
    ['limits.memory', '0', '1073741824'],
    ['requests.memory', '1Gi', '1'],
    ['requests.ephemeral-storage', undefined, '0'],
    ['limits.ephemeral-storage', undefined, undefined],
    ['limits.cpu', 'much', undefined],
    ['nonsense', undefined, undefined],
  ])('%s in units of %j is %j', (resource, divisor, expected) => {
    expect(resourceValue({ resource, divisor }, pod, 'c')).toBe(expected);
  });

  test('of a container that is not there is not known', () => {
    expect(resourceValue({ resource: 'limits.cpu', containerName: 'other' }, pod, 'c')).toBeUndefined();
  });
});
