/**
 * One GET on a connection of its own, which nobody uses afterwards: for probes, and to see where a balancer leads.
 *
 * Credentials are sent only after the certificate was verified.
 */
import type { Millis } from '../../core/model/model.ts';
import { type Exchange, http1Send } from './channel.ts';
import { connectTls } from './connect.ts';
import type { ApiEndpoint } from './endpoint.ts';
import type { ApiAccess } from './kubeconfig.ts';

export interface FreshRequest {
  readonly access: ApiAccess;
  readonly userAgent: string;
  readonly endpoint: ApiEndpoint;
  readonly path: string;
  readonly accept: string;
  /** For the connection; what follows is for the signal to end. */
  readonly deadlineMs: Millis;
  readonly signal: AbortSignal;
}

/** What `read` makes of the reply. Rejects with ApiFailure where there is none. Closes the connection in any case. */
export async function onFreshConnection<T>(request: FreshRequest, read: (exchange: Exchange) => Promise<T>): Promise<T> {
  const { access, userAgent, endpoint, path, accept, deadlineMs, signal } = request;
  const trust = await access.trust();
  const socket = await connectTls({ endpoint, trust, serverName: nameOf(endpoint, access), alpn: ['http/1.1'], deadlineMs, signal });
  const give = () => socket.destroy();
  signal.addEventListener('abort', give, { once: true });
  try {
    // some replies are for everybody, so a missing token does not stop the request
    const token = await access.token?.current().catch(() => undefined);
    const headers = { accept, 'user-agent': userAgent, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) };
    const exchange = await http1Send(socket, endpoint, { method: 'GET', path }, headers, signal);
    const result = await read(exchange);
    if (exchange.status === 401 && token !== undefined) await access.token?.renew(token);
    return result;
  } finally {
    signal.removeEventListener('abort', give);
    socket.destroy();
  }
}

/** A learnt address is verified as itself first: the configured name may be a balancer's. */
export function nameOf({ learnt }: ApiEndpoint, { serverName }: ApiAccess): string | undefined {
  return learnt === true ? undefined : serverName;
}
