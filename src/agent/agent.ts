/**
 * The loop: observe → decide → plan → apply → report, one turn at a time, never two at once.
 *
 * It orders and waits; what to do is decided in `core/turn/turn.ts`. A failing source costs knowledge, a failing action is
 * planned again, a failing capture is tried later: nothing here ends the process.
 */

import {
  initialReachability,
  nextReachability,
  nextRoundIn,
  type ReachabilityEvent,
  type ReachabilityState,
} from '../core/api/reachability.ts';
import { messageOf } from '../core/model/errors.ts';
import { copiesIn } from '../core/model/ledger.ts';
import type { Millis } from '../core/model/model.ts';
import { nothingFromApiRuns } from '../core/turn/here.ts';
import { EMPTY_MIND, type Mind } from '../core/turn/mind.ts';
import { copiesWait, needs, nextTurnIn, type Pace } from '../core/turn/needs.ts';
import { turn } from '../core/turn/turn.ts';
import { watchTargets } from '../core/turn/watch-targets.ts';
import type { Ports } from '../ports.ts';
import { apply, forgetWithdrawals, withdrawAtOnce } from './apply.ts';
import { createCaptures } from './capture/captures.ts';
import { createImageLooks } from './capture/images.ts';
import { createCloseWatch } from './hand-back/close-watch.ts';
import { createHeld } from './held.ts';
import { createObserver } from './observe.ts';
import { createReporter } from './report.ts';
import { createStandby } from './self/standby.ts';
import { createStaticPods } from './self/static-pods.ts';
import type { AgentSettings } from './settings.ts';
import type { AgentStatus } from './status.ts';
import { createVerifier } from './verify.ts';
import { createWakeups } from './wakeups.ts';

export interface Agent {
  /**
   * Runs until the signal, the host lock being held; a standby also until it makes way. Resolves when everything has come
   * to rest. Placed copies stay placed.
   */
  run(signal: AbortSignal): Promise<void>;
  status(): AgentStatus;
}

export function createAgent(ports: Ports, settings: AgentSettings): Agent {
  const wakeups = createWakeups(ports.clock);
  const observe = createObserver(ports);
  const reporter = createReporter(ports);
  const held = createHeld(ports);
  const closeWatch = createCloseWatch(ports, {
    withdraw: (withdrawal, podUid, sign) => withdrawAtOnce(ports, held, withdrawal, podUid, sign),
    wake: () => wakeups.wake('close-watch'),
  });
  const captures = createCaptures(ports, settings, held, () => wakeups.wake('capture'));
  const verifier = createVerifier(ports, held);
  const imageLooks = createImageLooks(ports);
  const standby = createStandby(ports, settings, held);
  const staticPods = createStaticPods(ports, settings, held);
  let makesWay = false;
  let mind: Mind = EMPTY_MIND;
  let reach: ReachabilityState = initialReachability(ports.clock.now());
  let pace: Pace = { lastRuntime: undefined, lastManifests: undefined, wasHealthy: false };
  let probing = false;
  let lastRound: Millis | undefined;
  let lastTurn: Millis | undefined;
  let nothingRunsHere = false;

  function learn(event: ReachabilityEvent): void {
    const before = reach;
    reach = nextReachability(reach, event, settings.reachability);
    if (before.verdict !== reach.verdict) reporter.reachability(before, reach);
    // The first answer after an outage: the watch need not sit out its back-off.
    if (event.kind === 'round' && reach.lastAnswer === event.at && !ports.watch.view().healthy) ports.watch.retryNow();
  }

  function learnFromWatch(): void {
    const view = ports.watch.view();
    const at = ports.clock.now();
    if (view.healthy && view.synced && (reach.verdict !== 'reachable' || !pace.wasHealthy)) learn({ kind: 'success', at });
    if (!view.healthy && pace.wasHealthy) learn({ kind: 'lost', at });
    pace = { ...pace, wasHealthy: view.healthy };
  }

  function waiting() {
    return { ledger: held.ledger, stored: held.checkpoints, mind, handBackTimeoutMs: settings.policy.handBackTimeoutMs };
  }

  /** Probes run beside the turns: a deadline of seconds must not hold up a hand-back. */
  function probeWhenDue(): Millis | undefined {
    const now = ports.clock.now();
    const hurry = copiesWait(waiting(), now);
    const due = nextRoundIn(reach, { watchHealthy: ports.watch.view().healthy, lastRound, copiesWait: hurry, now }, settings.reachability);
    if (due === undefined || due > 0 || probing) return due;
    probing = true;
    lastRound = now;
    void ports.probe.probe(settings.reachability.deadlineMs).then((probes) => {
      probing = false;
      if (!ports.watch.view().healthy) learn({ kind: 'round', from: now, at: ports.clock.now(), probes, nothingRunsHere });
      wakeups.wake('probe');
    });
    return undefined;
  }

  /** `hurry`: a parent has just come, and only the runtime's word is waited for. */
  async function takeTurn(hurry: boolean): Promise<Millis> {
    const from = ports.clock.now();
    learnFromWatch();
    const probeIn = probeWhenDue();
    // one verdict for the whole turn: a probe that ends meanwhile is for the next one
    const judged = reach;
    const checkpoints = await verifier.checkpoints(judged.verdict, copiesWait(waiting(), from) || captures.busy());
    const all = needs({
      checkpoints,
      ledger: held.ledger,
      mind,
      reach: judged,
      pace,
      now: from,
      policy: settings.policy,
    });
    const need = hurry ? { ...all, kubelet: false, manifests: false, images: [], reads: [] } : all;
    const begun = () => new Map([...held.withdrawing].map(([key, { toUid }]) => [key, toUid]));
    const observation = await observe(need, judged, settings, begun);
    if (observation.runtime.known) {
      pace = { ...pace, lastRuntime: observation.now };
      nothingRunsHere = nothingFromApiRuns(observation.runtime.value);
    }
    if (observation.manifests.known) pace = { ...pace, lastManifests: observation.now };
    const result = turn(mind, checkpoints, held.ledger, observation, settings.policy);
    mind = result.mind;
    if (result.localSign) learn({ kind: 'sign', at: observation.now });
    reporter.decisions(result, checkpoints, observation);
    await apply(ports, held, result.actions, (key) => verifier.fresh(key));
    staticPods.look(observation);
    forgetWithdrawals(held, from);
    const targets = watchTargets(checkpoints, held.ledger, mind, observation, settings.policy);
    held.pids.learn(targets);
    closeWatch.aim(targets);
    reporter.afterActions(result, held, observation);
    // a hand-back may be a matter of milliseconds: nothing else is begun then
    const calm = !copiesWait(waiting(), ports.clock.now());
    if (calm) await captures.tidy();
    const captureIn = captures.run(observation, reach, calm);
    if (calm) await imageLooks.look([...held.checkpoints.values()]);
    makesWay = await standby.yields(observation, mind);
    lastTurn = ports.clock.now();
    reporter.turnTaken(from, lastTurn, held, reach);
    return nextTurnIn({
      ...waiting(),
      reach,
      observation,
      probeIn,
      captureIn,
      acted: result.actions.length > 0,
      role: settings.policy.role,
    });
  }

  async function run(signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const end = (): void => {
      over.abort();
      wakeups.wake('stop');
    };
    if (signal.aborted) end();
    signal.addEventListener('abort', end, { once: true });
    await verifier.begin();
    await held.readLedger();
    await standby.begin();
    reporter.started([...held.checkpoints.values()], held.ledger);
    ports.watch.start(() => wakeups.wake('api'));
    const beside = [closeWatch.run(over.signal), hearEvents(over.signal)];
    let hurry = false;
    while (!over.signal.aborted) {
      const wait: Millis = await takeTurn(hurry).catch((error: unknown) => {
        ports.log.error('A turn failed; the next one starts afresh', { error: messageOf(error) });
        return 1_000;
      });
      if (makesWay) end();
      if (!over.signal.aborted) hurry = (await wakeups.wait(wait)).has('close-watch');
    }
    await ports.watch.stop();
    await Promise.all([...beside, captures.rest()]);
    await standby.end();
  }

  /** Runtime events only wake the loop, and only while something waits for the runtime. */
  async function hearEvents(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const pause = await ports.runtime
        .events((event) => {
          if (event.type === 'created') closeWatch.nudge(event.podUid);
          if (copiesIn(held.ledger).length > 0 || settings.policy.role === 'standby' || reach.verdict !== 'reachable')
            wakeups.wake('runtime');
        }, signal)
        .then(() => 2_000)
        .catch((error: unknown) => (error instanceof Error && 'kind' in error && error.kind === 'unsupported' ? undefined : 5_000));
      if (pause === undefined) return;
      await ports.clock.sleep(pause, signal).catch(() => undefined);
    }
  }

  return {
    run,
    status: () => ({
      lastTurn,
      lockHeld: ports.lock.held(),
      sourcesSettled: lastTurn !== undefined && reach.verdict !== 'unsure',
      checkpoints: reporter.states(),
      refused: captures.refused(),
      warnings: imageLooks.warnings(),
      api: { state: reach.verdict, evidence: reach.evidence, denied: reporter.denied() },
      takeover: standby.takeover(),
      staticPodsUnread: staticPods.unread(),
    }),
  };
}
