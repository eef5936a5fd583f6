/** The servers' own addresses: learnt from embedded servers, kept in a memory, and asked when nothing else answers. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { PodWatchTimings } from '../../../src/adapters/kubernetes/watch-policy.ts';
import { CONNECTIONS_IN_VAIN, type OwnAddress } from '../../../src/core/api/own-addresses.ts';
import { type ApiServer, createApiServer } from '../../../src/demo/api-server/api-server.ts';
import type { AddressMemory, Clock } from '../../../src/ports.ts';
import { hastyClock, type Learner, learner, memoryOf, seen } from './addresses-rig.ts';
import { authority, http, leaf, type Peer, replying, tcpPeer, tlsPeer } from './peers.ts';
import { realClock, until } from './rig.ts';

let api: ApiServer;
let closing: (() => Promise<void>)[] = [];
beforeEach(async () => {
  api = createApiServer({ bookmarkMs: 60 });
  await api.start();
});
afterEach(async () => {
  for (const close of closing.reverse()) await close();
  closing = [];
  await api.stop();
});

/** The server is called by a name, so its own address is another one. */
async function client(
  memory: AddressMemory | undefined,
  change: { urls?: string[]; ca?: string; clock?: Clock; watch?: Partial<PodWatchTimings> } = {},
): Promise<Learner> {
  const { urls = [api.url.replace('127.0.0.1', 'localhost')], ca = api.ca, clock = realClock, watch } = change;
  const made = await learner({ urls, ca, token: () => api.token }, { memory, clock, watch });
  closing.push(() => made.close());
  return made;
}

/** Requests over the connection that all share. */
const asked = () => api.requests.filter(({ path, protocol }) => path === '/api' && protocol === '2.0').length;

async function kept(peer: Promise<Peer>): Promise<Peer> {
  const made = await peer;
  closing.push(() => made.close());
  return made;
}

const gone = 'https://localhost:1';

test('are learnt when the watch is open, verified, kept, and asked from then on', async () => {
  const memory = memoryOf();
  const made = await client(memory);
  made.watch.start(() => {});
  await until(() => memory.writes === 1);
  expect(memory.kept).toEqual([{ ...seen(api.url, api.ca), lastSeen: expect.any(String) }]);
  expect(api.requests.find(({ path }) => path === '/api')).toMatchObject({ authorized: true, protocol: '2.0' });
  const round = await made.probe.probe(2_000);
  expect(round.map(({ endpoint, outcome, learnt, direct }) => [endpoint, outcome, learnt, direct])).toEqual([
    [api.url.replace('127.0.0.1', 'localhost'), 'ok', undefined, true],
    [api.url, 'ok', true, true],
  ]);
});

test('are asked for once in ten minutes, on the occasion of a watch that is opened, and written only on change', async () => {
  const clock = hastyClock();
  const memory = memoryOf();
  const made = await client(memory, { clock });
  made.watch.start(() => {});
  const watches = () => made.requests.filter((each) => each === 'watch 200').length;
  await until(() => memory.writes === 1);
  api.wire.cut();
  await until(() => watches() === 2);
  expect(asked()).toBe(1);
  clock.skip(600_000);
  api.wire.cut();
  await until(() => asked() === 2);
  expect(memory.writes).toBe(1);
});

test('are not asked for again over the same connection: an idle agent has its watch, and nothing else', async () => {
  const clock = hastyClock();
  const memory = memoryOf();
  const made = await client(memory, { clock, watch: { watchSeconds: [1, 1] } });
  made.watch.start(() => {});
  const watches = () => made.requests.filter((each) => each === 'watch 200').length;
  const gets = () => made.requests.filter((each) => each === 'get 200').length;
  await until(() => memory.writes === 1 && gets() === 1 + CONNECTIONS_IN_VAIN);
  clock.skip(3_600_000);
  const before = watches();
  await until(() => watches() > before + 1);
  expect(asked()).toBe(1);
  // the one that all share, the one that verified, and those that looked for another server
  expect(api.wire.connections()).toBe(2 + CONNECTIONS_IN_VAIN);
  expect(gets()).toBe(1 + CONNECTIONS_IN_VAIN);
  clock.skip(86_400_000);
  await until(() => asked() === 2 && memory.writes === 2 && gets() === 2 + 2 * CONNECTIONS_IN_VAIN);
  // all but the shared one, once more
  expect(api.wire.connections()).toBe(3 + 2 * CONNECTIONS_IN_VAIN);
});

test('that could not be written are asked for again after ten minutes, over the same connection too', async () => {
  const clock = hastyClock();
  const memory = memoryOf();
  const { write } = memory;
  const tries: (readonly OwnAddress[])[] = [];
  memory.write = async (addresses) => {
    tries.push(addresses);
    if (tries.length === 1) throw new Error('ENOSPC');
    await write.call(memory, addresses);
  };
  const made = await client(memory, { clock, watch: { watchSeconds: [1, 1] } });
  made.watch.start(() => {});
  await until(() => tries.length === 1);
  clock.skip(600_000);
  await until(() => memory.writes === 1);
  expect(memory.kept.map(({ url }) => url)).toEqual([api.url]);
});

test('outlast the process: a later one, with the configured address dead, finds the server under its own', async () => {
  const made = await client(memoryOf(seen(api.url, api.ca)), { urls: [gone] });
  expect((await made.probe.probe(2_000)).map(({ outcome }) => outcome)).toEqual(['refused', 'ok']);
  await api.stop();
  expect((await made.probe.probe(2_000)).map(({ outcome, direct }) => [outcome, direct])).toEqual([
    ['refused', true],
    ['refused', true],
  ]);
});

test('of another cluster are not asked', async () => {
  const made = await client(memoryOf(seen(api.url, authority.cert)), { urls: [gone] });
  expect(await made.probe.probe(2_000)).toHaveLength(1);
});

test('are kept under the CA certificates of now: a rotation that the process lives through does not lose them', async () => {
  const clock = hastyClock();
  const memory = memoryOf();
  const bundle = { urls: [api.url.replace('127.0.0.1', 'localhost')], ca: authority.cert + api.ca, token: () => api.token };
  const made = await learner(bundle, { memory, clock });
  closing.push(() => made.close());
  made.watch.start(() => {});
  await until(() => memory.writes === 1);
  // the old one is removed, and the connection opened anew
  bundle.ca = api.ca;
  clock.skip(600_000);
  api.wire.cut();
  await until(() => memory.writes === 2);
  expect(memory.kept[0]?.authorities).toEqual(seen(api.url, api.ca).authorities);
});

test('that do not verify are not kept', async () => {
  const stranger = await kept(tlsPeer(leaf(), replying(http(200, 'ok'))));
  const memory = memoryOf();
  const serverAddressByClientCIDRs = [stranger.url, api.url].map((url) => ({ clientCIDR: '0.0.0.0/0', serverAddress: url.slice(8) }));
  const body = JSON.stringify({ kind: 'APIVersions', serverAddressByClientCIDRs });
  api.faults.next('get', { do: 'reply', status: 200, body });
  const made = await client(memory);
  made.watch.start(() => {});
  await until(() => memory.writes === 1);
  expect(memory.kept.map(({ url }) => url)).toEqual([api.url]);
  expect(stranger.received()).toBe('');
});

test.each([
  ['names the address', ['127.0.0.1'], 'ok'],
  ["has the name of the cluster's service", ['kubernetes.default.svc'], 'ok'],
  ['has neither', ['kubernetes.example'], 'tls'],
])('are verified by the address or by the name that only API servers have: a certificate that %s', async (_name, names, outcome) => {
  const peer = await kept(tlsPeer(leaf({ names }), replying(http(200, 'ok'))));
  const made = await client(memoryOf(seen(peer.url, authority.cert)), { urls: [gone], ca: authority.cert });
  expect((await made.probe.probe(2_000))[1]).toMatchObject({ outcome, learnt: true });
  // what was configured must carry its own name
  const configured = await client(undefined, { urls: [peer.url], ca: authority.cert });
  expect((await configured.probe.probe(2_000))[0]?.outcome).toBe(names[0] === '127.0.0.1' ? 'ok' : 'tls');
});

test('that are silent do not hold up the word of a server that answers', async () => {
  const deaf = await kept(tcpPeer(() => {}));
  const made = await client(memoryOf(seen(deaf.url, api.ca)));
  const startedAt = performance.now();
  expect((await made.probe.probe(60_000)).map(({ outcome }) => outcome)).toEqual(['ok']);
  expect(performance.now() - startedAt).toBeLessThan(30_000);
});

test('are learnt by nobody who has no place to keep them', async () => {
  const made = await client(undefined);
  made.watch.start(() => {});
  await until(() => made.watch.view().healthy && made.watch.view().synced);
  expect(api.requests.filter(({ path }) => path === '/api')).toEqual([]);
});
