/** What `plan` asks of `apply`: a closed set of acts, each carrying all that is needed to carry it out. Data only. */
import type { Dismissal } from './dismissal.ts';
import type { CheckpointKey, HandBackMemory, Placed, Reason } from './model.ts';

export type Action =
  /**
   * Put the manifest of this revision into staticPodPath. `expect`: digest of our own file that may be replaced;
   * `stopOrphans`: the parent's dead sandboxes, stopped first.
   */
  | {
      readonly do: 'place';
      readonly placed: Placed;
      readonly manifest: string;
      readonly expect: string | undefined;
      readonly stopOrphans: readonly string[];
    }
  /** Remove our manifest and stop the copy's containers (seconds of grace), both at once. */
  | {
      readonly do: 'withdraw';
      readonly placed: Placed;
      readonly digest: string;
      /** What was last seen there is not ours: that it cannot be removed is no failure. */
      readonly replaced?: true;
      readonly stop: readonly string[];
      readonly graceSeconds: number;
    }
  /** The kubelet never cleaned up: stop what is left of the copy through CRI. */
  | { readonly do: 'stop-copy'; readonly key: CheckpointKey; readonly sandboxes: readonly string[] }
  /** The copy is gone: forget that it was placed. */
  | { readonly do: 'forget-copy'; readonly key: CheckpointKey }
  | { readonly do: 'remember'; readonly memory: HandBackMemory }
  /** Write down that no copy is wanted; undefined: that one is wanted again. */
  | { readonly do: 'dismiss'; readonly key: CheckpointKey; readonly dismissal: Dismissal | undefined }
  /** Remove the stored checkpoint; only after CRI shows nothing that mounts it. */
  | { readonly do: 'remove-checkpoint'; readonly key: CheckpointKey; readonly reason: Reason };

export type Withdrawal = Extract<Action, { do: 'withdraw' }>;
