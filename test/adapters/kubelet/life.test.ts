/** What a kubelet process shows of its life, on real sockets. */
import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir, uptime } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GRPC } from '../../../src/adapters/grpc/grpc-status.ts';
import { createCodec } from '../../../src/adapters/grpc/messages.ts';
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

describe('its word on a pod', () => {
  const codec = createCodec();
  const UID = '0e1b7fc2-1111-4c6e-9a55-6f2b3f0c9a01';
  const pod = (metadata: Parameters<typeof podBytes>[0], status: Parameters<typeof podBytes>[1]) => () => podBytes(metadata, status);
  function podBytes(metadata: { deletionTimestamp?: { seconds: string } }, status: { phase?: string; reason?: string }): Uint8Array {
    return codec.encode('GetPodResponse', { pod: codec.encode('Pod', { metadata, status }) });
  }

  it.each([
    ['an eviction', pod({}, { phase: 'Failed', reason: 'Evicted' }), { deleting: false, phase: 'Failed', reason: 'Evicted' }],
    ['a deletion', pod({ deletionTimestamp: { seconds: '5' } }, { phase: 'Running' }), { deleting: true, phase: 'Running', reason: '' }],
    ['that it has no such pod', failing(GRPC.notFound), 'none'],
    ['nothing while it is initializing', failing(GRPC.failedPrecondition), undefined],
    ['nothing where it knows no such call', failing(GRPC.unimplemented), undefined],
    ['nothing in nonsense', () => new Uint8Array([255]), undefined],
  ])('is %s', async (_, answer, expected) => {
    await serve(podsApiSocket(), answer);

    expect(await kubelet.podWord(UID, 1_000)).toEqual(expected);
  });

  it('is that on the pod that was asked about', async () => {
    const server = createGrpcServer(podsApiSocket(), {
      unary: {
        [PODS_API_GET]: (request) => {
          if (codec.decode('GetPodRequest', request).podUID !== UID) throw new GrpcFailure(GRPC.notFound, 'another');
          return podBytes({}, { phase: 'Succeeded' });
        },
      },
    });
    await server.start();
    servers.push(server);

    expect(await kubelet.podWord(UID, 1_000)).toMatchObject({ phase: 'Succeeded' });
    expect(await kubelet.podWord('another', 1_000)).toBe('none');
    expect(await kubelet.podWord('', 1_000)).toBeUndefined();
  });

  it('is none where there is no socket, something else in its place, or one that hangs', async () => {
    expect(await kubelet.podWord(UID, 1_000)).toBeUndefined();
    await writeFile(podsApiSocket(), '');
    expect(await kubelet.podWord(UID, 1_000)).toBeUndefined();
    await rm(podsApiSocket());
    const server = await serve(podsApiSocket());
    server.fault(PODS_API_GET, { do: 'hang' });
    expect(await kubelet.podWord(UID, 100)).toBeUndefined();
  });
});
