/** The embedded runtime: events, effects of containers, power cut. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createContainerRuntime } from '../../src/adapters/cri/runtime.ts';
import { freePort } from '../../src/demo/free-port.ts';
import { createDemoRuntime } from '../../src/demo/runtime/runtime.ts';
import { createHttpEffect } from '../../src/demo/runtime/runtime-service.ts';
import type { DemoContainer, DemoContainerConfig, DemoRuntime } from '../../src/demo/runtime/runtime-types.ts';
import type { RuntimeEvent } from '../../src/ports.ts';

const IMAGE = 'localhost/web:1';
const SOON = { timeout: 30_000, interval: 5 };

describe('the embedded runtime', () => {
  let dir: string;
  let runtime: DemoRuntime;
  let port = 0;
  let now = 1_000_000;

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'rt-'));
    port = await freePort();
    now = 1_000_000;
    runtime = createDemoRuntime({
      socket: join(dir, 'cri.sock'),
      clock: { wall: () => now },
      random: Math.random,
      onContainerRunning: createHttpEffect((_container, sandbox) => (sandbox.config.hostNetwork ? port : undefined)),
    });
    runtime.addImage({ reference: IMAGE });
    await runtime.start();
  });
  afterEach(async () => {
    await runtime.powerCut();
    await rm(dir, { recursive: true });
  });

  function run(uid: string, hostNetwork = true): DemoContainer {
    const sandbox = runtime.runPodSandbox({
      name: `pod-${uid}`,
      namespace: 'ns',
      uid,
      attempt: 0,
      labels: {},
      annotations: {},
      hostNetwork,
    });
    const config: DemoContainerConfig = {
      name: 'c',
      attempt: 0,
      image: IMAGE,
      envs: [],
      mounts: [],
      labels: {},
      annotations: {},
      completes: false,
    };
    const container = runtime.createContainer(sandbox.id, config);
    runtime.startContainer(container.id);
    return container;
  }
  const answer = async (): Promise<unknown> => (await fetch(`http://127.0.0.1:${port}`)).json();
  const serves = (uid: string): Promise<void> =>
    vi.waitFor(async () => expect(await answer()).toEqual({ who: `pod-${uid}`, uid, since: 1_000_000 }), SOON);

  it('lets a container serve its port until it is stopped', async () => {
    const container = run('a');
    await serves('a');
    await runtime.stopContainer(container.id, 0);
    await expect(answer()).rejects.toThrow();
    expect(container).toMatchObject({ state: 'exited', exitCode: 137 });
  });

  it('ends with code 1 a container that cannot bind, and does not disturb the one that has the port', async () => {
    run('a');
    await serves('a');
    const second = run('b');
    await vi.waitFor(() => expect(second).toMatchObject({ state: 'exited', exitCode: 1 }), SOON);
    await serves('a');
  });

  it('keeps the records after a power cut and frees the ports', async () => {
    const container = run('a');
    await serves('a');
    await runtime.powerCut();
    expect(container).toMatchObject({ state: 'exited', exitCode: 255, reason: 'Unknown' });
    expect(runtime.sandboxes()[0]?.ready).toBe(false);
    await expect(answer()).rejects.toThrow();
    const cri = createContainerRuntime({ socket: runtime.server.socket });
    await runtime.start();
    expect((await cri.view(1000)).containers).toMatchObject([{ id: container.id, state: 'exited' }]);
    expect((await cri.containerDetails(container.id, 1000)).exitCode).toBe(255);
    cri.close();
  });

  it('gives the first subscriber the unread events of five minutes, later ones live events only', async () => {
    run('old', false);
    now += 6 * 60_000;
    run('fresh', false);
    const cri = createContainerRuntime({ socket: runtime.server.socket });
    const stop = new AbortController();
    const first: RuntimeEvent[] = [];
    const second: RuntimeEvent[] = [];
    const reading = cri.events((event) => first.push(event), stop.signal);
    await vi.waitFor(
      () =>
        expect(first.map(({ type, podUid }) => `${type} ${podUid}`)).toEqual([
          'created fresh',
          'started fresh',
          'created fresh',
          'started fresh',
        ]),
      SOON,
    );
    const readingToo = cri.events((event) => second.push(event), stop.signal);
    await vi.waitFor(() => expect(runtime.server.calls('/runtime.v1.RuntimeService/GetContainerEvents')).toBe(2), SOON);
    const sandbox = runtime.sandboxes()[1];
    await runtime.removePodSandbox(sandbox?.id ?? '');
    await vi.waitFor(
      () => expect(second.map(({ type }) => type)).toEqual(['stopped', 'deleted', 'stopped', 'deleted'].toSorted(byOrder)),
      SOON,
    );
    expect(second.at(-1)).toMatchObject({ type: 'deleted', containerId: sandbox?.id, createdAtMs: 0 });
    stop.abort();
    await Promise.all([reading, readingToo]);
    cri.close();
  });

  it('refuses to make a container of an image that is not there, or in a dead sandbox', async () => {
    const container = run('a', false);
    runtime.removeImage(IMAGE);
    expect(runtime.findImage(IMAGE)).toBeUndefined();
    expect(() => runtime.createContainer(container.sandboxId, container.config)).toThrow('no image');
    await runtime.stopPodSandbox(container.sandboxId);
    expect(() => runtime.createContainer(container.sandboxId, container.config)).toThrow('not ready');
    expect(() => runtime.startContainer(container.id)).toThrow('not ready to start');
  });

  it('ends an init container at once and well', () => {
    const made = run('a', false);
    const init = runtime.createContainer(made.sandboxId, { ...made.config, completes: true });
    runtime.startContainer(init.id);
    expect(init).toMatchObject({ state: 'exited', exitCode: 0 });
  });
});

/** Container and sandbox stop before either is deleted. */
function byOrder(a: string, b: string): number {
  return Number(a === 'deleted') - Number(b === 'deleted');
}
