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
import { createEventLog } from './runtime-events.ts';
import { eventMessage, runtimeMethods } from './runtime-rpc.ts';
import type { DemoContainer, DemoImage, DemoRuntime, DemoRuntimeOptions, DemoSandbox, StopEffect } from './runtime-types.ts';

type EventType = (typeof EVENT_TYPES)[number];

export function createDemoRuntime(options: DemoRuntimeOptions): DemoRuntime {
  const sandboxes = new Map<string, DemoSandbox>();
  const containers = new Map<string, DemoContainer>();
  const images = new Map<string, DemoImage>();
  const effects = new Map<string, Promise<StopEffect | undefined>>();
  const listeners = new Set<() => void>();
  const events = createEventLog(() => options.clock.wall());
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
    if (sandbox !== undefined) events.emit(eventMessage(EVENT_TYPES.indexOf(type), id, sandbox, options.clock.wall()));
  };

  const runPodSandbox: DemoRuntime['runPodSandbox'] = (config) => {
    const sandbox: DemoSandbox = { id: newId(), config, createdAtMs: options.clock.wall(), ready: true };
    sandboxes.set(sandbox.id, sandbox);
    emit('created', sandbox.id, sandbox.id);
    emit('started', sandbox.id, sandbox.id);
    changed();
    return sandbox;
  };

  const createContainer: DemoRuntime['createContainer'] = (sandboxId, config) => {
    const image = images.get(config.image);
    if (sandboxes.get(sandboxId)?.ready !== true) throw new Error(`creating container ${config.name}: its sandbox is not ready`);
    if (image === undefined) throw new Error(`creating container ${config.name}: no image ${config.image}`);
    const container: DemoContainer = {
      id: newId(),
      sandboxId,
      config,
      imageId: image.id,
      createdAtMs: options.clock.wall(),
      state: 'created',
      startedAtMs: 0,
      finishedAtMs: 0,
      exitCode: 0,
      reason: '',
    };
    containers.set(container.id, container);
    emit('created', container.id, sandboxId);
    changed();
    return container;
  };

  function exited(container: DemoContainer, exitCode: number, reason: string): void {
    if (container.state !== 'running' && container.state !== 'created') return;
    Object.assign(container, { state: 'exited', finishedAtMs: options.clock.wall(), exitCode, reason });
    emit('stopped', container.id, container.sandboxId);
    changed();
  }

  /** The effect ends before the record says so: whoever sees EXITED finds the port free. */
  async function end(container: DemoContainer, graceSeconds: number, exitCode: number, reason: string): Promise<void> {
    const effect = effects.get(container.id);
    effects.delete(container.id);
    const stop = await effect?.catch(() => undefined);
    await stop?.(graceSeconds);
    exited(container, exitCode, reason);
  }

  const startContainer: DemoRuntime['startContainer'] = (id) => {
    const container = containers.get(id);
    const sandbox = container === undefined ? undefined : sandboxes.get(container.sandboxId);
    if (container?.state !== 'created' || sandbox?.ready !== true) throw new Error(`starting container ${id}: it is not ready to start`);
    Object.assign(container, { state: 'running', startedAtMs: options.clock.wall() });
    emit('started', id, sandbox.id);
    changed();
    if (container.config.completes) return exited(container, 0, 'Completed');
    const exit = (code: number): void => void end(container, 0, code, code === 0 ? 'Completed' : 'Error');
    const effect = Promise.resolve().then(() => options.onContainerRunning?.(container, sandbox, exit));
    effects.set(id, effect);
    effect.catch(() => end(container, 0, 1, 'Error'));
  };

  const stopContainer: DemoRuntime['stopContainer'] = async (id, graceSeconds) => {
    const container = containers.get(id);
    if (container !== undefined) await end(container, graceSeconds, graceSeconds > 0 ? 143 : 137, 'Error');
  };

  const stopPodSandbox: DemoRuntime['stopPodSandbox'] = async (id, graceSeconds = 0) => {
    const sandbox = sandboxes.get(id);
    if (sandbox === undefined) return;
    await Promise.all(
      [...containers.values()]
        .filter((container) => container.sandboxId === id)
        .map((container) => stopContainer(container.id, graceSeconds)),
    );
    if (!sandbox.ready) return;
    sandbox.ready = false;
    emit('stopped', id, id);
    changed();
  };

  const removeContainer: DemoRuntime['removeContainer'] = async (id) => {
    const container = containers.get(id);
    if (container === undefined) return;
    await stopContainer(id, 0);
    containers.delete(id);
    emit('deleted', id, container.sandboxId);
    changed();
  };

  const removePodSandbox: DemoRuntime['removePodSandbox'] = async (id) => {
    if (!sandboxes.has(id)) return;
    await stopPodSandbox(id);
    for (const container of containers.values()) if (container.sandboxId === id) await removeContainer(container.id);
    emit('deleted', id, id);
    sandboxes.delete(id);
    changed();
  };

  const powerCut: DemoRuntime['powerCut'] = async () => {
    await server.stop();
    await Promise.all([...containers.values()].map((container) => end(container, 0, 255, 'Unknown')));
    for (const sandbox of sandboxes.values()) sandbox.ready = false;
    changed();
  };

  const addImage: DemoRuntime['addImage'] = ({ reference, digest, env }) => {
    const id = `sha256:${digestOf(`image ${reference}`)}`;
    const repository = reference.replace(/(@.*|:[^:/]*)$/, '');
    const repoDigests = digest === undefined ? [] : [`${repository}@${digest}`];
    const image: DemoImage = { id, repoTags: [reference], repoDigests, env: env ?? ['PATH=/usr/bin:/bin'] };
    for (const name of [reference, id, ...repoDigests]) images.set(name, image);
    return image;
  };

  const removeImage: DemoRuntime['removeImage'] = (reference) => {
    const image = images.get(reference);
    for (const [name, found] of images) if (found === image) images.delete(name);
  };

  const runtime: Omit<DemoRuntime, 'server'> = {
    start: () => server.start(),
    stop: () => server.stop(),
    addImage,
    removeImage,
    findImage: (reference) => images.get(reference),
    runPodSandbox,
    createContainer,
    startContainer,
    stopContainer,
    crash: async (id, exitCode) => {
      const container = containers.get(id);
      if (container !== undefined) await end(container, 0, exitCode, 'Error');
    },
    stopPodSandbox,
    removeContainer,
    removePodSandbox,
    powerCut,
    sandboxes: () => [...sandboxes.values()],
    containers: () => [...containers.values()],
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
