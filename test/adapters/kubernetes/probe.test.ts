/** Every way a probe can end, on real sockets. */
import { afterEach, describe, expect, test } from 'vitest';
import type { ProbeOutcome, TlsReason } from '../../../src/core/model/model.ts';
import { createApiServer } from '../../../src/demo/api-server/api-server.ts';
import { createAuthority } from '../../../src/demo/api-server/certificates.ts';
import { authority, DAY, http, leaf, type Peer, replying, tcpPeer, tlsPeer, VALID } from './peers.ts';
import { accessTo, accessToServer, clientOf } from './rig.ts';

const TOKEN = 'very-secret-token';
const DEADLINE = 400;
const STATUS = '{"kind":"Status","apiVersion":"v1","code":500}';
const ETCD_DOWN = '[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed\n';

let peers: Peer[] = [];
afterEach(async () => {
  await Promise.all(peers.map((peer) => peer.close()));
  peers = [];
});

async function kept(peer: Promise<Peer>): Promise<Peer> {
  peers.push(await peer);
  return peer;
}

async function probe(url: string, ca = authority.cert) {
  const client = clientOf(await accessTo({ urls: [url], ca, token: () => TOKEN }));
  const [result] = await client.probe.probe(DEADLINE);
  await client.close();
  if (result === undefined) throw new Error('no result');
  return result;
}

describe('what an HTTP answer proves', () => {
  const rows: [string, string, ProbeOutcome][] = [
    ['200', http(200, 'ok'), 'ok'],
    ['readyz 500 that names etcd', http(500, ETCD_DOWN), 'storage'],
    ['readyz 500 that names etcd-readiness', http(500, '[-]etcd-readiness failed: reason withheld\n'), 'storage'],
    ['readyz 500 for another reason', http(500, '[+]etcd ok\n[-]informer-sync failed: reason withheld\n'), 'answered'],
    ['200 that is no readyz', http(200, '<html>Welcome</html>'), 'gateway'],
    ['200 with nothing', http(200, ''), 'gateway'],
    ['200 of a server that says so in JSON', http(200, '{"status":"ok"}'), 'gateway'],
    ...[401, 403, 404, 409, 410, 429].flatMap((code): [string, string, ProbeOutcome][] => [
      [`${code} without a body`, http(code, ''), 'gateway'],
      [`${code} in HTML`, http(code, '<html>'), 'gateway'],
      [`${code} with a Status`, http(code, STATUS), 'answered'],
      [`${code} in words, by an API server`, http(code, 'no', { 'audit-id': 'x' }), 'answered'],
    ]),
    ['503 with a Status', http(503, STATUS), 'answered'],
    ['504 with a Status', http(504, STATUS), 'answered'],
    ['500 with a Status', http(500, STATUS), 'answered'],
    ['504 in words, by an API server', http(504, 'timeout', { 'Audit-Id': 'x' }), 'answered'],
    ['502 of a load balancer', http(502, '<html>Bad Gateway</html>'), 'gateway'],
    ['503 of a load balancer', http(503, ''), 'gateway'],
    ['504 of a load balancer', http(504, '{"message":"upstream"}'), 'gateway'],
    ['a redirect', http(302, '', { location: 'https://127.0.0.1:1/' }), 'gateway'],
    ['500 of something else', http(500, '<html>'), 'gateway'],
    ['no HTTP at all', 'SSH-2.0-OpenSSH_9.9\r\n', 'tls'],
  ];
  test.each(rows)('%s', async (_name, bytes, outcome) => {
    const peer = await kept(tlsPeer(leaf(), replying(bytes)));
    expect((await probe(peer.url)).outcome).toBe(outcome);
  });

  test("a head that arrives is proof enough when the body hangs, if it is an API server's", async () => {
    const head = (more: string) => `HTTP/1.1 200 OK\r\n${more}content-length: 2\r\n\r\n`;
    const server = await kept(tlsPeer(leaf(), (socket) => void socket.write(head('audit-id: x\r\n'))));
    expect((await probe(server.url)).outcome).toBe('ok');
    const other = await kept(tlsPeer(leaf(), (socket) => void socket.write(head(''))));
    expect((await probe(other.url)).outcome).toBe('gateway');
  });

  test('a 503 whose body hangs proves nothing yet', async () => {
    const peer = await kept(tlsPeer(leaf(), (socket) => void socket.write('HTTP/1.1 503 No\r\ncontent-length: 2\r\n\r\n')));
    expect((await probe(peer.url)).outcome).toBe('timeout');
  });
});

describe('what a connection proves', () => {
  test('a closed port refuses', async () => {
    const peer = await tcpPeer(() => {});
    await peer.close();
    expect((await probe(peer.url)).outcome).toBe('refused');
  });

  test('a connection closed at once is a reset', async () => {
    const peer = await kept(
      tcpPeer(
        () => {},
        (socket) => socket.end(),
      ),
    );
    expect((await probe(peer.url)).outcome).toBe('reset');
  });

  test('a connection reset during the handshake is a reset', async () => {
    const peer = await kept(tcpPeer((socket) => void socket.resetAndDestroy()));
    expect((await probe(peer.url)).outcome).toBe('reset');
  });

  test('a connection closed after the handshake, without an answer, is a reset', async () => {
    const peer = await kept(tlsPeer(leaf(), (socket) => void socket.end()));
    expect((await probe(peer.url)).outcome).toBe('reset');
  });

  test('a peer that never finishes the handshake is a timeout, within the deadline', async () => {
    const peer = await kept(tcpPeer(() => {}));
    const startedAt = performance.now();
    expect((await probe(peer.url)).outcome).toBe('timeout');
    expect(performance.now() - startedAt).toBeLessThan(10 * DEADLINE);
  });

  test('a peer that reads the request and says nothing is a timeout', async () => {
    const peer = await kept(tlsPeer(leaf(), () => {}));
    expect((await probe(peer.url)).outcome).toBe('timeout');
  });

  test('a name that does not exist is a dns failure', async () => {
    expect(['dns', 'timeout']).toContain((await probe('https://no-such-host.invalid:6443')).outcome);
  });

  test('a plain HTTP port is no outage', async () => {
    const peer = await kept(tcpPeer(replying('HTTP/1.0 400 Bad Request\r\n\r\nClient sent HTTP')));
    expect(await probe(peer.url)).toMatchObject({ outcome: 'tls', tls: 'not-tls' });
    expect(peer.received()).not.toContain(TOKEN);
  });

  const strange = createAuthority('other-ca', VALID);
  const namesake = createAuthority('test-ca', VALID);
  const ended = { notBefore: VALID.notBefore - DAY, notAfter: Date.now() - 1000 };
  const toCome = { notBefore: Date.now() + 3_600_000 };
  const certificates: [string, ReturnType<typeof leaf>, TlsReason, string?][] = [
    ['of another authority', leaf({ by: strange }), 'authority'],
    ['of an authority with our name and another key', leaf({ by: namesake }), 'authority'],
    ['for another name', leaf({ names: ['kubernetes.example'] }), 'name'],
    ['that has expired, of another authority', leaf({ by: strange, ...ended }), 'dates'],
    ['that has expired, of an authority with our name', leaf({ by: namesake, ...ended }), 'dates'],
    ['that has expired, for another name', leaf({ names: ['kubernetes.example'], ...ended }), 'dates'],
    ['that has expired, of a client', leaf({ clientOnly: true, ...ended }), 'dates'],
    ['that is not yet valid, of another authority', leaf({ by: strange, ...toCome }), 'dates'],
  ];
  test.each(certificates)('a certificate %s is no outage, is said why, and is never told the token', async (_name, identity, tls) => {
    const peer = await kept(tlsPeer(identity, replying(http(200, 'ok'))));
    const result = await probe(peer.url);
    expect(result).toMatchObject({ outcome: 'tls', tls });
    expect(peer.received()).toBe('');
    expect(result.detail).not.toContain(TOKEN);
    expect(result.detail).not.toContain(peer.url);
  });

  test.each([
    ['has expired', leaf(ended), /^its certificate has expired, it was valid until 20\S+Z, and this node's clock says 20\S+Z$/],
    ['is not yet valid', leaf(toCome), /^its certificate is not valid before 20\S+Z, and this node's clock says 20\S+Z$/],
  ])('a certificate of the right chain and name that %s serves nobody, and is never told the token', async (_name, identity, detail) => {
    const peer = await kept(tlsPeer(identity, replying(http(200, 'ok'))));
    const result = await probe(peer.url);
    expect(result).toMatchObject({ outcome: 'expired', tls: 'dates', detail: expect.stringMatching(detail) });
    expect(peer.received()).toBe('');
  });

  test('an authority that has expired is no outage: ours may be an old copy of it', async () => {
    const old = createAuthority('old-ca', ended);
    const peer = await kept(tlsPeer(leaf({ by: old }), replying(http(200, 'ok'))));
    expect(await probe(peer.url, old.cert)).toMatchObject({ outcome: 'tls', tls: 'dates' });
    const both = await kept(tlsPeer(leaf({ by: old, ...ended }), replying(http(200, 'ok'))));
    expect(await probe(both.url, old.cert)).toMatchObject({ outcome: 'tls', tls: 'dates' });
  });

  test('files of ours that cannot be used are named as such', async () => {
    const peer = await kept(tlsPeer(leaf(), replying(http(200, 'ok'))));
    const broken = authority.cert.replace(/^(.{20})./gm, '$1!');
    const client = clientOf({
      ...(await accessTo({ urls: [peer.url], ca: authority.cert, token: () => TOKEN })),
      trust: async () => ({ ca: broken }),
    });
    expect((await client.probe.probe(DEADLINE))[0]).toMatchObject({ outcome: 'tls' });
    expect(peer.received()).toBe('');
    await client.close();
  });
});

describe('what client-go accepts', () => {
  const root = createAuthority('root-ca', VALID);
  const between = createAuthority('between-ca', VALID, root);
  const chain = (identity: ReturnType<typeof leaf>) => ({ ...identity, cert: identity.cert + between.cert });
  const twin = createAuthority('test-ca', VALID);
  const ended = { notBefore: VALID.notBefore - DAY, notAfter: Date.now() - 1000 };

  test.each([
    ['an intermediate as the only authority', leaf({ by: between }), between.cert, 'ok'],
    ['a root, and a server that shows the intermediate', chain(leaf({ by: between })), root.cert, 'ok'],
    ['two authorities of one name, ours first', leaf(), authority.cert + twin.cert, 'ok'],
    ['two authorities of one name, ours last', leaf(), twin.cert + authority.cert, 'ok'],
    ['two authorities of one name between others', leaf(), root.cert + twin.cert + authority.cert + between.cert, 'ok'],
    ['an expired certificate below an intermediate', leaf({ by: between, ...ended }), between.cert, 'expired'],
    ['an expired certificate below a shown intermediate', chain(leaf({ by: between, ...ended })), root.cert, 'expired'],
    ['an expired certificate, two authorities of one name', leaf(ended), twin.cert + authority.cert, 'expired'],
    ['an expired certificate below an intermediate that is missing', leaf({ by: between, ...ended }), root.cert, 'tls'],
  ])('%s', async (_name, identity, ca, outcome) => {
    const peer = await kept(tlsPeer(identity, replying(http(200, 'ok'))));
    expect((await probe(peer.url, ca)).outcome).toBe(outcome);
  });
});

describe('a round', () => {
  test('asks every endpoint at once, each on a connection of its own, and counts every outcome', async () => {
    const api = createApiServer();
    await api.start();
    const deaf = await kept(tcpPeer(() => {}));
    const client = clientOf(await accessTo({ urls: [api.url, deaf.url], ca: api.ca, token: () => api.token }));
    const startedAt = performance.now();
    const first = await client.probe.probe(DEADLINE);
    expect(performance.now() - startedAt).toBeLessThan(10 * DEADLINE);
    expect(first.map(({ endpoint, outcome }) => [endpoint, outcome])).toEqual([
      [api.url, 'ok'],
      [deaf.url, 'timeout'],
    ]);
    await client.probe.probe(DEADLINE);
    expect(api.wire.connections()).toBe(2);
    expect(client.counters.probes.sort()).toEqual(['ok', 'ok', 'timeout', 'timeout']);
    await client.close();
    await api.stop();
  });

  test('an unready storage of the embedded server is seen as such', async () => {
    const api = createApiServer();
    await api.start();
    const client = clientOf(await accessToServer(api));
    api.faults.storageDown = true;
    expect((await client.probe.probe(DEADLINE))[0]?.outcome).toBe('storage');
    api.wire.drip(true);
    expect((await client.probe.probe(2000))[0]?.outcome).toBe('storage');
    api.faults.clear();
    expect((await client.probe.probe(2000))[0]?.outcome).toBe('ok');
    await client.close();
    await api.stop();
  });
});
