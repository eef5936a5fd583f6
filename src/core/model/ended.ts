/** That this very kubelet process ended a parent without a deletion: the words for it. Data only. */

/** Why its copy does not start yet. */
export type KeptDown =
  /** The node is short of what the kubelet evicts pods for. */
  | 'node-under-pressure'
  /** The node is not, or that is not known; a while must pass. */
  | 'parent-ended';

/** The kubelet's own word on one pod, by its PodsAPI; `none`: it has no such pod. */
export type PodWord = 'none' | { readonly deleting: boolean; readonly phase: string; readonly reason: string };
