/**
 * The part of CRI v1 and podresources v1 that we speak: field numbers and types, and nothing else.
 *
 * Written by hand from `cri-api/pkg/apis/runtime/v1/api.proto` and `kubelet/pkg/apis/podresources/v1/api.proto`; the
 * numbers are the same in every supported release. Fields not named here are skipped by the decoder. Enums are declared
 * as int32, so a value newer than this list arrives as a number instead of failing the whole reply.
 * int64 comes in two halves, and is written as a decimal text: nanoseconds since 1970 do not fit a JavaScript number.
 * What was decoded is handed out as it is: with hundreds of pods, a second object of each costs more than all else.
 */
import protobuf from 'protobufjs/light.js';
import { PortError } from '../../ports.ts';

type Labels = Readonly<Record<string, string>>;

/** A decimal text where we write it, two halves where it was read. */
export type Int64 = string | { readonly low: number; readonly high: number };

export interface ImageSpecMessage {
  readonly image: string;
  readonly userSpecifiedImage: string;
}
export interface SandboxMessage {
  readonly id: string;
  readonly metadata: { readonly name: string; readonly uid: string; readonly namespace: string; readonly attempt: number } | null;
  readonly state: number;
  readonly createdAt: Int64;
  readonly labels: Labels;
  readonly annotations: Labels;
}
export interface ContainerMessage {
  readonly id: string;
  readonly podSandboxId: string;
  readonly metadata: { readonly name: string; readonly attempt: number } | null;
  readonly image: ImageSpecMessage | null;
  readonly imageRef: string;
  readonly state: number;
  readonly createdAt: Int64;
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly imageId: string;
}
export interface ConditionMessage {
  readonly type: string;
  readonly status: boolean;
  readonly reason: string;
  readonly message: string;
}
export interface MountMessage {
  readonly containerPath: string;
  readonly hostPath: string;
  readonly readonly: boolean;
}
export interface ContainerStatusMessage {
  readonly id: string;
  readonly metadata: { readonly name: string; readonly attempt: number } | null;
  readonly state: number;
  readonly createdAt: Int64;
  readonly startedAt: Int64;
  readonly finishedAt: Int64;
  readonly exitCode: number;
  readonly image: ImageSpecMessage | null;
  readonly imageRef: string;
  readonly reason: string;
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly mounts: readonly MountMessage[];
  readonly imageId: string;
}
export interface ImageMessage {
  readonly id: string;
  readonly repoTags: readonly string[];
  readonly repoDigests: readonly string[];
}

/**
 * Every message by name, as decoded: absent strings are '', absent numbers 0, absent messages null. What is absent is
 * inherited, no field of the object itself.
 */
export interface Messages {
  VersionRequest: { readonly version: string };
  VersionResponse: {
    readonly version: string;
    readonly runtimeName: string;
    readonly runtimeVersion: string;
    readonly runtimeApiVersion: string;
  };
  StatusRequest: { readonly verbose: boolean };
  StatusResponse: { readonly status: { readonly conditions: readonly ConditionMessage[] } | null };
  Sandbox: SandboxMessage;
  Container: ContainerMessage;
  PodResources: PodResourcesMessage;
  ListPodSandboxRequest: Record<never, never>;
  ListPodSandboxResponse: { readonly items: readonly SandboxMessage[] };
  ListContainersRequest: { readonly filter: { readonly id: string; readonly podSandboxId: string; readonly labelSelector: Labels } | null };
  ListContainersResponse: { readonly containers: readonly ContainerMessage[] };
  ContainerStatusRequest: { readonly containerId: string; readonly verbose: boolean };
  ContainerStatusResponse: { readonly status: ContainerStatusMessage | null; readonly info: Labels };
  ImageStatusRequest: { readonly image: ImageSpecMessage | null };
  ImageStatusResponse: { readonly image: ImageMessage | null };
  ListImagesRequest: Record<never, never>;
  ListImagesResponse: { readonly images: readonly ImageMessage[] };
  StopContainerRequest: { readonly containerId: string; readonly timeout: Int64 };
  StopContainerResponse: Record<never, never>;
  StopPodSandboxRequest: { readonly podSandboxId: string };
  StopPodSandboxResponse: Record<never, never>;
  GetEventsRequest: Record<never, never>;
  ContainerEventResponse: {
    readonly containerId: string;
    readonly containerEventType: number;
    readonly createdAt: Int64;
    readonly podSandboxStatus: SandboxMessage | null;
  };
  ListPodResourcesRequest: Record<never, never>;
  GetPodRequest: { readonly podUID: string };
  ListPodResourcesResponse: { readonly podResources: readonly PodResourcesMessage[] };
  GetPodResponse: { readonly pod: Uint8Array };
  Pod: PodMessage;
  ImageFsInfoRequest: Record<never, never>;
  ImageFsInfoResponse: { readonly imageFilesystems: readonly { readonly fsId: { readonly mountpoint: string } | null }[] };
}
/** Of `k8s.io.api.core.v1.Pod` only what tells how it ended. */
export interface PodMessage {
  readonly metadata: { readonly deletionTimestamp: { readonly seconds: string } | null } | null;
  readonly status: { readonly phase: string; readonly reason: string } | null;
}
export interface PodResourcesMessage {
  readonly name: string;
  readonly namespace: string;
  readonly containers: readonly { readonly name: string }[];
}

const one = (type: string, id: number): protobuf.IField => ({ type, id });
const many = (type: string, id: number): protobuf.IField => ({ type, id, rule: 'repeated' });
const labels = (id: number): protobuf.IMapField => ({ keyType: 'string', type: 'string', id });

const SCHEMA: Readonly<Record<string, Record<string, protobuf.IField | protobuf.IMapField>>> = {
  VersionRequest: { version: one('string', 1) },
  VersionResponse: {
    version: one('string', 1),
    runtimeName: one('string', 2),
    runtimeVersion: one('string', 3),
    runtimeApiVersion: one('string', 4),
  },
  SandboxMetadata: { name: one('string', 1), uid: one('string', 2), namespace: one('string', 3), attempt: one('uint32', 4) },
  ContainerMetadata: { name: one('string', 1), attempt: one('uint32', 2) },
  ImageSpec: { image: one('string', 1), userSpecifiedImage: one('string', 18) },
  StatusRequest: { verbose: one('bool', 1) },
  StatusResponse: { status: one('RuntimeStatus', 1) },
  RuntimeStatus: { conditions: many('RuntimeCondition', 1) },
  RuntimeCondition: { type: one('string', 1), status: one('bool', 2), reason: one('string', 3), message: one('string', 4) },
  ListPodSandboxRequest: {},
  ListPodSandboxResponse: { items: many('Sandbox', 1) },
  Sandbox: {
    id: one('string', 1),
    metadata: one('SandboxMetadata', 2),
    state: one('int32', 3),
    createdAt: one('int64', 4),
    labels: labels(5),
    annotations: labels(6),
  },
  ContainerFilter: { id: one('string', 1), podSandboxId: one('string', 3), labelSelector: labels(4) },
  ListContainersRequest: { filter: one('ContainerFilter', 1) },
  ListContainersResponse: { containers: many('Container', 1) },
  Container: {
    id: one('string', 1),
    podSandboxId: one('string', 2),
    metadata: one('ContainerMetadata', 3),
    image: one('ImageSpec', 4),
    imageRef: one('string', 5),
    state: one('int32', 6),
    createdAt: one('int64', 7),
    labels: labels(8),
    annotations: labels(9),
    imageId: one('string', 10),
  },
  ContainerStatusRequest: { containerId: one('string', 1), verbose: one('bool', 2) },
  ContainerStatusResponse: { status: one('ContainerStatus', 1), info: labels(2) },
  ContainerStatus: {
    id: one('string', 1),
    metadata: one('ContainerMetadata', 2),
    state: one('int32', 3),
    createdAt: one('int64', 4),
    startedAt: one('int64', 5),
    finishedAt: one('int64', 6),
    exitCode: one('int32', 7),
    image: one('ImageSpec', 8),
    imageRef: one('string', 9),
    reason: one('string', 10),
    labels: labels(12),
    annotations: labels(13),
    mounts: many('Mount', 14),
    imageId: one('string', 17),
  },
  Mount: { containerPath: one('string', 1), hostPath: one('string', 2), readonly: one('bool', 3) },
  ImageStatusRequest: { image: one('ImageSpec', 1) },
  ImageStatusResponse: { image: one('Image', 1) },
  ListImagesRequest: {},
  ListImagesResponse: { images: many('Image', 1) },
  Image: { id: one('string', 1), repoTags: many('string', 2), repoDigests: many('string', 3) },
  StopContainerRequest: { containerId: one('string', 1), timeout: one('int64', 2) },
  StopContainerResponse: {},
  StopPodSandboxRequest: { podSandboxId: one('string', 1) },
  StopPodSandboxResponse: {},
  GetEventsRequest: {},
  // PodSandboxStatus: the first four numbers are those of PodSandbox; its labels lie elsewhere and are not read.
  SandboxStatus: {
    id: one('string', 1),
    metadata: one('SandboxMetadata', 2),
    state: one('int32', 3),
    createdAt: one('int64', 4),
    labels: labels(7),
    annotations: labels(8),
  },
  ContainerEventResponse: {
    containerId: one('string', 1),
    containerEventType: one('int32', 2),
    createdAt: one('int64', 3),
    podSandboxStatus: one('SandboxStatus', 4),
  },
  ListPodResourcesRequest: {},
  GetPodRequest: { podUID: one('string', 1) },
  ListPodResourcesResponse: { podResources: many('PodResources', 1) },
  PodResources: { name: one('string', 1), namespace: one('string', 2), containers: many('ContainerResources', 3) },
  ContainerResources: { name: one('string', 1) },
  GetPodResponse: { pod: one('bytes', 1) },
  Pod: { metadata: one('PodMetadata', 1), status: one('PodStatus', 3) },
  PodMetadata: { deletionTimestamp: one('Time', 9) },
  Time: { seconds: one('int64', 1) },
  PodStatus: { phase: one('string', 1), reason: one('string', 4) },
  ImageFsInfoRequest: {},
  ImageFsInfoResponse: { imageFilesystems: many('FilesystemUsage', 1) },
  FilesystemUsage: { fsId: one('FilesystemIdentifier', 2) },
  FilesystemIdentifier: { mountpoint: one('string', 1) },
};

/** Any part of a message may be left out when it is written. */
type Draft<T> = T extends readonly (infer U)[]
  ? readonly Draft<U>[]
  : T extends object
    ? { readonly [K in keyof T]?: Draft<T[K]> | null }
    : T;

export interface Codec {
  encode<K extends keyof Messages>(name: K, message: Draft<Messages[K]>): Uint8Array;
  /** Throws PortError invalid for bytes that are no such message. */
  decode<K extends keyof Messages>(name: K, bytes: Uint8Array): Messages[K];
}

export function createCodec(): Codec {
  const nested = Object.fromEntries(Object.entries(SCHEMA).map(([name, fields]) => [name, { fields }]));
  const root = protobuf.Root.fromJSON({ nested });
  return {
    encode: (name, message) => {
      const type = root.lookupType(name);
      return type.encode(type.fromObject(message as Record<string, unknown>)).finish();
    },
    decode: <K extends keyof Messages>(name: K, bytes: Uint8Array) => {
      const type = root.lookupType(name);
      try {
        return type.decode(bytes) as unknown as Messages[K];
      } catch {
        // Without the decoder's own words: they may quote the content.
        throw new PortError('invalid', `the reply is no ${name}`);
      }
    },
  };
}

/** Nanoseconds → milliseconds, exactly. Times before 1970 (Go's zero time) become 0: "not yet". */
export function millisOfNanos(nanos: Int64): number {
  const ms = typeof nanos === 'string' ? Number(BigInt(nanos) / 1_000_000n) : millisOfHalves(nanos.low, nanos.high);
  return ms > 0 ? ms : 0;
}

/** 2^32 nanoseconds are 4294 milliseconds and 967296 nanoseconds. */
function millisOfHalves(low: number, high: number): number {
  return high * 4294 + Math.floor((high * 967_296 + (low >>> 0)) / 1_000_000);
}

export function nanosOfMillis(ms: number): string {
  return String(BigInt(Math.round(ms)) * 1_000_000n);
}
