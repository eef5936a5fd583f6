/** A pod that was cut down decides nothing otherwise. */
import { describe, expect, test } from 'vitest';
import { sanitize } from '../../../src/core/copy/sanitize.ts';
import type { RawPod } from '../../../src/core/model/model.ts';
import { seen } from '../../../src/core/model/model.ts';
import { podRequests } from '../../../src/core/room/pod-requests.ts';
import { requestedOf } from '../../../src/core/room/requested.ts';
import { inputsDigest, isGood } from '../../../src/core/select/capture-need.ts';
import { keptPod } from '../../../src/core/select/kept-pod.ts';
import { type SelectionPolicy, select } from '../../../src/core/select/select.ts';
import { isSibling } from '../../../src/core/self/own.ts';
import { doubtAfter, NO_DOUBT, SETTLE_MS } from '../../../src/core/turn/doubt.ts';
import { EMPTY_MIND } from '../../../src/core/turn/mind.ts';
import { turn } from '../../../src/core/turn/turn.ts';
import { apiPodsListed } from '../../../src/core/turn/witness.ts';
import { aCheckpoint, aLedger, anObservation, aPod, aReach, nothing, policy as turnPolicy, watching } from '../../fakes/builders.ts';
import { type FixtureName, fixture, INLINE, inputsFor, TARGET } from '../pods.ts';

const policy: SelectionPolicy = { namespaces: ['*'], nodeName: 'node-1' };
const NAMES: readonly FixtureName[] = ['daemonset-agent', 'deployment-app', 'kube-apiserver', 'sidecar'];
const managedFields = [{ manager: 'kubelet', operation: 'Update', fieldsType: 'FieldsV1', fieldsV1: { 'f:status': { 'f:phase': {} } } }];

/** With what Kubernetes adds, as it is shown of a running pod, and changed. */
function shown(name: FixtureName, change: { metadata?: object; status?: object } = {}): RawPod {
  const pod = fixture(name);
  const own = (pod.spec?.containers ?? []).map((container, index) => ({
    name: container.name,
    ready: true,
    containerID: `containerd://c${index}`,
    image: container.image,
    resources: { requests: { cpu: '350m' } },
    state: { running: { startedAt: '2026-11-30T00:00:00Z' } },
  }));
  const conditions = [
    { type: 'PodScheduled', status: 'True' },
    { type: 'Ready', status: 'True' },
  ];
  const status = { phase: 'Running', conditions, containerStatuses: own, ...change.status };
  return { ...pod, metadata: { uid: 'u1', ...pod.metadata, managedFields, ...change.metadata }, status } as unknown as RawPod;
}
const unasked = (name: FixtureName, change: Parameters<typeof shown>[1] = {}): RawPod =>
  shown(name, { ...change, metadata: { annotations: { note: 'x' }, ...change.metadata } });

const LEAVING = { metadata: { deletionTimestamp: '2026-11-30T00:00:00Z' } };
const MIRROR = { metadata: { annotations: { 'kubernetes.io/config.mirror': 'x' } } };
const CASES: readonly (readonly [string, RawPod])[] = NAMES.flatMap((name) => [
  [`${name}`, unasked(name)] as const,
  [`${name}, leaving`, unasked(name, LEAVING)] as const,
  [`${name}, a mirror`, unasked(name, MIRROR)] as const,
  [`${name}, failed`, unasked(name, { status: { phase: 'Failed' } })] as const,
  [`${name}, not ready`, unasked(name, { status: { conditions: [{ type: 'Ready', status: 'False' }] } })] as const,
]);

describe('a pod that nobody asked us to keep is cut down', () => {
  test.each(CASES)('%s', (_name, pod) => {
    const kept = keptPod(pod, policy);
    expect(JSON.stringify(kept).length).toBeLessThan(JSON.stringify(pod).length);
    expect(select(kept, policy)).toEqual({ kind: 'ignored' });
    expect(podRequests(kept)).toEqual(podRequests(pod));
    expect(isGood(kept)).toBe(isGood(pod));
  });

  test.each(CASES)('and every decision is the same: %s', (_name, pod) => {
    const decided = (watched: RawPod): unknown => {
      const uid = pod.metadata?.uid ?? '';
      const checkpoint = aCheckpoint({
        parent: { namespace: pod.metadata?.namespace ?? '', name: pod.metadata?.name ?? '', uid, resourceVersion: '1' },
      });
      const o = anObservation({ api: aReach('reachable'), watch: watching(watched), runtime: seen(nothing) });
      const later = { ...o, now: o.now + SETTLE_MS, wall: o.wall + SETTLE_MS };
      const listed = { ...o, kubelet: seen(new Set([`${pod.metadata?.namespace}/${pod.metadata?.name}`])) };
      const first = turn(EMPTY_MIND, [checkpoint], aLedger(), listed, turnPolicy);
      return {
        first,
        second: turn(first.mind, [checkpoint], aLedger(), { ...later, optIn: ['note'] }, turnPolicy),
        doubt: doubtAfter(doubtAfter(NO_DOUBT, o, undefined), later, undefined),
        listed: apiPodsListed(listed),
        requested: requestedOf([watched], [checkpoint], new WeakMap()),
        sibling: isSibling(watched, 'own', new Map([['own', aPod({ uid: 'own', daemonSet: 'd1' })]])),
      };
    };
    const without = JSON.stringify(decided(pod), replaced);
    expect(JSON.stringify(decided(keptPod(pod, policy)), replaced)).toBe(without);
  });
});

/** Maps and sets can be compared; the list of the watch itself is no decision. */
function replaced(key: string, value: unknown): unknown {
  if (key === 'list') return undefined;
  if (value instanceof Map) return [...value];
  return value instanceof Set ? [...value] : value;
}

describe('of a pod that we are to keep', () => {
  test.each(NAMES)('only the managed fields go, and its revision stays the same: %s', (name) => {
    const pod = shown(name, { metadata: { annotations: { 'checkpointer/enabled': 'true' } } });
    const kept = keptPod(pod, policy);
    expect(JSON.stringify(kept)).not.toContain('fieldsV1');
    expect({ ...kept, metadata: { ...kept.metadata, managedFields } }).toEqual(pod);
    expect(inputsDigest(kept, {})).toBe(inputsDigest(pod, {}));
    const of = (parent: RawPod): unknown => sanitize(parent, inputsFor(parent), TARGET, INLINE);
    expect(of(kept)).toEqual(of(pod));
    expect(JSON.stringify(of(pod))).toContain('metadata.managedFields: dropped');
  });

  test('nothing goes where nothing is to go; nor of the agent’s own pod', () => {
    const { managedFields: _, ...metadata } = shown('sidecar').metadata ?? {};
    const bare = { ...shown('sidecar'), metadata: { ...metadata, annotations: { 'checkpointer/enabled': 'true' } } };
    expect(keptPod(bare, policy)).toBe(bare);
    const own = unasked('deployment-app');
    expect(keptPod(own, { ...policy, ownUid: own.metadata?.uid ?? '' }).spec).toBe(own.spec);
  });
});
