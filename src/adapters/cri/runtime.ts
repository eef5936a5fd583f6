/**
 * The container runtime's truth over CRI v1: what runs here, with which environment, and the two stop calls.
 *
 * Never creates, starts, removes or pulls anything, and never asks for an image the runtime does not have.
 * Environments are secret: they leave this file only in {@link ContainerDetails}, never in an error.
 */
import type { NetworkWord } from '../../core/model/copy-stand.ts';
import type { RuntimeContainer, RuntimeView, Sandbox } from '../../core/model/model.ts';
import { type ContainerDetails, type ContainerRuntime, PortError, type RuntimeEvent, type RuntimeVersion } from '../../ports.ts';
import { createEntries } from '../grpc/entries.ts';
import { createGrpcClient, type GrpcClient } from '../grpc/grpc.ts';
import { type Codec, type ContainerMessage, createCodec, type Messages, millisOfNanos, type SandboxMessage } from '../grpc/messages.ts';
import { detailsOf } from './details.ts';
import {
  CONDITION_NETWORK,
  CONTAINER_STATES,
  CRI_METHODS,
  EVENT_TYPES,
  LABEL_CONTAINER_NAME,
  LABEL_POD_NAME,
  LABEL_POD_NAMESPACE,
  LABEL_POD_UID,
  SANDBOX_READY,
} from './names.ts';

export interface ContainerRuntimeOptions {
  /** Absolute path of the runtime's unix socket. Mount its directory: a mounted socket file is dead after a restart. */
  readonly socket: string;
  readonly maxReceiveBytes?: number;
  /** For {@link ContainerRuntime.version}, milliseconds. */
  readonly versionDeadlineMs?: number;
}

/** The calls of CRI v1, made and read. */
interface Cri {
  readonly grpc: GrpcClient;
  readonly codec: Codec;
  /** The whole lists of the node. */
  readonly sandboxes: (reply: Buffer) => readonly Sandbox[];
  readonly containers: (reply: Buffer) => readonly RuntimeContainer[];
}

export function createContainerRuntime(options: ContainerRuntimeOptions): ContainerRuntime {
  const codec = createCodec();
  const cri: Cri = {
    grpc: createGrpcClient(options),
    codec,
    // field 5 of a sandbox and 8 of a container: their labels
    sandboxes: createEntries({
      reply: 'ListPodSandboxResponse',
      make: (bytes) => sandboxOf(codec.decode('Sandbox', bytes)),
      unorderedFrom: 5,
    }),
    containers: createEntries({
      reply: 'ListContainersResponse',
      make: (bytes) => containerOf(codec.decode('Container', bytes)),
      unorderedFrom: 8,
    }),
  };
  return {
    version: () => version(cri, options.versionDeadlineMs ?? 2000),
    view: (deadlineMs) => view(cri, deadlineMs),
    network: (deadlineMs) => network(cri, deadlineMs),
    containers: (deadlineMs) => allContainers(cri, deadlineMs),
    containersOf: (podUids, deadlineMs) => containersOf(cri, podUids, deadlineMs),
    containerDetails: (id, deadlineMs) => containerDetails(cri, id, deadlineMs),
    imageId: (reference, deadlineMs) => imageId(cri, reference, deadlineMs),
    imageNames: (deadlineMs) => imageNames(cri, deadlineMs),
    imageFs: (deadlineMs) => imageFs(cri, deadlineMs),
    stopContainer: (id, graceSeconds, deadlineMs) => stopContainer(cri, id, graceSeconds, deadlineMs),
    stopSandbox: (id, deadlineMs) => stopSandbox(cri, id, deadlineMs),
    events: (onEvent, signal) => events(cri, onEvent, signal),
    close: () => cri.grpc.close(),
  };
}

/** Throws unsupported unless the peer speaks CRI v1. A Docker shim may give a bare number (`1.43.0`): taken as 1. */
async function version(cri: Cri, deadlineMs: number): Promise<RuntimeVersion> {
  const request = cri.codec.encode('VersionRequest', { version: 'v1' });
  const { runtimeName, runtimeVersion, runtimeApiVersion } = await call(cri, CRI_METHODS.version, request, 'VersionResponse', deadlineMs);
  if (!/^v?1(\.|$)/.test(runtimeApiVersion)) {
    throw new PortError(
      'unsupported',
      `${runtimeName} ${runtimeVersion} at ${cri.grpc.socket} speaks CRI "${runtimeApiVersion}"; v1 is needed (containerd 1.6, CRI-O 1.23 or newer)`,
    );
  }
  return { runtimeName, runtimeVersion, runtimeApiVersion };
}

/** Asked at the same time, so both share one deadline; the first failure is the answer. */
async function view(cri: Cri, deadlineMs: number): Promise<RuntimeView> {
  const [sandboxes, containers] = await Promise.all([listSandboxes(cri, deadlineMs), allContainers(cri, deadlineMs)]);
  return { sandboxes, containers };
}

async function network(cri: Cri, deadlineMs: number): Promise<NetworkWord> {
  const request = cri.codec.encode('StatusRequest', { verbose: false });
  const { status } = await call(cri, CRI_METHODS.status, request, 'StatusResponse', deadlineMs);
  const found = status?.conditions.find(({ type }) => type === CONDITION_NETWORK);
  if (found === undefined) return { ready: false, message: `the runtime gives no condition ${CONDITION_NETWORK}` };
  return { ready: found.status, message: found.status ? '' : found.message || found.reason };
}

async function listSandboxes(cri: Cri, deadlineMs: number): Promise<readonly Sandbox[]> {
  const request = cri.codec.encode('ListPodSandboxRequest', {});
  return cri.sandboxes(await ask(cri, CRI_METHODS.listPodSandbox, request, deadlineMs));
}

async function allContainers(cri: Cri, deadlineMs: number): Promise<readonly RuntimeContainer[]> {
  const request = cri.codec.encode('ListContainersRequest', {});
  return cri.containers(await ask(cri, CRI_METHODS.listContainers, request, deadlineMs));
}

async function containersLabelled(
  cri: Cri,
  labelSelector: Record<string, string>,
  deadlineMs: number,
): Promise<readonly RuntimeContainer[]> {
  const request = cri.codec.encode('ListContainersRequest', { filter: { labelSelector } });
  const { containers } = await call(cri, CRI_METHODS.listContainers, request, 'ListContainersResponse', deadlineMs);
  return containers.map(containerOf);
}

/** The runtime can select by one value of a label: one pod it finds itself, several are found in its whole list. */
async function containersOf(cri: Cri, podUids: readonly string[], deadlineMs: number): Promise<readonly RuntimeContainer[]> {
  const [first, ...others] = podUids;
  if (first === undefined) return [];
  if (others.length === 0) return containersLabelled(cri, { [LABEL_POD_UID]: first }, deadlineMs);
  const wanted = new Set(podUids);
  return (await allContainers(cri, deadlineMs)).filter(({ podUid }) => wanted.has(podUid));
}

async function containerDetails(cri: Cri, id: string, deadlineMs: number): Promise<ContainerDetails> {
  const request = cri.codec.encode('ContainerStatusRequest', { containerId: id, verbose: true });
  const reply = await call(cri, CRI_METHODS.containerStatus, request, 'ContainerStatusResponse', deadlineMs);
  return detailsOf(reply, `container ${id} at ${cri.grpc.socket}`);
}

async function imageId(cri: Cri, reference: string, deadlineMs: number): Promise<string | undefined> {
  const request = cri.codec.encode('ImageStatusRequest', { image: { image: reference } });
  const reply = await unlessGone(call(cri, CRI_METHODS.imageStatus, request, 'ImageStatusResponse', deadlineMs));
  const id = reply?.image?.id;
  return id === undefined || id === '' ? undefined : id;
}

async function imageNames(cri: Cri, deadlineMs: number): Promise<ReadonlySet<string>> {
  const request = cri.codec.encode('ListImagesRequest', {});
  const { images } = await call(cri, CRI_METHODS.listImages, request, 'ListImagesResponse', deadlineMs);
  return new Set(images.flatMap(({ id, repoTags, repoDigests }) => [id, ...repoTags, ...repoDigests]));
}

/** Of several the first counts, as for the kubelet (`pkg/kubelet/stats/cri_stats_provider.go`: ImageFsStats). */
async function imageFs(cri: Cri, deadlineMs: number): Promise<string> {
  const request = cri.codec.encode('ImageFsInfoRequest', {});
  const { imageFilesystems } = await call(cri, CRI_METHODS.imageFsInfo, request, 'ImageFsInfoResponse', deadlineMs);
  const mountpoint = imageFilesystems[0]?.fsId?.mountpoint;
  if (!mountpoint) throw new PortError('invalid', `the runtime at ${cri.grpc.socket} does not tell where its images lie`);
  return mountpoint;
}

async function stopContainer(cri: Cri, id: string, graceSeconds: number, deadlineMs: number): Promise<void> {
  const request = cri.codec.encode('StopContainerRequest', { containerId: id, timeout: String(Math.max(0, Math.round(graceSeconds))) });
  await unlessGone(call(cri, CRI_METHODS.stopContainer, request, 'StopContainerResponse', deadlineMs));
}

async function stopSandbox(cri: Cri, id: string, deadlineMs: number): Promise<void> {
  const request = cri.codec.encode('StopPodSandboxRequest', { podSandboxId: id });
  await unlessGone(call(cri, CRI_METHODS.stopPodSandbox, request, 'StopPodSandboxResponse', deadlineMs));
}

/** Event types newer than we know are left out: the stream is a hint, and what it hints at is listed again anyway. */
async function events(cri: Cri, onEvent: (event: RuntimeEvent) => void, signal: AbortSignal): Promise<void> {
  const request = cri.codec.encode('GetEventsRequest', {});
  const receive = (bytes: Buffer): void => {
    const message = cri.codec.decode('ContainerEventResponse', bytes);
    const type = EVENT_TYPES[message.containerEventType];
    if (type === undefined) return;
    const podUid = message.podSandboxStatus?.metadata?.uid ?? '';
    onEvent({ type, containerId: message.containerId, podUid, createdAtMs: millisOfNanos(message.createdAt) });
  };
  try {
    await cri.grpc.stream(CRI_METHODS.events, request, receive, signal);
  } catch (error) {
    if (!(error instanceof PortError) || error.kind !== 'unsupported') throw error;
    throw new PortError(
      'unsupported',
      `the runtime at ${cri.grpc.socket} has no event stream (containerd 1.7 or newer has; CRI-O with enable_pod_events)`,
      {
        cause: error,
      },
    );
  }
}

function sandboxOf(message: SandboxMessage): Sandbox {
  return {
    id: message.id,
    name: message.metadata?.name ?? '',
    namespace: message.metadata?.namespace ?? '',
    uid: message.metadata?.uid ?? '',
    ready: message.state === SANDBOX_READY,
    createdAtMs: millisOfNanos(message.createdAt),
    labels: message.labels,
    annotations: message.annotations,
  };
}

/** A container that no kubelet made has no such labels: its names are empty and match no pod. */
function containerOf(message: ContainerMessage): RuntimeContainer {
  return {
    id: message.id,
    sandboxId: message.podSandboxId,
    name: message.labels[LABEL_CONTAINER_NAME] ?? message.metadata?.name ?? '',
    podUid: message.labels[LABEL_POD_UID] ?? '',
    podName: message.labels[LABEL_POD_NAME] ?? '',
    podNamespace: message.labels[LABEL_POD_NAMESPACE] ?? '',
    state: CONTAINER_STATES[message.state] ?? 'unknown',
    createdAtMs: millisOfNanos(message.createdAt),
  };
}

async function call<K extends keyof Messages>(
  cri: Cri,
  path: string,
  request: Uint8Array,
  reply: K,
  deadlineMs: number,
): Promise<Messages[K]> {
  return cri.codec.decode(reply, await ask(cri, path, request, deadlineMs));
}

async function ask(cri: Cri, path: string, request: Uint8Array, deadlineMs: number): Promise<Buffer> {
  try {
    return await cri.grpc.unary(path, request, deadlineMs);
  } catch (error) {
    if (!(error instanceof PortError) || error.kind !== 'unsupported') throw error;
    throw new PortError(
      'unsupported',
      `the runtime at ${cri.grpc.socket} does not know ${path.slice(1)}: it is older than CRI v1 (containerd 1.6, CRI-O 1.23), or its CRI service is switched off`,
      { cause: error },
    );
  }
}

async function unlessGone<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof PortError && error.kind === 'not-found') return undefined;
    throw error;
  }
}
