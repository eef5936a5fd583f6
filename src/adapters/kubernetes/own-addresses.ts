/**
 * Learns the API servers' own addresses while requests succeed, and keeps them for the time when none does.
 *
 * It asks over the connection that there is, when a watch was opened on another one than before or a day has passed,
 * and at most once in ten minutes. That connection shows one server of maybe several. So at the start, once a day, and
 * when it showed an unknown one, a few fresh connections look for others, where what is asked may be a balancer or the
 * service. An address is kept only after one connection to it was verified. Failing it costs nothing but the address:
 * it never throws.
 */
import {
  addressesOf,
  afterConnection,
  type OwnAddress,
  searchFrom,
  searchGoesOn,
  serverAddresses,
  withAddress,
} from '../../core/api/own-addresses.ts';
import type { Millis } from '../../core/model/model.ts';
import type { AddressMemory, ApiRequestObserver, Clock } from '../../ports.ts';
import { readBody } from './body.ts';
import { fingerprintsIn, followCas } from './ca-identity.ts';
import { connectTls } from './connect.ts';
import { type ApiEndpoint, apiEndpoint } from './endpoint.ts';
import { causeOf, withDeadline } from './failure.ts';
import { onFreshConnection } from './fresh-request.ts';
import type { ApiAccess } from './kubeconfig.ts';
import type { CountingTransport } from './transport.ts';

const AT_MOST_EVERY_MS: Millis = 600_000;
/** The same servers are looked for again, so that their addresses stay known. */
const AGAIN_MS: Millis = 86_400_000;
/** Where nobody answered under an address: as the service before kube-proxy runs. */
const AFTER_SILENCE_MS: Millis = 3_600_000;
/** Before each fresh connection: many nodes start at once, and a hand-back may be near. */
const PAUSE_MS: Millis = 5_000;
const DEADLINE_MS: Millis = 10_000;
const MAX_BODY_BYTES = 64 << 10;
/** In the place of a number of connections: what was not told, or could not be written, is asked for again soon. */
const NOT_LEARNT = -1;
/**
 * A server's certificate usually names its address. Where it does not, it has this name, which only API servers have:
 * it is how pods call them.
 */
const SERVICE_NAME = 'kubernetes.default.svc';

export interface OwnAddresses {
  /** Learnt ones that are not configured anyway. */
  endpoints(): Promise<readonly ApiEndpoint[]>;
  /** A request has just succeeded. Returns at once. */
  learn(): void;
  close(): Promise<void>;
}

export interface OwnAddressesOptions {
  readonly access: ApiAccess;
  readonly userAgent: string;
  readonly transport: CountingTransport;
  readonly clock: Clock;
  readonly observer: ApiRequestObserver;
  readonly memory: AddressMemory;
}

export function createOwnAddresses(options: OwnAddressesOptions): OwnAddresses {
  const { access, transport, clock, memory } = options;
  // a rotation changes them while the process runs
  const authorities = followCas(() => access.caNow?.() ?? access.ca, fingerprintsIn);
  const closing = new AbortController();
  let kept: Promise<readonly OwnAddress[]> | undefined;
  let asked: { readonly at: Millis; readonly dials: number } | undefined;
  let searchAt: Millis | undefined;
  let learning: Promise<void> = Promise.resolve();

  const isSearchDue = (now: Millis): boolean => searchAt === undefined || now >= searchAt;

  function known(): Promise<readonly OwnAddress[]> {
    kept ??= memory.read().catch(() => []);
    return kept;
  }

  async function ask(): Promise<void> {
    const at = clock.now();
    const isDue = isSearchDue(at);
    const reply = await transport.get('/api', 'get', DEADLINE_MS);
    const told = reply.status === 200 ? toldIn(reply.body) : undefined;
    const isNews = await keep(told ?? []);
    if (!isDue && !isNews) return;
    const isComplete = told !== undefined && (await search(told));
    if (isDue) searchAt = at + (isComplete ? AGAIN_MS : AFTER_SILENCE_MS);
  }

  /** Looks for other servers behind each configured address. False: under one of them nobody answered. */
  async function search(told: readonly string[]): Promise<boolean> {
    let found = told;
    let silent = false;
    for (const endpoint of access.endpoints) {
      let round = searchFrom(found);
      let answered = round.told.includes(endpoint.url);
      while (searchGoesOn(round, endpoint.url)) {
        await clock.sleep(PAUSE_MS, closing.signal);
        const urls = await askFresh(options, endpoint, closing.signal);
        answered ||= urls !== undefined;
        await keep(urls ?? []);
        round = afterConnection(round, urls ?? []);
      }
      found = round.told;
      silent ||= !answered;
    }
    return !silent;
  }

  /** True: one of them was not known. */
  async function keep(urls: readonly string[]): Promise<boolean> {
    let isNews = false;
    for (const url of urls) {
      const endpoint = learntEndpoint(url, access);
      if (endpoint === undefined) continue;
      const before = await known();
      const next = withAddress(before, endpoint.url, authorities(), clock.wall());
      if (next === undefined || !(await isVerified(endpoint))) continue;
      // what could not be written is learnt again
      await memory.write(next);
      kept = Promise.resolve(next);
      isNews ||= !before.some((each) => each.url === endpoint.url);
    }
    return isNews;
  }

  async function isVerified(endpoint: ApiEndpoint): Promise<boolean> {
    const trust = await access.trust();
    try {
      const socket = await connectTls({ endpoint, trust, alpn: ['http/1.1'], deadlineMs: DEADLINE_MS, signal: closing.signal });
      socket.destroy();
      return true;
    } catch {
      return false;
    }
  }

  return {
    async endpoints() {
      const urls = addressesOf(await known(), authorities(), clock.wall());
      return urls.flatMap((url) => learntEndpoint(url, access) ?? []);
    },
    learn() {
      const now = clock.now();
      const dials = transport.dials();
      if (asked !== undefined && now - asked.at < AT_MOST_EVERY_MS) return;
      if (asked?.dials === dials && !isSearchDue(now)) return;
      asked = { at: now, dials };
      // one round after the other, however long a search takes
      learning = learning.then(ask).catch(() => {
        asked = { at: now, dials: NOT_LEARNT };
      });
    },
    async close() {
      closing.abort();
      await learning;
    },
  };
}

/** What a server tells to whom a fresh connection leads; undefined: none answered there. Never throws. */
async function askFresh(
  { access, userAgent, observer }: OwnAddressesOptions,
  endpoint: ApiEndpoint,
  closing: AbortSignal,
): Promise<readonly string[] | undefined> {
  const late = new AbortController();
  const signal = AbortSignal.any([late.signal, closing]);
  const request = { access, userAgent, endpoint, path: '/api', accept: 'application/json', deadlineMs: DEADLINE_MS, signal };
  const asking = onFreshConnection(request, async ({ status, body }) => ({ status, body: await readBody(body, MAX_BODY_BYTES, 'fail') }));
  const reply = await withDeadline(asking, DEADLINE_MS, `asking ${endpoint.url}`, () => late.abort()).catch((error: unknown) => {
    observer.request('get', causeOf(error));
    return undefined;
  });
  if (reply === undefined) return undefined;
  observer.request('get', String(reply.status));
  return reply.status === 200 ? toldIn(reply.body) : undefined;
}

/** As endpoints are written; undefined: the reply is none to this request. */
function toldIn(body: string): readonly string[] | undefined {
  try {
    return serverAddresses(JSON.parse(body)).flatMap((url) => addressOf(url)?.url ?? []);
  } catch {
    return undefined;
  }
}

/** undefined: it is asked anyway, or is no address that could be asked. */
function learntEndpoint(url: string, { endpoints, serverName }: ApiAccess): ApiEndpoint | undefined {
  const endpoint = addressOf(url);
  if (endpoint === undefined || endpoints.some((each) => each.url === endpoint.url)) return undefined;
  return { ...endpoint, learnt: true, alsoNamed: [...(serverName === undefined ? [] : [serverName]), SERVICE_NAME] };
}

function addressOf(url: string): ApiEndpoint | undefined {
  try {
    return apiEndpoint(url, 'GET /api');
  } catch {
    return undefined;
  }
}
