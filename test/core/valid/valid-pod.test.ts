/** What an API server would not take is told by its place, in one sentence; what it takes is not. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Json } from '../../../src/core/model/model.ts';
import { isIP } from '../../../src/core/text/ip.ts';
import { parseQuantity } from '../../../src/core/text/quantity.ts';
import { judgeValidity } from '../../../src/core/valid/valid-pod.ts';
import { changedPod, placeOf, TAKEN_CHANGES, TAKEN_POD, WRONG_CHANGES } from '../../fixtures/wrong-pods.ts';

test.each(TAKEN_CHANGES.map((changes) => [JSON.stringify(changes), changes] as const))('a pod is taken with %s', (_words, changes) => {
  expect(judgeValidity(changedPod(changes))).toEqual([]);
});

describe('a pod is malformed', () => {
  test.each(WRONG_CHANGES.map((wrong) => [JSON.stringify(wrong[0]), placeOf(wrong), changedPod(wrong[0])] as const))(
    'with %s',
    (_, place, pod) => {
      const reasons = judgeValidity(pod);
      expect(reasons.map(({ code, message }) => [code, message.startsWith(`${place} `) ? place : message])).toContainEqual([
        'malformed',
        place,
      ]);
      // one sentence: what it is, and after the semicolon what to do
      for (const { message } of reasons)
        expect(message).toMatch(/^(metadata|spec)\.[^;]* (is|has|stands|goes|means|needs|names|must|cannot|would)\b[^;]*; [^;]+[^.]$/);
    },
  );

  // fields that the older of the two API servers does not have, so that they are in no table of both
  test.each<[Json, string | undefined]>([
    [{ 'spec.containers.0.livenessProbe.httpGet.protocol': 'h2' }, 'spec.containers[0].livenessProbe.httpGet.protocol'],
    [{ 'spec.containers.0.livenessProbe.httpGet.protocol': 'HTTP2' }, undefined],
    [{ 'spec.containers.0.readinessProbe.grpc.mode': 'tls' }, 'spec.containers[0].readinessProbe.grpc.mode'],
    [{ 'spec.containers.0.readinessProbe.grpc.mode': 'TLS' }, undefined],
    [{ 'spec.volumes.1.emptyDir.mode': 0o2000 }, 'spec.volumes[1].emptyDir.mode'],
    [{ 'spec.volumes.1.emptyDir.mode': 0o1777 }, undefined],
    [{ 'spec.containers.0.volumeMounts.0.bindMountOptions': ['ro'] }, 'spec.containers[0].volumeMounts[0].bindMountOptions[0]'],
    [{ 'spec.containers.0.volumeMounts.0.bindMountOptions': ['nodev', 'nodev'] }, 'spec.containers[0].volumeMounts[0].bindMountOptions'],
    [{ 'spec.containers.0.volumeMounts.0.bindMountOptions': ['nodev', 'noexec'] }, undefined],
    [{ 'spec.containers.0.lifecycle.stopSignal': 'SIGTERM' }, 'spec.containers[0].lifecycle.stopSignal'],
    [{ 'spec.containers.0.lifecycle.stopSignal': 'TERM', 'spec.os': { name: 'linux' } }, 'spec.containers[0].lifecycle.stopSignal'],
    [{ 'spec.containers.0.lifecycle.stopSignal': 'SIGRTMIN+16', 'spec.os': { name: 'linux' } }, 'spec.containers[0].lifecycle.stopSignal'],
    [{ 'spec.containers.0.lifecycle.stopSignal': 'SIGRTMAX-14', 'spec.os': { name: 'linux' } }, undefined],
  ])('or not, with %j', (changes, place) => {
    const places = judgeValidity(changedPod(changes)).map(({ message }) => message.replace(/ .*$/s, ''));
    expect(places).toEqual(place === undefined ? [] : [place]);
  });

  test('in all places at once', () => {
    const many = WRONG_CHANGES.slice(0, 8).reduce<Record<string, unknown>>((all, [changes]) => Object.assign(all, changes), {});
    expect(judgeValidity(changedPod(many)).length).toBe(8);
  });
});

test('whatever is given, nothing is thrown', () => {
  fc.assert(
    fc.property(fc.constantFrom(...WRONG_CHANGES), fc.jsonValue(), ([changes], value) => {
      for (const path of Object.keys(changes)) judgeValidity(changedPod({ [path]: value }));
      judgeValidity(value);
    }),
  );
  expect(judgeValidity(TAKEN_POD)).toEqual([]);
});

test.each<[unknown, bigint | undefined]>([
  ['1', 1_000_000_000n],
  ['1.5', 1_500_000_000n],
  ['.5k', 500_000_000_000n],
  ['1.', 1_000_000_000n],
  ['1E', 10n ** 27n],
  ['1e3', 10n ** 12n],
  ['1E-3', 1_000_000n],
  ['+1Ki', 1_024_000_000_000n],
  ['-1n', -1n],
  [0.1, 100_000_000n],
  [1e21, 10n ** 30n],
  ['', undefined],
  ['.', undefined],
  ['1K', undefined],
  ['1MB', undefined],
  ['1 Gi', undefined],
  ['1e', undefined],
  ['0x1', undefined],
  ['9'.repeat(1000), undefined],
  [true, undefined],
])('the quantity %s is %s billionths', (written, amount) => {
  expect(parseQuantity(written)).toBe(amount);
});

test.each(['1.2.3.4', '010.0.0.1', '::', '::1', '1::', '1:2:3:4:5:6:7:8', '::ffff:1.2.3.4', '1:2:3:4:5:6:1.2.3.4'])(
  '%s is an address',
  (ip) => {
    expect(isIP(ip)).toBe(true);
  },
);
test.each(['', '1.2.3', '1.2.3.256', 'a', '1:2:3:4:5:6:7', '1::2::3', '1:2:3:4:5:6:7::8', ':1', '12345::', '1.2.3.4::', '::1%eth0', ':::'])(
  '%j is none',
  (ip) => {
    expect(isIP(ip)).toBe(false);
  },
);
