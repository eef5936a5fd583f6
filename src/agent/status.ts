/** What other parts of the process may ask of a running agent. */
import type { Millis } from '../core/model/model.ts';
import type { FailedTakeover } from '../core/self/takeover.ts';
import type { ImageWarning } from './capture/images.ts';
import type { ToldHindrance } from './report/hindrance-news.ts';

/** What other parts of the process may ask of a running agent. */
export interface AgentStatus {
  /** Monotonic time of the end of the last turn. */
  readonly lastTurn: Millis | undefined;
  readonly lockHeld: boolean;
  /** One sentence while the agent goes without the credentials that it should have. */
  readonly lacking?: string | undefined;
  /** Every source has answered once, or is known to be down. */
  readonly sourcesSettled: boolean;
  readonly checkpoints: readonly { readonly key: string; readonly state: string; readonly reason: string; readonly sinceWall: number }[];
  readonly refused: readonly {
    readonly namespace: string;
    readonly name: string;
    readonly reasons: readonly { readonly code: string; readonly message: string }[];
  }[];
  /** Checkpoints whose copies would not get their images. */
  readonly warnings: readonly ImageWarning[];
  /** Copies that would not start in an outage, or that are kept down; an older agent does not tell. */
  readonly hindrances?: readonly ToldHindrance[];
  /** One sentence each: `denied` where it answers and refuses us, `tls` where TLS keeps us from it. */
  readonly api: {
    readonly state: string;
    readonly evidence: string;
    readonly denied?: string | undefined;
    readonly tls?: string | undefined;
  };
  /** Why the DaemonSet's pod does not take over from this standby. */
  readonly takeover?: FailedTakeover | undefined;
  /** One sentence while the container runtime and the API server contradict each other. */
  readonly contradiction?: string | undefined;
  /** One sentence while the kubelet does not start what lies in staticPodPath. */
  readonly staticPodsUnread?: string | undefined;
  /** One sentence while checkpoints of another node or another cluster are stored here. */
  readonly strangers?: string | undefined;
  /** One sentence while there may be more pods than the kubelet takes. */
  readonly podsTooMany?: string | undefined;
}
