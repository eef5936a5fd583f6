/**
 * One HTTP/2 session over a unix socket, opened when a call needs it and forgotten as soon as it shows a sign of death.
 *
 * Promises: a session that was closed, refused or told to go away is never handed out again, so a restarted server
 * costs at most the call that noticed. An idle session has no timer and does not keep the process alive. It never
 * retries by itself: the next call does.
 */
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { PortError } from '../../ports.ts';
import { connectError } from './grpc-status.ts';

export interface Lease {
  readonly session: ClientHttp2Session;
  /** It served earlier calls: the peer may have died since without our having noticed. */
  readonly reused: boolean;
  /** The call is over. When no call is left, the session no longer keeps the process alive. */
  release(): void;
}

export interface Sessions {
  /** Throws PortError: unavailable, denied. */
  lease(): Promise<Lease>;
  /** No new call on this one; those under way may finish. */
  retire(session: ClientHttp2Session): void;
  close(): void;
}

export function createSessions(socketPath: string): Sessions {
  const users = new Map<ClientHttp2Session, number>();
  let live: ClientHttp2Session | undefined;
  let opening: Promise<ClientHttp2Session> | undefined;
  let closed = false;

  function forget(session: ClientHttp2Session): void {
    if (live === session) live = undefined;
  }

  async function openSession(): Promise<ClientHttp2Session> {
    const session = await open(socketPath);
    users.set(session, 0);
    session.once('goaway', () => forget(session));
    session.once('close', () => {
      forget(session);
      users.delete(session);
    });
    if (closed) session.destroy();
    else live = session;
    return session;
  }

  async function current(): Promise<{ session: ClientHttp2Session; reused: boolean }> {
    if (live !== undefined && !live.closed && !live.destroyed) return { session: live, reused: true };
    opening ??= openSession().finally(() => {
      opening = undefined;
    });
    return { session: await opening, reused: false };
  }

  async function lease(): Promise<Lease> {
    if (closed) throw new PortError('failed', `the client of ${socketPath} was closed`);
    const { session, reused } = await current();
    if (session.destroyed) throw new PortError('unavailable', `socket ${socketPath}: closed by the peer`);
    users.set(session, (users.get(session) ?? 0) + 1);
    session.ref();
    return { session, reused, release: () => release(session) };
  }

  function release(session: ClientHttp2Session): void {
    const count = users.get(session);
    if (count === undefined) return;
    users.set(session, count - 1);
    if (count <= 1 && !session.destroyed) session.unref();
  }

  return {
    lease,
    retire: (session) => {
      forget(session);
      if (!session.closed && !session.destroyed) session.close();
    },
    close: () => {
      closed = true;
      for (const session of users.keys()) session.destroy();
      users.clear();
      live = undefined;
    },
  };
}

/** The socket is connected first, by itself: only so is the reason of a failure the socket's own. */
function open(socketPath: string): Promise<ClientHttp2Session> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    const refused = (error: NodeJS.ErrnoException): void => {
      socket.destroy();
      connectError(socketPath, error).then(reject, reject);
    };
    socket.once('error', refused);
    socket.once('connect', () => {
      socket.off('error', refused);
      // `localhost` becomes `:authority`: Go's server refuses a path there.
      const session = connectHttp2('http://localhost', { createConnection: () => socket, settings: { enablePush: false } });
      // Every stream reports the loss to its own caller; without a listener the process would end.
      session.on('error', () => undefined);
      resolve(session);
    });
  });
}
