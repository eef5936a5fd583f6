/** One checkpoint `kube-system/web-1` and a turn of the agent's thought about it, for the tests of `turn`. */

import type { Action } from '../../../src/core/model/actions.ts';
import { type Checkpoint, type Ledger, seen } from '../../../src/core/model/model.ts';
import { EMPTY_MIND, type Mind } from '../../../src/core/turn/mind.ts';
import type { Observation } from '../../../src/core/turn/observation.ts';
import { type Turn, turn } from '../../../src/core/turn/turn.ts';
import { aCheckpoint, aLedger, anObservation, policy } from '../../fakes/builders.ts';

export const checkpoint = aCheckpoint();
export const FILE = 'f.json';
export const placedFile = seen([{ file: FILE, digest: 'd1' }]);

export function one(o: Partial<Observation>, ledger: Ledger = aLedger(), of: Checkpoint = checkpoint, mind: Mind = EMPTY_MIND): Turn {
  return turn(mind, [of], ledger, anObservation(o), policy);
}
/** The same observation at several times, minds carried along. */
export function over(times: readonly number[], o: Partial<Observation>, ledger: Ledger = aLedger(), of: Checkpoint = checkpoint): Turn {
  let result: Turn | undefined;
  for (const now of times) result = turn(result?.mind ?? EMPTY_MIND, [of], ledger, anObservation({ ...o, now }), policy);
  if (result === undefined) throw new Error('no time given');
  return result;
}
export function verdictOf(result: Turn): string {
  const verdict = result.verdicts[0];
  return `${verdict?.decision.state}: ${verdict?.decision.reason}`;
}
export function kinds(result: Turn): readonly Action['do'][] {
  return result.actions.map((action) => action.do);
}
