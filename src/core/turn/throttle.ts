/**
 * Of all copies that would start in this very turn: which may, by the limit and by the order? `obstacles.ts` looks at
 * what is placed already; this looks at the turn itself. Pure.
 */
import type { CheckpointKey, Millis, Obstacle, State } from '../model/model.ts';
import { ORDER_WAIT_MS } from './obstacles.ts';
import type { PlanInput } from './plan.ts';

/** A checkpoint that was judged by itself, and the state that it comes from. */
export interface Candidate {
  readonly input: PlanInput;
  readonly from: State;
}

export interface ThrottleRules {
  /** Copies that may be added in this turn. */
  readonly free: number;
  readonly waitingSince: ReadonlyMap<CheckpointKey, Millis>;
  readonly now: Millis;
}

/** The same views, in the same order; those that must not start now stay inactive, with the reason. */
export function throttle(views: readonly Candidate[], rules: ThrottleRules): readonly Candidate[] {
  const starting = views.filter(starts).sort(byOrder);
  const lowest = starting[0]?.input.checkpoint.record.order;
  const held = new Map<CheckpointKey, Obstacle>();
  let free = rules.free;
  for (const { input } of starting) {
    const { key, record } = input.checkpoint;
    const since = rules.waitingSince.get(key);
    const patient = since === undefined || rules.now - since < ORDER_WAIT_MS;
    if (free <= 0) held.set(key, 'active-limit-reached');
    else if (lowest !== undefined && record.order > lowest && patient) held.set(key, 'waiting-for-lower-order');
    else free -= 1;
  }
  return views.map((view) => {
    const obstacle = held.get(view.input.checkpoint.key);
    if (obstacle === undefined) return view;
    const { input } = view;
    return { ...view, input: { ...input, facts: { ...input.facts, obstacle }, decision: { state: 'inactive', reason: obstacle } } };
  });
}

function starts({ input, from }: Candidate): boolean {
  return from === 'inactive' && input.decision.state === 'active';
}

function byOrder(a: Candidate, b: Candidate): number {
  const [one, two] = [a.input.checkpoint, b.input.checkpoint];
  return one.record.order - two.record.order || (one.key < two.key ? -1 : 1);
}
