/**
 * The table: what becomes of one checkpoint, and why. Only the agent's own pod has one of its own, `standby.ts`.
 *
 * Pure and total: every state with every combination of facts has an answer, covered row by row in
 * `test/core/tables/decide.txt`. It knows no clock, no disk and no pod; `facts.ts` says what is true, `plan.ts` turns
 * the answer into actions.
 *
 * The state comes from the disk in every turn, so a decision whose action failed is made again.
 */
import type { Decision, Facts, Reason, State } from '../model/model.ts';

/** `state`: by the disk; the decision says the state that the disk is to come to. */
export function decide(state: State, facts: Facts): Decision {
  switch (state) {
    case 'inactive':
      return facts.api === 'unreachable' ? decideInactiveOffline(facts) : decideInactive(facts);
    case 'active':
      return decideActive(facts);
    case 'handing-back':
      return decideHandingBack(facts);
    case 'retired':
      return to('retired', 'parent-gone');
  }
}

/**
 * With an API server, or in doubt: nothing starts, but for what the server wants here and the kubelet cannot learn of.
 * Only the server's own authenticated word can end the checkpoint.
 */
function decideInactive(facts: Facts): Decision {
  if (facts.api === 'unsure') return to('inactive', 'api-unsure');
  if (facts.inApi === 'gone') return to('retired', 'parent-gone');
  if (facts.inApi === 'leaving') return to('inactive', 'parent-leaving');
  const deserted = facts.here === 'absent' || (facts.here === 'orphan' && facts.grace !== 'running');
  if (facts.blind === 'no' || facts.inApi !== 'present' || !deserted) return to('inactive', 'api-reachable');
  return facts.obstacle === undefined ? to('active', 'kubelet-blind') : to('inactive', facts.obstacle);
}

/**
 * No API server. What it said before it left (a deletion, even) is no evidence now: on a single node a deleted API
 * server pod can only be replaced once its copy runs.
 */
function decideInactiveOffline(facts: Facts): Decision {
  if (facts.here === 'unknown') return to('inactive', 'local-truth-unknown');
  if (facts.here === 'running') return to('inactive', 'parent-running');
  if (facts.here !== 'absent' && facts.grace === 'running') {
    return to('inactive', facts.here === 'known' ? 'kubelet-has-parent' : 'parent-orphan-grace');
  }
  if (facts.obstacle !== undefined) return to('inactive', facts.obstacle);
  if (facts.grace === 'hand-back-failed') return to('active', 'hand-back-failed');
  return to('active', ACTIVATION_REASON[facts.here]);
}

const ACTIVATION_REASON = { known: 'parent-stuck', orphan: 'parent-orphaned', absent: 'parent-absent' } as const;

/**
 * The moment to hand back ends the copy's time, whatever the API seems to be; while it is not reachable nothing else
 * does.
 */
function decideActive(facts: Facts): Decision {
  if (facts.trigger === 'yes') return to('handing-back', 'parent-started');
  const standing = STANDING_REASON[facts.copy];
  if (facts.api !== 'reachable') return to('active', facts.obstacle ?? standing);
  // the kubelet knows of nobody who could take over; the manifest is all that it has
  if (facts.blind === 'yes' && facts.inApi !== 'leaving' && facts.inApi !== 'gone')
    return to('active', facts.obstacle ?? (facts.copy === 'serving' ? 'kubelet-blind' : standing));
  if (facts.copy === 'gone') return to('handing-back', 'copy-not-needed');
  if (facts.inApi === 'gone') return to('retired', 'parent-gone');
  if (facts.inApi === 'leaving') return to('active', 'parent-leaving');
  if (facts.trigger === 'no' && facts.copy !== 'serving') return to('active', standing);
  return to('active', AWAITING_REASON[facts.trigger]);
}

/** Nobody is told that a copy serves which has never run. */
const STANDING_REASON = {
  serving: 'copy-serving',
  starting: 'copy-starting',
  failing: 'copy-failing',
  'no-network': 'network-not-ready',
  gone: 'copy-refused',
  unknown: 'local-truth-unknown',
} as const;
const AWAITING_REASON = { no: 'awaiting-parent', late: 'hand-back-overdue', unknown: 'local-truth-unknown' } as const;

/**
 * The manifest is withdrawn. A parent that the kubelet is starting is the kubelet's job even while no API answers (a
 * self-hosted API server is down exactly then); only when that came to nothing does the copy return.
 */
function decideHandingBack(facts: Facts): Decision {
  if (facts.copy === 'gone') return to('inactive', 'handed-back');
  if (facts.api !== 'unreachable' || facts.here === 'running' || facts.here === 'unknown') return to('handing-back', 'copy-leaving');
  if (facts.here === 'known' && facts.grace === 'running') return to('handing-back', 'copy-leaving');
  return to('active', 'hand-back-failed');
}

function to(state: State, reason: Reason): Decision {
  return { state, reason };
}
