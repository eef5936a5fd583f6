/** What one turn saw. */
import type { ReachabilityState } from '../api/reachability.ts';
import type { CheckpointKey, ManifestFile, Millis, RawPod, RuntimeView, Seen } from '../model/model.ts';

/** What of the observation is local truth. */
export interface LocalTruth {
  readonly runtime: Seen<RuntimeView>;
  /** `namespace/name` of every pod the kubelet process knows. */
  readonly kubelet: Seen<ReadonlySet<string>>;
}

/** Everything one tick saw. Made by `agent/observe.ts`; a source that failed is an unknown, never an empty list. */
export interface Observation extends LocalTruth {
  readonly now: Millis;
  /** Milliseconds since 1970. */
  readonly wall: number;
  readonly api: ReachabilityState;
  readonly watch: {
    readonly synced: boolean;
    readonly healthy: boolean;
    readonly pods: ReadonlyMap<string, RawPod>;
    /** How often the server's memory went back in time under this process. */
    readonly regressions?: number;
  };
  readonly manifests: Seen<readonly ManifestFile[]>;
  /** Is this image reference present? Asked only where a decision waits for it. */
  readonly images: ReadonlyMap<string, Seen<boolean>>;
  /** Consistent reads of parents that the watch shows to be leaving, by key, from this tick. */
  readonly reads: ReadonlyMap<string, Seen<RawPod | undefined>>;
  /** Copies that the close watch has begun to withdraw and the ledger does not show yet, with the uid of the pod they make way for. */
  readonly begun: ReadonlyMap<CheckpointKey, string>;
  readonly where: Where;
  /** Annotations that opt a pod in when they are "true". */
  readonly optIn: readonly string[];
}

/** What a checkpoint is bound to. */
export interface Where {
  readonly node: string;
  readonly machineId: string;
  readonly cluster: string;
  readonly bootId: string;
}
