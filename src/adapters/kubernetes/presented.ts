/**
 * The certificates that a server presents, looked at and nothing else: no byte is sent after the handshake, no
 * certificate of ours is shown, and the connection is never handed to anybody.
 *
 * The one place where TLS is not verified. It exists because a socket that was refused shows no certificate any more.
 */
import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { connect } from 'node:tls';
import type { Millis } from '../../core/model/model.ts';
import type { Presented } from './certificates.ts';
import type { ApiEndpoint } from './endpoint.ts';
import { ApiFailure, failure } from './failure.ts';

/** Rejects with {@link ApiFailure}. */
export function presentedBy(endpoint: ApiEndpoint, serverName: string | undefined, deadlineMs: Millis): Promise<Presented> {
  const name = serverName ?? endpoint.host;
  const activity = `looking at the certificate of ${endpoint.url}`;
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: endpoint.host,
      port: endpoint.port,
      ...(isIP(name) === 0 ? { servername: name } : {}),
      minVersion: 'TLSv1.2',
      rejectUnauthorized: false,
    });
    const timer = setTimeout(() => socket.destroy(new ApiFailure('timeout', `${activity}: not within ${deadlineMs} ms`)), deadlineMs);
    socket.once('secureConnect', () => {
      const leaf = socket.getPeerX509Certificate();
      const others = issuersOf(leaf);
      socket.destroy();
      if (leaf === undefined) reject(new ApiFailure('tls', `${activity}: it shows none`));
      else resolve({ leaf, others });
    });
    // the destruction may be reported as well; nobody waits for it then
    socket.on('error', (error) => reject(failure(activity, error)));
    socket.once('close', () => {
      clearTimeout(timer);
      reject(new ApiFailure('reset', `${activity}: closed`));
    });
  });
}

/** Node.js links each certificate to the one that follows. */
function issuersOf(leaf: X509Certificate | undefined): readonly X509Certificate[] {
  const found = new Map<string, X509Certificate>();
  for (let at = leaf?.issuerCertificate; at !== undefined && !found.has(at.fingerprint256); at = at.issuerCertificate) {
    found.set(at.fingerprint256, at);
  }
  return [...found.values()];
}
