/** Faults of connections, credentials and single reads: what the client does when the peer is slow, gone, wrong or lying. */
import { describe, expect, test } from 'vitest';
import type { Json } from '../../../src/core/model/model.ts';
import { type ApiServer, createApiServer } from '../../../src/demo/api-server/api-server.ts';
import type { Fault } from '../../../src/demo/api-server/api-server-faults.ts';
import { authority, http, leaf, type Peer, replying, tlsPeer } from './peers.ts';
import { accessTo, accessToServer, clientOf, podOn, servedClients, until } from './rig.ts';

let api: ApiServer;
const { client, started, atEnd } = servedClients((server) => {
  api = server;
});

describe('connections', () => {
  test('one session serves the watch and every read', async () => {
    const made = await started();
    const pod = { namespace: 'kube-system', name: 'a' };
    await Promise.all([1, 2, 3, 4].map(() => made.reader.readPod(pod, 1000)));
    expect(api.wire.connections()).toBe(1);
  });

  test('a server that says goodbye gets no new request on that session, and the open watch goes on', async () => {
    const made = await started();
    api.goAway();
    const pod = { namespace: 'kube-system', name: 'a' };
    await until(() => {
      void made.reader.readPod(pod, 1000).catch(() => {});
      return api.wire.connections() === 2;
    });
    await expect(made.reader.readPod(pod, 1000)).resolves.toBeUndefined();
    api.createPod(podOn('later'));
    await until(() => made.names().join() === 'later');
    expect(made.counters.restarts).toEqual([]);
  });

  test('over HTTP/1.1 every request has a connection of its own, however many come at once', async () => {
    const old = createApiServer({ http1Only: true });
    await old.start();
    atEnd(() => old.stop());
    const made = clientOf(await accessToServer(old));
    atEnd(() => made.close());
    const pod = { namespace: 'kube-system', name: 'a' };
    const reads = [1, 2, 3, 4, 5].map(() => made.reader.readPod(pod, 2000));
    expect(await Promise.all(reads)).toEqual([1, 2, 3, 4, 5].map(() => undefined));
    expect(old.wire.connections()).toBe(5);
  });

  test('a read that gets no answer puts the session in doubt, so a dead one is not asked again', async () => {
    const made = await started({ transport: { pingAnswerMs: 50 } });
    api.wire.freeze();
    await expect(made.reader.readPod({ namespace: 'kube-system', name: 'a' }, 100)).rejects.toMatchObject({ kind: 'unavailable' });
    await until(() => !made.watch.view().healthy);
  });
});

describe('coming back', () => {
  test('a long wait ends at once when there is a sign of the server', async () => {
    const made = await started({ watch: { backoffBaseMs: 120_000, backoffMaxMs: 120_000 } });
    await api.stop();
    await until(() => made.counters.restarts.includes('lost'));
    await api.start();
    made.watch.retryNow();
    await until(() => made.watch.view().healthy);
  });

  test('the sign also ends a connection attempt that hangs', async () => {
    const made = await started({ transport: { connectMs: 120_000 }, watch: { watchHeadMs: 120_000 } });
    api.wire.freeze();
    api.wire.cut();
    const before = api.wire.connections();
    await until(() => api.wire.connections() > before);
    api.wire.thaw();
    await api.stop();
    await api.start();
    made.watch.retryNow();
    await until(() => made.watch.view().healthy);
  });

  test('the next endpoint serves when the first one does not', async () => {
    const other = createApiServer();
    await other.start();
    const dead = other.url;
    await other.stop();
    const made = await client({}, [dead, api.url]);
    made.watch.start(() => {});
    await until(() => made.watch.view().healthy);
    expect(made.counters.restarts).toEqual([]);
  });
});

describe('credentials', () => {
  test('a token that was renewed on disk is used at once after a 401', async () => {
    let token = api.token;
    const made = clientOf(await accessTo({ urls: [api.url], ca: api.ca, token: () => token }));
    atEnd(() => made.close());
    api.tokens.delete(token);
    token = 'renewed';
    api.tokens.add(token);
    await expect(made.reader.readPod({ namespace: 'a', name: 'b' }, 1000)).resolves.toBeUndefined();
    expect(made.counters.requests).toEqual(['list 401', 'list 200']);
  });

  test('a 401 is one for the watch too, where the disk is slow to show that there is no other token', async () => {
    let token = api.token;
    const made = clientOf(await accessTo({ urls: [api.url], ca: api.ca, token: () => token, tokenMs: 50 }));
    atEnd(() => made.close());
    made.watch.start(() => {});
    await until(() => made.watch.view().healthy && made.watch.view().synced);
    token = 'no longer good';
    api.tokens.delete(api.token);
    api.wire.cut();
    await until(() => made.counters.restarts.length >= 3);
    expect(made.counters.restarts.slice(1)).not.toContain('lost');
    expect(made.watch.view().denied).toBe('unauthorized');
  });

  test('no redirect is followed: the other server never hears of us', async () => {
    const bait = await tlsPeer(leaf(), replying(http(200, 'ok')));
    const lure = await tlsPeer(leaf(), replying(http(307, '', { location: `${bait.url}/api` })));
    atEnd(() => bait.close());
    atEnd(() => lure.close());
    const made = clientOf(await accessTo({ urls: [lure.url], ca: authority.cert, token: () => 'secret' }));
    atEnd(() => made.close());
    await expect(made.reader.readPod({ namespace: 'a', name: 'b' }, 1000)).rejects.toMatchObject({ kind: 'invalid' });
    made.watch.start(() => {});
    await made.probe.probe(500);
    await until(() => made.counters.restarts.length >= 2);
    expect(lure.received()).toContain('Bearer secret');
    expect(bait.connections()).toBe(0);
  });

  test('a server with a certificate of another authority never receives a byte of a request', async () => {
    const impostor: Peer = await tlsPeer(leaf(), replying(http(200, '{}')));
    atEnd(() => impostor.close());
    const made = clientOf(await accessTo({ urls: [impostor.url], ca: api.ca, token: () => 'secret' }));
    atEnd(() => made.close());
    await expect(made.reader.readPod({ namespace: 'a', name: 'b' }, 1000)).rejects.toMatchObject({ kind: 'failed' });
    made.watch.start(() => {});
    await until(() => made.counters.restarts.length >= 2);
    expect(made.watch.view().lastAnswer).toBeUndefined();
    expect(impostor.received()).toBe('');
  });
});

/** No time is measured here, and the machine may be busy. */
const PATIENCE_MS = 20_000;

describe('a single read', () => {
  const pod = { namespace: 'kube-system', name: 'a' };
  const rows: [string, Fault, string][] = [
    ['401', { do: 'status', code: 401, reason: 'Unauthorized' }, 'denied'],
    ['403', { do: 'status', code: 403, reason: 'Forbidden' }, 'denied'],
    ['401 of a load balancer', { do: 'reply', status: 401, body: '<html>' }, 'unavailable'],
    ['403 of a load balancer', { do: 'reply', status: 403, body: '<html>' }, 'unavailable'],
    ['404', { do: 'status', code: 404, reason: 'NotFound' }, 'invalid'],
    ['429', { do: 'status', code: 429, reason: 'TooManyRequests' }, 'unavailable'],
    ['503', { do: 'reply', status: 503 }, 'unavailable'],
    ['a redirect', { do: 'reply', status: 301, headers: { location: '/' } }, 'invalid'],
    ['201', { do: 'reply', status: 201, body: '{}' }, 'invalid'],
    ['418', { do: 'reply', status: 418 }, 'failed'],
    ['an empty body', { do: 'reply', status: 200, body: '' }, 'invalid'],
    ['an empty object', { do: 'reply', status: 200, body: '{}' }, 'invalid'],
    [
      'a list of something else',
      { do: 'reply', status: 200, body: '{"kind":"List","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[]}' },
      'invalid',
    ],
    ['another pod', { do: 'rewrite', change: (list) => ({ ...list, items: [podWithUid('b')] }) }, 'invalid'],
    ['two pods', { do: 'rewrite', change: (list) => ({ ...list, items: [podWithUid('a'), podWithUid('a')] }) }, 'invalid'],
    ['half a reply', { do: 'half' }, 'unavailable'],
    ['a closed connection', { do: 'drop' }, 'unavailable'],
    ['silence', { do: 'hang' }, 'unavailable'],
  ];
  test.each(rows)('that meets %s says so, and not that the pod is gone', async (_name, fault, kind) => {
    const made = await client();
    api.faults.next('list', fault);
    // only silence is meant to meet its deadline
    await expect(made.reader.readPod(pod, fault.do === 'hang' ? 300 : PATIENCE_MS)).rejects.toMatchObject({ kind });
    await expect(made.reader.readPod(pod, PATIENCE_MS)).resolves.toBeUndefined();
  });

  test('takes an empty PodList with null items for what a Go server means by it', async () => {
    const made = await client();
    api.faults.next('list', { do: 'rewrite', change: (list) => ({ ...list, items: null }) });
    await expect(made.reader.readPod(pod, PATIENCE_MS)).resolves.toBeUndefined();
  });

  test('judges an error by its status, however long its body', async () => {
    const made = await client({ transport: { maxErrorBytes: 1000 } });
    api.faults.next('list', { do: 'reply', status: 403, body: 'x'.repeat(100_000), headers: { 'audit-id': 'x' } });
    await expect(made.reader.readPod(pod, 1000)).rejects.toMatchObject({ kind: 'denied' });
    await expect(made.reader.readPod(pod, 1000)).resolves.toBeUndefined();
  });

  test('larger than the cap is refused', async () => {
    const made = await client({ transport: { maxReplyBytes: 50 } });
    await expect(made.reader.readPod(pod, 1000)).rejects.toMatchObject({ kind: 'invalid', reason: 'too-large' });
  });

  test('is refused after the client was closed', async () => {
    const made = clientOf(await accessToServer(api));
    await made.close();
    await expect(made.reader.readPod(pod, 1000)).rejects.toMatchObject({ kind: 'unavailable' });
  });
});

function podWithUid(name: string): Json {
  return { ...podOn(name), metadata: { name, namespace: 'kube-system', uid: 'u' } };
}
