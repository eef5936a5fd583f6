/** What a kubelet process shows of its life, on real sockets. */
import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir, uptime } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { GRPC } from '../../../src/adapters/grpc/grpc-status.ts';
import { createKubeletProcess, nodeBootedAt, PODS_API_GET } from '../../../src/adapters/kubelet/life.ts';
import { createGrpcServer, GrpcFailure, type GrpcServer } from '../../../src/demo/runtime/grpc-server.ts';
import type { KubeletProcess } from '../../../src/ports.ts';

let rootDir: string;
let servers: GrpcServer[];
let kubelet: KubeletProcess;
const podResourcesSocket = (): string => join(rootDir, 'pod-resources', 'kubelet.sock');
const podsApiSocket = (): string => join(rootDir, 'pods-api', 'pods-api.sock');

beforeEach(async () => {
  rootDir = await mkdtemp(join(tmpdir(), 'podckpt-life-'));
  for (const name of ['pods-api', 'pod-resources']) await mkdir(join(rootDir, name));
  servers = [];
  kubelet = createKubeletProcess({ rootDir, podResourcesSocket: podResourcesSocket() });
});
afterEach(async () => {
  kubelet.close();
  for (const server of servers) await server.stop();
  await rm(rootDir, { recursive: true });
});

async function serve(socket: string, answer: () => Uint8Array = () => new Uint8Array()): Promise<GrpcServer> {
  const server = createGrpcServer(socket, { unary: { [PODS_API_GET]: answer } });
  await server.start();
  servers.push(server);
  return server;
}
const failing = (code: number) => () => {
  throw new GrpcFailure(code, 'as asked for');
};

it('started when it made its podresources socket, and anew when it makes it again', async () => {
  const before = Date.now() - 1_000;
  const server = await serve(podResourcesSocket());
  const { startedAt = 0 } = await kubelet.look(1_000);
  expect(startedAt).toBeGreaterThan(before);
  expect(startedAt).toBeLessThan(Date.now() + 1_000);

  await utimes(podResourcesSocket(), 1_000, 1_000);
  expect(await kubelet.look(1_000)).toEqual({ startedAt: 1_000_000 });
  await server.stop();
  await server.start();
  expect((await kubelet.look(1_000)).startedAt).toBeGreaterThan(before);
});

it('did not start before the node booted, whatever a clock that was set since has stamped', async () => {
  await serve(podResourcesSocket());
  await utimes(podResourcesSocket(), 1_000, 1_000);
  const later = createKubeletProcess({ rootDir, podResourcesSocket: podResourcesSocket(), bootedAt: async () => 5_000_000 });
  expect(await later.look(1_000)).toEqual({ startedAt: 5_000_000 });
  await utimes(podResourcesSocket(), 6_000, 6_000);
  expect(await later.look(1_000)).toEqual({ startedAt: 6_000_000 });
  later.close();

  const booted = await nodeBootedAt();
  expect(Math.abs((booted ?? 0) - (Date.now() - uptime() * 1000))).toBeLessThan(3_000);
  expect(await nodeBootedAt()).toBe(booted);
});

it('shows nothing where there is no socket, or something else in its place', async () => {
  expect(await kubelet.look(1_000)).toEqual({});
  for (const path of [podResourcesSocket(), podsApiSocket()]) await writeFile(path, '');
  expect(await kubelet.look(1_000)).toEqual({});
});

it.each([
  ['a pod', () => new Uint8Array(), true],
  ['that there is no such pod', failing(GRPC.notFound), true],
  ['that it is initializing', failing(GRPC.failedPrecondition), false],
  ['that it knows no such call', failing(GRPC.unimplemented), undefined],
  ['nonsense', failing(GRPC.internal), undefined],
])('has reached an API server, by its PodsAPI: it answers %s', async (_, answer, reached) => {
  await serve(podsApiSocket(), answer);

  expect((await kubelet.look(1_000)).reachedApi).toBe(reached);
});

it('does not say while its PodsAPI hangs, or is dead', async () => {
  const server = await serve(podsApiSocket());
  server.fault(PODS_API_GET, { do: 'hang' });
  expect(await kubelet.look(100)).toEqual({});
  await server.stop();
  expect(await kubelet.look(1_000)).toEqual({});
});
