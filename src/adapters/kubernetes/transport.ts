/**
 * Authenticated requests to the cluster's API server: one HTTP/2 session that list, watch and all others share.
 *
 * It goes to the configured endpoints only, over TLS verified against the cluster's CA. It follows no redirect, knows
 * no proxy, and retries nothing but a 401 whose token had been renewed meanwhile. Replies are returned as they came,
 * whatever their status; what they mean is for the callers.
 */
import { Readable } from 'node:stream';
import type { Millis } from '../../core/model/model.ts';
import { type ApiRequestObserver, type Clock, PortError } from '../../ports.ts';
import { type AnswerHead, isKubernetesStream } from './answer.ts';
import { readBody, readPieces, splitLines } from './body.ts';
import type { Call, Channel, Exchange } from './channel.ts';
import { createPool, type Pool, type PoolTimings } from './connection-pool.ts';
import { ApiFailure, causeOf, failure, withDeadline } from './failure.ts';
import type { ApiAccess } from './kubeconfig.ts';

export interface TransportTimings extends PoolTimings {
  readonly maxReplyBytes: number;
  readonly maxErrorBytes: number;
  readonly maxLineBytes: number;
}
export const TRANSPORT_TIMINGS: TransportTimings = {
  connectMs: 5_000,
  pingEveryMs: 30_000,
  pingAnswerMs: 15_000,
  maxReplyBytes: 64 << 20,
  maxErrorBytes: 1 << 20,
  maxLineBytes: 16 << 20,
};
/** What the API server takes our bodies for; a merge patch (RFC 7386) says only what is to change. */
const BODY_TYPE: Readonly<Record<Call['method'], string>> = {
  GET: 'application/json',
  DELETE: 'application/json',
  PATCH: 'application/merge-patch+json',
};

export type Verb = 'list' | 'watch' | 'get' | 'delete' | 'patch';

export interface ApiReply extends AnswerHead {
  readonly body: string;
}

export interface ApiLines {
  readonly lines: AsyncIterable<string>;
  /** After the last line: true when the server ended the stream, false when the connection did. */
  ended(): boolean;
  /** When the peer last answered a PING on this connection. */
  lastPing(): Millis | undefined;
  close(): void;
}

export interface Transport {
  /** The whole reply within the deadline, whatever its status. Throws PortError; 3xx is a reply like any other. */
  get(path: string, verb: Verb, deadlineMs: Millis): Promise<ApiReply>;
  /** As `get`, but the body of a good reply goes to `take` as it comes, and is empty here. */
  pieces(path: string, verb: Verb, deadlineMs: Millis, take: (piece: Buffer) => void): Promise<ApiReply>;
  /** As `get`, for requests that change something. Sent again only after a 401 whose token had been renewed. */
  send(call: Call, verb: Verb, deadlineMs: Millis): Promise<ApiReply>;
  /** An API server's 200 line by line, without end; anything else as a reply. The deadline is for the head only. */
  lines(path: string, verb: Verb, deadlineMs: Millis): Promise<ApiReply | ApiLines>;
  /** The next request opens a new connection, at the next endpoint. */
  abandon(): void;
  /** Gives up a connection attempt that hangs, so that the next one starts now. */
  redial(): void;
  /** Ends every connection; requests under way fail with `closed`. */
  close(): Promise<void>;
}

export interface CountingTransport extends Transport {
  /** How often a connection was begun: another one may lead to another server. */
  dials(): number;
}

export interface TransportOptions {
  readonly access: ApiAccess;
  readonly userAgent: string;
  readonly clock: Clock;
  readonly observer: ApiRequestObserver;
  readonly timings?: Partial<TransportTimings> | undefined;
}

/** An exchange that has begun, and the connection that it is on. */
interface Begun {
  readonly channel: Channel;
  readonly exchange: Exchange;
}

export function createTransport(options: TransportOptions): CountingTransport {
  const timings = { ...TRANSPORT_TIMINGS, ...options.timings };
  const pool = createPool(options.access, options.clock, timings);
  const authorized = createAuthorized(options, pool, timings);

  async function whole(exchange: Exchange, take?: (piece: Buffer) => void): Promise<ApiReply> {
    const good = exchange.status >= 200 && exchange.status < 300;
    let body = '';
    if (good && take !== undefined) await readPieces(exchange.body, timings.maxReplyBytes, take);
    else body = await readBody(exchange.body, good ? timings.maxReplyBytes : timings.maxErrorBytes, good ? 'fail' : 'cut');
    if (good && !exchange.complete()) throw new ApiFailure('reset', 'the connection broke in the middle of the reply');
    return { status: exchange.status, header: exchange.header, body };
  }

  /** Runs `work` with a deadline; when it passes, the request is given up and the connection is put in doubt. */
  async function bounded<T>(
    { method, path }: Call,
    deadlineMs: Millis,
    work: (signal: AbortSignal, holds: (exchange: Exchange) => void) => Promise<T>,
  ) {
    const activity = `${method} ${path.split('?')[0]}`;
    const abort = new AbortController();
    let held: Exchange | undefined;
    const give = () => {
      abort.abort();
      held?.cancel();
      pool.doubt();
    };
    const running = work(abort.signal, (exchange) => {
      held = exchange;
    });
    try {
      return await withDeadline(running, deadlineMs, activity, give);
    } catch (error) {
      held?.cancel();
      if (error instanceof PortError && !(error instanceof ApiFailure)) throw error;
      throw failure(activity, error);
    }
  }

  const request = (call: Call, verb: Verb, deadlineMs: Millis, take?: (piece: Buffer) => void): Promise<ApiReply> =>
    bounded(call, deadlineMs, async (signal, holds) => {
      const { exchange } = await authorized(call, verb, signal);
      holds(exchange);
      return whole(exchange, take);
    });

  return {
    get: (path, verb, deadlineMs) => request({ method: 'GET', path }, verb, deadlineMs),
    pieces: (path, verb, deadlineMs, take) => request({ method: 'GET', path }, verb, deadlineMs, take),
    send: (call, verb, deadlineMs) => request(call, verb, deadlineMs),
    lines: (path, verb, deadlineMs) =>
      bounded({ method: 'GET', path }, deadlineMs, async (signal, holds) => {
        const { channel, exchange } = await authorized({ method: 'GET', path }, verb, signal);
        holds(exchange);
        if (signal.aborted) exchange.cancel();
        if (!isKubernetesStream(exchange)) return whole(exchange);
        return {
          lines: splitLines(exchange.body, timings.maxLineBytes),
          ended: () => exchange.complete(),
          lastPing: () => channel.lastPing(),
          close: () => exchange.cancel(),
        };
      }),
    abandon: pool.abandon,
    redial: pool.redial,
    dials: pool.dials,
    close: pool.close,
  };
}

type Authorized = (call: Call, verb: Verb, signal: AbortSignal) => Promise<Begun>;

/** Requests in our name, each counted, until the head of the reply is there. */
function createAuthorized(options: TransportOptions, pool: Pool, timings: TransportTimings): Authorized {
  const { access, userAgent, observer } = options;

  async function once(call: Call, token: string | undefined, signal: AbortSignal): Promise<Begun> {
    const channel = await pool.channel();
    if (signal.aborted) throw new ApiFailure('closed', 'the request was given up');
    const headers = {
      accept: 'application/json',
      'user-agent': userAgent,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(call.body === undefined ? {} : { 'content-type': BODY_TYPE[call.method] }),
    };
    return { channel, exchange: await channel.send(call, headers, signal) };
  }

  /**
   * An error reply, read. One of HTTP/2 that ends while nobody reads it is thrown away, and would look like a broken
   * connection.
   */
  async function heldBack(exchange: Exchange, signal: AbortSignal): Promise<Exchange> {
    signal.addEventListener('abort', exchange.cancel, { once: true });
    const body = await readBody(exchange.body, timings.maxErrorBytes, 'cut');
    return { ...exchange, body: Readable.from([Buffer.from(body)]) };
  }

  async function counted(verb: Verb, send: () => Promise<Begun>): Promise<Begun> {
    try {
      const sent = await send();
      observer.request(verb, String(sent.exchange.status));
      return sent;
    } catch (error) {
      observer.request(verb, causeOf(error));
      throw error;
    }
  }

  /** A refused token is replaced and tried once more if its file has a new one. */
  return async (call, verb, signal) => {
    const token = await access.token?.current();
    const first = await counted(verb, () => once(call, token, signal));
    if (first.exchange.status !== 401) return first;
    if (access.token === undefined || token === undefined) {
      // A client certificate is part of the connection: only a new one shows a renewed certificate.
      pool.retire(first.channel);
      return first;
    }
    const refusal = await heldBack(first.exchange, signal);
    if (!(await access.token.renew(token))) return { channel: first.channel, exchange: refusal };
    const renewed = await access.token.current();
    return counted(verb, () => once(call, renewed, signal));
  };
}
