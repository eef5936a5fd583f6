/**
 * The connections of the API client: one HTTP/2 session that all share, or as many HTTP/1.1 connections as are in use.
 *
 * Endpoints are tried in turn, beginning with the one that served last. No connection that failed is handed out again.
 */
import type { Millis } from '../../core/model/model.ts';
import type { Clock } from '../../ports.ts';
import { type Channel, createChannel } from './channel.ts';
import { connectTls } from './connect.ts';
import { ApiFailure } from './failure.ts';
import type { ApiAccess } from './kubeconfig.ts';

/** A connection attempt younger than this is not thrown away when somebody says "try now". */
const REDIAL_AFTER_MS = 500;

export interface PoolTimings {
  /** Per endpoint: name resolution, TCP and TLS. */
  readonly connectMs: Millis;
  readonly pingEveryMs: Millis;
  readonly pingAnswerMs: Millis;
}

export interface Pool {
  channel(): Promise<Channel>;
  retire(channel: Channel): void;
  doubt(): void;
  abandon(): void;
  redial(): void;
  /** How often a connection was begun. */
  dials(): number;
  close(): Promise<void>;
}

export function createPool(access: ApiAccess, clock: Clock, timings: PoolTimings): Pool {
  const taken = new WeakSet<Channel>();
  let shared: Channel | undefined;
  let dials = 0;
  let dialing: { readonly promise: Promise<Channel>; readonly abort: AbortController; readonly since: Millis } | undefined;
  const dialer = createDialer(access, clock, timings, (gone) => {
    if (shared === gone) shared = undefined;
  });

  function dial(): Promise<Channel> {
    dials += 1;
    const abort = new AbortController();
    const promise = dialer.dial(abort.signal);
    const mine = { promise, abort, since: clock.now() };
    dialing = mine;
    const done = () => {
      if (dialing === mine) dialing = undefined;
    };
    promise.then((fresh) => {
      if (fresh.protocol === 'h2' && fresh.usable()) shared = fresh;
      done();
    }, done);
    return promise;
  }

  async function channel(): Promise<Channel> {
    if (dialer.isClosed()) throw new ApiFailure('closed', 'the API client is closed');
    if (shared?.usable() === true) return shared;
    const fresh = await (dialing?.promise ?? dial());
    if (fresh.protocol === 'h2') {
      if (fresh.usable()) return fresh;
      throw new ApiFailure('reset', 'the server closed the connection as soon as it was there');
    }
    // Several callers may have waited for one HTTP/1.1 connection; it serves the first of them.
    if (taken.has(fresh)) return channel();
    taken.add(fresh);
    return fresh;
  }

  return {
    channel,
    retire: (used) => used.retire(),
    doubt: () => shared?.doubt(),
    abandon() {
      dialer.preferNext();
      shared?.destroy();
      shared = undefined;
    },
    redial() {
      if (dialing !== undefined && clock.now() - dialing.since > REDIAL_AFTER_MS) dialing.abort.abort();
    },
    dials: () => dials,
    async close() {
      dialer.close();
      dialing?.abort.abort();
      await dialing?.promise.catch(() => {});
      dialer.destroyAll();
      shared = undefined;
    },
  };
}

interface Dialer {
  /** The first endpoint that takes us, beginning with the preferred one. Rejects with what the last of them said. */
  dial(signal: AbortSignal): Promise<Channel>;
  preferNext(): void;
  /** No connection is handed out from here on. */
  close(): void;
  isClosed(): boolean;
  destroyAll(): void;
}

/** Remembers which endpoint to try first, and every connection that is open. */
function createDialer(access: ApiAccess, clock: Clock, timings: PoolTimings, onGone: (channel: Channel) => void): Dialer {
  const { endpoints } = access;
  const open = new Set<Channel>();
  let preferred = 0;
  let closed = false;
  const after = (index: number) => (index + 1) % endpoints.length;

  async function dialOne(index: number, signal: AbortSignal): Promise<Channel> {
    const endpoint = endpoints[index];
    if (endpoint === undefined) throw new ApiFailure('closed', 'no API endpoint is configured');
    const trust = await access.trust();
    const { serverName } = access;
    const socket = await connectTls({ endpoint, trust, serverName, alpn: ['h2', 'http/1.1'], deadlineMs: timings.connectMs, signal });
    const channel: Channel = createChannel({
      socket,
      endpoint,
      now: () => clock.now(),
      pingEveryMs: timings.pingEveryMs,
      pingAnswerMs: timings.pingAnswerMs,
      onGone: (lost) => {
        onGone(channel);
        if (lost && preferred === index) preferred = after(index);
      },
    });
    open.add(channel);
    socket.once('close', () => open.delete(channel));
    preferred = index;
    if (closed || signal.aborted) {
      channel.destroy();
      throw new ApiFailure('closed', `connecting to ${endpoint.url}: given up`);
    }
    return channel;
  }

  return {
    async dial(signal) {
      const start = preferred;
      let last: unknown;
      for (let step = 0; step < endpoints.length && !signal.aborted; step++) {
        try {
          return await dialOne((start + step) % endpoints.length, signal);
        } catch (error) {
          last = error;
        }
      }
      throw last ?? new ApiFailure('closed', 'connecting: given up');
    },
    preferNext() {
      preferred = after(preferred);
    },
    close() {
      closed = true;
    },
    isClosed: () => closed,
    destroyAll() {
      for (const each of open) each.destroy();
    },
  };
}
