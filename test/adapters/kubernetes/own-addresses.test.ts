/** The servers' own addresses: learnt from embedded servers, kept in a memory, and asked when nothing else answers. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { caFingerprints } from '../../../src/adapters/kubernetes/ca-identity.ts';
import { createKubernetes, type Kubernetes } from '../../../src/adapters/kubernetes/index.ts';
import type { PodWatchTimings } from '../../../src/adapters/kubernetes/watch-policy.ts';
import type { OwnAddress } from '../../../src/core/api/own-addresses.ts';
import { type ApiServer, createApiServer } from '../../../src/demo/api-server/api-server.ts';
import type { AddressMemory, Clock } from '../../../src/ports.ts';
import { authority, http, leaf, type Peer, replying, tcpPeer, tlsPeer } from './peers.ts';
import { accessTo, counters, FAST_WATCH, NODE, realClock, until } from './rig.ts';

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

interface Memory extends AddressMemory {
  kept: readonly OwnAddress[];
  writes: number;
}
function memoryOf(...kept: OwnAddress[]): Memory {
  return {
    kept,
    writes: 0,
    async read() {
      return this.kept;
    },
    async write(addresses) {
      this.kept = addresses;
      this.writes += 1;
    },
  };
}

const seen = (url: string, ca: string): OwnAddress => ({
  url,
  lastSeen: new Date().toISOString(),
  authorities: caFingerprints(ca),
});

interface Rig extends Kubernetes {
  readonly requests: readonly string[];
}

/** The server is called by a name, so its own address is another one. */
async function client(
  memory: AddressMemory | undefined,
  change: { urls?: string[]; ca?: string; clock?: Clock; watch?: Partial<PodWatchTimings> } = {},
): Promise<Rig> {
  const { urls = [api.url.replace('127.0.0.1', 'localhost')], ca = api.ca, clock = realClock } = change;
  const observer = counters();
  const made = createKubernetes(await accessTo({ urls, ca, token: () => api.token }), {
    nodeName: NODE,
    version: '0.0.0-test',
    clock,
    random: () => 0.5,
    observer,
    ...(memory === undefined ? {} : { addresses: memory }),
    watchTimings: { ...FAST_WATCH, ...change.watch },
  });
  closing.push(() => made.close());
  return { ...made, requests: observer.requests };
}

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
  let ahead = 0;
  const clock: Clock = { ...realClock, now: () => realClock.now() + ahead };
  const memory = memoryOf();
  const made = await client(memory, { clock });
  made.watch.start(() => {});
  const asked = () => api.requests.filter(({ path }) => path === '/api').length;
  const watches = () => made.requests.filter((each) => each === 'watch 200').length;
  await until(() => memory.writes === 1);
  api.wire.cut();
  await until(() => watches() === 2);
  expect(asked()).toBe(1);
  ahead += 600_000;
  api.wire.cut();
  await until(() => asked() === 2);
  expect(memory.writes).toBe(1);
});

test('are not asked for again over the same connection: an idle agent has its watch, and nothing else', async () => {
  let ahead = 0;
  const clock: Clock = { ...realClock, now: () => realClock.now() + ahead };
  const memory = memoryOf();
  const made = await client(memory, { clock, watch: { watchSeconds: [1, 1] } });
  made.watch.start(() => {});
  const asked = () => api.requests.filter(({ path }) => path === '/api').length;
  const watches = () => made.requests.filter((each) => each === 'watch 200').length;
  await until(() => memory.writes === 1);
  ahead += 3_600_000;
  const before = watches();
  await until(() => watches() > before);
  expect(asked()).toBe(1);
  // the one that all share, and the one that verified
  expect(api.wire.connections()).toBe(2);
  ahead += 86_400_000;
  await until(() => asked() === 2);
});

test('that could not be written are asked for again after ten minutes, over the same connection too', async () => {
  let ahead = 0;
  const clock: Clock = { ...realClock, now: () => realClock.now() + ahead };
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
  ahead += 600_000;
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
  let ahead = 0;
  const clock: Clock = { ...realClock, now: () => realClock.now() + ahead };
  const memory = memoryOf();
  const bundle = { urls: [api.url.replace('127.0.0.1', 'localhost')], ca: authority.cert + api.ca, token: () => api.token };
  const made = createKubernetes(await accessTo(bundle), {
    nodeName: NODE,
    version: '0.0.0-test',
    clock,
    random: () => 0.5,
    observer: counters(),
    addresses: memory,
    watchTimings: FAST_WATCH,
  });
  closing.push(() => made.close());
  made.watch.start(() => {});
  await until(() => memory.writes === 1);
  // the old one is removed, and the connection opened anew
  bundle.ca = api.ca;
  ahead += 600_000;
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
