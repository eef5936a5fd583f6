/**
 * What becomes of the checkpoint of the agent's own pod, and why: the second table beside `decide.ts`.
 *
 * The standby's manifest lies in staticPodPath all the time, because after an offline reboot nothing else starts us. It
 * makes way only for the standby of the DaemonSet's next pod, once that one runs, and it is retired last. Pure and
 * total: every row is in `test/core/tables/standby.txt`.
 */

import { copiesIn } from '../model/ledger.ts';
import type { Checkpoint, Decision, Facts, Ledger, Reason, State } from '../model/model.ts';
import { copyRuns } from './copy-here.ts';
import type { Observation } from './observation.ts';
import type { Policy } from './policy.ts';

export interface StandbyFacts extends Pick<Facts, 'api' | 'copy' | 'inApi' | 'obstacle'> {
  /**
   * Whose standby takes this one's place?
   * - `none`: nobody's; this may be that of the very pod that decides here
   * - `stored`: that of the pod that decides here, which does not run yet; or that of one captured later, which runs
   * - `runs`: that of the pod that decides here
   */
  readonly successor: 'none' | 'stored' | 'runs';
  /** Nothing else of ours is left on the node. */
  readonly alone: boolean;
}

/** What one turn knows beside the checkpoint that it looks at. */
export interface Scene {
  readonly all: readonly Checkpoint[];
  readonly ledger: Ledger;
  readonly o: Observation;
  readonly policy: Policy;
}

/** From the facts that every checkpoint has, and from the look at the others. */
export function standbyFacts({ api, copy, inApi, obstacle }: Facts, checkpoint: Checkpoint, scene: Scene): StandbyFacts {
  const { all, ledger } = scene;
  return {
    api,
    copy,
    inApi,
    ...(obstacle === undefined ? {} : { obstacle }),
    successor: successorOf(checkpoint, scene),
    alone: copiesIn(ledger).length === 0 && all.every(({ record }) => record.self === true),
  };
}

/**
 * A captured agent has held the lock and was Ready for minReady: that is what being captured means.
 *
 * Where the pod that decides is not captured (yet), one that was captured later than this takes its place as long as
 * its standby runs. Else a rollout soon after another would put back what was just being taken away.
 */
function successorOf(checkpoint: Checkpoint, { all, o, policy }: Scene): StandbyFacts['successor'] {
  const others = all.filter(({ record, problem }) => record.self === true && problem === undefined);
  const own = policy.role === 'daemonset' ? others.find(({ record }) => record.parent.uid === policy.ownUid) : undefined;
  if (own?.key === checkpoint.key) return 'none';
  if (own !== undefined) return copyRuns(own, o) ? 'runs' : 'stored';
  const later = others.some((other) => other.record.capturedAt > checkpoint.record.capturedAt && copyRuns(other, o));
  return later ? 'stored' : 'none';
}

/** `state`: by the disk, as in `decide.ts`. */
export function decideStandby(state: State, facts: StandbyFacts): Decision {
  if (state === 'retired') return to('retired', 'parent-gone');
  if (facts.successor !== 'none') return decideSuperseded(state, facts);
  if (facts.api === 'reachable' && facts.inApi === 'gone' && facts.alone) return to('retired', 'parent-gone');
  // one that is leaving has lost its successor again: it returns
  if (facts.obstacle !== undefined) return to(state === 'inactive' ? 'inactive' : 'active', facts.obstacle);
  return to('active', 'standby-kept');
}

/** Two standbys for a while are no harm, both wait for the lock; none for a moment is. */
function decideSuperseded(state: State, facts: StandbyFacts): Decision {
  if (state === 'handing-back') return to('retired', 'standby-replaced');
  if (facts.successor === 'runs' && facts.api === 'reachable') return to('retired', 'standby-replaced');
  return to(state, 'standby-superseded');
}

function to(state: State, reason: Reason): Decision {
  return { state, reason };
}
