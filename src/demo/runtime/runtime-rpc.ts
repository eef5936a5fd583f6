/**
 * The embedded runtime's records as CRI v1 replies, in containerd's shape (verbose info included). Changes nothing but
 * by the two stop calls.
 */

import { CONDITION_NETWORK, CONTAINER_STATES, CRI_METHODS, SANDBOX_NOTREADY, SANDBOX_READY } from '../../adapters/cri/names.ts';
import { GRPC } from '../../adapters/grpc/grpc-status.ts';
import { type Codec, type ContainerStatusMessage, nanosOfMillis } from '../../adapters/grpc/messages.ts';
import { GrpcFailure, type GrpcMethods } from './grpc-server.ts';
import type { EventLog, EventMessage } from './runtime-events.ts';
import type { DemoContainer, DemoRuntime, DemoRuntimeOptions, DemoSandbox } from './runtime-types.ts';

/** Go's zero time in nanoseconds, wrapped: what containerd sends in the DELETED event of a sandbox. */
const ZERO_TIME_NANOS = '-6795364578871345152';
const DELETED = 3;
/** It keeps no images; the file system is there all the same. */
const IMAGE_FS = '/';

type Runtime = Omit<DemoRuntime, 'server'>;

export function runtimeMethods(runtime: Runtime, codec: Codec, events: EventLog, options: DemoRuntimeOptions): GrpcMethods {
  const old = options.flavour === '1.6';
  const unary: GrpcMethods['unary'] = {
    [CRI_METHODS.version]: () =>
      codec.encode('VersionResponse', {
        version: '0.1.0',
        runtimeName: options.name ?? 'containerd',
        runtimeVersion: old ? '1.6.20-demo' : 'v2.4.2-demo',
        runtimeApiVersion: 'v1',
      }),
    [CRI_METHODS.status]: () => {
      const conditions = ['RuntimeReady', CONDITION_NETWORK].map((type) => ({ type, status: true }));
      return codec.encode('StatusResponse', { status: { conditions } });
    },
    [CRI_METHODS.listPodSandbox]: () => codec.encode('ListPodSandboxResponse', { items: runtime.sandboxes().map(sandboxMessage) }),
    [CRI_METHODS.listContainers]: (request) => {
      const selector = codec.decode('ListContainersRequest', request).filter?.labelSelector ?? {};
      const wanted = runtime
        .containers()
        .filter(({ config }) => Object.entries(selector).every(([key, value]) => config.labels[key] === value));
      return codec.encode('ListContainersResponse', { containers: wanted.map((container) => containerMessage(container, runtime, old)) });
    },
    [CRI_METHODS.containerStatus]: (request) => {
      const { containerId, verbose } = codec.decode('ContainerStatusRequest', request);
      const container = runtime.containers().find(({ id }) => id === containerId);
      if (container === undefined)
        throw new GrpcFailure(GRPC.notFound, `an error occurred when try to find container "${containerId}": not found`);
      const info = verbose ? { info: JSON.stringify(verboseInfo(container, runtime, options)) } : {};
      return codec.encode('ContainerStatusResponse', { status: statusMessage(container, runtime, old), info });
    },
    [CRI_METHODS.imageStatus]: (request) => {
      const image = runtime.findImage(codec.decode('ImageStatusRequest', request).image?.image ?? '');
      return codec.encode('ImageStatusResponse', image === undefined ? {} : { image });
    },
    [CRI_METHODS.listImages]: () => codec.encode('ListImagesResponse', { images: runtime.images() }),
    [CRI_METHODS.imageFsInfo]: () => codec.encode('ImageFsInfoResponse', { imageFilesystems: [{ fsId: { mountpoint: IMAGE_FS } }] }),
    [CRI_METHODS.stopContainer]: async (request) => {
      const { containerId, timeout } = codec.decode('StopContainerRequest', request);
      await runtime.stopContainer(containerId, Number(timeout));
      return codec.encode('StopContainerResponse', {});
    },
    [CRI_METHODS.stopPodSandbox]: async (request) => {
      await runtime.stopPodSandbox(codec.decode('StopPodSandboxRequest', request).podSandboxId);
      return codec.encode('StopPodSandboxResponse', {});
    },
  };
  if (old) return { unary };
  return {
    unary,
    streams: {
      [CRI_METHODS.events]: (_request, send, signal) =>
        events.subscribe((event) => send(codec.encode('ContainerEventResponse', event)), signal),
    },
  };
}

export function eventMessage(type: number, id: string, sandbox: DemoSandbox, atMs: number): EventMessage {
  const createdAt = type === DELETED && id === sandbox.id ? ZERO_TIME_NANOS : nanosOfMillis(atMs);
  return { containerId: id, containerEventType: type, createdAt, podSandboxStatus: sandboxMessage(sandbox) };
}

function sandboxMessage(sandbox: DemoSandbox) {
  const { name, namespace, uid, attempt, labels, annotations } = sandbox.config;
  return {
    id: sandbox.id,
    metadata: { name, namespace, uid, attempt },
    state: sandbox.ready ? SANDBOX_READY : SANDBOX_NOTREADY,
    createdAt: nanosOfMillis(sandbox.createdAtMs),
    labels,
    annotations,
  };
}

function containerMessage(container: DemoContainer, runtime: Runtime, old: boolean) {
  const { config } = container;
  return {
    id: container.id,
    podSandboxId: container.sandboxId,
    metadata: { name: config.name, attempt: config.attempt },
    image: { image: config.image, userSpecifiedImage: old ? '' : config.image },
    imageRef: runtime.findImage(container.imageId)?.repoDigests[0] ?? container.imageId,
    state: CONTAINER_STATES.indexOf(container.state),
    createdAt: nanosOfMillis(container.createdAtMs),
    labels: config.labels,
    annotations: config.annotations,
    imageId: old ? '' : container.imageId,
  };
}

function statusMessage(container: DemoContainer, runtime: Runtime, old: boolean): Omit<ContainerStatusMessage, 'podSandboxId'> {
  const { podSandboxId: _unused, ...common } = containerMessage(container, runtime, old);
  return {
    ...common,
    startedAt: container.startedAtMs === 0 ? '0' : nanosOfMillis(container.startedAtMs),
    finishedAt: container.finishedAtMs === 0 ? '0' : nanosOfMillis(container.finishedAtMs),
    exitCode: container.exitCode,
    reason: container.reason,
    mounts: container.config.mounts,
  };
}

/** Paths as seen on containerd 1.6 and 2.4, alike; only `user_specified_image` is new. */
function verboseInfo(container: DemoContainer, runtime: Runtime, options: DemoRuntimeOptions): Record<string, unknown> {
  const { config } = container;
  const image = options.flavour === '1.6' ? { image: container.imageId } : { image: container.imageId, user_specified_image: config.image };
  const imageEnv = runtime.findImage(container.imageId)?.env ?? [];
  return {
    sandboxID: container.sandboxId,
    pid: container.state === 'running' ? 4242 : 0,
    removing: false,
    snapshotKey: container.id,
    runtimeType: 'io.containerd.runc.v2',
    config: {
      metadata: { name: config.name },
      image,
      envs: shuffled(config.envs, options.random).map(({ key, value }) => (value === '' ? { key } : { key, value })),
      mounts: config.mounts.map((mount) => ({ container_path: mount.containerPath, host_path: mount.hostPath, readonly: mount.readonly })),
      labels: config.labels,
      annotations: config.annotations,
    },
    runtimeSpec: { process: { env: [...imageEnv, 'HOSTNAME=demo', ...config.envs.map(({ key, value }) => `${key}=${value}`)] } },
  };
}

function shuffled<T>(items: readonly T[], random: () => number): readonly T[] {
  return items
    .map((item) => ({ item, rank: random() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ item }) => item);
}
