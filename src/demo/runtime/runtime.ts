/**
 * An embedded container runtime: sandboxes, containers and images in memory, served as CRI v1 on a unix socket.
 *
 * It starts no process: a running container is a record, to which `onContainerRunning` may give an effect. The kubelet
 * stand-in drives it directly; the agent under test sees only the socket.
 */
import { createHash } from 'node:crypto';
import { EVENT_TYPES } from '../../adapters/cri/names.ts';
import { createCodec } from '../../adapters/grpc/messages.ts';
import { createGrpcServer } from './grpc-server.ts';
import { createContainers } from './runtime-containers.ts';
import { createEventLog } from './runtime-events.ts';
import { createImages } from './runtime-images.ts';
import { eventMessage, runtimeMethods } from './runtime-rpc.ts';
import type { DemoRuntime, DemoRuntimeOptions, DemoSandbox } from './runtime-types.ts';

type EventType = (typeof EVENT_TYPES)[number];

export function createDemoRuntime(options: DemoRuntimeOptions): DemoRuntime {
  const { clock } = options;
  const sandboxes = new Map<string, DemoSandbox>();
  const listeners = new Set<() => void>();
  const events = createEventLog(() => clock.wall());
  const images = createImages(digestOf);
  let serial = 0;

  const newId = (): string => {
    serial += 1;
    return digestOf(`${options.socket} ${serial}`);
  };
  const changed = (): void => {
    for (const listener of listeners) listener();
  };
  const emit = (type: EventType, id: string, sandboxId: string): void => {
    const sandbox = sandboxes.get(sandboxId);
    if (sandbox !== undefined) events.emit(eventMessage(EVENT_TYPES.indexOf(type), id, sandbox, clock.wall()));
  };
  const containers = createContainers({
    clock,
    onContainerRunning: options.onContainerRunning,
    sandbox: (id) => sandboxes.get(id),
    image: images.findImage,
    newId,
    happened: (event, { id, sandboxId }) => {
      emit(event, id, sandboxId);
      changed();
    },
  });
  const containersIn = (sandboxId: string) => containers.all().filter((container) => container.sandboxId === sandboxId);

  const runPodSandbox: DemoRuntime['runPodSandbox'] = (config) => {
    const sandbox: DemoSandbox = { id: newId(), config, createdAtMs: clock.wall(), ready: true };
    sandboxes.set(sandbox.id, sandbox);
    emit('created', sandbox.id, sandbox.id);
    emit('started', sandbox.id, sandbox.id);
    changed();
    return sandbox;
  };

  const stopPodSandbox: DemoRuntime['stopPodSandbox'] = async (id, graceSeconds = 0) => {
    const sandbox = sandboxes.get(id);
    if (sandbox === undefined) return;
    await Promise.all(containersIn(id).map((container) => containers.stopContainer(container.id, graceSeconds)));
    if (!sandbox.ready) return;
    sandbox.ready = false;
    emit('stopped', id, id);
    changed();
  };

  const removePodSandbox: DemoRuntime['removePodSandbox'] = async (id) => {
    if (!sandboxes.has(id)) return;
    await stopPodSandbox(id);
    for (const container of containersIn(id)) await containers.removeContainer(container.id);
    emit('deleted', id, id);
    sandboxes.delete(id);
    changed();
  };

  const powerCut: DemoRuntime['powerCut'] = async () => {
    await server.stop();
    await Promise.all(containers.all().map((container) => containers.end(container.id, 255, 'Unknown')));
    for (const sandbox of sandboxes.values()) sandbox.ready = false;
    changed();
  };

  const runtime: Omit<DemoRuntime, 'server'> = {
    ...images,
    start: () => server.start(),
    stop: () => server.stop(),
    createContainer: containers.createContainer,
    startContainer: containers.startContainer,
    stopContainer: containers.stopContainer,
    removeContainer: containers.removeContainer,
    crash: (id, exitCode) => containers.end(id, exitCode, 'Error'),
    runPodSandbox,
    stopPodSandbox,
    removePodSandbox,
    powerCut,
    sandboxes: () => [...sandboxes.values()],
    containers: containers.all,
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const server = createGrpcServer(options.socket, runtimeMethods(runtime, createCodec(), events, options));
  return { ...runtime, server };
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
