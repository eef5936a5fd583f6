/**
 * The sentences that `status` has for reasons of which the agent gives none: those of a copy that is placed and that
 * call for somebody to act.
 */
import { DECISION_REASONS } from '../../core/model/decision-reasons.ts';
import { STATUS_REASONS } from './status-reasons.ts';

const { 'kubelet-blind': blind, 'hand-back-overdue': overdue, 'hand-back-failed': failed, 'copy-refused': refused } = DECISION_REASONS;
const EXPLAINED: Readonly<Record<string, { readonly means: string; readonly todo?: string }>> = {
  'kubelet-blind': blind,
  'hand-back-overdue': overdue,
  'hand-back-failed': failed,
  'copy-refused': refused,
  'manifest-missing': STATUS_REASONS['manifest-missing'],
};

/** One sentence as plain text, what it means and what to do; else none. */
export function explained(reason: string): readonly string[] {
  const found = Object.hasOwn(EXPLAINED, reason) ? EXPLAINED[reason] : undefined;
  return found === undefined ? [] : [[found.means, found.todo ?? ''].join(' ').trim().replaceAll('`', '')];
}
