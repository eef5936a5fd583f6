/** Since when has something held without a break? One clock, moved on from look to look. Pure. */
import type { Millis } from './model.ts';

/**
 * The clock after a look at `now`: it starts at the first look at which the thing holds, goes on while it does, and is
 * undefined where it does not. `unknown` starts no clock and stops none.
 */
export function since(before: Millis | undefined, holds: true, now: Millis): Millis;
export function since(before: Millis | undefined, holds: boolean | 'unknown', now: Millis): Millis | undefined;
export function since(before: Millis | undefined, holds: boolean | 'unknown', now: Millis): Millis | undefined {
  if (holds === 'unknown') return before;
  return holds ? (before ?? now) : undefined;
}

/** One such clock for each of the names for which it holds now; whoever is not named has none any more. */
export function sinceEach(before: ReadonlyMap<string, Millis>, names: readonly string[], now: Millis): ReadonlyMap<string, Millis> {
  return new Map(names.map((name) => [name, since(before.get(name), true, now)]));
}
