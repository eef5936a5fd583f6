/** What keeps copies down, or would, in a line each, for `/readyz` and below the table of `status`. */
import type { AgentStatus } from '../agent/status.ts';

/** So many are named; a node with more has one cause for them all, as a disk that was moved. */
export const MAX_HINDRANCE_LINES = 20;

export function hindranceLines({ hindrances = [] }: Pick<AgentStatus, 'hindrances'>): readonly string[] {
  const lines = hindrances
    .slice(0, MAX_HINDRANCE_LINES)
    .map(({ checkpoint, reason, down, message }) => `${checkpoint}: ${down ? '' : 'would-not-start: '}${reason}. ${message}`);
  const more = hindrances.length - lines.length;
  return more > 0 ? [...lines, `and ${more} more; pod-checkpointer status lists all`] : lines;
}
