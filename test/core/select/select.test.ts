/** Which pods are ours: one row per way to be ignored, taken or refused. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json, RawPod } from '../../../src/core/model/model.ts';
import { type SelectionPolicy, select } from '../../../src/core/select/select.ts';
import { fixture } from '../pods.ts';

const POLICY: SelectionPolicy = { namespaces: ['kube-system'], nodeName: 'node-1' };
const ON = { 'checkpointer/enabled': 'true' };

function pod(annotations: Readonly<Record<string, string>>, more: { metadata?: Json; spec?: Json; status?: Json } = {}): RawPod {
  return {
    metadata: { name: 'p', namespace: 'kube-system', annotations, ...more.metadata },
    spec: { nodeName: 'node-1', containers: [], ...more.spec },
    ...(more.status === undefined ? {} : { status: more.status }),
  } as unknown as RawPod;
}

function refusedCodes(candidate: RawPod, policy: SelectionPolicy = POLICY): readonly string[] {
  const result = select(candidate, policy);
  return result.kind === 'refused' ? result.reasons.map((reason) => reason.code) : [result.kind];
}

describe('select', () => {
  it.each([
    ['no annotation', pod({ team: 'x' })],
    ['no metadata', {} as RawPod],
    ['another node', pod(ON, { spec: { nodeName: 'node-2' } })],
    [
      'the mirror of one of our copies',
      pod(
        { 'checkpointer/copy-of': 'a/b', 'checkpointer/revision': 'r', 'kubernetes.io/config.mirror': 'x' },
        { metadata: { labels: { 'checkpointer/copy': 'true' } } },
      ),
    ],
  ])('ignores a pod with %s', (_, candidate) => {
    expect(select(candidate, POLICY)).toEqual({ kind: 'ignored' });
  });

  it('takes an annotated pod with the defaults', () => {
    expect(select(pod(ON), POLICY)).toEqual({
      kind: 'taken',
      options: { secretEnv: 'refuse', allowDuplicate: false, handBackGraceful: false, order: 0 },
    });
  });

  it('takes a pod that has no node yet, as in a manifest', () => {
    expect(refusedCodes(pod(ON, { spec: { nodeName: undefined } }))).toEqual(['taken']);
  });

  it('reads every option', () => {
    const annotations = {
      ...ON,
      'checkpointer/secret-env': 'env-file',
      'checkpointer/allow-duplicate': 'true',
      'checkpointer/hand-back': 'graceful',
      'checkpointer/order': '-7',
      'checkpointer/min-ready': '1m',
      'checkpointer/max-age': '0',
      'checkpointer/overlap': 'true',
      'checkpointer/requests': 'keep',
    };
    const read = { secretEnv: 'env-file', allowDuplicate: true, handBackGraceful: true, order: -7, minReadyMs: 60_000, maxAgeMs: 0 };
    expect(select(pod(annotations), POLICY)).toEqual({ kind: 'taken', options: { ...read, overlap: true, requests: 'keep' } });
  });

  it('honours all namespaces with a star, and an older annotation if told to', () => {
    expect(refusedCodes(pod(ON, { metadata: { namespace: 'other' } }), { ...POLICY, namespaces: ['*'] })).toEqual(['taken']);
    const legacy = pod({ 'example.com/checkpoint': 'true' });
    expect(refusedCodes(legacy)).toEqual(['ignored']);
    expect(refusedCodes(legacy, { ...POLICY, legacyAnnotation: 'example.com/checkpoint' })).toEqual(['taken']);
    const itsCopy = pod(
      { 'example.com/checkpoint': 'true', 'checkpointer/copy-of': 'a/b' },
      { metadata: { labels: { 'checkpointer/copy': 'true' } } },
    );
    expect(refusedCodes(itsCopy, { ...POLICY, legacyAnnotation: 'example.com/checkpoint' })).toEqual(['ignored']);
  });

  it('takes a StatefulSet pod whose owner accepts a duplicate', () => {
    const metadata = { ownerReferences: [{ kind: 'StatefulSet' }] };
    expect(refusedCodes(pod({ ...ON, 'checkpointer/allow-duplicate': 'true' }, { metadata }))).toEqual(['taken']);
  });

  it.each<[string, RawPod, string[]]>([
    ['a misspelt key', pod({ 'checkpointer/enable': 'true' }), ['unknown-key', 'bad-value']],
    ['a misspelt option', pod({ ...ON, 'checkpointer/secretenv': 'inline' }), ['unknown-key']],
    ['an option without the switch', pod({ 'checkpointer/order': '1' }), ['bad-value']],
    ['a key of ours on a parent', pod({ ...ON, 'checkpointer/revision': 'x' }), ['unknown-key']],
    ['an option as a label', pod(ON, { metadata: { labels: { 'checkpointer/order': '1' } } }), ['unknown-key']],
    ['enabled: false', pod({ 'checkpointer/enabled': 'false' }), ['bad-value']],
    ['a bad secret-env', pod({ ...ON, 'checkpointer/secret-env': 'yes' }), ['bad-value']],
    ['a bad hand-back', pod({ ...ON, 'checkpointer/hand-back': 'slow' }), ['bad-value']],
    ['a bad requests', pod({ ...ON, 'checkpointer/requests': 'half' }), ['bad-value']],
    ['a bad order', pod({ ...ON, 'checkpointer/order': '1001' }), ['bad-value']],
    ['a bad allow-duplicate', pod({ ...ON, 'checkpointer/allow-duplicate': 'yes' }), ['bad-value']],
    ['a bad overlap', pod({ ...ON, 'checkpointer/overlap': 'false' }), ['bad-value']],
    ['a bad duration', pod({ ...ON, 'checkpointer/min-ready': '10' }), ['bad-value']],
    ['a namespace not honoured', pod(ON, { metadata: { namespace: 'other' } }), ['namespace-not-honoured']],
    ['a mirror pod', pod({ ...ON, 'kubernetes.io/config.mirror': 'x', 'kubernetes.io/config.source': 'file' }), ['mirror-pod']],
    ['a static pod', pod({ ...ON, 'kubernetes.io/config.source': 'file' }), ['static-pod']],
    [
      'a copy of ours',
      pod({ ...ON, 'checkpointer/copy-of': 'a/b' }, { metadata: { labels: { 'checkpointer/copy': 'true' } } }),
      ['own-copy'],
    ],
    ['a pod being deleted', pod(ON, { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }), ['terminating']],
    ['a finished pod', pod(ON, { status: { phase: 'Failed' } }), ['finished']],
    ['a Job', pod(ON, { metadata: { ownerReferences: [{ kind: 'Job' }] } }), ['job']],
    ['a CronJob', pod(ON, { metadata: { ownerReferences: [{ kind: 'CronJob' }] } }), ['job']],
    ['a StatefulSet', pod(ON, { metadata: { ownerReferences: [{ kind: 'StatefulSet' }] } }), ['stateful-set']],
    ['a pod that may end', pod(ON, { spec: { restartPolicy: 'OnFailure' } }), ['restart-policy']],
    ['a runtime class', pod(ON, { spec: { runtimeClassName: 'gvisor' } }), ['runtime-class']],
    ['a name that is none', pod(ON, { metadata: { name: '../x' } }), ['malformed']],
    ['no spec', { metadata: { name: 'p', namespace: 'kube-system', annotations: ON } } as unknown as RawPod, ['malformed']],
  ])('refuses %s', (_, candidate, expected) => {
    expect(refusedCodes(candidate)).toEqual(expected);
  });

  it('gives all reasons at once, each a sentence that names the field', () => {
    const candidate = pod(
      { ...ON, 'checkpointer/order': 'x' },
      { metadata: { namespace: 'other', deletionTimestamp: 'now' }, spec: { restartPolicy: 'Never', runtimeClassName: 'x' } },
    );
    const result = select(candidate, POLICY);
    const messages = result.kind === 'refused' ? result.reasons.map((reason) => reason.message) : [];
    expect(messages).toHaveLength(5);
    for (const [index, name] of [
      'checkpointer/order',
      'metadata.namespace',
      'metadata.deletionTimestamp',
      'spec.restartPolicy',
      'spec.runtimeClassName',
    ].entries()) {
      expect(messages[index]).toContain(name);
    }
  });

  it('takes the fixtures', () => {
    for (const name of ['daemonset-agent', 'deployment-app', 'kube-apiserver'] as const)
      expect(refusedCodes(fixture(name))).toEqual(['taken']);
  });

  it('never throws, whatever the pod looks like', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => select(value as unknown as RawPod, POLICY).kind === 'ignored'));
    const strange = fc.record({
      metadata: fc.record({ annotations: fc.constant(ON) }, { requiredKeys: ['annotations'] }),
      spec: fc.jsonValue(),
    });
    fc.assert(fc.property(strange, (value) => select(value as unknown as RawPod, POLICY).kind !== 'taken'));
  });
});
