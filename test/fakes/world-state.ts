/** What a test may set on the node in memory, and read of it. Nothing happens here. */
import type { Agent } from '../../src/agent/agent.ts';
import type { MachineLook } from '../../src/core/kubelet/eviction.ts';
import type { PullPolicy } from '../../src/core/kubelet/kubelet-config.ts';
import type { FoundPullRecord } from '../../src/core/kubelet/pull-records.ts';
import type { PodWord } from '../../src/core/model/ended.ts';
import type { CapturedFile, PodName, ProbeOutcome, RawPod, RuntimeContainer, Sandbox } from '../../src/core/model/model.ts';
import type { Requested } from '../../src/core/room/requested.ts';
import type { KubeletLife } from '../../src/core/turn/observation.ts';
import type { NodeCapacity } from '../../src/ports/room.ts';
import type { LogFields, PodWatchView, Ports } from '../../src/ports.ts';
import type { FakeClock } from './clock.ts';
import type { FakeManifestDir } from './manifest-dir.ts';
import type { FakeStore } from './store.ts';

export interface World {
  readonly clock: FakeClock;
  readonly store: FakeStore;
  readonly manifests: FakeManifestDir;
  readonly ports: Ports;
  readonly agent: Agent;
  /** What the API server would answer; `pods` only while it is `ok`. */
  api: { outcome: ProbeOutcome; readonly pods: Map<string, RawPod>; healthy: boolean; denied?: PodWatchView['denied'] };
  /** undefined: the runtime does not answer. */
  runtime: { sandboxes: Sandbox[]; containers: RuntimeContainer[] } | undefined;
  /** undefined: the kubelet does not answer. */
  kubelet: PodName[] | undefined;
  /** What can be seen of the kubelet process. */
  life: KubeletLife;
  /** What its PodsAPI says, by uid; nothing set: it has none. */
  readonly podWords: Map<string, PodWord>;
  /** What can be read of the machine. */
  machine: MachineLook;
  /** How often that was asked for. */
  machineLooks: number;
  /** What is certain of the kubelet's version. */
  kubeletMinor: number | undefined;
  /** What the kubelet gives to pods; undefined: nobody knows. */
  capacity: NodeCapacity | undefined;
  /** What everything bound to this node asked for when it was last written, and how often that was. */
  requested: { stored: Requested | undefined; writes: number };
  readonly images: Set<string>;
  volumes: Record<string, { version: string; files: readonly CapturedFile[] }>;
  env: { name: string; value: string }[];
  /** The kubelet's attempts to create a container, by `<uid> <container>`; nothing set: nobody can tell. */
  readonly attempts: Map<string, readonly string[]>;
  /** When they were made, by the wall clock; nothing set: nobody can tell. */
  readonly attemptedAt: Map<string, readonly number[]>;
  /** When a container's process began, by the wall clock; nothing set: at 5. */
  readonly startedAt: Map<string, number>;
  runtimeName: string;
  /** The kubelet's pull records, by the runtime's id of the image; none: it keeps no records. */
  readonly pulls: Map<string, FoundPullRecord>;
  pullPolicy: PullPolicy;
  readonly stopped: string[];
  /** Process ids that the runtime tells, by container; those killed. */
  readonly pids: Map<string, number>;
  readonly killed: string[];
  /** Containers whose details were asked for, in order. */
  readonly details: string[];
  /** How often the close watch has asked the runtime. */
  looks: number;
  /** How often all containers were asked for, in the place of a turn. */
  glances: number;
  /** How containers ended, by id. */
  readonly exits: Map<string, { readonly exitCode: number; readonly reason: string }>;
  /** What the runtime says of the network of pods. */
  network: { ready: boolean; message: string };
  /** How long the runtime takes to stop a container, milliseconds. */
  stopTakesMs: number;
  /** How long the kubelet takes to answer, milliseconds. */
  kubeletTakesMs: number;
  readonly lines: { readonly level: string; readonly message: string; readonly fields: LogFields }[];
  readonly counts: Map<string, number>;
  /** The values of the metrics that are set as whole families. */
  readonly gauges: Map<string, readonly number[]>;
  /** The same with their labels. */
  readonly series: Map<string, Parameters<Ports['meter']['gauges']>[1]>;
  /** Tells the agent that something about the pods has changed. */
  podsChanged(): void;
  start(): void;
  stop(): Promise<void>;
}
