/**
 * What a gRPC status or a socket error means to us: the mapping to PortError, and nothing else.
 * Never repeats a request's or a reply's content in a message.
 */
import { lstat } from 'node:fs/promises';
import { PortError, type PortErrorKind } from '../../ports.ts';

/** Status codes of gRPC that anything here depends on. */
export const GRPC = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

const MESSAGE_LIMIT = 500;

/**
 * What containerd answers to every call, Version included, between the opening of its socket and the end of its start.
 * 2.x with the status unavailable (internal/cri/instrument); 1.6 with unknown, so its words must tell.
 */
const STILL_STARTING = 'server is not initialized yet';

/**
 * Kind of a non-zero gRPC status. A passed deadline is `unavailable`: for us, nobody answered. So is a peer that only
 * starts.
 */
export function kindOfStatus(code: number, message: string): PortErrorKind {
  if (code === GRPC.unknown && message === STILL_STARTING) return 'unavailable';
  switch (code) {
    case GRPC.deadlineExceeded:
    case GRPC.unavailable:
      return 'unavailable';
    case GRPC.notFound:
      return 'not-found';
    case GRPC.permissionDenied:
    case GRPC.unauthenticated:
      return 'denied';
    case GRPC.unimplemented:
      return 'unsupported';
    default:
      return 'failed';
  }
}

export function statusError(socket: string, method: string, code: number, message: string): PortError {
  const said = decodeGrpcMessage(message).slice(0, MESSAGE_LIMIT);
  return new PortError(kindOfStatus(code, said), `${method} at ${socket}: ${said === '' ? 'no message' : said} (gRPC status ${code})`, {
    cause: code,
  });
}

/** The gRPC status that this error was made of. */
export function statusOf(error: unknown): number | undefined {
  return error instanceof PortError && typeof error.cause === 'number' ? error.cause : undefined;
}

/** An HTTP reply that is no gRPC reply; the mapping is the one gRPC prescribes for proxies in between. */
export function httpError(socket: string, method: string, status: number): PortError {
  const kind: PortErrorKind =
    status === 401 || status === 403
      ? 'denied'
      : status === 404
        ? 'unsupported'
        : status === 429 || (status >= 502 && status <= 504)
          ? 'unavailable'
          : 'invalid';
  return new PortError(kind, `${method} at ${socket}: answered HTTP ${status} instead of a gRPC reply`);
}

/** gRPC percent-encodes the UTF-8 bytes of its message. Whatever is malformed stays as it is: it is text for people. */
export function decodeGrpcMessage(message: string): string {
  const bytes: number[] = [];
  for (let i = 0; i < message.length; i += 1) {
    const encoded = /^%([0-9A-Fa-f]{2})/.exec(message.slice(i, i + 3));
    if (encoded?.[1] === undefined) {
      bytes.push(message.charCodeAt(i) & 0xff);
    } else {
      bytes.push(Number.parseInt(encoded[1], 16));
      i += 2;
    }
  }
  return Buffer.from(bytes).toString('utf8');
}

export function encodeGrpcMessage(message: string): string {
  return [...Buffer.from(message, 'utf8')]
    .map((byte) =>
      byte >= 0x20 && byte <= 0x7e && byte !== 0x25 ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
    )
    .join('');
}

/** Why a unix socket could not be opened, in a sentence that names it. */
export async function connectError(socket: string, error: NodeJS.ErrnoException): Promise<PortError> {
  const cause = { cause: error };
  switch (error.code) {
    case 'ENOENT':
      return new PortError('unavailable', `socket ${socket} does not exist`, cause);
    case 'EACCES':
    case 'EPERM':
      return new PortError('denied', `socket ${socket}: access is refused (${error.code})`, cause);
    case 'ECONNREFUSED':
    case 'ENOTSOCK':
    case 'ENOTDIR': {
      if (!(await isSocket(socket))) return new PortError('unavailable', `${socket} is not a socket`, cause);
      return new PortError('unavailable', `socket ${socket}: nobody listens there (${error.code})`, cause);
    }
    default:
      return new PortError('unavailable', `socket ${socket}: ${error.code ?? error.message}`, cause);
  }
}

async function isSocket(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isSocket();
  } catch {
    return false;
  }
}
