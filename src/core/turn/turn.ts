/**
 * One turn of the agent's thought: what was seen, what was known before → decisions, actions, and what to remember.
 *
 * Pure, and the whole of it: `agent/` only asks and obeys. Order of the checkpoints given does not matter.
 */

import type { Action } from '../model/actions.ts';
import { messageOf } from '../model/errors.ts';
import { copiesIn } from '../model/ledger.ts';
import type { Checkpoint, CheckpointKey, Decision, Facts, HandBackMode, Ledger, Millis, Placed, State } from '../model/model.ts';
import { sinceEach } from '../model/since.ts';
import { blindnessOf, tracksSeeing } from './blind.ts';
import { movedOn } from './clocks.ts';
import { NO_WORDS, nextWords, withWords } from './copy-words.ts';
import { decide } from './decide.ts';
import { keptDown, mayHaveEnded } from './ended.ts';
import { type Found, factsOf, readyBeside } from './facts.ts';
import { honoured } from './in-watch.ts';
import type { Mind } from './mind.ts';
import type { Observation } from './observation.ts';
import { obstacles } from './obstacles.ts';
import { outlook } from './outlook.ts';
import { plan } from './plan.ts';
import type { Policy } from './policy.ts';
import { pressureAfter } from './pressure.ts';
import { withReservations } from './reservations.ts';
import { successorHolds } from './retirement.ts';
import { freshContainers, modeOf, sharesData, turnsOver } from './signs.ts';
import { decideStandby, type Scene, standbyFacts } from './standby.ts';
import { type Subject, subjectsOf } from './subject.ts';
import { type Candidate, throttle } from './throttle.ts';
import type { Track } from './track.ts';
import { withDismissal } from './unwanted.ts';
import { withIndex } from './view-index.ts';
import { doubted, hear, NO_WITNESS, testimony } from './witness.ts';

export interface Verdict {
  readonly key: CheckpointKey;
  readonly from: State;
  readonly decision: Decision;
  readonly facts: Facts;
  /** How the copy makes way; another than the record's where a hand-back is overdue. */
  readonly mode: HandBackMode;
}

export interface Turn {
  readonly mind: Mind;
  readonly verdicts: readonly Verdict[];
  readonly actions: readonly Action[];
  /** The retire brake was pulled in this turn. */
  readonly braked: boolean;
  /** The kubelet starts a parent: a local sign that the API server is back, whatever our own probes said last. */
  readonly localSign: boolean;
  /** What the kubelet has that only an API server can have given it since our last answer, in one sentence. */
  readonly witness: string | undefined;
  /** Checkpoints about which a mistake of ours kept us from thinking: they are left as they are, the others go on. */
  readonly errors: ReadonlyMap<CheckpointKey, string>;
}

/** `ledger` and `checkpoints`: what the disk says; `mind`: what the last turn left, {@link EMPTY_MIND} at first. */
export function turn(mind: Mind, checkpoints: readonly Checkpoint[], ledger: Ledger, seen: Observation, policy: Policy): Turn {
  const witness = hear(mind.witness ?? NO_WITNESS, seen);
  const words = testimony(witness, seen.now);
  const o = withWords(mind.copies ?? NO_WORDS, { ...seen, api: doubted(seen.api, words), runtime: withIndex(seen.runtime) });
  const tracks = tracksSeeing(mind, ledger, o, policy);
  const moved = subjectsOf(checkpoints, ledger, tracks, o).map((before) => ({
    ...before,
    track: movedOn(before, successorHolds(before, checkpoints, o), o),
  }));
  const free = policy.activeLimit - copiesIn(ledger).length;
  const confirmAfter = pullBrake(mind, moved, o, policy);
  const subjects = moved.map((subject) => withDismissal(subject, confirmAfter !== undefined, o));
  const blindness = blindnessOf(mind.blindness, subjects, o);
  const urgent = o.api.verdict === 'unreachable' || mind.blindness !== undefined;
  const pressure = pressureAfter(mind.pressure, urgent && subjects.some(mayHaveEnded), o);
  const ended = keptDown(subjects, pressure, o, policy);
  const found = { obstacles: obstacles({ subjects, free, waitingSince: mind.waitingSince, ended }, o), confirmAfter, blindness };
  const scene = { all: checkpoints, ledger, o, policy };
  const errors = new Map<CheckpointKey, string>();
  const guard = <T>(key: CheckpointKey, work: () => readonly T[]): readonly T[] => {
    try {
      return work();
    } catch (error) {
      errors.set(key, messageOf(error));
      return [];
    }
  };
  const looked = subjects.flatMap((subject) => guard(subject.checkpoint.key, () => [look(subject, found, scene)]));
  const copies = looked.filter((view) => !isStandby(view));
  const views = [...throttle(copies, { free, waitingSince: mind.waitingSince, now: o.now }), ...looked.filter(isStandby)];
  const inputs = views.map(({ input }) => input);
  return {
    mind: {
      tracks: afterDecisions(subjects, views, o),
      waitingSince: waiting(mind, views, o),
      witness,
      ...(blindness === undefined ? {} : { blindness }),
      ...(confirmAfter === undefined ? {} : { confirmAfter }),
      copies: nextWords(mind.copies ?? NO_WORDS, inputs, o, seen),
      ...(pressure === undefined ? {} : { pressure }),
      outlook: outlook(mind.outlook, inputs, o),
    },
    verdicts: views.map(({ input, from }) => ({
      key: input.checkpoint.key,
      from,
      decision: input.decision,
      facts: input.facts,
      mode: input.mode,
    })),
    actions: plan(withReservations(inputs, ledger, o), o, guard),
    errors,
    braked: confirmAfter !== undefined && mind.confirmAfter === undefined,
    witness: words,
    localSign: views.some(({ input, from }) => from === 'active' && input.decision.reason === 'parent-started'),
  };
}

/** One checkpoint by itself: its facts, what the tables make of them, and what planning will need. */
function look(subject: Subject, found: Found, scene: Scene): Candidate {
  const { checkpoint, parent, placed } = subject;
  const { o, policy } = scene;
  const fresh = freshContainers(subject, o);
  const facts = factsOf(subject, fresh, found, o, policy);
  const from = stateOf(placed);
  const self = checkpoint.record.self === true;
  const decision = self ? decideStandby(from, standbyFacts(facts, checkpoint, scene)) : decide(from, facts);
  const started = decision.reason === 'parent-started';
  const over = started && turnsOver(checkpoint, subject.track, o.now, policy) && !readyBeside(fresh, subject, o, policy);
  const mode = modeOf(checkpoint, over);
  const meets = sharesData(checkpoint.record) && (fresh.length > 0 || o.begun.has(checkpoint.key));
  return {
    from,
    input: {
      ...subject,
      facts,
      decision,
      mode,
      inTheWay: meets || (mode === 'container' && started),
      renew: self && policy.role !== 'standby' && o.api.verdict === 'reachable',
      handBackTo: o.begun.get(checkpoint.key) ?? fresh[0]?.podUid ?? parent.uid,
    },
  };
}

/** The standby stands beside the limits and the order: it serves nothing and waits for nobody. */
function isStandby({ input }: Candidate): boolean {
  return input.checkpoint.record.self === true;
}

/** The ledger is the state: nothing is remembered as done until the disk shows it. */
function stateOf(placed: Placed | undefined): State {
  if (placed === undefined) return 'inactive';
  return placed.phase === 'placed' ? 'active' : 'handing-back';
}

/**
 * Since when the rules would start each copy that an obstacle holds back, or that starts only now. Not knowing stops no
 * such clock: nobody's patience begins anew, and nobody starts before one of lower order that nobody can tell of.
 */
function waiting(mind: Mind, views: readonly Candidate[], o: Observation): ReadonlyMap<CheckpointKey, Millis> {
  const copies = views.filter((view) => !isStandby(view));
  const blocked = copies.filter(
    ({ input, from }) => from === 'inactive' && input.facts.obstacle !== undefined && input.decision.reason === input.facts.obstacle,
  );
  const starting = copies.filter(({ input, from }) => from === 'inactive' && input.decision.state === 'active');
  const unknown = copies.filter(({ input, from }) => from === 'inactive' && input.decision.reason === 'local-truth-unknown');
  const waited = unknown.filter(({ input }) => mind.waitingSince.has(input.checkpoint.key));
  const keys = [...blocked, ...starting, ...waited].map(({ input }) => input.checkpoint.key);
  return sinceEach(mind.waitingSince, keys, o.now);
}

/** A hand-back that begins now, be it to nobody, starts the stuck clock anew. */
function afterDecisions(subjects: readonly Subject[], views: readonly Candidate[], o: Observation): ReadonlyMap<CheckpointKey, Track> {
  const next = new Map(subjects.map(({ checkpoint, track }) => [checkpoint.key, track]));
  for (const { input, from } of views) {
    const key = input.checkpoint.key;
    if (from === 'active' && input.decision.state !== 'active') next.set(key, { ...input.track, handedBackAt: o.now });
  }
  return next;
}

/**
 * More than half of the checkpoints, and more than three, shown as gone within one grace: rather a server that lost its
 * memory than so many deletions. Each then needs another confirmation after another grace.
 */
function pullBrake(mind: Mind, subjects: readonly Subject[], o: Observation, policy: Policy): Millis | undefined {
  // that the configuration names their namespace no more is no word of the server
  const parents = subjects.filter(({ checkpoint: { record } }) => record.self !== true && honoured(record, o));
  const leaving = parents.filter(({ track }) => track.leavingSince !== undefined).length;
  const many = leaving > 3 && leaving > parents.length / 2;
  if (mind.confirmAfter === undefined) return many ? o.now + 2 * policy.retireGraceMs : undefined;
  return leaving > 0 || o.now < mind.confirmAfter ? mind.confirmAfter : undefined;
}
