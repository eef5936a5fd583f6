/**
 * One turn of the agent's thought: what was seen, what was known before → decisions, actions, and what to remember.
 *
 * Pure, and the whole of it: `agent/` only asks and obeys. Order of the checkpoints given does not matter.
 */

import type { Action } from '../model/actions.ts';
import { copiesIn, placedOf } from '../model/ledger.ts';
import type { Checkpoint, CheckpointKey, Decision, Facts, Ledger, Millis, Obstacle, State } from '../model/model.ts';
import { sinceEach } from '../model/since.ts';
import { decide } from './decide.ts';
import { factsOf, freshContainers, type Subject } from './facts.ts';
import { identities } from './identity.ts';
import type { Mind } from './mind.ts';
import type { Observation } from './observation.ts';
import { obstacles } from './obstacles.ts';
import { type PlanInput, plan } from './plan.ts';
import type { Policy } from './policy.ts';
import { successorHolds } from './retirement.ts';
import { decideStandby, standbyFacts } from './standby.ts';
import { throttle } from './throttle.ts';
import { initialTrack, type Track, track } from './track.ts';

export interface Verdict {
  readonly key: CheckpointKey;
  readonly from: State;
  readonly decision: Decision;
  readonly facts: Facts;
}

export interface Turn {
  readonly mind: Mind;
  readonly verdicts: readonly Verdict[];
  readonly actions: readonly Action[];
  /** The retire brake was pulled in this turn. */
  readonly braked: boolean;
  /** The kubelet starts a parent: a local sign that the API server is back, whatever our own probes said last. */
  readonly localSign: boolean;
  /** Checkpoints about which a mistake of ours kept us from thinking: they are left as they are, the others go on. */
  readonly errors: ReadonlyMap<CheckpointKey, string>;
}

export function turn(mind: Mind, checkpoints: readonly Checkpoint[], ledger: Ledger, o: Observation, policy: Policy): Turn {
  const tracks = new Map(
    checkpoints.map((c) => {
      const placed = placedOf(ledger, c.key);
      const successor = successorHolds(c, placed, checkpoints, o);
      return [c.key, track(mind.tracks.get(c.key) ?? initialTrack(o.now), c, placed, o, successor)];
    }),
  );
  const found = obstacles({ checkpoints, ledger, tracks, waitingSince: mind.waitingSince }, o, policy);
  const confirmAfter = pullBrake(mind, checkpoints, tracks, o, policy);
  const errors = new Map<CheckpointKey, string>();
  const guard = <T>(key: CheckpointKey, work: () => readonly T[]): readonly T[] => {
    try {
      return work();
    } catch (error) {
      errors.set(key, error instanceof Error ? error.message : String(error));
      return [];
    }
  };
  const looked = checkpoints.flatMap((c) => guard(c.key, () => [look(c, checkpoints, ledger, tracks, found, confirmAfter, o, policy)]));
  const free = policy.activeLimit - copiesIn(ledger).length;
  const own = looked.filter(isStandby);
  const views = [
    ...throttle(
      looked.filter((view) => !isStandby(view)),
      { free, waitingSince: mind.waitingSince, now: o.now },
    ),
    ...own,
  ];
  const inputs = views.map((view) => view.input);
  return {
    mind: {
      tracks: afterDecisions(tracks, views, o),
      waitingSince: waiting(mind, views, o),
      ...(confirmAfter === undefined ? {} : { confirmAfter }),
    },
    verdicts: views.map(({ input, from }) => ({ key: input.checkpoint.key, from, decision: input.decision, facts: input.facts })),
    actions: plan(inputs, o, guard),
    errors,
    braked: confirmAfter !== undefined && mind.confirmAfter === undefined,
    localSign: views.some(({ input, from }) => from === 'active' && input.decision.reason === 'parent-started'),
  };
}

interface View {
  readonly input: PlanInput;
  readonly from: State;
}

function look(
  checkpoint: Checkpoint,
  all: readonly Checkpoint[],
  ledger: Ledger,
  tracks: ReadonlyMap<CheckpointKey, Track>,
  found: ReadonlyMap<CheckpointKey, Obstacle>,
  confirmAfter: Millis | undefined,
  o: Observation,
  policy: Policy,
): View {
  const parent = identities(checkpoint.record, o.watch.pods);
  const placed = placedOf(ledger, checkpoint.key);
  const memory = ledger.handBacks.find((candidate) => candidate.key === checkpoint.key);
  const subject: Subject = {
    checkpoint,
    placed,
    memory,
    track: tracks.get(checkpoint.key) ?? initialTrack(o.now),
    obstacle: imagesUnknown(checkpoint, placed !== undefined, o) ? undefined : found.get(checkpoint.key),
    confirmAfter,
  };
  const facts = withoutImages(factsOf(subject, o, policy), imagesUnknown(checkpoint, placed !== undefined, o));
  const from = stateOf(placed);
  const self = checkpoint.record.self === true;
  const fresh = freshContainers(parent, subject, o);
  return {
    from,
    input: {
      checkpoint,
      placed,
      memory,
      track: subject.track,
      facts,
      decision: self ? decideStandby(from, standbyFacts(facts, checkpoint, all, ledger, o, policy)) : decide(from, facts),
      parentUids: [parent.uid, ...parent.successors.map((pod) => pod.uid)],
      renew: self && policy.role !== 'standby' && o.api.verdict === 'reachable',
      handBackTo: o.begun.get(checkpoint.key) ?? fresh[0]?.podUid ?? checkpoint.record.parent.uid,
    },
  };
}

/** The standby stands beside the limits and the order: it serves nothing and waits for nobody. */
function isStandby({ input }: View): boolean {
  return input.checkpoint.record.self === true;
}

/** The ledger is the state: nothing is remembered as done until the disk shows it. */
function stateOf(placed: { readonly phase: 'placed' | 'leaving' } | undefined): State {
  if (placed === undefined) return 'inactive';
  return placed.phase === 'placed' ? 'active' : 'handing-back';
}

/** Whether the images are there must be known before a copy starts: not knowing is like not knowing the parent. */
function imagesUnknown(checkpoint: Checkpoint, placed: boolean, o: Observation): boolean {
  // the standby's image is the one that we run from
  if (placed || checkpoint.record.self === true || o.api.verdict !== 'unreachable') return false;
  return checkpoint.record.images.some(({ image }) => o.images.get(image)?.known !== true);
}

function withoutImages(facts: Facts, unknown: boolean): Facts {
  return unknown && facts.here !== 'running' ? { ...facts, here: 'unknown' } : facts;
}

function waiting(mind: Mind, views: readonly View[], o: Observation): ReadonlyMap<CheckpointKey, Millis> {
  const copies = views.filter((view) => !isStandby(view));
  const blocked = copies.filter(
    ({ input, from }) => from === 'inactive' && input.facts.obstacle !== undefined && input.decision.reason === input.facts.obstacle,
  );
  const starting = copies.filter(({ input, from }) => from === 'inactive' && input.decision.state === 'active');
  const keys = [...blocked, ...starting].map(({ input }) => input.checkpoint.key);
  return sinceEach(mind.waitingSince, keys, o.now);
}

/** A hand-back that begins now, be it to nobody, starts the stuck clock anew. */
function afterDecisions(
  tracks: ReadonlyMap<CheckpointKey, Track>,
  views: readonly View[],
  o: Observation,
): ReadonlyMap<CheckpointKey, Track> {
  const next = new Map(tracks);
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
function pullBrake(
  mind: Mind,
  checkpoints: readonly Checkpoint[],
  tracks: ReadonlyMap<CheckpointKey, Track>,
  o: Observation,
  policy: Policy,
): Millis | undefined {
  const parents = checkpoints.filter(({ record }) => record.self !== true);
  const leaving = parents.filter((checkpoint) => tracks.get(checkpoint.key)?.leavingSince !== undefined).length;
  const many = leaving > 3 && leaving > parents.length / 2;
  if (mind.confirmAfter === undefined) return many ? o.now + 2 * policy.retireGraceMs : undefined;
  return leaving > 0 || o.now < mind.confirmAfter ? mind.confirmAfter : undefined;
}
