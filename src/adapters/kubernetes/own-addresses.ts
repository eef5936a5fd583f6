/**
 * Learns the API servers' own addresses while requests succeed, and keeps them for the time when none does.
 *
 * It asks over the connection that there is, when a watch was opened on another one than before or a day has passed,
 * and at most once in ten minutes. An address is kept only after one connection to it was verified. Failing it costs
 * nothing but the address: it never throws.
 */
import { addressesOf, type OwnAddress, serverAddresses, withAddress } from '../../core/api/own-addresses.ts';
import type { Millis } from '../../core/model/model.ts';
import type { AddressMemory, Clock } from '../../ports.ts';
import { fingerprintsIn, followCas } from './ca-identity.ts';
import { connectTls } from './connect.ts';
import { type ApiEndpoint, apiEndpoint } from './endpoint.ts';
import type { ApiAccess } from './kubeconfig.ts';
import type { CountingTransport } from './transport.ts';

const AT_MOST_EVERY_MS: Millis = 600_000;
/** The same server is asked again, so that its address stays known. */
const AGAIN_MS: Millis = 86_400_000;
const DEADLINE_MS: Millis = 10_000;
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
  readonly transport: CountingTransport;
  readonly clock: Clock;
  readonly memory: AddressMemory;
}

export function createOwnAddresses({ access, transport, clock, memory }: OwnAddressesOptions): OwnAddresses {
  // a rotation changes them while the process runs
  const authorities = followCas(() => access.caNow?.() ?? access.ca, fingerprintsIn);
  const closing = new AbortController();
  let kept: Promise<readonly OwnAddress[]> | undefined;
  let asked: { readonly at: Millis; readonly dials: number } | undefined;
  let learning: Promise<void> = Promise.resolve();

  function known(): Promise<readonly OwnAddress[]> {
    kept ??= memory.read().catch(() => []);
    return kept;
  }

  async function ask(): Promise<void> {
    const reply = await transport.get('/api', 'get', DEADLINE_MS);
    if (reply.status !== 200) return;
    for (const url of serverAddresses(JSON.parse(reply.body))) {
      const endpoint = learntEndpoint(url, access);
      if (endpoint === undefined) continue;
      const next = withAddress(await known(), endpoint.url, authorities(), clock.wall());
      if (next === undefined || !(await isVerified(endpoint))) continue;
      // what could not be written is learnt again
      await memory.write(next);
      kept = Promise.resolve(next);
    }
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
      const pause = asked?.dials === dials ? AGAIN_MS : AT_MOST_EVERY_MS;
      if (asked !== undefined && now - asked.at < pause) return;
      asked = { at: now, dials };
      learning = ask().catch(() => {
        asked = { at: now, dials: NOT_LEARNT };
      });
    },
    async close() {
      closing.abort();
      await learning;
    },
  };
}

/** undefined: it is asked anyway, or is no address that could be asked. */
function learntEndpoint(url: string, { endpoints, serverName }: ApiAccess): ApiEndpoint | undefined {
  try {
    const endpoint = apiEndpoint(url, 'GET /api');
    if (endpoints.some((each) => each.url === endpoint.url)) return undefined;
    return { ...endpoint, learnt: true, alsoNamed: [...(serverName === undefined ? [] : [serverName]), SERVICE_NAME] };
  } catch {
    return undefined;
  }
}
