/** What an agent is told once, when it is made. */
import type { ReachabilityPolicy } from '../core/api/reachability.ts';
import type { Millis } from '../core/model/model.ts';
import type { Limits } from '../core/select/limits.ts';
import type { SelectionPolicy } from '../core/select/select.ts';
import type { Where } from '../core/turn/observation.ts';
import type { Policy } from '../core/turn/policy.ts';

export interface AgentSettings {
  readonly where: Where;
  /** When this node booted, on the monotonic clock, thus before its zero; left out: not known. */
  readonly bootedAt?: Millis;
  /** Annotations that opt a pod in. */
  readonly optIn: readonly string[];
  readonly policy: Policy;
  readonly reachability: ReachabilityPolicy & { readonly deadlineMs: Millis };
  /** Numbers in [0, 1), for what all nodes of a site must not do at once; left out: 0. */
  readonly random?: () => number;
  readonly selection: SelectionPolicy;
  /** For people: the directory that the manifests' port stands for. */
  readonly staticPodPath: string;
  readonly maxAgeMs: Millis;
  /** Image of the agent itself; '' = none. */
  readonly agentImage: string;
  /** The kubelet learns the node's addresses only from the API server. */
  readonly literalHostIp?: boolean;
  readonly limits: Limits;
}
