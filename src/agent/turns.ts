/**
 * One turn: observe → decide → plan → apply → report → capture what is due. `core/turn/turn.ts` decides and plans; the
 * steps here bring it what it asks for, carry out what it says, and wait. They contain no rules.
 */
import type { ReachabilityState } from '../core/api/reachability.ts';
import type { Checkpoint, Millis } from '../core/model/model.ts';
import { type Calm, calmAfter, glanceAt, stillSteady } from '../core/turn/calm.ts';
import { type KubeletSign, kubeletSign } from '../core/turn/kubelet-sign.ts';
import { EMPTY_MIND, type Mind } from '../core/turn/mind.ts';
import { copiesWait, type Needs, needs, nextTurnIn, type Pace } from '../core/turn/needs.ts';
import type { Observation } from '../core/turn/observation.ts';
import { paced, uncovered, waitingOf } from '../core/turn/pace.ts';
import { type Turn, turn } from '../core/turn/turn.ts';
import { withIndex } from '../core/turn/view-index.ts';
import { watchTargets } from '../core/turn/watch-targets.ts';
import type { Ports } from '../ports.ts';
import { apply, forgetWithdrawals } from './apply.ts';
import type { Parts } from './parts.ts';
import type { AgentSettings } from './settings.ts';

export interface Turns {
  /** `hurry`: a parent has just come, and only the runtime's word is waited for. Milliseconds until the next is due. */
  take(hurry: boolean): Promise<Millis>;
  /** Monotonic time of the end of the last turn. */
  last(): Millis | undefined;
  /** This process has to end now, so that the DaemonSet's pod gets the lock. */
  makesWay(): boolean;
}

export function createTurns(ports: Ports, settings: AgentSettings, parts: Parts): Turns {
  const pace: Pace = { lastRuntime: undefined, lastManifests: undefined, lastImages: undefined };
  const loop: Loop = { ports, settings, ...parts, mind: EMPTY_MIND, pace };
  let last: Millis | undefined;
  let makesWay = false;

  async function take(hurry: boolean): Promise<Millis> {
    const from = ports.clock.now();
    loop.api.learnFromWatch();
    const probeIn = loop.api.probeWhenDue(waitingOf(copiesWait(waiting(loop), from), loop.held.ledger, loop.held.checkpoints));
    const scene = await observe(loop, from, hurry);
    const decided = decideAndPlan(loop, scene);
    await apply(ports, loop.held, decided.actions, (key) => loop.verifier.fresh(key));
    followUp(loop, scene, from);
    loop.reporter.afterActions(decided, loop.held, scene.observation);
    const captureIn = await captureWhatIsDue(loop, scene);
    makesWay = await loop.standby.yields(scene.observation, loop.mind);
    last = ports.clock.now();
    loop.reporter.turnTaken(from, last, loop.held, loop.api.now());
    loop.strangers.note([...loop.held.checkpoints.values()], scene.observation.where);
    return nextIn(loop, scene, { probeIn, captureIn, acted: decided.actions.length > 0 });
  }

  return { take, last: () => last, makesWay: () => makesWay };
}

/** What the steps share. Mind and pace are carried from one turn to the next. */
interface Loop extends Parts {
  readonly ports: Ports;
  readonly settings: AgentSettings;
  mind: Mind;
  pace: Pace;
  kubeletSign?: KubeletSign;
  calm?: Calm | undefined;
  /** The observation's time of the last turn. */
  seenAt?: Millis;
}

/** What one turn goes by: the checkpoints as they were read, and what the sources told. */
interface Scene {
  readonly checkpoints: readonly Checkpoint[];
  readonly observation: Observation;
  /** As it came, whatever is believed of it. */
  readonly told: Observation;
}

/** Asks only for what the turn needs. The verdict on the API server is taken first, and holds for the whole turn. */
async function observe(loop: Loop, from: Millis, hurry: boolean): Promise<Scene> {
  const { held, settings } = loop;
  const api = loop.api.now();
  const checkpoints = await loop.verifier.checkpoints(api.verdict, copiesWait(waiting(loop), from) || loop.captures.busy());
  const need = needOf(loop, { checkpoints, api, from, hurry });
  const told = await loop.observe({
    need,
    api,
    where: settings.where,
    optIn: settings.optIn,
    namespaces: settings.selection.namespaces,
    begun: () => new Map([...held.withdrawing].map(([key, { toUid }]) => [key, toUid])),
  });
  const believed = loop.room.look(loop.doubts.weigh(told));
  // once for this turn's decisions and for what is aimed and reported after them
  const observation = { ...believed, runtime: withIndex(believed.runtime) };
  if (told.runtime.known) loop.pace = { ...loop.pace, lastRuntime: told.now };
  if (observation.runtime.known) loop.api.learnFromRuntime(observation.runtime.value);
  if (observation.manifests.known) loop.pace = { ...loop.pace, lastManifests: observation.now };
  const images = [...observation.images.values()];
  if (need.everyImage === true && images.length > 0 && images.every(({ known }) => known))
    loop.pace = { ...loop.pace, lastImages: observation.now };
  return { checkpoints, observation, told };
}

interface Asking {
  readonly checkpoints: readonly Checkpoint[];
  readonly api: ReachabilityState;
  readonly from: Millis;
  readonly hurry: boolean;
}

function needOf({ held, mind, pace, settings }: Loop, { checkpoints, api, from, hurry }: Asking): Needs {
  const { policy } = settings;
  const all = needs({ checkpoints, ledger: held.ledger, mind, reach: api, pace, now: from, policy });
  const { ended: _ended, exits: _exits, network: _network, ...quick } = all;
  return hurry ? { ...quick, kubelet: false, manifests: false, images: [], reads: [] } : all;
}

function decideAndPlan(loop: Loop, { checkpoints, observation, told }: Scene): Turn {
  const unchangedAt = loop.glance.unchangedAt();
  if (unchangedAt !== undefined && loop.seenAt !== undefined) loop.mind = stillSteady(loop.mind, loop.seenAt, unchangedAt);
  const decided = turn(loop.mind, checkpoints, loop.held.ledger, observation, loop.settings.policy);
  loop.mind = decided.mind;
  loop.api.learnFromWitness(decided.witness);
  if (decided.localSign) loop.api.learnFromSign(observation.now);
  learnPace(loop, decided, observation);
  loop.calm = calmAfter(loop.calm, decided, { ...observation, runtime: told.runtime });
  loop.seenAt = observation.now;
  loop.reporter.decisions(decided, checkpoints, observation);
  return decided;
}

/** How soon an answer of the API server is of use, by what this turn has seen. */
function learnPace(loop: Loop, { verdicts, actions }: Turn, observation: Observation): void {
  const before = loop.kubeletSign?.at;
  loop.kubeletSign = kubeletSign(loop.kubeletSign, observation);
  const { at } = loop.kubeletSign;
  if (at !== undefined && at !== before) loop.api.learnFromKubelet(at);
  loop.api.learnFromTurn({ placed: actions.some((action) => action.do === 'place'), uncovered: uncovered(verdicts) }, observation.now);
}

/** Brings up to date what goes by the ledger: the close watch gets what it may have to do before the next turn. */
function followUp(loop: Loop, { checkpoints, observation }: Scene, from: Millis): void {
  const { api, held, mind, settings, staticPods, closeWatch, glance, starts } = loop;
  staticPods.look(observation);
  starts.look(checkpoints, observation);
  forgetWithdrawals(held, from);
  const targets = watchTargets(checkpoints, held.ledger, mind, observation, settings.policy);
  held.pids.learn(targets);
  const sight = glanceAt(loop.calm, api.lastSign(), { api: api.now(), now: observation.now });
  closeWatch.aim(paced(targets, api.lastSign(), from), sight !== undefined);
  glance.aim(sight);
}

/** A hand-back may be a matter of milliseconds: nothing else is begun then. Milliseconds until a capture is due. */
async function captureWhatIsDue(loop: Loop, { observation }: Scene): Promise<Millis | undefined> {
  const calm = !copiesWait(waiting(loop), loop.ports.clock.now());
  if (calm) await loop.captures.tidy();
  const captureIn = loop.captures.run(observation, calm);
  if (calm) await loop.imageLooks.look([...loop.held.checkpoints.values()]);
  if (calm && !loop.captures.busy()) {
    await loop.stamps.run(observation);
    await loop.room.keep();
  }
  return captureIn;
}

function nextIn(
  loop: Loop,
  { observation }: Scene,
  known: Pick<Parameters<typeof nextTurnIn>[0], 'probeIn' | 'captureIn' | 'acted'>,
): Millis {
  const { api, settings } = loop;
  const lastSign = api.lastSign();
  const calm = glanceAt(loop.calm, lastSign, { api: api.now(), now: observation.now }) !== undefined;
  return nextTurnIn({ ...waiting(loop), reach: api.now(), calm, lastSign, observation, role: settings.policy.role, ...known });
}

/** Whether copies wait for their parents is asked several times in a turn: it changes with what the turn does. */
function waiting({ held, mind, settings }: Loop): Parameters<typeof copiesWait>[0] {
  return { ledger: held.ledger, stored: held.checkpoints, mind, handBackTimeoutMs: settings.policy.handBackTimeoutMs };
}
