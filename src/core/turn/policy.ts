/** What is a turn's look measured against? Graces, limits, deadlines, and what the agent is on this node. */
import type { Millis } from '../model/model.ts';

/**
 * What the agent is on this node; `core/self/own.ts` reads it from the environment.
 * - `daemonset`: in a pod that the API server knows, which is captured as the standby
 * - `standby`: the copy of such a pod; acts only by local truth, captures and retires nothing
 * - `process`: in no pod; there is nothing of its own to keep
 */
export type Role = 'daemonset' | 'standby' | 'process';

/** Milliseconds throughout, from the configuration. */
export interface Policy {
  /** How long an orphaned parent is left alone. */
  readonly orphanGraceMs: Millis;
  /** How long a parent that the kubelet knows may fail to run steadily, the API server being unreachable. */
  readonly stuckGraceMs: Millis;
  /** How long a kubelet without a sign of contact to the API server is given to get one; 0: for ever. */
  readonly kubeletBlindGraceMs: Millis;
  /** How long a copy waits after the kubelet itself has ended its parent, and after the node's last pressure. */
  readonly endedGraceMs: Millis;
  /** How long the watch must show a parent as gone, without a break, before a read of its own may confirm it. */
  readonly retireGraceMs: Millis;
  /** A copy that has waited this long for its parent, the API server being reachable, is overdue. */
  readonly handBackTimeoutMs: Millis;
  /** A parent in overlap mode that no watch tells of counts as ready after running this long. */
  readonly minReadyMs: Millis;
  /** Copies that may be placed at once; the standby is none. */
  readonly activeLimit: number;
  readonly role: Role;
  /** uid of the pod that this agent runs in, where it has one. */
  readonly ownUid?: string;
}

/** Placed and not in CRI after this long: the kubelet refused it without a word. */
export const START_DEADLINE_MS: Millis = 30_000;

/** A hand-back whose parent is gone again this soon was a failed one; so was a yield that lasted no longer. */
export const HAND_BACK_TRIAL_MS: Millis = 120_000;
