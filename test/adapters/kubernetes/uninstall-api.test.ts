/** The uninstall's requests, as they go over the wire, and what is made of the answers. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ClosableUninstallApi, createUninstallApi } from '../../../src/adapters/kubernetes/uninstall-api.ts';
import { createObjectsServer, daemonSet, type ObjectsServer, pathOf, withStatus } from '../../fakes/objects-server.ts';
import { accessTo, counters, FAST_TRANSPORT, realClock } from './rig.ts';

let server: ObjectsServer;
let api: ClosableUninstallApi;
async function connect(protocol: 'h2' | 'http/1.1'): Promise<void> {
  server = await createObjectsServer(protocol);
  const access = await accessTo({ urls: [server.url], ca: server.ca, token: () => server.token });
  const options = { namespace: 'kube-system', version: '0.0.0-test', clock: realClock, observer: counters() };
  api = createUninstallApi(access, { ...options, transportTimings: FAST_TRANSPORT });
}
beforeEach(() => connect('h2'));
afterEach(async () => {
  await api.close();
  await server.close();
});

describe('a DaemonSet', () => {
  it('is seen with what the uninstall goes by', async () => {
    const object = daemonSet('agents', { uid: 'u1', ready: 1 });
    server.objects.set(pathOf.daemonSet('agents'), object);

    expect(await api.daemonSet('agents')).toEqual({
      uid: 'u1',
      createdAt: Date.parse('2026-11-21T08:00:00Z'),
      deleting: false,
      ofHelm: true,
      observed: true,
      desired: 1,
      updated: 1,
      ready: 1,
    });

    server.objects.set(pathOf.daemonSet('agents'), withStatus(object, { observedGeneration: 0 }));
    expect(await api.daemonSet('agents')).toMatchObject({ observed: false });
    server.objects.set(pathOf.daemonSet('agents'), {
      ...object,
      metadata: { ...(object['metadata'] as object), annotations: {}, deletionTimestamp: 'x' },
    });
    expect(await api.daemonSet('agents')).toMatchObject({ deleting: true, ofHelm: false });
  });

  it('is gone only when the server says so of this very name', async () => {
    expect(await api.daemonSet('agents')).toBeUndefined();

    const other = JSON.stringify({ kind: 'Status', reason: 'NotFound', details: { name: 'other' } });
    for (const body of ['', 'not found', '{}', '{"kind":"Status","reason":"NotFound"}', other]) {
      server.faults.set('GET', { status: 404, body });
      await expect(api.daemonSet('agents')).rejects.toMatchObject({ kind: 'failed' });
    }
  });

  it.each([
    [401, 'denied'],
    [403, 'denied'],
    [429, 'unavailable'],
    [500, 'unavailable'],
    [302, 'failed'],
    [200, 'invalid'],
  ])('is unknown after HTTP %i: %s', async (status, kind) => {
    server.faults.set('GET', { status, body: '"no object"' });
    await expect(api.daemonSet('agents')).rejects.toMatchObject({
      kind,
      message: expect.stringMatching(/^reading .*daemonsets\/agents: /),
    });
  });

  it('is not believed without a uid or a time of creation', async () => {
    server.objects.set(pathOf.daemonSet('agents'), { metadata: { name: 'agents', uid: 'u' } });
    await expect(api.daemonSet('agents')).rejects.toMatchObject({ kind: 'invalid' });
  });

  it('is deleted with its pods, by its uid; another one of that name stays', async () => {
    server.objects.set(pathOf.daemonSet('agents'), daemonSet('agents', { uid: 'u2' }));
    await api.deleteDaemonSet('agents', 'u1');
    expect(server.objects.size).toBe(1);

    await api.deleteDaemonSet('agents', 'u2');
    expect(server.objects.size).toBe(0);
    await api.deleteDaemonSet('agents', 'u2');
    expect(server.requests).toEqual(Array.from({ length: 3 }, () => `DELETE ${pathOf.daemonSet('agents')}`));
  });

  it('that may not be deleted is told', async () => {
    server.faults.set('DELETE', { status: 403, body: '{}' });
    await expect(api.deleteDaemonSet('agents', 'u1')).rejects.toMatchObject({
      kind: 'denied',
      message: expect.stringContaining('may not do that'),
    });
  });
});

const BELONGINGS = [
  '/api/v1/namespaces/kube-system/configmaps/cleaners',
  '/api/v1/namespaces/kube-system/serviceaccounts/cleaners',
  '/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system/rolebindings/cleaners',
  '/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system/roles/cleaners',
];

describe('what belongs to the cleaners', () => {
  it('is changed and removed by HTTP/1.1 as well, one connection a request', async () => {
    await api.close();
    await server.close();
    await connect('http/1.1');
    const [, path = ''] = BELONGINGS;
    server.objects.set(path, { metadata: { name: 'cleaners' } });

    await api.tieToCleaners('cleaners', 'u1');
    expect(server.objects.get(path)).toMatchObject({ metadata: { ownerReferences: [{ uid: 'u1' }] } });
    await api.removeBelongings('cleaners');
    expect(server.objects.size).toBe(0);
  });

  it('is tied to their DaemonSet, and nothing else of it is changed', async () => {
    for (const path of BELONGINGS.slice(1))
      server.objects.set(path, { metadata: { name: 'cleaners', labels: { a: 'b' } }, data: { x: 'y' } });
    await api.tieToCleaners('cleaners', 'u1');

    expect([...server.objects.keys()]).toEqual(BELONGINGS.slice(1));
    for (const object of server.objects.values())
      expect(object).toEqual({
        metadata: {
          name: 'cleaners',
          labels: { a: 'b' },
          ownerReferences: [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'cleaners', uid: 'u1' }],
        },
        data: { x: 'y' },
      });
  });

  it('is removed, where it is there', async () => {
    for (const path of BELONGINGS.slice(2)) server.objects.set(path, { metadata: { name: 'cleaners', uid: 'any' } });
    await api.removeBelongings('cleaners');
    expect(server.objects.size).toBe(0);
  });
});

describe('pods and nodes', () => {
  const owned = (name: string) => ({
    labels: { 'app.kubernetes.io/component': 'cleanup' },
    ownerReferences: [{ kind: 'DaemonSet', name }],
  });
  const ready = { conditions: [{ type: 'Ready', status: 'True' }] };
  const affinity = {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n3'] }] }],
      },
    },
  };

  it('are those of the cleaners, with their node and what holds them up', async () => {
    const add = (name: string, pod: object) => server.objects.set(pathOf.pod(name), { ...pod });
    add('a', { metadata: owned('cleaners'), spec: { nodeName: 'n1' }, status: ready });
    add('b', {
      metadata: owned('cleaners'),
      spec: { nodeName: 'n2' },
      status: { containerStatuses: [{ state: { waiting: { reason: 'ImagePullBackOff' } } }] },
    });
    add('c', {
      metadata: owned('cleaners'),
      spec: { affinity },
      status: { conditions: [{ type: 'PodScheduled', status: 'False', message: 'Insufficient memory' }] },
    });
    add('d', { metadata: { ...owned('cleaners'), deletionTimestamp: 'x' }, spec: { nodeName: 'n1' } });
    add('e', { metadata: owned('other-cleaners'), spec: { nodeName: 'n1' } });
    add('f', { metadata: { ...owned('cleaners'), labels: {} }, spec: { nodeName: 'n1' } });

    expect(await api.cleanerPods('cleaners')).toEqual([
      { node: 'n1', ready: true, waiting: '' },
      { node: 'n2', ready: false, waiting: 'ImagePullBackOff' },
      { node: 'n3', ready: false, waiting: 'Insufficient memory' },
    ]);
  });

  it('are read in pages', async () => {
    for (let n = 0; n < 450; n += 1)
      server.objects.set(pathOf.node(`n${n}`), { metadata: { name: `n${n}` }, status: n === 449 ? {} : ready });

    const nodes = await api.nodes();

    expect(nodes).toHaveLength(450);
    expect(nodes.filter((node) => !node.ready)).toEqual([{ name: 'n449', ready: false }]);
    expect(server.requests).toHaveLength(3);
  });

  it('are unknown when the answer is no list', async () => {
    server.faults.set('GET', { status: 200, body: '{}' });
    await expect(api.nodes()).rejects.toMatchObject({ kind: 'invalid', message: 'reading /api/v1/nodes: the answer is no list' });
  });
});
