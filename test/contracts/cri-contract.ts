/**
 * What every ContainerRuntime must do, whatever stands behind its socket. Run against the embedded runtime on every
 * change, and by the end-to-end tests against a real containerd.
 */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createContainerRuntime } from '../../src/adapters/cri/runtime.ts';
import type { ContainerRuntime, PortErrorKind, RuntimeEvent } from '../../src/ports.ts';

/** A runtime with one pod in it: a READY sandbox with one running container. */
export interface CriSubject {
  readonly socket: string;
  readonly podUid: string;
  readonly podName: string;
  readonly podNamespace: string;
  readonly sandboxId: string;
  readonly containerId: string;
  readonly containerName: string;
  readonly image: string;
  /** Environment the kubelet gave the container: at least one value holds `$(`. */
  readonly env: Readonly<Record<string, string>>;
  readonly hasEvents: boolean;
  /** Left out: nobody knows. */
  readonly networkReady?: boolean;
  /** SIGKILL and a new start on the same socket. */
  kill(): Promise<void>;
  /** Resolves when it answers. */
  restart(): Promise<void>;
  /** As restart, but resolves while it is still starting. */
  launch(): Promise<void>;
  /** SIGSTOP and SIGCONT. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** Makes something happen that the event stream shows. */
  provoke(): Promise<void>;
  dispose(): Promise<void>;
}

export function criContract(name: string, setup: () => Promise<CriSubject>): void {
  describe(`${name} keeps the contract of ContainerRuntime`, () => {
    let subject: CriSubject;
    let runtime: ContainerRuntime;

    beforeEach(async () => {
      subject = await setup();
      runtime = createContainerRuntime({ socket: subject.socket });
    });
    afterEach(async () => {
      runtime.close();
      await subject.dispose();
    });

    it('tells its name and that it speaks v1', async () => {
      const version = await runtime.version();
      expect(version.runtimeApiVersion).toBe('v1');
      expect(version.runtimeName).not.toBe('');
    });

    it('shows the pod as the kubelet labelled it', async () => {
      const view = await runtime.view(2000);
      const sandbox = view.sandboxes.find(({ id }) => id === subject.sandboxId);
      expect(sandbox).toMatchObject({ uid: subject.podUid, name: subject.podName, namespace: subject.podNamespace, ready: true });
      expect(sandbox?.annotations['kubernetes.io/config.source']).toMatch(/^(api|file)$/);
      expect(sandbox?.createdAtMs).toBeGreaterThan(Date.parse('2020-01-01'));
      expect(view.containers.find(({ id }) => id === subject.containerId)).toMatchObject({
        sandboxId: subject.sandboxId,
        name: subject.containerName,
        podUid: subject.podUid,
        podName: subject.podName,
        podNamespace: subject.podNamespace,
        state: 'running',
      });
    });

    it('tells where its images lie', async () => {
      expect(await runtime.imageFs(2000)).toMatch(/^\//);
    });

    it('says whether pods get a network of their own, and why not', async () => {
      const { ready, message } = await runtime.network(2000);
      expect(ready ? message === '' : message !== '').toBe(true);
      if (subject.networkReady !== undefined) expect(ready).toBe(subject.networkReady);
    });

    it('lists the containers of one pod only', async () => {
      const ids = (await runtime.containersOf([subject.podUid], 2000)).map(({ id }) => id);
      expect(ids).toContain(subject.containerId);
      expect(await runtime.containersOf(['no-such-uid'], 2000)).toEqual([]);
    });

    it('lists the containers of several pods in one call, and of no others', async () => {
      const { containers } = await runtime.view(2000);
      const other = containers.find(({ podUid }) => podUid !== '' && podUid !== subject.podUid)?.podUid;
      const uids = [subject.podUid, ...(other === undefined ? [] : [other]), 'no-such-uid'];

      const ids = (await runtime.containersOf(uids, 2000)).map(({ id }) => id).sort();

      expect(ids).toContain(subject.containerId);
      expect(ids).toEqual(
        containers
          .filter(({ podUid }) => uids.includes(podUid))
          .map(({ id }) => id)
          .sort(),
      );
      expect(await runtime.containersOf([], 2000)).toEqual([]);
    });

    it('gives the containers of the whole node, and the same list while nothing of it changes', async () => {
      const { containers } = await runtime.view(2000);
      const all = await runtime.containers(2000);
      expect(all).toEqual(containers);
      // elsewhere something may have happened in between
      if (all.length === 1) expect(all).toBe(containers);
      await runtime.stopContainer(subject.containerId, 0, 10_000);
      const after = await runtime.containers(2000);
      expect(after).not.toBe(all);
      expect([undefined, 'exited']).toContain(after.find(({ id }) => id === subject.containerId)?.state);
    });

    it('gives the environment sorted by name, each value exactly as the kubelet resolved it', async () => {
      const { env } = await runtime.containerDetails(subject.containerId, 2000);
      const names = env.map((entry) => entry.name);
      expect(names).toEqual([...names].sort());
      expect(Object.fromEntries(env.map((entry) => [entry.name, entry.value]))).toMatchObject(subject.env);
      expect(names).not.toContain('PATH');
    });

    it('gives the image as written and its id', async () => {
      const details = await runtime.containerDetails(subject.containerId, 2000);
      expect(details.image).toBe(subject.image);
      expect(details.imageId).toMatch(/^sha256:[0-9a-f]{64}$/);
      expect(details.startedAtMs).toBeGreaterThan(0);
      expect(details.finishedAtMs).toBe(0);
    });

    it('knows the image that is here and none that is not', async () => {
      expect(await runtime.imageId(subject.image, 2000)).toMatch(/^sha256:/);
      expect(await runtime.imageId('localhost/never-built:1', 2000)).toBeUndefined();
    });

    it('lists every image by its id and its full name', async () => {
      const names = await runtime.imageNames(2000);
      expect(names).toContain(await runtime.imageId(subject.image, 2000));
      expect([...names].some((name) => name === subject.image || name.endsWith(`/${subject.image}`))).toBe(true);
      expect(names).not.toContain('localhost/never-built:1');
    });

    it('stops a container at once, keeps its details, and takes a second stop for success', async () => {
      await runtime.stopContainer(subject.containerId, 0, 10_000);
      const state = (await runtime.containersOf([subject.podUid], 2000)).find(({ id }) => id === subject.containerId)?.state;
      expect([undefined, 'exited']).toContain(state);
      await runtime.stopContainer(subject.containerId, 0, 10_000);
    });

    it('stops a sandbox, and takes a second stop for success', async () => {
      await runtime.stopSandbox(subject.sandboxId, 10_000);
      const ready = (await runtime.view(2000)).sandboxes.find(({ id }) => id === subject.sandboxId)?.ready;
      expect([undefined, false]).toContain(ready);
      await runtime.stopSandbox(subject.sandboxId, 10_000);
    });

    it('takes the stop of what never was for success', async () => {
      await runtime.stopContainer('no-such-container', 0, 2000);
      await runtime.stopSandbox('no-such-sandbox', 2000);
    });

    it('says not-found for the details of a container it does not have', async () => {
      await expect(runtime.containerDetails('no-such-container', 2000)).rejects.toMatchObject(kind('not-found'));
    });

    it('says unavailable while the runtime is dead, and answers the first call after its return', async () => {
      await runtime.version();
      await subject.kill();
      await expect(runtime.view(2000)).rejects.toMatchObject(kind('unavailable'));
      await subject.restart();
      expect((await runtime.view(5000)).sandboxes.length).toBeGreaterThan(0);
    });

    it('answers the first call after a restart that went unnoticed', async () => {
      await runtime.version();
      await subject.kill();
      await subject.restart();
      expect((await runtime.version()).runtimeApiVersion).toBe('v1');
    });

    it('says unavailable, and nothing else, from its death until it is ready', async () => {
      await runtime.version();
      await subject.kill();
      await subject.launch();
      const refusals: unknown[] = [];
      const answer = async () => (await runtime.version()) && (await runtime.view(2000));
      await vi.waitFor(() => answer().catch((error: unknown) => Promise.reject(refusals.push(error) && error)), {
        timeout: 30_000,
        interval: 1,
      });
      for (const refusal of refusals) expect(refusal).toMatchObject(kind('unavailable'));
    });

    it('gives up on a frozen runtime at the deadline, and works again when it thaws', async () => {
      await runtime.version();
      await subject.freeze();
      await expect(runtime.view(150)).rejects.toMatchObject({ ...kind('unavailable'), message: expect.stringContaining(subject.socket) });
      await subject.thaw();
      expect((await runtime.view(5000)).sandboxes.length).toBeGreaterThan(0);
    });

    it('hints at a change by an event, or says that it has no event stream', async () => {
      const events: RuntimeEvent[] = [];
      const stop = new AbortController();
      const stream = runtime.events((event) => {
        events.push(event);
        if (event.podUid === subject.podUid) stop.abort();
      }, stop.signal);
      if (!subject.hasEvents) {
        await expect(stream).rejects.toMatchObject(kind('unsupported'));
        return;
      }
      await subject.provoke();
      await stream;
      expect(events.at(-1)).toMatchObject({ podUid: subject.podUid, type: expect.stringMatching(/^(created|started|stopped|deleted)$/) });
    });

    it('ends the event stream when the runtime dies', async () => {
      if (!subject.hasEvents) return;
      const first = new AbortController();
      const stream = runtime.events(() => first.abort(), new AbortController().signal);
      await subject.provoke();
      if (!first.signal.aborted) await new Promise((resolve) => first.signal.addEventListener('abort', resolve));
      await subject.kill();
      await expect(stream).resolves.toBeUndefined();
    });
  });
}

export function kind(value: PortErrorKind): { name: 'PortError'; kind: PortErrorKind } {
  return { name: 'PortError', kind: value };
}
