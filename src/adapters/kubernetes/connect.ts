/**
 * One verified TLS connection to one endpoint, within a deadline.
 *
 * Nothing is ever sent before the certificate was verified against the cluster's own CA and the endpoint's name; the
 * system's root certificates and proxy settings are not looked at. It accepts what client-go accepts: an intermediate
 * as the only authority of the bundle, and several authorities of one name in any order.
 */

import { isIP } from 'node:net';
import { checkServerIdentity, connect, type PeerCertificate, type TLSSocket } from 'node:tls';
import type { Millis } from '../../core/model/model.ts';
import { bundlesByOne } from './certificates.ts';
import type { ApiEndpoint } from './endpoint.ts';
import { ApiFailure, failure } from './failure.ts';
import type { Trust } from './kubeconfig.ts';
import { isWrongAuthority } from './tls-reason.ts';

export interface ConnectOptions {
  readonly endpoint: ApiEndpoint;
  readonly trust: Trust;
  /** Name the certificate must carry instead of the endpoint's host (kubeconfig: tls-server-name). */
  readonly serverName?: string | undefined;
  readonly alpn: readonly string[];
  /** For name resolution, TCP and TLS together; anew for each authority that is tried. */
  readonly deadlineMs: Millis;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Resolves with a verified socket. Rejects with {@link ApiFailure}: refused, reset, timeout, unroutable, dns,
 * tls, closed.
 */
export async function connectTls(options: ConnectOptions): Promise<TLSSocket> {
  try {
    return await connectWith(options);
  } catch (error) {
    if (!isWrongAuthority(error)) throw error;
    let last = error;
    for (const ca of bundlesByOne(options.trust.ca)) {
      try {
        return await connectWith({ ...options, trust: { ...options.trust, ca } });
      } catch (next) {
        last = next;
      }
    }
    throw last;
  }
}

function connectWith(options: ConnectOptions): Promise<TLSSocket> {
  const { endpoint, trust, alpn, deadlineMs, signal } = options;
  const name = options.serverName ?? endpoint.host;
  const also = endpoint.alsoNamed ?? [];
  const activity = `connecting to ${endpoint.url}`;
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(new ApiFailure('closed', `${activity}: given up`));
      return;
    }
    let socket: TLSSocket;
    try {
      // Applied to net.connect, though the types of tls.connect do not list it.
      const manyAddresses = { autoSelectFamilyAttemptTimeout: Math.max(250, Math.floor(deadlineMs / 3)) };
      socket = connect({
        ...manyAddresses,
        host: endpoint.host,
        port: endpoint.port,
        ...(isIP(name) === 0 ? { servername: name } : {}),
        checkServerIdentity: (_host: string, certificate: PeerCertificate) => anyIdentity([name, ...also], certificate),
        // without any CA nothing is trusted; undefined or '' would be the system's
        ca: trust.ca === '' ? [] : trust.ca,
        allowPartialTrustChain: true,
        ...(trust.cert === undefined ? {} : { cert: trust.cert }),
        ...(trust.key === undefined ? {} : { key: trust.key }),
        ALPNProtocols: [...alpn],
        minVersion: 'TLSv1.2',
        rejectUnauthorized: true,
      });
    } catch (error) {
      // A certificate, key or CA that OpenSSL cannot read throws here, before any packet is sent.
      reject(new ApiFailure('tls', `${activity}: the TLS material cannot be used: ${(error as Error).message}`, { cause: error }));
      return;
    }
    const settle = (outcome: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.removeListener('secureConnect', onSecure);
      socket.removeListener('close', onClose);
      socket.removeListener('error', onError);
      outcome();
    };
    const fail = (error: ApiFailure) =>
      settle(() => {
        // The socket may still report its own destruction; that report has no reader.
        socket.on('error', () => {});
        socket.destroy();
        reject(error);
      });
    const onSecure = () => settle(() => resolve(socket));
    const onError = (error: Error) => fail(failure(activity, error));
    const onClose = () => fail(new ApiFailure('reset', `${activity}: closed before TLS was ready`));
    const onAbort = () => fail(new ApiFailure('closed', `${activity}: given up`));
    const timer = setTimeout(() => fail(new ApiFailure('timeout', `${activity}: not ready within ${deadlineMs} ms`)), deadlineMs);
    socket.once('secureConnect', onSecure);
    socket.once('error', onError);
    socket.once('close', onClose);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** undefined: the certificate carries one of the names. Otherwise what is wrong with the first. */
function anyIdentity([first = '', ...others]: readonly string[], certificate: PeerCertificate): Error | undefined {
  const problem = checkServerIdentity(first, certificate);
  return others.some((name) => checkServerIdentity(name, certificate) === undefined) ? undefined : problem;
}
