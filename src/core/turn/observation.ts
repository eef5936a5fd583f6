/** What did one turn see, and from which source? Nothing is judged here. */
import type { ReachabilityState } from '../api/reachability.ts';
import type { ContainerExit, NetworkWord } from '../model/copy-stand.ts';
import type { PodWord } from '../model/ended.ts';
import type { CheckpointKey, ManifestFile, Millis, RawPod, RuntimeView, Seen } from '../model/model.ts';
import type { NodeRoom } from '../room/reserve.ts';

/** What can be asked without an API server: the node's own word. */
export interface LocalTruth {
  readonly runtime: Seen<RuntimeView>;
  /** `namespace/name` of every pod the kubelet process knows. */
  readonly kubelet: Seen<ReadonlySet<string>>;
}

/** What the kubelet process shows of its own life. */
export interface KubeletLife {
  /** Since when this process serves, milliseconds since 1970; left out: it cannot be told. */
  readonly startedAt?: Millis;
  /** Has this process ever reached an API server? Left out: it does not say (older than 1.37), or does not answer. */
  readonly reachedApi?: boolean;
}

/** Everything one turn saw. Made by `agent/observe.ts`; a source that failed is an unknown, never an empty list. */
export interface Observation extends LocalTruth {
  /** When this turn began, on the monotonic clock. */
  readonly now: Millis;
  /** One sentence where the API server and the runtime contradict each other; what the runtime told is then unknown. */
  readonly contradiction?: string;
  /** Milliseconds since 1970. */
  readonly wall: number;
  readonly api: ReachabilityState;
  /** The API server's watch of this node's pods; `pods` by uid. */
  readonly watch: {
    readonly synced: boolean;
    readonly healthy: boolean;
    readonly pods: ReadonlyMap<string, RawPod>;
    /** Last moment at which a request or a line of the watch showed a server. */
    readonly lastAnswer?: Millis;
    /** How often the server's memory went back in time under this process. */
    readonly regressions?: number;
  };
  /** The kubelet was not asked in this turn: that it tells nothing is no silence. */
  readonly unasked?: true;
  readonly life: KubeletLife;
  /** Every file in staticPodPath. */
  readonly manifests: Seen<readonly ManifestFile[]>;
  /** Is this image reference present? Asked only where a decision waits for it. */
  readonly images: ReadonlyMap<string, Seen<boolean>>;
  /** How containers of copies ended, by id, as far as they were asked about. */
  readonly exits?: ReadonlyMap<string, Seen<ContainerExit>>;
  /** Asked only while a copy does not start. */
  readonly network?: Seen<NetworkWord>;
  /**
   * This turn's consistent reads of parents that the watch shows to be leaving, by key. A value of undefined: there is
   * no such pod.
   */
  readonly reads: ReadonlyMap<string, Seen<RawPod | undefined>>;
  /** The kubelet's own word on each pod of a parent that it may have ended, by key; undefined: it does not say. */
  readonly fates?: ReadonlyMap<CheckpointKey, readonly (PodWord | undefined)[]>;
  /** What the node is short of by the kubelet's thresholds, in words. Left out: nobody asked. */
  readonly short?: Seen<readonly string[]>;
  /**
   * Copies that the close watch has begun to withdraw and the ledger does not show yet, with the uid of the pod that
   * they make way for.
   */
  readonly begun: ReadonlyMap<CheckpointKey, string>;
  readonly where: Where;
  /** Annotations that opt a pod in when they are "true". */
  readonly optIn: readonly string[];
  /** Namespaces in which they count, `*` for all. Left out: all. */
  readonly namespaces?: readonly string[];
  /** What the node has for copies. Left out: not known, so that they reserve nothing. */
  readonly room?: NodeRoom;
}

/** What a checkpoint and the memory of a hand-back are bound to: this node, this cluster, this boot. */
export interface Where {
  readonly node: string;
  readonly machineId: string;
  /** One digest over the CA certificates, as records have it. */
  readonly cluster: string;
  /** sha256 of each CA certificate of the cluster, sorted. */
  readonly cas?: readonly string[];
  readonly bootId: string;
}
