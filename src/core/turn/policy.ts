/** What the table's facts are measured against: graces, limits and deadlines. */
import type { Millis } from '../model/model.ts';

/**
 * - `daemonset`: in a pod that the API server knows, which is captured as the standby
 * - `standby`: the copy of such a pod; acts only by local truth, captures and retires nothing
 * - `process`: in no pod; there is nothing of its own to keep
 */
export type Role = 'daemonset' | 'standby' | 'process';

export interface Policy {
  readonly orphanGraceMs: Millis;
  readonly stuckGraceMs: Millis;
  readonly retireGraceMs: Millis;
  readonly handBackTimeoutMs: Millis;
  readonly minReadyMs: Millis;
  readonly activeLimit: number;
  readonly role: Role;
  /** uid of the pod that this agent runs in, where it has one. */
  readonly ownUid?: string;
}

/** Placed and not in CRI after this long: the kubelet refused it without a word. */
export const START_DEADLINE_MS: Millis = 30_000;

/** A hand-back whose parent is gone again this soon was a failed one. */
export const HAND_BACK_TRIAL_MS = 120_000;
