/** What one kubelet process has shown of a parent. Data only; `core/turn/stay.ts` moves it on. */
import type { Millis } from './model.ts';

/** In memory only: a restarted agent learns some of it anew from the runtime's sandboxes. */
export interface Stay {
  /** The process, by when it started: milliseconds since 1970. */
  readonly by: Millis;
  /** `namespace/name`, as it listed the parent last; empty: it never did. */
  readonly names: readonly string[];
  /** The pods that counted as the parent then. */
  readonly uids: readonly string[];
  /** Since when it lists none of them any more. */
  readonly endedAt?: Millis;
  /** The API server's last word on them; `finished`: at an end, with no deletion before it. */
  readonly api?: 'alive' | 'deleted' | 'finished';
  /** The kubelet's own word on them. */
  readonly fate?: 'ended' | 'deleted';
  /** Since when no healthy watch tells of them. */
  readonly unwatchedSince?: Millis;
}
