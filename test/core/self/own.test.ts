/** What the agent knows of its own pod, and what makes its copy the standby. */

import { describe, expect, it } from 'vitest';
import { asStandby } from '../../../src/core/copy/standby-copy.ts';
import type { Json, RawPod } from '../../../src/core/model/model.ts';
import { select } from '../../../src/core/select/select.ts';
import { isSibling, readPlace } from '../../../src/core/self/own.ts';
import { aPod } from '../../fakes/builders.ts';
import { accepted, file, inputsFor, run, tinyPod } from '../pods.ts';

const POD = { POD_NAMESPACE: 'ckpt', POD_NAME: 'agent-x', POD_UID: 'u1' };

describe('the place of an agent', () => {
  it.each([
    ['a bare process', {}, { role: 'process' }],
    ['a bare process that knows half of a pod', { POD_NAME: 'a', POD_UID: 'u' }, { role: 'process' }],
    ["the DaemonSet's pod", POD, { role: 'daemonset', own: { namespace: 'ckpt', name: 'agent-x', uid: 'u1' } }],
    [
      'the standby',
      { ...POD, POD_CHECKPOINTER_ROLE: 'standby' },
      { role: 'standby', own: { namespace: 'ckpt', name: 'agent-x', uid: 'u1' } },
    ],
    ['a standby that knows no pod', { POD_CHECKPOINTER_ROLE: 'standby' }, { role: 'standby' }],
  ])('is that of %s', (_, env, place) => {
    expect(readPlace(env)).toEqual(place);
  });

  it('is refused where somebody set a role that does not exist', () => {
    expect(readPlace({ ...POD, POD_CHECKPOINTER_ROLE: 'leader' })).toHaveProperty('problem', expect.stringContaining('"leader"'));
  });
});

const volume = {
  name: 'api-access',
  projected: {
    sources: [
      { serviceAccountToken: { path: 'token', expirationSeconds: 3607 } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
    ],
  },
};
const mount = { name: 'api-access', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true };
const agentPod = (): RawPod =>
  tinyPod({
    nodeName: 'node-1',
    hostNetwork: true,
    volumes: [volume],
    containers: [{ name: 'main', image: 'app:1', volumeMounts: [mount] }],
  });
const make = (token: string) => {
  const pod = agentPod();
  const inputs = { ...inputsFor(pod), volumes: { 'api-access': [file('ca.crt'), file('namespace'), file('token', token)] } };
  return asStandby(pod, accepted(run(pod, undefined, undefined, inputs)));
};

describe('the standby', () => {
  it('carries no token, neither in its files nor in its manifest, and keeps CA and namespace', () => {
    const made = make('top-secret-token');

    expect(made.volumes['api-access']?.map(({ path }) => path)).toEqual(['ca.crt', 'namespace']);
    expect(JSON.stringify(made)).not.toContain('top-secret-token');
    expect(made.changes.join()).toMatch(/token was left out/);
  });

  it('stays the same when the token is renewed', () => {
    expect(make('one')).toEqual(make('two'));
  });

  it('is told its role in every container, once', () => {
    const env = (made: ReturnType<typeof make>): unknown[] =>
      ((made.manifest['spec'] as Json)['containers'] as Json[]).map((container) =>
        (container['env'] as Json[]).filter((variable) => variable['name'] === 'POD_CHECKPOINTER_ROLE'),
      );
    const made = make('t');

    expect(env(made)).toEqual([[{ name: 'POD_CHECKPOINTER_ROLE', value: 'standby' }]]);
    expect(env(asStandby(agentPod(), made))).toEqual(env(made));
  });
});

describe('our own pod', () => {
  const policy = { namespaces: ['kube-system'], nodeName: 'n1', ownUid: 'u1' };
  const elsewhere = (uid: string): RawPod => {
    const pod = aPod({ uid });
    return { ...pod, metadata: { ...pod.metadata, namespace: 'ckpt' } };
  };

  it('is taken in whatever namespace it runs; another pod there is not', () => {
    expect(select(elsewhere('u1'), policy).kind).toBe('taken');
    expect(select(elsewhere('u2'), policy)).toMatchObject({ kind: 'refused', reasons: [{ code: 'namespace-not-honoured' }] });
  });

  it('is only taken when it is opted in', () => {
    expect(select({ ...elsewhere('u1'), metadata: { ...elsewhere('u1').metadata, annotations: {} } }, policy).kind).toBe('ignored');
  });

  it('has the pods of its own controller as siblings, and no other', () => {
    const own = aPod({ uid: 'u1', daemonSet: 'ds' });
    const pods = new Map([['u1', own]]);

    expect(isSibling(aPod({ uid: 'u2', daemonSet: 'ds' }), 'u1', pods)).toBe(true);
    expect(isSibling(aPod({ uid: 'u2', daemonSet: 'other' }), 'u1', pods)).toBe(false);
    expect(isSibling(own, 'u1', pods)).toBe(false);
    expect(isSibling(aPod({ uid: 'u2' }), 'u1', new Map([['u1', aPod({ uid: 'u1' })]]))).toBe(false);
    expect(isSibling(aPod({ uid: 'u2', daemonSet: 'ds' }), undefined, pods)).toBe(false);
  });
});
