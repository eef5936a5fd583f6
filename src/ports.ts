/**
 * The outside world on one page. Adapters implement these interfaces, `agent/` uses them, `cli/` joins both.
 *
 * Every method that asks something may throw a {@link PortError}; `agent/observe.ts` turns it into an unknown fact.
 * No method decides anything. The ports of the Kubernetes API, the runtime, the kubelet's pods and volumes, the store
 * and the manifest directory have one contract suite each in `test/contracts/`, for stand-in and real thing alike.
 */
import type { Denial } from './core/api/denied.ts';
import type { OwnAddress } from './core/api/own-addresses.ts';
import type { MachineLook } from './core/kubelet/eviction.ts';
import type { PullPolicy } from './core/kubelet/kubelet-config.ts';
import type { FoundPullRecord } from './core/kubelet/pull-records.ts';
import type { NetworkWord } from './core/model/copy-stand.ts';
import type { PodWord } from './core/model/ended.ts';
import type { CapturedFile, Millis, PodName, Probe, RawPod, RuntimeView } from './core/model/model.ts';
import type { KubeletLife } from './core/turn/observation.ts';
import type { CleanerPod, DaemonSetView, NodeView } from './core/uninstall/uninstall.ts';
import type { ManifestDir, Store } from './ports/disk.ts';
import type { NodeResources } from './ports/room.ts';

export type { ManifestDir, Store } from './ports/disk.ts';

/**
 * - `unavailable`: nobody answers (socket missing, refused, closed, timed out)
 * - `unsupported`: the peer is there and does not know the method or the version
 * - `denied`: the peer refuses us
 * - `not-found`: the thing asked about does not exist
 * - `invalid`: the peer's answer makes no sense
 * - `too-large`: it is larger than we accept
 * - `failed`: anything else; the message says what
 */
export type PortErrorKind = 'unavailable' | 'unsupported' | 'denied' | 'not-found' | 'invalid' | 'too-large' | 'failed';

export class PortError extends Error {
  readonly kind: PortErrorKind;
  constructor(kind: PortErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'PortError';
    this.kind = kind;
  }
}

export interface Clock {
  /** Monotonic, milliseconds since this process started. All durations come from it. */
  now(): Millis;
  /** Wall clock, milliseconds since 1970. For people and for comparing with other machines' stamps only. */
  wall(): number;
  sleep(ms: Millis, signal?: AbortSignal): Promise<void>;
}

// ---- Kubernetes API -----------------------------------------------------------------------------

export interface PodWatchView {
  /** A complete list was read by this process, and every event since has been applied. */
  readonly synced: boolean;
  /** The watch is open and has shown life (event, bookmark, PING answered) within the last 75 s. */
  readonly healthy: boolean;
  /** Last moment an authenticated request of ours succeeded. */
  readonly lastSuccess?: Millis;
  /** Last moment anything answered as an API server does, 401 included. */
  readonly lastAnswer?: Millis;
  /** The last answer that said yes or no to us was this no; it stays until a request succeeds. */
  readonly denied?: Denial;
  /** How often a list older than the ones before was believed at last: the server's storage was restored. */
  readonly regressions?: number;
  /** This node's pods by uid, raw JSON as the server sent it. Valid only while synced. */
  readonly pods: ReadonlyMap<string, RawPod>;
}

/** This node's pods: list once, then watch; never throws: failures show in the view and in the counters. */
export interface PodWatch {
  /** Starts; `wake` is called after every change of the view. */
  start(wake: () => void): void;
  view(): PodWatchView;
  /** The server is known to be back: do not wait for the rest of the back-off. */
  retryNow(): void;
  stop(): Promise<void>;
}

export interface ApiProbe {
  /**
   * One probe of every endpoint at once, each on a fresh connection, each with the deadline. Never throws. An address
   * that was only learnt is not waited for, nor told, once all others are done and one has answered.
   */
  probe(deadlineMs: Millis): Promise<readonly Probe[]>;
}

/** API servers' own addresses, as they told them, kept on the disk. Both methods throw PortError `failed`. */
export interface AddressMemory {
  /** Empty where there are none, or where what is stored cannot be used. */
  read(): Promise<readonly OwnAddress[]>;
  write(addresses: readonly OwnAddress[]): Promise<void>;
}

export interface ApiReader {
  /**
   * One consistent read (no resourceVersion) of a pod by name. `undefined`: the server, authenticated, says that there
   * is none. Throws PortError: denied (401, 403), unavailable, invalid, failed.
   */
  readPod(name: PodName, deadlineMs: Millis): Promise<RawPod | undefined>;
  /** Identity of the cluster: sha256 over the CA bundle's certificates, known without a request. */
  clusterFingerprint(): string;
  /** sha256 of each of these certificates, sorted, as the bundle was when it was last read. */
  clusterCas(): readonly string[];
}

/**
 * The objects of an uninstall, all in one namespace. Every method throws PortError: denied (401, 403), unavailable,
 * invalid, failed. "There is none" is said only when the API server itself says so of that very object.
 */
export interface UninstallApi {
  daemonSet(name: string): Promise<DaemonSetView | undefined>;
  /** Its pods go after it. Fine as well where it is gone, or another one of that name has come since. */
  deleteDaemonSet(name: string, uid: string): Promise<void>;
  /** Pods of this DaemonSet. */
  cleanerPods(name: string): Promise<readonly CleanerPod[]>;
  nodes(): Promise<readonly NodeView[]>;
  /** Ties account, rights and configuration of the cleaners to their DaemonSet: they are collected when it goes. */
  tieToCleaners(name: string, uid: string): Promise<void>;
  /** Removes them where there is no such DaemonSet any more. */
  removeBelongings(name: string): Promise<void>;
}

export interface ApiRequestObserver {
  request(verb: string, code: string): void;
  watchRestart(cause: string): void;
  probe(outcome: string): void;
}

// ---- container runtime (CRI v1) -----------------------------------------------------------------

export interface RuntimeVersion {
  readonly runtimeName: string;
  readonly runtimeVersion: string;
  readonly runtimeApiVersion: string;
}

export interface ContainerDetails {
  readonly id: string;
  readonly name: string;
  /** Reference as the pod gave it. */
  readonly image: string;
  /** `repo@sha256:…` where the runtime knows one, else the bare image id; may be empty. */
  readonly imageRef: string;
  readonly imageId: string;
  /** Environment as the kubelet resolved it, without the image's own; sorted by name. Secret: never log it. */
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly mounts: readonly { readonly containerPath: string; readonly hostPath: string; readonly readonly: boolean }[];
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly exitCode: number;
  /** The runtime's word for how it ended, such as OOMKilled; empty while it runs. */
  readonly reason: string;
  /** Its first process, in the runtime's pid namespace; absent where the runtime does not tell, or it does not run. */
  readonly pid?: number;
}

export interface RuntimeEvent {
  readonly type: 'created' | 'started' | 'stopped' | 'deleted';
  readonly containerId: string;
  readonly podUid: string;
  readonly createdAtMs: number;
}

export interface ContainerRuntime {
  version(): Promise<RuntimeVersion>;
  /** Sandboxes and containers of the whole node, both calls within one deadline: both succeed or it throws. */
  view(deadlineMs: Millis): Promise<RuntimeView>;
  /** Its condition NetworkReady: may pods get an address of their own? */
  network(deadlineMs: Millis): Promise<NetworkWord>;
  /** Containers of these pods only, by uid, in one call: a millisecond or two, for the close watch in a hand-back. */
  containersOf(podUids: readonly string[], deadlineMs: Millis): Promise<RuntimeView['containers']>;
  /** Containers of the whole node. What has not changed is the same object, and the list while all of it is. */
  containers(deadlineMs: Millis): Promise<RuntimeView['containers']>;
  /** Verbose status of a container. Throws not-found when the runtime no longer has it. */
  containerDetails(id: string, deadlineMs: Millis): Promise<ContainerDetails>;
  /** Is this reference resolvable locally? The image's id, or undefined. */
  imageId(reference: string, deadlineMs: Millis): Promise<string | undefined>;
  /** Ids, tags and digests of all images, as the runtime writes them: others may be resolvable all the same. */
  imageNames(deadlineMs: Millis): Promise<ReadonlySet<string>>;
  /** Where the file system of its images is mounted, in the runtime's own view. */
  imageFs(deadlineMs: Millis): Promise<string>;
  /** SIGTERM, then SIGKILL after the grace; 0 kills at once. A container already gone is success. */
  stopContainer(id: string, graceSeconds: number, deadlineMs: Millis): Promise<void>;
  stopSandbox(id: string, deadlineMs: Millis): Promise<void>;
  /**
   * Event stream as a wake-up hint; truth is always listed again. Resolves when the stream ends or `signal` aborts;
   * throws unsupported where the runtime has none, unavailable when it cannot be reached.
   */
  events(onEvent: (event: RuntimeEvent) => void, signal: AbortSignal): Promise<void>;
  close(): void;
}

// ---- kubelet ------------------------------------------------------------------------------------

export interface KubeletPods {
  /**
   * podresources v1 `List`: the pods this kubelet process knows, without uids. Rejected and finished ones are among
   * them before 1.34 only. The same list while nothing of it changes.
   */
  list(deadlineMs: Millis): Promise<readonly PodName[]>;
  close(): void;
}

export interface KubeletProcess {
  /** What can be seen of its life; what cannot is left out. Never throws. */
  look(deadlineMs: Millis): Promise<KubeletLife>;
  /** What its PodsAPI says of one pod; undefined: there is none, it says nothing yet, or fails. Never throws. */
  podWord(podUid: string, deadlineMs: Millis): Promise<PodWord | undefined>;
  close(): void;
}

export interface Machine {
  /** Memory, disks and the thresholds below which the kubelet evicts. Reads only; each part may fail. Never throws. */
  look(deadlineMs: Millis): Promise<MachineLook>;
}

export interface KubeletVersion {
  /**
   * The least minor version that the kubelet of this node certainly has; undefined: nothing is known. Throws
   * unavailable when it can only be told while the kubelet runs, and it does not.
   */
  atLeast(): Promise<number | undefined>;
}

export type VolumePlugin = 'secret' | 'configmap' | 'projected' | 'downward-api';

/** Read-only view of `<kubeletRootDir>/pods/<uid>/volumes/kubernetes.io~<plugin>/<volume>`. */
export interface KubeletVolumes {
  /**
   * All files of a secret, configMap, projected or downwardAPI volume, of one consistent version, sorted by path.
   * Throws not-found (no such volume), too-large (than maxBytes), invalid (an odd tree), denied, failed.
   */
  read(podUid: string, plugin: VolumePlugin, volume: string, maxBytes: number): Promise<readonly CapturedFile[]>;
  /** Changes when, and only when, the kubelet has written a new version; cheap. undefined: no such volume. */
  version(podUid: string, plugin: VolumePlugin, volume: string): Promise<string | undefined>;
}

/** Containers that the kubelet is about to have made. */
export interface ContainerAttempts {
  /**
   * One name for each attempt of the kubelet to create this container, the newest before the runtime has it: by 10 to
   * 110 ms on containerd, by 1.5 to 2 s on CRI-O. Empty where there was none, undefined where nobody can tell.
   * Synchronous, so that it never waits behind an fsync. A list that was given never changes. Never throws.
   */
  of(podUid: string, container: string): readonly string[] | undefined;
  /** When each was made, milliseconds since 1970, in no order; undefined where nobody can tell. Never throws. */
  madeAt(podUid: string, container: string): readonly number[] | undefined;
}

/** The kubelet's own records of its image pulls (kubelet >= 1.35), and what it makes of them. Only read. */
export interface PullRecords {
  /** By the runtime's id of the image. Throws PortError: denied, invalid (the kubelet would not read it), failed. */
  find(imageId: string): Promise<FoundPullRecord>;
  /** As the kubelet's configuration file says, else its default. Throws PortError: denied, invalid, failed. */
  policy(): Promise<PullPolicy>;
}

// ---- the node -----------------------------------------------------------------------------------

/** Processes of this node, as far as our own pid namespace shows them. */
export interface Processes {
  /**
   * SIGKILL to a container's first process. True: sent. False: this pid is no process of that container (its control
   * group does not name it), or is none of ours to see or to kill. Never throws.
   */
  kill(pid: number, containerId: string): boolean;
}

export interface HostLock {
  /** Blocks no one: true when this process now holds the lock, or did already. Dies with the process. */
  tryAcquire(): Promise<boolean>;
  held(): boolean;
}

// ---- reports ------------------------------------------------------------------------------------

export type LogFields = Readonly<Record<string, unknown>>;
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** Counters, gauges and histograms by their full names; `telemetry/metrics-list.ts` has the one list of them. */
export interface Meter {
  count(name: string, labels?: Readonly<Record<string, string>>, by?: number): void;
  /** Sets a gauge. */
  gauge(name: string, value: number, labels?: Readonly<Record<string, string>>): void;
  /** Replaces every series of a gauge at once, so that none of a thing that is gone remains. */
  gauges(name: string, series: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[]): void;
  /** Adds one observation to a histogram; seconds. */
  observe(name: string, value: number, labels?: Readonly<Record<string, string>>): void;
}

/** The outside world of the agent, whole. */
export interface Ports {
  readonly clock: Clock;
  readonly watch: PodWatch;
  readonly probe: ApiProbe;
  readonly reader: ApiReader;
  readonly runtime: ContainerRuntime;
  readonly kubelet: KubeletPods;
  readonly kubeletProcess: KubeletProcess;
  readonly kubeletVersion: KubeletVersion;
  readonly machine: Machine;
  readonly volumes: KubeletVolumes;
  readonly attempts: ContainerAttempts;
  readonly pulls: PullRecords;
  readonly store: Store;
  readonly manifests: ManifestDir;
  readonly resources: NodeResources;
  readonly lock: HostLock;
  readonly processes: Processes;
  readonly log: Log;
  readonly meter: Meter;
}
