/**
 * /metrics, /healthz and /readyz over plain HTTP, for Prometheus and the kubelet, and /status for our own command line.
 *
 * Serves numbers, single sentences and the agent's status only. Never keeps the process alive, accepts no body, and
 * changes nothing by being asked.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { formatAddress, type SocketAddress } from '../core/config/config-values.ts';
import { PortError } from '../ports.ts';

export interface Verdict {
  readonly ok: boolean;
  /** One sentence for the person who asks. */
  readonly detail: string;
}

export interface TelemetryServerOptions {
  readonly address: SocketAddress;
  readonly metrics: () => Promise<{ readonly contentType: string; readonly body: string }>;
  /** Did the loop turn lately? */
  readonly health: () => Verdict;
  /** Has every source answered once, or is it known to be down? */
  readonly ready: () => Verdict;
  /**
   * A pod of the uninstall: is its node clean? Served on /cleanz, which no agent serves: whoever of them has the port
   * of the node, the probe of this pod must not take an agent's answer for its own.
   */
  readonly clean?: () => Verdict;
  /** Data for /status, as JSON; nothing secret, for whoever reaches the port may read it. */
  readonly status: () => unknown;
  /** Told of what a scrape or the open server threw. */
  readonly onError: (error: unknown) => void;
}

export interface TelemetryServer {
  /** Listens; gives the address with the true port. Throws PortError with a sentence that says what to change. */
  start(): Promise<SocketAddress>;
  /** Ends open connections at once; also fine when it was never started. */
  close(): Promise<void>;
}

const MAX_HEADER_BYTES = 4096;
const REQUEST_TIMEOUT_MS = 5_000;
const MAX_CONNECTIONS = 32;

interface Reply {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

export function createTelemetryServer(options: TelemetryServerOptions): TelemetryServer {
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: REQUEST_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      // the two limits above are only enforced this often; the process wakes up for it
      connectionsCheckingInterval: 30_000,
      keepAliveTimeout: REQUEST_TIMEOUT_MS,
    },
    (request, response) => {
      respond(options, request).then(
        (reply) => send(request, response, reply),
        (error: unknown) => {
          options.onError(error);
          send(request, response, text(500, 'the metrics could not be collected'));
        },
      );
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  // connections that say nothing must not keep the kubelet's probes out
  server.timeout = REQUEST_TIMEOUT_MS;
  server.unref();
  return {
    start: () => listen(server, options),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, options: TelemetryServerOptions): Promise<SocketAddress> {
  const { host, port } = options.address;
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => reject(listenError(options.address, error));
    server.once('error', failed);
    // without a host Node listens on every interface, IPv6 and IPv4
    server.listen({ port, ...(host === '' ? {} : { host }) }, () => {
      server.off('error', failed);
      server.on('error', options.onError);
      const bound = server.address();
      resolve({ host, port: typeof bound === 'object' && bound !== null ? bound.port : port });
    });
  });
}

function listenError(address: SocketAddress, error: NodeJS.ErrnoException): PortError {
  const activity = `serving metrics on ${formatAddress(address)}`;
  switch (error.code) {
    case 'EADDRINUSE':
      return new PortError('failed', `${activity}: another process listens there; set metrics.address to a free port`, { cause: error });
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new PortError('failed', `${activity}: this node has no such address; set metrics.address to one of its own`, { cause: error });
    case 'EACCES':
      return new PortError('denied', `${activity}: not permitted; set metrics.address to a port above 1023`, { cause: error });
    default:
      return new PortError('failed', `${activity}: ${error.message}`, { cause: error });
  }
}

async function respond(options: TelemetryServerOptions, request: IncomingMessage): Promise<Reply> {
  if (request.method !== 'GET' && request.method !== 'HEAD') return text(405, 'only GET and HEAD are served');
  const [path] = (request.url ?? '').split('?');
  switch (path) {
    case '/metrics': {
      const { contentType, body } = await options.metrics();
      return { status: 200, contentType, body };
    }
    case '/healthz':
      return verdict(options.health());
    case '/readyz':
      return verdict(options.ready());
    case '/cleanz':
      return options.clean === undefined ? unknownPath() : verdict(options.clean());
    case '/status':
      return { status: 200, contentType: 'application/json', body: `${JSON.stringify(options.status())}\n` };
    default:
      return unknownPath();
  }
}

function unknownPath(): Reply {
  return text(404, 'served are /metrics, /healthz, /readyz and /status');
}

function verdict({ ok, detail }: Verdict): Reply {
  return text(ok ? 200 : 503, detail);
}

function text(status: number, sentence: string): Reply {
  return { status, contentType: 'text/plain; charset=utf-8', body: `${sentence}\n` };
}

function send(request: IncomingMessage, response: ServerResponse, reply: Reply): void {
  const body = Buffer.from(reply.body);
  response.writeHead(reply.status, {
    'content-type': reply.contentType,
    'content-length': body.length,
    'x-content-type-options': 'nosniff',
    ...(reply.status === 405 ? { allow: 'GET, HEAD' } : {}),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}
