/**
 * What went wrong between us and an API server, in one small vocabulary, made from the codes of sockets, TLS and HTTP.
 *
 * It never reads a message to learn a cause (messages change), and never puts request or reply content into one.
 */
import { codeOf } from '../../core/model/errors.ts';
import type { Millis } from '../../core/model/model.ts';
import { PortError, type PortErrorKind } from '../../ports.ts';

/**
 * The first five are evidence of an outage. `tls` is not: it also covers what we cannot judge at all (our own CA file
 * unreadable, no file descriptor left), because a wrong "unreachable" starts copies and a wrong "unsure" only waits.
 */
export type FailureCause = 'refused' | 'reset' | 'timeout' | 'unroutable' | 'dns' | 'tls' | 'protocol' | 'too-large' | 'closed';

const KIND: Readonly<Record<FailureCause, PortErrorKind>> = {
  refused: 'unavailable',
  reset: 'unavailable',
  timeout: 'unavailable',
  unroutable: 'unavailable',
  dns: 'unavailable',
  tls: 'failed',
  protocol: 'invalid',
  'too-large': 'invalid',
  closed: 'unavailable',
};

export class ApiFailure extends PortError {
  readonly reason: FailureCause;
  constructor(reason: FailureCause, message: string, options?: ErrorOptions) {
    super(KIND[reason], message, options);
    this.name = 'ApiFailure';
    this.reason = reason;
  }
}

const BY_CODE: Readonly<Record<string, FailureCause>> = {
  ECONNREFUSED: 'refused',
  ECONNRESET: 'reset',
  ECONNABORTED: 'reset',
  EPIPE: 'reset',
  ERR_STREAM_PREMATURE_CLOSE: 'reset',
  ERR_HTTP2_STREAM_CANCEL: 'reset',
  ERR_HTTP2_STREAM_ERROR: 'reset',
  ERR_HTTP2_SESSION_ERROR: 'reset',
  ERR_HTTP2_INVALID_SESSION: 'reset',
  ERR_HTTP2_GOAWAY_SESSION: 'reset',
  ERR_HTTP2_ERROR: 'protocol',
  ETIMEDOUT: 'timeout',
  EHOSTUNREACH: 'unroutable',
  ENETUNREACH: 'unroutable',
  EHOSTDOWN: 'unroutable',
  ENETDOWN: 'unroutable',
  EADDRNOTAVAIL: 'unroutable',
  ENOTFOUND: 'dns',
  EAI_AGAIN: 'dns',
  EAI_NODATA: 'dns',
  EAI_FAIL: 'dns',
};

/** From the most to the least patient: a name with several addresses fails as its least certain one did. */
const LEAST_CERTAIN_FIRST: readonly FailureCause[] = ['tls', 'timeout', 'reset', 'dns', 'refused', 'unroutable'];

/** The cause of an error from `net`, `tls`, `http` or `http2`. Unknown codes are `tls`: see {@link FailureCause}. */
export function causeOf(error: unknown): FailureCause {
  if (error instanceof ApiFailure) return error.reason;
  if (error instanceof AggregateError && error.errors.length > 0) {
    const causes = new Set(error.errors.map(causeOf));
    return LEAST_CERTAIN_FIRST.find((cause) => causes.has(cause)) ?? 'tls';
  }
  const code = codeOf(error) ?? '';
  if (code.startsWith('HPE_')) return 'protocol';
  return BY_CODE[code] ?? 'tls';
}

/** Wraps with the activity; an ApiFailure keeps its cause. */
export function failure(activity: string, error: unknown): ApiFailure {
  const message = error instanceof Error && error.message !== '' ? error.message : (codeOf(error) ?? '');
  return new ApiFailure(causeOf(error), `${activity}: ${message}`, { cause: error });
}

/** Rejects with `timeout` after `ms`; `onTimeout` must make the work stop. A late result is dropped silently. */
export function withDeadline<T>(work: Promise<T>, ms: Millis, activity: string, onTimeout?: () => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => {
        reject(new ApiFailure('timeout', `${activity}: no answer within ${Math.round(ms)} ms`));
        onTimeout?.();
      },
      Math.max(0, ms),
    );
    work.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
