/** Several servers behind one address: fresh connections find those that the shared one does not lead to. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CONNECTIONS_IN_VAIN } from '../../../src/core/api/own-addresses.ts';
import { type ApiServer, createApiServer } from '../../../src/demo/api-server/api-server.ts';
import { type HastyClock, hastyClock, type Learner, learner, type Memory, memoryOf } from './addresses-rig.ts';
import { authority, balancer, leaf, type Peer, tcpPeer, tlsPeer } from './peers.ts';
import { until } from './rig.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const TEN_MINUTES_MS = 600_000;
const TOKEN = 'token-of-the-cluster';
const gone = 'https://127.0.0.1:1';

let closing: (() => Promise<void>)[] = [];
let clock: HastyClock;
let memory: Memory;
beforeEach(() => {
  clock = hastyClock();
  memory = memoryOf();
});
afterEach(async () => {
  for (const close of closing.reverse()) await close();
  closing = [];
});

/** Servers of one cluster. */
async function servers(count: number): Promise<ApiServer[]> {
  const made = Array.from({ length: count }, () => createApiServer({ bookmarkMs: 60, identity: { authority, server: leaf() } }));
  for (const api of made) {
    api.tokens.add(TOKEN);
    await api.start();
    closing.push(() => api.stop());
  }
  return made;
}

async function kept(peer: Promise<Peer>): Promise<Peer> {
  const made = await peer;
  closing.push(() => made.close());
  return made;
}

/** Its watch is opened anew every second. */
async function started(...urls: string[]): Promise<Learner> {
  const made = await learner({ urls, ca: authority.cert, token: () => TOKEN }, { memory, clock, watch: { watchSeconds: [1, 1] } });
  closing.push(() => made.close());
  made.watch.start(() => {});
  return made;
}

const urlsOf = (all: readonly ApiServer[]) => all.map(({ url }) => url).sort();
const keptUrls = () => memory.kept.map(({ url }) => url).sort();
const gets = ({ requests }: Learner, code = '200') => requests.filter((each) => each === `get ${code}`).length;
const toldBy = (api: ApiServer) => api.requests.filter(({ path }) => path === '/api');
/** The watch has been opened twice from here on. */
async function watchesGoOn({ requests }: Learner): Promise<void> {
  const watches = () => requests.filter((each) => each === 'watch 200').length;
  const before = watches();
  await until(() => watches() > before + 1);
}

test('all of them are learnt, so that the loss of one is no outage', async () => {
  const all = await servers(3);
  const front = await kept(balancer(() => all.map(({ url }) => url)));
  const made = await started(front.url);
  // two show another server each, and then none does
  await until(() => gets(made) === 3 + CONNECTIONS_IN_VAIN);
  expect(keptUrls()).toEqual(urlsOf(all));
  expect(front.connections()).toBe(3 + CONNECTIONS_IN_VAIN);
  const [first, second] = all;
  expect(second && toldBy(second)[0]).toMatchObject({ authorized: true, protocol: '1.1', userAgent: 'pod-checkpointer/0.0.0-test' });

  // a node that was drained: its own server is down, and so is the way to the others by the common address
  await Promise.all([first?.stop(), front.close()]);
  const round = await made.probe.probe(2_000);
  expect(round[0]).toMatchObject({ endpoint: front.url, outcome: 'refused' });
  // one answer is enough: the others are not waited for
  expect(round.filter(({ outcome }) => outcome === 'ok')).toContainEqual(expect.objectContaining({ learnt: true, direct: true }));
});

test('they are looked for once a day, and not in between', async () => {
  const all = await servers(2);
  const front = await kept(balancer(() => all.map(({ url }) => url)));
  const made = await started(front.url);
  const aDay = 2 + CONNECTIONS_IN_VAIN;
  await until(() => gets(made) === aDay);
  clock.skip(DAY_MS - HOUR_MS);
  await watchesGoOn(made);
  expect([gets(made), front.connections(), memory.writes]).toEqual([aDay, aDay, 2]);
  clock.skip(HOUR_MS);
  // over the shared connection, and over fresh ones
  await until(() => gets(made) === 2 * aDay);
  clock.skip(DAY_MS - HOUR_MS);
  await watchesGoOn(made);
  expect([gets(made), front.connections(), memory.writes]).toEqual([2 * aDay, 2 * aDay - 1, 4]);
});

test('they are looked for when another shared connection shows one that was not known, and only then', async () => {
  const [a, b, c, d] = await servers(4);
  let behind = [a, b].map((api) => api?.url ?? '');
  const front = await kept(balancer(() => behind));
  const made = await started(front.url);
  const first = 2 + CONNECTIONS_IN_VAIN;
  await until(() => gets(made) === first);
  const cut = () => {
    clock.skip(TEN_MINUTES_MS);
    for (const each of [a, b, c, d]) each?.wire.cut();
  };
  cut();
  await until(() => gets(made) === first + 1);
  await watchesGoOn(made);
  expect(gets(made)).toBe(first + 1);

  behind = [c, d].map((api) => api?.url ?? '');
  cut();
  await until(() => keptUrls().length === 4 && gets(made) === first + 1 + 2 + CONNECTIONS_IN_VAIN);
});

test('a server that is asked under its own address leads to no other: nothing more is asked', async () => {
  const [api] = await servers(1);
  const made = await started(api?.url ?? '');
  await until(() => gets(made) === 1);
  await watchesGoOn(made);
  clock.skip(DAY_MS);
  await until(() => gets(made) === 2);
  await watchesGoOn(made);
  expect([gets(made), api?.wire.connections(), memory.writes]).toEqual([2, 1, 0]);
});

test('of several addresses each is asked, until it proves to be a server of its own', async () => {
  const [a, b, hidden] = await servers(3);
  const front = await kept(balancer(() => [a, b, hidden].map((api) => api?.url ?? '')));
  const made = await started(a?.url ?? '', b?.url ?? '', front.url);
  // a is the shared one, b tells its name, and two show nothing new before the hidden one shows itself
  await until(() => gets(made) === 2 + 3 + CONNECTIONS_IN_VAIN);
  await watchesGoOn(made);
  expect(gets(made)).toBe(2 + 3 + CONNECTIONS_IN_VAIN);
  expect(keptUrls()).toEqual([hidden?.url]);
});

test('an address under which nobody answers is tried again in an hour', async () => {
  const [api] = await servers(1);
  const made = await started(api?.url ?? '', gone);
  await until(() => gets(made, 'refused') === CONNECTIONS_IN_VAIN);
  clock.skip(HOUR_MS / 2);
  await watchesGoOn(made);
  expect(gets(made)).toBe(1);
  clock.skip(HOUR_MS / 2);
  await until(() => gets(made, 'refused') === 2 * CONNECTIONS_IN_VAIN);
  expect(gets(made)).toBe(2);
});

test('a stranger behind the balancer gets no token, and does not end the search', async () => {
  const [a, b] = await servers(2);
  const stranger = await kept(tlsPeer(leaf({ names: ['elsewhere.example'] }), () => {}));
  const front = await kept(balancer(() => [a?.url ?? '', stranger.url, b?.url ?? '']));
  const made = await started(front.url);
  await until(() => gets(made) + gets(made, 'tls') === 3 + CONNECTIONS_IN_VAIN);
  expect(gets(made, 'tls')).toBeGreaterThan(1);
  expect(keptUrls()).toEqual([a?.url, b?.url].sort());
  expect(stranger.received()).toBe('');
});

test.each([
  ['before TLS', () => tcpPeer(() => {})],
  ['after the request', () => tlsPeer(leaf(), () => {})],
])('a connection that hangs %s is given up when the client is closed', async (_when, make) => {
  const [api] = await servers(1);
  const deaf = await kept(make());
  const front = await kept(balancer(() => [api?.url ?? '', deaf.url]));
  const made = await started(front.url);
  await until(() => deaf.received().length > 0);
  const startedAt = performance.now();
  await made.close();
  expect(performance.now() - startedAt).toBeLessThan(5_000);
});
