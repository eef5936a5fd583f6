/**
 * The wire in front of the embedded API server: a listener that passes bytes to and fro, and can stop passing them.
 *
 * It knows nothing of TLS or HTTP. A frozen wire keeps connections open and answers nothing, not even a PING, as a
 * machine does that was unplugged; a slow one passes single bytes.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';

export interface Front {
  /** Listens on 127.0.0.1. */
  listen(port: number, backendPort: number): Promise<void>;
  freeze(): void;
  /** Passes on what was held back. */
  thaw(): void;
  /** From now on, replies are passed one byte at a time. */
  drip(on: boolean): void;
  /** Closes every connection at once; the listener stays. */
  cut(): void;
  /** Closes connections and listener: the next connection is refused. */
  close(): Promise<void>;
  /** Connections accepted so far. */
  connections(): number;
}

export function createFront(): Front {
  const pairs = new Set<readonly [Socket, Socket]>();
  let server: Server | undefined;
  let frozen = false;
  let dripping = false;
  let connections = 0;

  function pass(client: Socket, backendPort: number): void {
    connections += 1;
    const backend = connect({ port: backendPort, host: '127.0.0.1' });
    const pair = [client, backend] as const;
    pairs.add(pair);
    client.setNoDelay(true);
    backend.setNoDelay(true);
    if (frozen) for (const socket of pair) socket.pause();
    client.on('data', (chunk) => backend.write(chunk));
    backend.on('data', (chunk) => {
      if (!dripping) client.write(chunk);
      else for (let at = 0; at < chunk.length; at++) client.write(chunk.subarray(at, at + 1));
    });
    for (const socket of pair) {
      socket.on('error', () => {});
      socket.on('end', () => (socket === client ? backend : client).end());
      socket.on('close', () => {
        pairs.delete(pair);
        if (!frozen) for (const each of pair) each.destroy();
      });
    }
  }

  function cut(): void {
    for (const pair of [...pairs]) {
      pair[0].resetAndDestroy();
      pair[1].destroy();
    }
    pairs.clear();
  }

  return {
    listen: (port, backendPort) =>
      new Promise((resolve, reject) => {
        const listener = createServer((client) => pass(client, backendPort));
        server = listener;
        listener.once('error', reject);
        listener.listen(port, '127.0.0.1', resolve);
      }),
    freeze() {
      frozen = true;
      for (const pair of pairs) for (const socket of pair) socket.pause();
    },
    thaw() {
      frozen = false;
      for (const pair of pairs) for (const socket of pair) socket.resume();
    },
    drip(on) {
      dripping = on;
    },
    cut,
    close: () =>
      new Promise((resolve) => {
        frozen = false;
        cut();
        if (server === undefined) resolve();
        else server.close(() => resolve());
        server = undefined;
      }),
    connections: () => connections,
  };
}
