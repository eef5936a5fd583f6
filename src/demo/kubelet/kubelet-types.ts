/** What the kubelet stand-in needs and reports. Interfaces and a constant only. */
import type { RawPod } from '../../core/model/model.ts';
import type { Clock } from '../../ports.ts';
import type { GrpcServer } from '../runtime/grpc-server.ts';
import type { DemoRuntime } from '../runtime/runtime-types.ts';

/** What the kubelet asks of the API server. Every method throws while the API server does not answer. */
export interface KubeletApi {
  /** Pods bound to this node. */
  pods(): Promise<readonly RawPod[]>;
  /** The list of services; what API pods wait for before any of their containers is made. */
  services(): Promise<void>;
  data(kind: 'secret' | 'configmap', namespace: string, name: string): Promise<Readonly<Record<string, string | Uint8Array>>>;
  token(namespace: string, serviceAccount: string): Promise<string>;
  /** Address of the service `default/kubernetes`. */
  readonly serviceHost: string;
  readonly servicePort: string;
}

export interface PodReport {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly source: 'file' | 'api';
  readonly phase: 'Pending' | 'Running' | 'Failed';
  readonly ready: boolean;
  /** Why it is not running, as the kubelet words it: CreateContainerConfigError, CrashLoopBackOff, NodePorts, ... */
  readonly reason: string;
  readonly containers: readonly { readonly name: string; readonly id: string; readonly running: boolean; readonly restarts: number }[];
}

/** What the runtime takes: least and most, milliseconds. Never scaled, for a hand-back races against it. */
export interface RuntimeLatency {
  /** From the kubelet's attempt until the container is there. */
  readonly createMs: readonly [number, number];
  /** From then until its process runs. */
  readonly startMs: readonly [number, number];
}

/** As seen on containerd 1.6 and 2.4. */
export const CONTAINERD_LATENCY: RuntimeLatency = { createMs: [15, 55], startMs: [60, 145] };

export interface DemoKubeletOptions {
  readonly nodeName: string;
  /** The kubelet's --root-dir: `pods/` and `pod-resources/` lie in it. */
  readonly rootDir: string;
  readonly staticPodPath: string;
  readonly runtime: DemoRuntime;
  readonly api: KubeletApi;
  readonly clock: Clock;
  /** 0 to 1. */
  readonly random: () => number;
  /** Factor on every delay; default 1, as the real one. */
  readonly scale?: number;
  /** Default {@link CONTAINERD_LATENCY}. */
  readonly latency?: RuntimeLatency;
  /** After every change of a pod this kubelet runs. Static pods are reported too, as mirror pods would show them. */
  readonly onReport?: (report: PodReport) => void;
  readonly log?: (line: string) => void;
}

export interface DemoKubelet {
  /** A new kubelet process: it knows nothing of what the one before it knew. */
  start(): Promise<void>;
  /** The process dies; containers go on. */
  kill(): Promise<void>;
  readonly podResourcesSocket: string;
  /** The podresources server of this process, for faults; undefined while no process runs. */
  podResources(): GrpcServer | undefined;
  /** `namespace/name` of the pods this process lists on its podresources socket. */
  known(): readonly string[];
  /** Have all sources delivered once since the start of this process? */
  allReady(): boolean;
}

/** A pod as a source delivered it: named, with uid and the kubelet's own annotations. */
export interface SourcedPod {
  readonly source: 'file' | 'api';
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly pod: RawPod;
}

/** Shared by the parts of one kubelet process. */
export interface KubeletProcess {
  readonly options: DemoKubeletOptions;
  readonly signal: AbortSignal;
  servicesRead: boolean;
  /** A delay of the real kubelet, in the milliseconds that it takes here. */
  scaled(ms: number): number;
  /** Milliseconds as they are. Rejects when the signal aborts or the process dies. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Sleeps for a delay of the real kubelet, scaled. */
  wait(ms: number): Promise<void>;
  log(line: string): void;
}
