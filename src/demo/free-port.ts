/**
 * A port of the loopback address that nothing listens on at this moment, for a server that must know its port
 * beforehand, or that goes and comes back.
 *
 * Not one of those that the kernel gives to outgoing connections (ip_local_port_range, from 32768 unless somebody
 * changed it). A client that keeps trying to reach a server that is away would sooner or later be given that very
 * port, or another program would, and the server could not come back.
 */
import { createServer } from 'node:net';

const FIRST = 10_000;
const LAST = 29_999;
const TRIES = 50;

export async function freePort(random: () => number = Math.random): Promise<number> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const port = FIRST + Math.floor(random() * (LAST - FIRST + 1));
    if (await isFree(port)) return port;
  }
  throw new Error(`none of ${TRIES} ports tried between ${FIRST} and ${LAST} of 127.0.0.1 is free`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
