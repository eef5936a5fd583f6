/**
 * An embedded Kubernetes API server for the demo and the tests: HTTPS on 127.0.0.1, HTTP/2 and HTTP/1.1, tokens, pods.
 *
 * It can be stopped at once and started again on the same port with the same pods, and can be told to misbehave. It is
 * no part of the agent and is never reachable from another machine.
 */

import { randomBytes, randomUUID } from 'node:crypto';
import { createSecureServer, type ServerHttp2Session } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Json, PodName, RawPod } from '../../core/model/model.ts';
import { freePort } from '../free-port.ts';
import { createFaultBox, type FaultBox } from './api-server-faults.ts';
import { createFront, type Front } from './api-server-front.ts';
import type { Request, Response } from './api-server-reply.ts';
import { createRestHandler, deletePod, mergePatch } from './api-server-rest.ts';
import { createPodStore } from './api-server-store.ts';
import { type CertificateAuthority, createAuthority, type Identity, issueCertificate } from './certificates.ts';

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly protocol: string;
  readonly authorized: boolean;
  readonly userAgent: string;
}

export interface ApiServerOptions {
  /** 0: any free port, kept for later starts. */
  readonly port?: number;
  readonly bookmarkMs?: number;
  /** Events kept for watches; older ones are 410. */
  readonly window?: number;
  /** A restarted server knows no history: watches from before are 410. */
  readonly forgetOnStop?: boolean;
  readonly http1Only?: boolean;
  readonly identity?: { readonly authority: CertificateAuthority; readonly server: Identity };
}

export interface ApiServer {
  start(): Promise<void>;
  /** Listener and connections end at once; the next connection is refused. */
  stop(): Promise<void>;
  readonly running: boolean;
  /** `https://127.0.0.1:<port>`; known after the first start. */
  readonly url: string;
  /** PEM of the CA. */
  readonly ca: string;
  /** A token the server accepts. */
  readonly token: string;
  readonly tokens: Set<string>;
  readonly faults: FaultBox;
  readonly wire: Pick<Front, 'freeze' | 'thaw' | 'drip' | 'cut' | 'connections'>;
  readonly requests: readonly SeenRequest[];
  readonly events: readonly Json[];
  pods(): readonly RawPod[];
  createPod(pod: Json): RawPod;
  /** JSON merge patch (RFC 7386). */
  updatePod(name: PodName, patch: Json): RawPod;
  /** Without a grace the pod is gone at once; with one it is first marked, as the real server does. */
  deletePod(name: PodName, graceSeconds?: number): void;
  setPodStatus(name: PodName, status: Json): RawPod;
  resourceVersion(): number;
  /** Asks HTTP/2 clients to go elsewhere; what is open goes on, as with a server that is about to shut down. */
  goAway(): void;
  /** Forgets the events so far: open watches go on, later ones from before are 410. */
  forgetHistory(): void;
}

export function createApiServer(options: ApiServerOptions = {}): ApiServer {
  const identity = options.identity ?? selfMade();
  const store = createPodStore({ window: options.window ?? 1000, newUid: randomUUID, wall: Date.now });
  const faults = createFaultBox();
  const token = randomBytes(16).toString('hex');
  const tokens = new Set([token]);
  const events: Json[] = [];
  const requests: SeenRequest[] = [];
  const rest = createRestHandler({
    store,
    faults,
    tokens,
    bookmarkMs: options.bookmarkMs ?? 60_000,
    address: () => `127.0.0.1:${port}`,
    events,
  });
  let front = createFront();
  let back: Backend | undefined;
  let port = options.port ?? 0;

  const handler = (request: Request, response: Response) => {
    const { authorization, 'user-agent': userAgent } = request.headers;
    requests.push({
      method: request.method ?? '',
      path: request.url ?? '',
      protocol: request.httpVersion,
      authorized: authorization !== undefined,
      userAgent: userAgent ?? '',
    });
    rest(request, response);
  };

  return {
    async start() {
      if (back !== undefined) return;
      const started = await startBackend(identity.server, options.http1Only === true, handler);
      back = started;
      front = createFront();
      if (port === 0) port = await freePort();
      await front.listen(port, started.port);
    },
    async stop() {
      await front.close();
      await back?.close();
      back = undefined;
      if (options.forgetOnStop !== false) store.forget();
    },
    get running() {
      return back !== undefined;
    },
    get url() {
      return `https://127.0.0.1:${port}`;
    },
    ca: identity.authority.cert,
    token,
    tokens,
    faults,
    wire: {
      freeze: () => front.freeze(),
      thaw: () => front.thaw(),
      drip: (on) => front.drip(on),
      cut: () => front.cut(),
      connections: () => front.connections(),
    },
    requests,
    events,
    pods: store.pods,
    createPod: store.create,
    updatePod: (name, patch) => store.update(name, (pod) => mergePatch(pod, patch) as Json),
    deletePod: (name, graceSeconds) => void deletePod(store, name, graceSeconds ?? 0),
    setPodStatus: (name, status) => store.update(name, (pod) => ({ ...pod, status })),
    resourceVersion: store.resourceVersion,
    goAway: () => back?.goAway(),
    forgetHistory: store.forget,
  };
}

/** A CA and a server certificate for this machine, good from yesterday for ten years. */
function selfMade(): { authority: CertificateAuthority; server: Identity } {
  const validity = { notBefore: Date.now() - 86_400_000, notAfter: Date.now() + 3650 * 86_400_000 };
  const authority = createAuthority('embedded-ca', validity);
  const names = ['localhost', 'kubernetes', 'kubernetes.default.svc', '127.0.0.1', '::1'];
  return { authority, server: issueCertificate(authority, { commonName: 'kube-apiserver', names, ...validity }) };
}

interface Backend {
  readonly port: number;
  goAway(): void;
  close(): Promise<void>;
}

function startBackend(identity: Identity, http1Only: boolean, handler: (request: Request, response: Response) => void): Promise<Backend> {
  const { cert, key } = identity;
  // node:http2 always offers HTTP/2, so a server without it is one of node:https.
  const server = http1Only ? createHttpsServer({ cert, key }) : createSecureServer({ cert, key, allowHTTP1: true });
  const sessions = new Set<ServerHttp2Session>();
  const sockets = new Set<Socket>();
  server.on('request', (request: unknown, response: unknown) => handler(request as Request, response as Response));
  server.on('session', (session: ServerHttp2Session) => {
    sessions.add(session);
    session.on('error', () => {});
    session.on('close', () => sessions.delete(session));
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('tlsClientError', () => {});
  server.on('sessionError', () => {});
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      for (const session of sessions) session.destroy();
      for (const socket of sockets) socket.destroy();
    });
  const goAway = () => {
    for (const session of sessions) session.goaway();
  };
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve({ port: typeof address === 'object' && address !== null ? address.port : 0, goAway, close });
    });
  });
}
