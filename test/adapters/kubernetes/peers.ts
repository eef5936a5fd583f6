/**
 * Peers that are no API server: raw TCP and TLS listeners that answer what a test tells them, and record what they got.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { type CertificateAuthority, createAuthority, type Identity, issueCertificate } from '../../../src/demo/api-server/certificates.ts';

export const DAY = 86_400_000;
export const VALID = { notBefore: Date.now() - DAY, notAfter: Date.now() + DAY };

export interface Peer {
  readonly url: string;
  readonly port: number;
  /** Everything received after TLS (or on the bare socket), of all connections. */
  received(): string;
  connections(): number;
  close(): Promise<void>;
}

type Behaviour = (socket: Socket, text: string) => void;

export const authority: CertificateAuthority = createAuthority('test-ca', VALID);

export interface LeafChange {
  readonly names?: string[];
  readonly by?: CertificateAuthority;
  readonly notBefore?: number;
  readonly notAfter?: number;
  readonly clientOnly?: boolean;
}

export function leaf(options: LeafChange = {}): Identity {
  const { names = ['127.0.0.1', 'localhost'], by = authority, ...validity } = options;
  return issueCertificate(by, { commonName: 'server', names, ...VALID, ...validity });
}

/** `onData` is called with every chunk; `onConnect` once per connection, after TLS. */
export function tlsPeer(identity: Identity, onData: Behaviour, onConnect: (socket: Socket) => void = () => {}): Promise<Peer> {
  return listen(
    (handle) => createTlsServer({ cert: identity.cert, key: identity.key, ALPNProtocols: ['http/1.1'] }, handle),
    onData,
    onConnect,
  );
}

export function tcpPeer(onData: Behaviour, onConnect: (socket: Socket) => void = () => {}): Promise<Peer> {
  return listen((handle) => createServer(handle), onData, onConnect);
}

/** Passes each connection on to the next of these servers, in turn. What they are is looked up for each. */
export function balancer(urls: () => readonly string[]): Promise<Peer> {
  const turns = { taken: 0 };
  return tcpPeer(
    () => {},
    (socket) => {
      const servers = urls();
      const { port, hostname } = new URL(servers[turns.taken++ % servers.length] ?? 'https://127.0.0.1:1');
      const server = connect(Number(port), hostname);
      server.on('error', () => socket.destroy());
      socket.on('close', () => server.destroy());
      socket.pipe(server).pipe(socket);
    },
  );
}

/** Answers every request with these bytes and ends the connection. */
export const replying =
  (bytes: string): Behaviour =>
  (socket) => {
    socket.end(bytes);
  };

export const http = (status: number, body: string, headers: Record<string, string> = {}): string => {
  const lines = Object.entries({ 'content-length': String(Buffer.byteLength(body)), ...headers }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  return `HTTP/1.1 ${status} Reason\r\n${lines.join('\r\n')}\r\n\r\n${body}`;
};

function listen(
  create: (handle: (socket: Socket) => void) => Server,
  onData: Behaviour,
  onConnect: (socket: Socket) => void,
): Promise<Peer> {
  const sockets = new Set<Socket>();
  let received = '';
  let connections = 0;
  const server = create((socket) => {
    connections += 1;
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
      onData(socket, received);
    });
    onConnect(socket);
  });
  server.on('tlsClientError', () => {});
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      resolve({
        url: `https://127.0.0.1:${port}`,
        port,
        received: () => received,
        connections: () => connections,
        close: () =>
          new Promise((done) => {
            server.close(() => done());
            for (const socket of sockets) socket.destroy();
          }),
      });
    });
  });
}
