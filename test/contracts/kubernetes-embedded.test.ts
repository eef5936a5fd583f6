/** The embedded API server by itself: what the kubelet stand-in and the demo use of it. */
import { X509Certificate } from 'node:crypto';
import { request } from 'node:https';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Json } from '../../src/core/model/model.ts';
import { type ApiServer, createApiServer } from '../../src/demo/api-server/api-server.ts';
import { createAuthority, issueCertificate } from '../../src/demo/api-server/certificates.ts';

let api: ApiServer;
beforeEach(async () => {
  api = createApiServer({ window: 3 });
  await api.start();
});
afterEach(() => api.stop());

interface Reply {
  readonly status: number;
  readonly body: string;
  readonly json: Json;
}

function call(method: string, path: string, body?: unknown, token: string | undefined = api.token): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const headers = token === '' ? {} : { authorization: `Bearer ${token}` };
    const sent = request(`${api.url}${path}`, { method, headers, ca: api.ca, agent: false }, (reply) => {
      const chunks: Buffer[] = [];
      reply.on('data', (chunk: Buffer) => chunks.push(chunk));
      reply.on('error', reject);
      reply.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({
          status: reply.statusCode ?? 0,
          body: text,
          json: text.startsWith('{') && !text.includes('\n') ? (JSON.parse(text) as Json) : {},
        });
      });
    });
    sent.on('error', reject);
    sent.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body));
  });
}

const PODS = '/api/v1/namespaces/ns/pods';
const pod = (name: string, nodeName?: string): Json => ({ metadata: { name }, spec: nodeName === undefined ? {} : { nodeName } });
const meta = (reply: Reply) => reply.json['metadata'] as Json;

describe('over REST', () => {
  test('a pod is created, read, replaced, patched in its status, and listed by node and by name', async () => {
    const created = await call('POST', PODS, pod('a', 'n1'));
    expect([created.status, meta(created)['namespace']]).toEqual([201, 'ns']);
    await call('POST', PODS, pod('b', 'n2'));
    const status = await call('PATCH', `${PODS}/a/status`, { status: { phase: 'Running' }, spec: { nodeName: 'other' } });
    expect(status.json['status']).toEqual({ phase: 'Running' });
    expect(status.json['spec']).toEqual({ nodeName: 'n1' });
    const replaced = await call('PUT', `${PODS}/a`, { metadata: { labels: { x: 'y' } }, spec: { nodeName: 'n1' } });
    expect([replaced.json['status'], meta(replaced)['uid']]).toEqual([{ phase: 'Running' }, meta(created)['uid']]);
    expect((await call('GET', `${PODS}/a`)).json).toEqual(replaced.json);
    const byNode = await call('GET', '/api/v1/pods?fieldSelector=spec.nodeName%3Dn2');
    expect((byNode.json['items'] as Json[]).map((each) => (each['metadata'] as Json)['name'])).toEqual(['b']);
    const byName = await call('GET', `${PODS}?fieldSelector=metadata.name%3Da`);
    expect(byName.json['items']).toHaveLength(1);
    expect((await call('PUT', `${PODS}/a/status`, { status: { phase: 'Failed' } })).json['status']).toEqual({ phase: 'Failed' });
  });

  test('a pod on a node is first marked and then deleted by its kubelet', async () => {
    await call('POST', PODS, pod('a', 'n1'));
    const marked = await call('DELETE', `${PODS}/a`);
    expect(meta(marked)['deletionTimestamp']).toBeTypeOf('string');
    expect((await call('GET', `${PODS}/a`)).status).toBe(200);
    await call('DELETE', `${PODS}/a?gracePeriodSeconds=0`);
    expect((await call('GET', `${PODS}/a`)).status).toBe(404);
  });

  const refused: [string, string, string, unknown, number][] = [
    ['no JSON', 'POST', PODS, '{', 400],
    ['a pod without a name', 'POST', PODS, {}, 422],
    ['an unknown pod', 'GET', `${PODS}/none`, undefined, 404],
    ['an unknown resource', 'GET', '/api/v1/secrets', undefined, 404],
    ['an unknown selector', 'GET', '/api/v1/pods?fieldSelector=status.phase%3DX', undefined, 400],
    ['a method for lists only', 'DELETE', PODS, undefined, 405],
    ['a method for nothing', 'POST', `${PODS}/a`, {}, 405],
  ];
  test.each(refused)('%s is refused with a Status', async (_name, method, path, body, code) => {
    const reply = await call(method, path, body);
    expect([reply.status, reply.json['kind'], reply.json['code']]).toEqual([code, 'Status', code]);
  });

  test('the same name twice, and an outdated resourceVersion, are conflicts', async () => {
    await call('POST', PODS, pod('a'));
    expect((await call('POST', PODS, pod('a'))).status).toBe(409);
    expect((await call('PUT', `${PODS}/a`, { metadata: { resourceVersion: '1' } })).status).toBe(409);
  });

  test('without a good token only health and version answer', async () => {
    expect((await call('GET', '/api/v1/pods', undefined, 'wrong')).status).toBe(401);
    expect((await call('GET', '/api/v1/pods', undefined, '')).status).toBe(401);
    for (const path of ['/readyz', '/livez', '/version']) expect((await call('GET', path, undefined, '')).status).toBe(200);
    api.faults.storageDown = true;
    expect((await call('GET', '/readyz')).status).toBe(500);
    expect((await call('GET', '/livez')).status).toBe(200);
  });

  test('events are accepted and kept', async () => {
    expect((await call('POST', '/api/v1/namespaces/ns/events', { reason: 'Checkpointed' })).status).toBe(201);
    expect(api.events).toEqual([{ reason: 'Checkpointed' }]);
  });

  test('a watch ends after its time, and one from before the window is told so', async () => {
    const from = api.resourceVersion();
    for (const name of ['a', 'b', 'c', 'd']) api.createPod({ ...pod(name), metadata: { name, namespace: 'ns' } });
    const expired = await call('GET', `/api/v1/pods?watch=1&resourceVersion=${from}`);
    expect([expired.status, JSON.parse(expired.body)]).toMatchObject([200, { type: 'ERROR', object: { code: 410, reason: 'Expired' } }]);
    const recent = await call('GET', `/api/v1/pods?watch=1&timeoutSeconds=0.05&resourceVersion=${from + 1}`);
    expect(
      recent.body
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as Json)['type']),
    ).toEqual(['ADDED', 'ADDED', 'ADDED']);
    const all = await call('GET', '/api/v1/pods?watch=1&timeoutSeconds=0.05');
    expect(all.body.trim().split('\n')).toHaveLength(4);
  });
});

test('stopping twice and starting twice do nothing, and a restart keeps port, pods and resourceVersion', async () => {
  api.createPod({ metadata: { name: 'a', namespace: 'ns' } });
  const { url } = api;
  const version = api.resourceVersion();
  await api.stop();
  await api.stop();
  expect(api.running).toBe(false);
  await expect(call('GET', '/readyz')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await api.start();
  await api.start();
  expect([api.url, api.resourceVersion(), api.pods().length]).toEqual([url, version, 1]);
  api.setPodStatus({ namespace: 'ns', name: 'a' }, { phase: 'Running' });
  expect(api.resourceVersion()).toBe(version + 1);
});

test('certificates say what was asked of them', () => {
  const validity = { notBefore: Date.UTC(2020, 1, 2, 3, 4, 5), notAfter: Date.UTC(2060, 1, 2) };
  const authority = createAuthority('the-ca', validity);
  const names = ['api.example', '10.1.2.3', 'fd00::a:1'];
  const leaf = new X509Certificate(issueCertificate(authority, { commonName: 'server', organizations: ['o'], names, ...validity }).cert);
  const root = new X509Certificate(authority.cert);
  expect(leaf.verify(root.publicKey) && leaf.checkIssued(root)).toBe(true);
  expect([root.ca, leaf.ca]).toEqual([true, false]);
  expect(leaf.subject).toBe('O=o\nCN=server');
  expect(leaf.checkHost('api.example')).toBe('api.example');
  expect(leaf.checkIP('10.1.2.3')).toBe('10.1.2.3');
  expect(leaf.checkIP('fd00::a:1')).toBe('fd00::a:1');
  expect([leaf.validFrom, leaf.validTo]).toEqual(['Feb  2 03:04:05 2020 GMT', 'Feb  2 00:00:00 2060 GMT']);
});
