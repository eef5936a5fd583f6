/**
 * HTTP over one verified socket: a shared HTTP/2 session, or a single HTTP/1.1 exchange where the peer has nothing
 * better.
 *
 * No redirect is followed, no connection is opened here, and a channel is never used again once it has failed.
 */

import { request as httpRequest } from 'node:http';
import { type ClientHttp2Session, type ClientHttp2Stream, constants, connect as http2Connect } from 'node:http2';
import type { Readable } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { Millis } from '../../core/model/model.ts';
import type { AnswerHead } from './answer.ts';
import type { ApiEndpoint } from './endpoint.ts';
import { ApiFailure, failure } from './failure.ts';

/** What is asked for. A body is JSON, and its media type stands among the headers. */
export interface Call {
  readonly method: 'GET' | 'DELETE' | 'PATCH';
  /** Without the endpoint's prefix. */
  readonly path: string;
  readonly body?: string;
}

export interface Exchange extends AnswerHead {
  readonly body: Readable;
  /** After the body's end: did the peer end it, and not a broken connection? */
  complete(): boolean;
  cancel(): void;
}

export interface Channel {
  readonly protocol: 'h2' | 'http/1.1';
  /** May it take a new request? An HTTP/1.1 channel takes one only. */
  usable(): boolean;
  /** Resolves with the reply's head. Rejects with ApiFailure; `signal` gives up before the head came. */
  send(call: Call, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Exchange>;
  /** When the peer last answered a PING; undefined: never, or the protocol has none. */
  lastPing(): Millis | undefined;
  /** A reply is overdue: find out now whether the peer is alive at all. */
  doubt(): void;
  /** Takes no new request and closes once those under way are done. */
  retire(): void;
  /** Closes the socket at once. */
  destroy(): void;
}

export interface ChannelOptions {
  readonly socket: TLSSocket;
  readonly endpoint: ApiEndpoint;
  readonly now: () => Millis;
  readonly pingEveryMs: Millis;
  readonly pingAnswerMs: Millis;
  /** Called once, when no further request can be sent. `lost`: the connection broke, the peer did not say goodbye. */
  readonly onGone: (lost: boolean) => void;
}

export function createChannel(options: ChannelOptions): Channel {
  return options.socket.alpnProtocol === 'h2' ? http2Channel(options) : http1Channel(options);
}

function http2Channel(options: ChannelOptions): Channel {
  const { socket, endpoint, now, pingEveryMs, pingAnswerMs, onGone } = options;
  const session: ClientHttp2Session = http2Connect(endpoint.url, {
    createConnection: () => socket,
    settings: { enablePush: false, initialWindowSize: 1 << 20 },
  });
  let gone = false;
  let lastPing: Millis | undefined;
  let answerTimer: NodeJS.Timeout | undefined;

  const leave = (lost: boolean) => {
    if (gone) return;
    gone = true;
    onGone(lost);
  };
  const destroy = (error?: Error) => {
    clearInterval(pingTimer);
    clearTimeout(answerTimer);
    leave(error !== undefined);
    session.destroy(error);
    // A peer that is silent would keep a politely closed socket open.
    socket.destroy();
  };
  // client-go: http2 ReadIdleTimeout 30 s, PingTimeout 15 s (apimachinery, pkg/util/net/http.go).
  const ping = () => {
    if (answerTimer !== undefined || session.destroyed || session.connecting) return;
    answerTimer = setTimeout(() => {
      destroy(new ApiFailure('timeout', `${endpoint.url}: PING not answered within ${pingAnswerMs} ms`));
    }, pingAnswerMs);
    try {
      session.ping((error) => {
        clearTimeout(answerTimer);
        answerTimer = undefined;
        if (error === null) lastPing = now();
      });
    } catch (error) {
      destroy(failure(`${endpoint.url}: PING`, error));
    }
  };
  const pingTimer = setInterval(ping, pingEveryMs);
  session.on('error', (error) => destroy(failure(endpoint.url, error)));
  // A server that shuts down lets open streams finish; new requests belong on another connection.
  session.on('goaway', () => leave(false));
  session.on('close', () => {
    clearInterval(pingTimer);
    clearTimeout(answerTimer);
    leave(true);
  });

  return {
    protocol: 'h2',
    usable: () => !gone && !session.closed && !session.destroyed,
    send: (call, headers, signal) => http2Send(session, endpoint, call, headers, signal),
    lastPing: () => lastPing,
    doubt: ping,
    retire: () => {
      leave(false);
      session.close();
    },
    destroy: () => destroy(),
  };
}

function http2Send(
  session: ClientHttp2Session,
  endpoint: ApiEndpoint,
  call: Call,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Exchange> {
  return new Promise((resolve, reject) => {
    const activity = `asking ${endpoint.url}`;
    let stream: ClientHttp2Stream;
    try {
      const { method, path, body } = call;
      stream = session.request({ ':method': method, ':path': endpoint.prefix + path, ...headers }, { endStream: body === undefined });
      if (body !== undefined) stream.end(body);
    } catch (error) {
      reject(failure(activity, error));
      return;
    }
    const cancel = () => {
      if (!stream.destroyed) stream.close(constants.NGHTTP2_CANCEL);
      stream.destroy();
    };
    signal.addEventListener('abort', cancel, { once: true });
    // Stays for the stream's life: an error nobody waits for any more must not end the process.
    stream.on('error', (error) => reject(failure(activity, error)));
    stream.once('close', () => reject(new ApiFailure('reset', `${activity}: closed without a reply`)));
    stream.once('response', (reply) => {
      signal.removeEventListener('abort', cancel);
      resolve({
        status: Number(reply[':status'] ?? 0),
        header: (name) => (typeof reply[name] === 'string' ? reply[name] : undefined),
        body: stream,
        complete: () => !stream.aborted && stream.rstCode === constants.NGHTTP2_NO_ERROR,
        cancel,
      });
    });
    if (signal.aborted) cancel();
  });
}

function http1Channel(options: ChannelOptions): Channel {
  const { socket, endpoint, onGone } = options;
  let used = false;
  // HTTP/1.1 has no PING; the kernel's keep-alive at least finds a host that vanished.
  socket.setKeepAlive(true, options.pingEveryMs);
  socket.once('close', () => onGone(false));
  socket.on('error', () => {});
  return {
    protocol: 'http/1.1',
    usable: () => !used && !socket.destroyed,
    lastPing: () => undefined,
    doubt: () => {},
    retire: () => {},
    destroy: () => socket.destroy(),
    send: (call, headers, signal) => {
      used = true;
      return http1Send(socket, endpoint, call, headers, signal);
    },
  };
}

/** One request on a socket that was verified before; also what a probe uses. */
export function http1Send(
  socket: TLSSocket,
  endpoint: ApiEndpoint,
  call: Call,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Exchange> {
  return new Promise((resolve, reject) => {
    const activity = `asking ${endpoint.url}`;
    const cancel = () => socket.destroy();
    signal.addEventListener('abort', cancel, { once: true });
    const request = httpRequest({
      createConnection: () => socket,
      method: call.method,
      path: endpoint.prefix + call.path,
      headers: {
        host: endpoint.url.slice('https://'.length).split('/')[0],
        ...headers,
        // Node.js frames the body of a DELETE only when it is told its length
        ...(call.body === undefined ? {} : { 'content-length': String(Buffer.byteLength(call.body)) }),
        connection: 'close',
      },
    });
    request.on('error', (error) => {
      socket.destroy();
      reject(failure(activity, error));
    });
    request.once('close', () => reject(new ApiFailure('reset', `${activity}: closed without a reply`)));
    request.once('response', (reply) => {
      signal.removeEventListener('abort', cancel);
      reply.on('error', () => {});
      reply.once('close', () => socket.destroy());
      resolve({
        status: reply.statusCode ?? 0,
        header: (name) => (typeof reply.headers[name] === 'string' ? reply.headers[name] : undefined),
        body: reply,
        complete: () => reply.complete,
        cancel,
      });
    });
    request.end(call.body);
    if (signal.aborted) cancel();
  });
}
