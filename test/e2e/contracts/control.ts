/**
 * How a test process has the programs of a node killed, started and frozen: they are children of the runner, so the
 * runner does it, asked over a unix socket. One POST a deed; it answers when the deed is done.
 */
import { createServer, request, type Server } from 'node:http';
import type { Node } from '../node/node.ts';
import type { Program } from '../node/program.ts';
import { messageOf } from '../node/wait.ts';

const LIMIT_MS = 80_000;

export type ProgramDeed = 'kill' | 'start' | 'freeze' | 'thaw';
export type Deed = `${'containerd' | 'kubelet'}/${ProgramDeed}` | 'api/kill' | 'api/start';

function deedsOf(name: 'containerd' | 'kubelet', program: Program): [Deed, () => Promise<void>][] {
  return [
    [`${name}/kill`, () => program.stop('SIGKILL')],
    [`${name}/start`, () => program.start()],
    [`${name}/freeze`, async () => program.freeze()],
    [`${name}/thaw`, async () => program.thaw()],
  ];
}

/** Serves until `close`. The API server counts as started when it is ready. */
export async function serveControl(node: Node, socket: string): Promise<{ close(): Promise<void> }> {
  const deeds = new Map<string, () => Promise<void>>([
    ...deedsOf('containerd', node.containerd),
    ...deedsOf('kubelet', node.kubelet),
    ['api/kill', node.apiStop],
    [
      'api/start',
      async () => {
        await node.apiStart();
        await node.apiReady();
      },
    ],
  ]);
  const server: Server = createServer((incoming, response) => {
    const deed = deeds.get((incoming.url ?? '').slice(1));
    const done = deed === undefined ? Promise.reject(new Error(`no such deed: ${incoming.url}`)) : deed();
    done.then(
      () => response.writeHead(204).end(),
      (error: unknown) => response.writeHead(500).end(messageOf(error)),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socket, resolve);
  });
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Has it done, from the test process. Throws what the runner says. */
export function control(socket: string, deed: Deed): Promise<void> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: socket, path: `/${deed}`, method: 'POST', timeout: LIMIT_MS, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => (response.statusCode === 204 ? resolve() : reject(new Error(`${deed}: ${Buffer.concat(chunks)}`))));
    });
    asked.on('timeout', () => asked.destroy(new Error(`${deed}: not done within ${LIMIT_MS / 1000} s`)));
    asked.on('error', reject);
    asked.end();
  });
}
