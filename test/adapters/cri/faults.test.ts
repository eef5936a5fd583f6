/** Every way in which a runtime's socket can fail, and what the adapter makes of it. */
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findCriSocket } from '../../../src/adapters/cri/find-socket.ts';
import { CRI_METHODS } from '../../../src/adapters/cri/names.ts';
import { createContainerRuntime } from '../../../src/adapters/cri/runtime.ts';
import { createCodec } from '../../../src/adapters/grpc/messages.ts';
import { createKubeletPods } from '../../../src/adapters/kubelet/podresources.ts';
import { createDemoRuntime } from '../../../src/demo/runtime/runtime.ts';
import type { DemoRuntime } from '../../../src/demo/runtime/runtime-types.ts';
import type { ContainerRuntime } from '../../../src/ports.ts';
import { kind } from '../../contracts/cri-contract.ts';

const codec = createCodec();

describe('the CRI adapter', () => {
  let dir: string;
  let demo: DemoRuntime;
  let runtime: ContainerRuntime;

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'cri-'));
    demo = createDemoRuntime({ socket: join(dir, 'cri.sock'), clock: { wall: () => Date.now() }, random: Math.random });
    await demo.start();
    runtime = createContainerRuntime({ socket: demo.server.socket, maxReceiveBytes: 100_000 });
  });
  afterEach(async () => {
    runtime.close();
    await demo.stop();
    await rm(dir, { recursive: true });
  });

  it.each([
    [1, 'failed'],
    [2, 'failed'],
    [3, 'failed'],
    [4, 'unavailable'],
    [5, 'not-found'],
    [7, 'denied'],
    [8, 'failed'],
    [12, 'unsupported'],
    [13, 'failed'],
    [14, 'unavailable'],
    [16, 'denied'],
  ] as const)('takes gRPC status %i for %s and names the socket', async (code, expected) => {
    demo.server.fault(CRI_METHODS.listContainers, { do: 'fail', code, message: 'ümlaut 100%' });
    await expect(runtime.view(2000)).rejects.toMatchObject({ ...kind(expected), message: expect.stringContaining(demo.server.socket) });
  });

  it('takes a runtime that is still starting for unavailable, whatever its status', async () => {
    demo.server.fault('*', { do: 'fail', code: 2, message: 'server is not initialized yet' });
    await expect(runtime.version()).rejects.toMatchObject({ ...kind('unavailable'), message: expect.stringContaining('not initialized') });
  });

  it('decodes the message of a status', async () => {
    demo.server.fault('*', { do: 'fail', code: 2, message: 'ümlaut 100%\n' });
    await expect(runtime.view(2000)).rejects.toMatchObject({ message: expect.stringContaining('ümlaut 100%\n (gRPC status 2)') });
  });

  it('fails on the third call only, when only the third fails', async () => {
    demo.server.fault(CRI_METHODS.version, { do: 'fail', code: 14, message: 'busy' }, 3);
    await runtime.version();
    await runtime.version();
    await expect(runtime.version()).rejects.toMatchObject(kind('unavailable'));
    await runtime.version();
  });

  it('says in a sentence that a peer without CRI v1 is of no use', async () => {
    demo.server.fault('*', { do: 'fail', code: 12, message: 'unknown service runtime.v1.RuntimeService' });
    await expect(runtime.version()).rejects.toMatchObject({
      ...kind('unsupported'),
      message: expect.stringContaining('older than CRI v1'),
    });
  });

  it.each([
    ['v1alpha2', false],
    ['', false],
    ['v2', false],
    ['v1', true],
    ['1.43.0', true],
  ])('reads runtimeApiVersion "%s": usable %s', async (runtimeApiVersion, usable) => {
    demo.server.fault('*', { do: 'reply', message: codec.encode('VersionResponse', { runtimeName: 'r', runtimeApiVersion }) });
    if (usable) expect((await runtime.version()).runtimeApiVersion).toBe(runtimeApiVersion);
    else await expect(runtime.version()).rejects.toMatchObject(kind('unsupported'));
  });

  it('refuses a reply larger than the limit, and goes on with the next call', async () => {
    const containers = Array.from({ length: 2000 }, (_, n) => ({ id: `${n}`.padStart(64, '0') }));
    demo.server.fault('*', { do: 'reply', message: codec.encode('ListContainersResponse', { containers }) }, 1);
    await expect(runtime.containersOf(['u'], 2000)).rejects.toMatchObject({
      ...kind('invalid'),
      message: expect.stringContaining('larger than accepted'),
    });
    expect(await runtime.containersOf(['u'], 2000)).toEqual([]);
  });

  it('accepts a reply of many frames below the usual limit of 16 MiB', async () => {
    const wide = createContainerRuntime({ socket: demo.server.socket });
    const containers = Array.from({ length: 20_000 }, (_, n) => ({
      id: `${n}`.padStart(64, '0'),
      labels: { 'io.kubernetes.pod.uid': `u${n}` },
    }));
    demo.server.fault('*', { do: 'reply', message: codec.encode('ListContainersResponse', { containers }) });
    expect(await wide.containersOf(['u'], 10_000)).toHaveLength(20_000);
    wide.close();
  });

  it.each([
    ['bytes that are no message', { do: 'reply', message: Buffer.from([0xff, 0xff, 0xff]) }, 'invalid'],
    ['two messages', { do: 'twice' }, 'invalid'],
    ['half a reply', { do: 'cut' }, 'unavailable'],
    ['HTTP 404', { do: 'http', status: 404 }, 'unsupported'],
    ['HTTP 403', { do: 'http', status: 403 }, 'denied'],
    ['HTTP 503', { do: 'http', status: 503 }, 'unavailable'],
    ['HTTP 500', { do: 'http', status: 500 }, 'invalid'],
    ['HTTP 200 that is not gRPC', { do: 'http', status: 200 }, 'invalid'],
    ['silence', { do: 'hang' }, 'unavailable'],
    ['a late reply', { do: 'delay', ms: 400 }, 'unavailable'],
  ] as const)('takes %s for what it is', async (_what, fault, expected) => {
    demo.server.fault('*', fault);
    await expect(runtime.containersOf(['u'], 150)).rejects.toMatchObject(kind(expected));
    demo.server.clearFaults();
    expect(await runtime.containersOf(['u'], 2000)).toEqual([]);
  });

  it('waits for a slow reply within the deadline', async () => {
    demo.server.fault('*', { do: 'delay', ms: 50 });
    expect(await runtime.containersOf(['u'], 2000)).toEqual([]);
  });

  it('opens a new session after the server asked it to leave, and only one session otherwise', async () => {
    await Promise.all([runtime.version(), runtime.version(), runtime.version()]);
    expect(demo.server.connections()).toBe(1);
    demo.server.fault(CRI_METHODS.version, { do: 'goaway' }, 1);
    await runtime.version();
    await runtime.version();
    expect(demo.server.connections()).toBe(2);
  });

  it('leaves a session on which a call hung', async () => {
    demo.server.fault(CRI_METHODS.listContainers, { do: 'hang' }, 1);
    await expect(runtime.containersOf(['u'], 50)).rejects.toMatchObject(kind('unavailable'));
    await runtime.containersOf(['u'], 2000);
    expect(demo.server.connections()).toBe(2);
  });

  it('takes values of enums that it does not know for unknown', async () => {
    demo.server.fault(CRI_METHODS.listContainers, {
      do: 'reply',
      message: codec.encode('ListContainersResponse', { containers: [{ id: 'c', state: 77 }] }),
    });
    demo.server.fault(CRI_METHODS.listPodSandbox, {
      do: 'reply',
      message: codec.encode('ListPodSandboxResponse', { items: [{ id: 's', state: 77 }] }),
    });
    const view = await runtime.view(2000);
    expect(view.containers[0]).toMatchObject({ id: 'c', state: 'unknown', podUid: '', createdAtMs: 0 });
    expect(view.sandboxes[0]).toMatchObject({ id: 's', ready: false, uid: '' });
  });

  it('fails the whole view when one of its two lists fails', async () => {
    demo.server.fault(CRI_METHODS.listPodSandbox, { do: 'fail', code: 13, message: 'broken' });
    await expect(runtime.view(2000)).rejects.toMatchObject(kind('failed'));
  });

  it('says not-found when a status comes without a status', async () => {
    demo.server.fault('*', { do: 'reply', message: new Uint8Array() });
    await expect(runtime.containerDetails('c', 2000)).rejects.toMatchObject(kind('not-found'));
  });

  it('keeps stop failures other than not-found', async () => {
    demo.server.fault('*', { do: 'fail', code: 5, message: 'not found' });
    await runtime.stopContainer('c', 0, 2000);
    await runtime.stopSandbox('s', 2000);
    demo.server.fault('*', { do: 'fail', code: 13, message: 'broken' });
    await expect(runtime.stopContainer('c', 0, 2000)).rejects.toMatchObject(kind('failed'));
    await expect(runtime.stopSandbox('s', 2000)).rejects.toMatchObject(kind('failed'));
  });

  it('resolves an event stream that is aborted before and after it was opened', async () => {
    await runtime.events(() => undefined, AbortSignal.abort());
    await runtime.events(() => undefined, AbortSignal.timeout(30));
  });

  it('hands over no event after the stream was aborted, though it has come in one piece with the last', async () => {
    const stop = new AbortController();
    const seen: string[] = [];
    demo.runPodSandbox({ name: 'n', namespace: 'ns', uid: 'u', attempt: 0, labels: {}, annotations: {}, hostNetwork: true });
    await runtime.events(({ type }) => {
      seen.push(type);
      stop.abort();
    }, stop.signal);
    // an answer on the same session: whatever was sent before it has arrived
    await runtime.version();
    expect(seen).toEqual(['created']);
  });

  it('throws from the event stream what its listener throws', async () => {
    const stream = runtime.events(() => {
      throw new Error('listener');
    }, new AbortController().signal);
    demo.runPodSandbox({ name: 'n', namespace: 'ns', uid: 'u', attempt: 0, labels: {}, annotations: {}, hostNetwork: true });
    await expect(stream).rejects.toThrow('listener');
  });

  it('says unavailable when the event stream cannot be opened', async () => {
    await demo.stop();
    await expect(runtime.events(() => undefined, new AbortController().signal)).rejects.toMatchObject(kind('unavailable'));
  });

  it('ends what is under way when it is closed, and fails later calls', async () => {
    demo.server.fault('*', { do: 'hang' });
    const asked = runtime.version();
    const refused = expect(asked).rejects.toMatchObject({ name: 'PortError' });
    runtime.close();
    await refused;
    await expect(runtime.version()).rejects.toMatchObject({ ...kind('failed'), message: expect.stringContaining('was closed') });
  });
});

describe('a socket path', () => {
  let dir: string;
  const ask = (socket: string): Promise<unknown> => createContainerRuntime({ socket }).view(500);
  const listening = (path: string, answer: string): Promise<Server> =>
    new Promise((resolve) => {
      const server = createServer((connection) => {
        connection.on('error', () => undefined);
        connection.end(answer);
      });
      server.listen(path, () => resolve(server));
    });

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'sock-'));
  });
  afterEach(async () => {
    await rm(dir, { recursive: true });
  });

  it('that does not exist is named as such', async () => {
    await expect(ask(join(dir, 'none.sock'))).rejects.toMatchObject({
      ...kind('unavailable'),
      message: `socket ${dir}/none.sock does not exist`,
    });
  });

  it('that is a file or a directory is named as no socket', async () => {
    await writeFile(join(dir, 'file'), '');
    await mkdir(join(dir, 'directory'));
    for (const name of ['file', 'directory', 'file/below']) {
      await expect(ask(join(dir, name))).rejects.toMatchObject({ ...kind('unavailable'), message: `${join(dir, name)} is not a socket` });
    }
  });

  it('that a dead runtime left behind is named as such', async () => {
    const server = await listening(join(dir, 'a.sock'), '');
    await rename(join(dir, 'a.sock'), join(dir, 'stale.sock'));
    await new Promise((resolve) => server.close(resolve));
    await expect(ask(join(dir, 'stale.sock'))).rejects.toMatchObject({
      ...kind('unavailable'),
      message: expect.stringContaining('nobody listens'),
    });
  });

  it('where something else than gRPC answers is no crash', async () => {
    const server = await listening(join(dir, 'odd.sock'), 'HTTP/1.1 400 Bad Request\r\n\r\nwhat is this, longer than a frame header');
    await expect(ask(join(dir, 'odd.sock'))).rejects.toMatchObject({
      name: 'PortError',
      kind: expect.stringMatching(/^(invalid|unavailable)$/),
    });
    server.close();
  });

  it('where everyone is hung up on is unavailable', async () => {
    const server = await listening(join(dir, 'mute.sock'), '');
    await expect(ask(join(dir, 'mute.sock'))).rejects.toMatchObject(kind('unavailable'));
    server.close();
  });

  it('is found in the usual places, in order, and only if it is a socket', async () => {
    await writeFile(join(dir, 'first'), '');
    const server = await listening(join(dir, 'second'), '');
    expect(await findCriSocket({ root: dir, candidates: ['/none', '/first', '/second'] })).toBe(join(dir, 'second'));
    expect(await findCriSocket({ root: dir })).toBeUndefined();
    server.close();
  });

  it('of a kubelet without podresources v1 is unsupported', async () => {
    const demo = createDemoRuntime({ socket: join(dir, 'k.sock'), clock: { wall: () => 0 }, random: () => 0 });
    await demo.start();
    const pods = createKubeletPods({ socket: demo.server.socket });
    await expect(pods.list(1000)).rejects.toMatchObject({ ...kind('unsupported'), message: expect.stringContaining('podresources') });
    pods.close();
    await demo.stop();
  });
});
