/** Evidence of the kubelet's version, on real sockets. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createKubeletVersion } from '../../../src/adapters/kubelet/version.ts';

let rootDir: string;
let servers: Server[];
const socketOf = (api: 'pods-api' | 'podresources') => join(rootDir, api, `${api}.sock`);
const version = (configured?: number) => createKubeletVersion({ configured, rootDir, podResourcesSocket: socketOf('podresources') });

async function listen(api: 'pods-api' | 'podresources'): Promise<Server> {
  const server = createServer((socket) => socket.on('error', () => undefined).end());
  await new Promise<void>((resolve) => server.listen(socketOf(api), resolve));
  servers.push(server);
  return server;
}

beforeEach(async () => {
  rootDir = await mkdtemp(join(tmpdir(), 'podckpt-version-'));
  servers = [];
  for (const name of ['pods-api', 'podresources']) await mkdir(join(rootDir, name));
});
afterEach(async () => {
  for (const server of servers) server.close();
  await rm(rootDir, { recursive: true });
});

it('is what was configured, whatever is seen', async () => {
  await listen('pods-api');
  expect(await version(34).atLeast()).toBe(34);
});

it('is at least 1.36 where the PodsAPI answers, and is looked at anew each time', async () => {
  await listen('podresources');
  const seen = version();
  expect(await seen.atLeast()).toBeUndefined();
  await listen('pods-api');
  expect(await seen.atLeast()).toBe(36);
});

it('is unknown where an older kubelet runs beside the file that a newer one has left', async () => {
  await listen('podresources');
  await writeFile(socketOf('pods-api'), '');
  expect(await version().atLeast()).toBeUndefined();
});

it('is to be asked for again while the kubelet is down', async () => {
  await writeFile(socketOf('pods-api'), '');
  await expect(version().atLeast()).rejects.toMatchObject({ kind: 'unavailable', message: expect.stringContaining('set kubeletVersion') });
});
