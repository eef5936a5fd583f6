/** What the embedded runtime keeps and offers. Data and interfaces only. */
import type { ContainerState } from '../../core/model/model.ts';
import type { Clock } from '../../ports.ts';
import type { GrpcServer } from './grpc-server.ts';

export interface DemoSandboxConfig {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly attempt: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly hostNetwork: boolean;
}

export interface DemoContainerConfig {
  readonly name: string;
  readonly attempt: number;
  /** As the pod wrote it. */
  readonly image: string;
  /** As the kubelet resolved them; in no order. */
  readonly envs: readonly { readonly key: string; readonly value: string }[];
  readonly mounts: readonly { readonly containerPath: string; readonly hostPath: string; readonly readonly: boolean }[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** An init container: it exits 0 as soon as it has started. */
  readonly completes: boolean;
}

export interface DemoSandbox {
  readonly id: string;
  readonly config: DemoSandboxConfig;
  readonly createdAtMs: number;
  ready: boolean;
}

export interface DemoContainer {
  readonly id: string;
  readonly sandboxId: string;
  readonly config: DemoContainerConfig;
  readonly imageId: string;
  readonly createdAtMs: number;
  state: ContainerState;
  startedAtMs: number;
  finishedAtMs: number;
  exitCode: number;
  reason: string;
}

export interface DemoImage {
  readonly id: string;
  readonly repoTags: readonly string[];
  readonly repoDigests: readonly string[];
  /** The image's own environment, `NAME=value`. */
  readonly env: readonly string[];
}

/** Ends the effect of a running container. 0: at once. */
export type StopEffect = (graceSeconds: number) => void | Promise<void>;

/**
 * Gives a running container a real effect, a listening port for instance. A throw ends the container with code 1, as a
 * program does that cannot bind. `exit` lets the effect end the container by itself.
 */
export type ContainerEffect = (
  container: DemoContainer,
  sandbox: DemoSandbox,
  exit: (code: number) => void,
) => StopEffect | undefined | Promise<StopEffect | undefined>;

export interface DemoRuntimeOptions {
  readonly socket: string;
  readonly clock: Pick<Clock, 'wall'>;
  /** 0 to 1; settles the order of environments, which the kubelet leaves to chance. */
  readonly random: () => number;
  /** `1.6` has no event stream and no image_id field, as seen on containerd 1.6.20; default `2.4`. */
  readonly flavour?: '1.6' | '2.4';
  /** As it calls itself; default `containerd`. */
  readonly name?: string;
  readonly onContainerRunning?: ContainerEffect;
}

export interface DemoRuntime {
  /** The gRPC side alone: containers do not care whether it is up. */
  readonly server: GrpcServer;
  start(): Promise<void>;
  stop(): Promise<void>;

  addImage(image: { readonly reference: string; readonly digest?: string; readonly env?: readonly string[] }): DemoImage;
  removeImage(reference: string): void;
  findImage(reference: string): DemoImage | undefined;
  images(): readonly DemoImage[];

  runPodSandbox(config: DemoSandboxConfig): DemoSandbox;
  /** Throws for a sandbox that is not READY and for an image that is not there. */
  createContainer(sandboxId: string, config: DemoContainerConfig): DemoContainer;
  startContainer(id: string): void;
  /** A container that is gone or has exited is success. */
  stopContainer(id: string, graceSeconds: number): Promise<void>;
  /** The program ends by itself. */
  crash(id: string, exitCode: number): Promise<void>;
  stopPodSandbox(id: string, graceSeconds?: number): Promise<void>;
  removeContainer(id: string): Promise<void>;
  removePodSandbox(id: string): Promise<void>;
  /** Everything stops at once: sandboxes NOTREADY, containers EXITED 255, their records stay. The server stops too. */
  powerCut(): Promise<void>;

  sandboxes(): readonly DemoSandbox[];
  containers(): readonly DemoContainer[];
  /** Called after every change of state; returns the function that ends it. */
  onChange(listener: () => void): () => void;
}
