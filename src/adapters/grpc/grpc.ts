/**
 * A thin gRPC client over a unix socket: unary calls and server streams, nothing more (no compression, no client
 * streams, no name resolution). Why not a library: the common one may hang after its server restarted, and this is
 * small enough to be held to a contract suite.
 *
 * It repeats one thing only: a unary call on a session that had died unnoticed is made once more, on a new one.
 * Every failure is a PortError whose message names the socket. Never puts a request or a reply into an error.
 */
import { type ClientHttp2Session, type ClientHttp2Stream, constants, type IncomingHttpHeaders } from 'node:http2';
import { codeOf } from '../../core/model/errors.ts';
import { PortError } from '../../ports.ts';
import { createFrameReader, frame } from './grpc-frames.ts';
import { createSessions, type Sessions } from './grpc-session.ts';
import { GRPC, httpError, statusError } from './grpc-status.ts';

/** The limit the kubelet uses towards the runtime (`cri-client/pkg/utils.go`); gRPC's own 4 MiB is too small. */
export const MAX_RECEIVE_BYTES = 16 * 1024 * 1024;

export interface GrpcClientOptions {
  /** Absolute path of the unix socket. */
  readonly socket: string;
  /** Largest accepted message, bytes. */
  readonly maxReceiveBytes?: number;
}

export interface GrpcClient {
  readonly socket: string;
  /**
   * One request, one reply. `path` is `/package.Service/Method`. The deadline, in milliseconds, covers connecting too.
   * If a session that served before turns out to be dead before any answer came, the call is made once more on a new
   * one: so only idempotent methods may be called through here (all of those we use are).
   */
  unary(path: string, request: Uint8Array, deadlineMs: number): Promise<Buffer>;
  /**
   * Server stream. Resolves when the server ends it, when the connection is lost after it was made, or when `signal`
   * aborts. Throws when it cannot be reached, when the server refuses, and what `onMessage` throws.
   */
  stream(path: string, request: Uint8Array, onMessage: (message: Buffer) => void, signal: AbortSignal): Promise<void>;
  /** Ends every call under way; later calls fail. */
  close(): void;
}

/** The connection or the stream ended without a gRPC status. */
class ConnectionLost extends PortError {
  /** Nothing of a reply was seen, on a session that had served before: it may have died unnoticed. */
  readonly stale: boolean;
  constructor(message: string, stale: boolean) {
    super('unavailable', message);
    this.stale = stale;
  }
}

interface Exchange {
  readonly socket: string;
  readonly path: string;
  readonly request: Uint8Array;
  readonly maxBytes: number;
  readonly onMessage: (message: Buffer) => void;
  /** Its reason is thrown. */
  readonly cancel: AbortSignal;
  readonly timeoutMs?: number;
  readonly reused: boolean;
}

export function createGrpcClient(options: GrpcClientOptions): GrpcClient {
  const { socket } = options;
  const maxBytes = options.maxReceiveBytes ?? MAX_RECEIVE_BYTES;
  const sessions = createSessions(socket);
  return {
    socket,
    unary: (path, request, deadlineMs) => unary(sessions, { socket, path, request, maxBytes }, deadlineMs),
    stream: (path, request, onMessage, signal) => stream(sessions, { socket, path, request, maxBytes, onMessage }, signal),
    close: () => sessions.close(),
  };
}

async function unary(sessions: Sessions, call: Omit<Exchange, 'onMessage' | 'cancel' | 'reused'>, deadlineMs: number): Promise<Buffer> {
  const deadline = new AbortController();
  const late = new PortError('unavailable', `${call.path} at ${call.socket}: no answer within ${deadlineMs} ms`);
  const timer = setTimeout(() => deadline.abort(late), Math.max(0, deadlineMs));
  try {
    try {
      return await attempt(sessions, call, deadlineMs, deadline.signal);
    } catch (error) {
      if (!(error instanceof ConnectionLost) || !error.stale) throw error;
      return await attempt(sessions, call, deadlineMs, deadline.signal);
    }
  } finally {
    clearTimeout(timer);
  }
}

async function attempt(
  sessions: Sessions,
  call: Omit<Exchange, 'onMessage' | 'cancel' | 'reused'>,
  deadlineMs: number,
  cancel: AbortSignal,
): Promise<Buffer> {
  const lease = await orAborted(sessions.lease(), cancel, (late) => late.release());
  const messages: Buffer[] = [];
  try {
    await exchange(lease.session, {
      ...call,
      cancel,
      timeoutMs: deadlineMs,
      reused: lease.reused,
      onMessage: (message) => messages.push(message),
    });
  } catch (error) {
    // A peer that hangs may have lost this connection for good: the next call shall not wait on it again.
    if (cancel.aborted) sessions.retire(lease.session);
    throw error;
  } finally {
    lease.release();
  }
  const [message] = messages;
  if (message === undefined || messages.length > 1) {
    throw new PortError('invalid', `${call.path} at ${call.socket}: ${messages.length} messages instead of one`);
  }
  return message;
}

async function stream(sessions: Sessions, call: Omit<Exchange, 'cancel' | 'reused'>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  try {
    const lease = await orAborted(sessions.lease(), signal, (late) => late.release());
    try {
      await exchange(lease.session, { ...call, cancel: signal, reused: lease.reused });
    } finally {
      lease.release();
    }
  } catch (error) {
    if (signal.aborted || error instanceof ConnectionLost) return;
    throw error;
  }
}

/**
 * One request on one session. It settles exactly once, and hands over no message afterwards, though a chunk may bring
 * several.
 */
function exchange(session: ClientHttp2Session, call: Exchange): Promise<void> {
  const where = `${call.path} at ${call.socket}`;
  return new Promise((resolve, reject) => {
    const frames = createFrameReader(call.maxBytes);
    let request: ClientHttp2Stream;
    let headers: IncomingHttpHeaders | undefined;
    let trailers: IncomingHttpHeaders | undefined;
    let failure: Error | undefined;
    let settled = false;

    const finish = (error?: unknown): void => {
      settled = true;
      call.cancel.removeEventListener('abort', aborted);
      if (error === undefined) resolve();
      else reject(error);
    };
    const fail = (error: unknown): void => {
      finish(error);
      request.close(constants.NGHTTP2_CANCEL);
    };
    const aborted = (): void => fail(call.cancel.reason);

    try {
      request = session.request(requestHeaders(call), { endStream: false });
    } catch (error) {
      reject(new ConnectionLost(`${where}: the connection is gone (${reasonOf(error)})`, call.reused));
      return;
    }
    call.cancel.addEventListener('abort', aborted);
    request.on('response', (received) => {
      headers = received;
      const wrong = wrongReply(received, call);
      if (wrong !== undefined) fail(wrong);
    });
    request.on('trailers', (received) => {
      trailers = received;
    });
    request.on('data', (chunk: Buffer) => {
      try {
        for (const message of frames.push(chunk)) {
          if (settled) return;
          call.onMessage(message);
        }
      } catch (error) {
        fail(error instanceof PortError ? new PortError(error.kind, `${where}: ${error.message}`) : error);
      }
    });
    request.on('error', (error) => {
      failure = error;
    });
    request.on('close', () => finish(outcome(call, { headers, trailers, failure, rst: request.rstCode, cut: frames.pending() > 0 })));
    request.end(frame(call.request));
    if (call.cancel.aborted) aborted();
  });
}

function requestHeaders(call: Exchange): Record<string, string> {
  return {
    ':method': 'POST',
    ':path': call.path,
    'content-type': 'application/grpc',
    te: 'trailers',
    'user-agent': 'pod-checkpointer',
    // Eight digits at most, by gRPC's rule.
    ...(call.timeoutMs === undefined ? {} : { 'grpc-timeout': `${Math.min(99_999_999, Math.max(1, Math.ceil(call.timeoutMs)))}m` }),
  };
}

function wrongReply(headers: IncomingHttpHeaders, call: Exchange): PortError | undefined {
  const status = Number(headers[':status']);
  if (headers['grpc-status'] !== undefined) return undefined;
  if (status !== 200) return httpError(call.socket, call.path, status);
  if (!String(headers['content-type'] ?? '').startsWith('application/grpc')) {
    return new PortError('invalid', `${call.path} at ${call.socket}: the reply is not gRPC`);
  }
  return undefined;
}

interface Ending {
  readonly headers: IncomingHttpHeaders | undefined;
  readonly trailers: IncomingHttpHeaders | undefined;
  readonly failure: Error | undefined;
  readonly rst: number | undefined;
  readonly cut: boolean;
}

/** What the end of a stream means: undefined is success. The status comes in the trailers, or alone in the headers. */
function outcome(call: Exchange, ending: Ending): PortError | undefined {
  const where = `${call.path} at ${call.socket}`;
  const carrier = ending.trailers?.['grpc-status'] === undefined ? ending.headers : ending.trailers;
  const status = carrier?.['grpc-status'];
  if (status === undefined) {
    if (codeOf(ending.failure) === 'ERR_HTTP2_ERROR') return new PortError('invalid', `${where}: the peer does not speak HTTP/2`);
    const how = ending.failure === undefined ? `reset ${ending.rst ?? 0}` : reasonOf(ending.failure);
    return new ConnectionLost(
      `${where}: the connection ended before the reply was complete (${how})`,
      call.reused && ending.headers === undefined,
    );
  }
  const code = Number(status);
  if (code !== GRPC.ok)
    return statusError(call.socket, call.path, Number.isInteger(code) ? code : GRPC.unknown, String(carrier?.['grpc-message'] ?? ''));
  return ending.cut ? new PortError('invalid', `${where}: the reply ends within a message`) : undefined;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'no reason given';
  return codeOf(error) ?? error.message;
}

/** The promise, or the signal's reason if that comes first; what arrives too late is given back. */
async function orAborted<T>(promise: Promise<T>, signal: AbortSignal, tooLate: (value: T) => void): Promise<T> {
  signal.throwIfAborted();
  let aborted = (): void => undefined;
  const abort = new Promise<never>((_resolve, reject) => {
    aborted = () => {
      promise.then(tooLate, () => undefined);
      reject(signal.reason);
    };
    signal.addEventListener('abort', aborted, { once: true });
  });
  try {
    return await Promise.race([promise, abort]);
  } finally {
    signal.removeEventListener('abort', aborted);
  }
}
