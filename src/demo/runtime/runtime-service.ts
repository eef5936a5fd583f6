/**
 * The effect of a container in the demo: an HTTP service on 127.0.0.1 that says who answers.
 * A port that is taken ends the container with code 1, as it ends a real server.
 */
import { createServer, type Server } from 'node:http';
import type { ContainerEffect, DemoContainer, DemoSandbox } from './runtime-types.ts';

export interface ServedBy {
  readonly who: string;
  readonly uid: string;
  /** Wall clock, milliseconds. */
  readonly since: number;
}

/** `portOf`: the port this container serves, undefined for none. */
export function createHttpEffect(portOf: (container: DemoContainer, sandbox: DemoSandbox) => number | undefined): ContainerEffect {
  return async (container, sandbox) => {
    const port = portOf(container, sandbox);
    if (port === undefined) return undefined;
    const body: ServedBy = { who: sandbox.config.name, uid: sandbox.config.uid, since: container.startedAtMs };
    const server = createServer((_request, response) => {
      response.setHeader('content-type', 'application/json');
      response.setHeader('connection', 'close');
      response.end(JSON.stringify(body));
    });
    await listen(server, port);
    return () => close(server);
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve());
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
