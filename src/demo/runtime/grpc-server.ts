/**
 * A gRPC server on a unix socket, for the embedded runtime and kubelet of the demo and the tests: HTTP/2 with prior
 * knowledge, unary methods and server streams, and faults on order. Never used by the agent itself.
 */
import { rm } from 'node:fs/promises';
import { constants, createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { createFrameReader, frame, MAX_FRAME_BYTES } from '../../adapters/grpc/grpc-frames.ts';
import { encodeGrpcMessage, GRPC } from '../../adapters/grpc/grpc-status.ts';

/** Thrown by a handler: the call ends with this gRPC status. */
export class GrpcFailure extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export type UnaryHandler = (request: Uint8Array) => Uint8Array | Promise<Uint8Array>;
export type StreamHandler = (request: Uint8Array, send: (message: Uint8Array) => void, signal: AbortSignal) => Promise<void>;

export interface GrpcMethods {
  readonly unary: Readonly<Record<string, UnaryHandler>>;
  readonly streams?: Readonly<Record<string, StreamHandler>>;
}

export type GrpcFault =
  /** Never answers, as a stopped process. */
  | { readonly do: 'hang' }
  | { readonly do: 'fail'; readonly code: number; readonly message: string }
  /** Half of the reply, then the connection is gone. */
  | { readonly do: 'cut' }
  /** Answers as usual, later. */
  | { readonly do: 'delay'; readonly ms: number }
  /** These bytes instead of the method's reply. */
  | { readonly do: 'reply'; readonly message: Uint8Array }
  /** The method's reply twice in one call. */
  | { readonly do: 'twice' }
  /** Answers as usual, then asks the client to leave this connection. */
  | { readonly do: 'goaway' }
  /** Plain HTTP with this code. */
  | { readonly do: 'http'; readonly status: number };

export interface GrpcServer {
  readonly socket: string;
  /** Removes what lies at the path, and listens. */
  start(): Promise<void>;
  /** As a killed process: every connection is gone at once. */
  stop(): Promise<void>;
  /** `path` of a method, or `*`. With `nth`, only that call from now on (1 is the next one); else every call. */
  fault(path: string, fault: GrpcFault, nth?: number): void;
  clearFaults(): void;
  /** Calls of a method so far. */
  calls(path: string): number;
  /** Connections accepted so far. */
  connections(): number;
}

interface OrderedFault {
  readonly fault: GrpcFault;
  readonly nth: number | undefined;
  seen: number;
}

export function createGrpcServer(socket: string, methods: GrpcMethods): GrpcServer {
  const faults = new Map<string, OrderedFault>();
  const counts = new Map<string, number>();
  const sessions = new Set<ServerHttp2Session>();
  let server: Http2Server | undefined;
  let accepted = 0;

  function faultFor(path: string): GrpcFault | undefined {
    for (const ordered of [faults.get(path), faults.get('*')]) {
      if (ordered === undefined) continue;
      ordered.seen += 1;
      if (ordered.nth === undefined || ordered.nth === ordered.seen) return ordered.fault;
    }
    return undefined;
  }

  function accept(stream: ServerHttp2Stream, path: string): void {
    counts.set(path, (counts.get(path) ?? 0) + 1);
    const fault = faultFor(path);
    const reader = createFrameReader(MAX_FRAME_BYTES);
    const gone = new AbortController();
    let request: Uint8Array | undefined;
    stream.on('error', () => undefined);
    stream.on('close', () => gone.abort());
    stream.on('data', (chunk: Buffer) => {
      request = reader.push(chunk)[0] ?? request;
    });
    stream.on('end', () => {
      if (fault?.do === 'hang') return;
      handle(stream, path, request ?? new Uint8Array(), fault, gone.signal).catch((error: unknown) => refuse(stream, error));
    });
  }

  async function handle(
    stream: ServerHttp2Stream,
    path: string,
    request: Uint8Array,
    fault: GrpcFault | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    if (fault?.do === 'delay') await new Promise((resolve) => setTimeout(resolve, fault.ms));
    if (fault?.do === 'fail') throw new GrpcFailure(fault.code, fault.message);
    if (fault?.do === 'http') return endWithHttp(stream, fault.status);
    const streaming = methods.streams?.[path];
    const unary = methods.unary[path];
    if (streaming !== undefined) {
      open(stream);
      await streaming(request, (message) => write(stream, frame(message)), signal);
    } else if (unary !== undefined) {
      const reply = fault?.do === 'reply' ? fault.message : await unary(request);
      if (stream.destroyed) return;
      open(stream);
      if (fault?.do === 'cut') return cut(stream, frame(reply));
      write(stream, frame(reply));
      if (fault?.do === 'twice') write(stream, frame(reply));
    } else {
      throw new GrpcFailure(GRPC.unimplemented, `unknown method ${path}`);
    }
    if (!stream.destroyed) stream.end();
    if (fault?.do === 'goaway') stream.session?.goaway(constants.NGHTTP2_NO_ERROR);
  }

  async function start(): Promise<void> {
    await rm(socket, { force: true });
    const listening = createServer({ maxSessionMemory: 64 });
    listening.on('session', (session) => {
      accepted += 1;
      sessions.add(session);
      session.on('error', () => undefined);
      session.on('close', () => sessions.delete(session));
    });
    listening.on('stream', (stream, headers) => accept(stream, String(headers[':path'])));
    await new Promise<void>((resolve, reject) => {
      listening.once('error', reject);
      listening.listen(socket, resolve);
    });
    server = listening;
  }

  async function stop(): Promise<void> {
    const stopping = server;
    server = undefined;
    if (stopping === undefined) return;
    const closed = new Promise<void>((resolve) => stopping.close(() => resolve()));
    for (const session of sessions) session.destroy();
    await closed;
  }

  return {
    socket,
    start,
    stop,
    fault: (path, fault, nth) => faults.set(path, { fault, nth, seen: 0 }),
    clearFaults: () => faults.clear(),
    calls: (path) => counts.get(path) ?? 0,
    connections: () => accepted,
  };
}

function open(stream: ServerHttp2Stream): void {
  if (stream.destroyed) return;
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': String(GRPC.ok) }));
}

function write(stream: ServerHttp2Stream, bytes: Buffer): void {
  if (!stream.destroyed && !stream.writableEnded) stream.write(bytes);
}

function cut(stream: ServerHttp2Stream, bytes: Buffer): void {
  stream.write(bytes.subarray(0, Math.max(1, Math.floor(bytes.length / 2))), () => stream.session?.destroy());
}

function refuse(stream: ServerHttp2Stream, error: unknown): void {
  if (stream.destroyed) return;
  const code = error instanceof GrpcFailure ? error.code : GRPC.internal;
  const status = { 'grpc-status': String(code), 'grpc-message': encodeGrpcMessage(error instanceof Error ? error.message : 'failed') };
  if (stream.headersSent) stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  else stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...status }, { endStream: true });
}

function endWithHttp(stream: ServerHttp2Stream, status: number): void {
  stream.respond({ ':status': status, 'content-type': 'text/plain' });
  stream.end('not gRPC');
}
