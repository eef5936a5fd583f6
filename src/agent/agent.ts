/**
 * The loop: observe → decide → plan → apply → report → capture, one turn at a time, never two at once.
 *
 * It orders and waits: a turn is `agent/turns.ts`, and what to do is decided in `core/turn/turn.ts`. A failing source
 * costs knowledge, a failing action is planned again, a failing capture is tried later: nothing here ends the process.
 */

import { tlsSentence } from '../core/api/tls-trouble.ts';
import { messageOf } from '../core/model/errors.ts';
import { copiesIn } from '../core/model/ledger.ts';
import type { Millis } from '../core/model/model.ts';
import type { Ports, RuntimeEvent } from '../ports.ts';
import { createParts, type Parts } from './parts.ts';
import { createRuntimeEvents } from './runtime-events.ts';
import type { AgentSettings } from './settings.ts';
import type { AgentStatus } from './status.ts';
import { createTurns, type Turns } from './turns.ts';
import { createWakeups } from './wakeups.ts';

/** After a turn that failed. */
const RETRY_MS: Millis = 1_000;

export interface Agent {
  /**
   * Runs until the signal, the host lock being held; a standby also until it makes way. Resolves when everything has
   * come to rest. Placed copies stay placed.
   */
  run(signal: AbortSignal): Promise<void>;
  status(): AgentStatus;
}

export function createAgent(ports: Ports, settings: AgentSettings): Agent {
  const wakeups = createWakeups(ports.clock);
  const parts = createParts(ports, settings, wakeups);
  const turns = createTurns(ports, settings, parts);
  const { held, api, verifier, closeWatch, glance, captures, standby, reporter, room } = parts;
  const events = createRuntimeEvents(ports, heard);

  async function begin(): Promise<void> {
    await verifier.begin();
    await held.readLedger();
    await room.begin();
    await standby.begin();
    reporter.started([...held.checkpoints.values()], held.ledger);
    ports.watch.start(() => wakeups.wake('api'));
  }

  async function turnUntil(over: AbortController, end: () => void): Promise<void> {
    let hurry = false;
    while (!over.signal.aborted) {
      const wait: Millis = await turns.take(hurry).catch((error: unknown) => {
        ports.log.error('A turn failed; the next one starts afresh', { error: messageOf(error) });
        return RETRY_MS;
      });
      if (turns.makesWay()) end();
      // in doubt about the API server nothing starts, and so nothing is waited for
      events.need(copiesIn(held.ledger).length > 0 || api.now().verdict === 'unreachable');
      if (!over.signal.aborted) hurry = (await wakeups.wait(wait)).has('close-watch');
    }
  }

  /** Only while something waits for the runtime. */
  function heard(event: RuntimeEvent): void {
    if (event.type === 'created') closeWatch.nudge(event.podUid);
    wakeups.wake('runtime');
  }

  async function run(signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const end = (): void => {
      over.abort();
      wakeups.wake('stop');
    };
    if (signal.aborted) end();
    signal.addEventListener('abort', end, { once: true });
    await begin();
    const beside = [closeWatch.run(over.signal), glance.run(over.signal), events.run(over.signal)];
    await turnUntil(over, end);
    await ports.watch.stop();
    await Promise.all([...beside, captures.rest(), verifier.rest()]);
    await standby.end();
  }

  return { run, status: () => statusOf(ports, parts, turns) };
}

function statusOf(ports: Ports, parts: Parts, turns: Turns): AgentStatus {
  const { api, captures, doubts, imageLooks, reporter, room, standby, staticPods, strangers } = parts;
  const { verdict, evidence, tls } = api.now();
  const lastTurn = turns.last();
  return {
    lastTurn,
    lockHeld: ports.lock.held(),
    sourcesSettled: lastTurn !== undefined && verdict !== 'unsure',
    checkpoints: reporter.states(),
    refused: captures.refused(),
    warnings: imageLooks.warnings(),
    hindrances: reporter.hindrances(),
    api: { state: verdict, evidence, denied: reporter.denied(), tls: tlsSentence(tls) },
    takeover: standby.takeover(),
    contradiction: doubts.says(),
    staticPodsUnread: staticPods.unread(),
    strangers: strangers.sentence(),
    podsTooMany: room.tooMany(),
  };
}
