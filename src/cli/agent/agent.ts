/**
 * `agent`: the node agent as a process. Checks the host, waits for the host lock, joins the ports, serves metrics and
 * health, and runs the loop until it is told to stop. Placed copies stay placed when it ends.
 */

import { createClock } from '../../adapters/clock.ts';
import { createHostLock } from '../../adapters/disk/lock.ts';
import { type Agent, createAgent } from '../../agent/agent.ts';
import type { AgentStatus } from '../../agent/status.ts';
import type { Config } from '../../core/config/config.ts';
import { messageOf } from '../../core/model/errors.ts';
import { readPlace } from '../../core/self/own.ts';
import type { Role } from '../../core/turn/policy.ts';
import { type Clock, type HostLock, type Log, PortError } from '../../ports.ts';
import { createLog } from '../../telemetry/log.ts';
import { createApiObserver, createMetrics, type Metrics } from '../../telemetry/metrics.ts';
import { registerProcessGauges } from '../../telemetry/process-gauges.ts';
import { createTelemetryServer, type TelemetryServer } from '../../telemetry/server.ts';
import { checkRuntime } from '../connect.ts';
import { hindranceLines } from '../hindrance-lines.ts';
import type { AgentProcess } from '../program.ts';
import { credentialsCome, findApiAccess, type Seeking } from './credentials.ts';
import { inspectHost, prepareHost } from './host-checks.ts';
import { joinPorts, type Surroundings } from './join-ports.ts';
import { listen } from './listen.ts';

const LOCK_RETRY_MS = 1_000;
/** The loop turns at least every ten seconds; a turn that waits for a slow disk may take longer. */
const STALE_TURN_MS = 60_000;

/** Throws PortError for everything that keeps it from starting; nothing is changed on the host then. */
export async function runAgent(process: AgentProcess): Promise<void> {
  const { config, version, signal } = process;
  const clock = createClock();
  const log = createLog({ level: config.log.level, to: process.logTo, wall: clock.wall, fields: { node: config.nodeName } });
  const metrics = createMetrics({
    version,
    nodeVersion: process.nodeVersion,
    onError: (error) => log.error('A metric could not be set', { error: messageOf(error) }),
  });
  registerProcessGauges(metrics);
  const place = readPlace(process.env);
  if ('problem' in place) throw new PortError('invalid', place.problem);
  metrics.gauge('checkpointer_role_info', 1, { role: place.role });
  // these three only read: an agent that they keep from starting leaves the host as it was
  await inspectHost(config, process.uid);
  await checkRuntime(config, log);
  const seeking: Seeking = { config, env: process.env, clock, role: place.role };
  await findApiAccess(seeking);
  await prepareHost(config, process.uid);
  const lock = createHostLock({ stateDir: config.stateDir, ...inherited(process.env) });
  await holdLock(lock, clock, log, metrics, signal);
  if (signal.aborted) return;
  const around: Surroundings = { ...process, clock, log, meter: metrics, observer: createApiObserver(metrics), lock, place };
  let joined = await joinPorts(around);
  let agent = createAgent(joined.ports, joined.settings);
  const status = (): AgentStatus => ({ ...agent.status(), lacking: joined.lacking });
  const server = await serve({ config, metrics, status, role: place.role, clock, log, signal });
  log.info('Agent starts', {
    role: place.role,
    version,
    nodeVersion: process.nodeVersion,
    stateDir: config.stateDir,
    staticPodPath: config.staticPodPath,
  });
  try {
    while (joined.lacking !== undefined && !signal.aborted) {
      log.warn(joined.lacking);
      await runWithout(agent, seeking, signal);
      if (signal.aborted) return;
      await joined.close();
      joined = await joinPorts(around);
      agent = createAgent(joined.ports, joined.settings);
    }
    await agent.run(signal);
  } finally {
    await server?.close();
    await joined.close();
    log.info('Agent stopped; placed copies stay placed');
  }
}

/** Until the credentials are there that it lacks, or the signal. Copies stay as they are when it ends. */
async function runWithout(agent: Agent, seeking: Seeking, signal: AbortSignal): Promise<void> {
  const come = new AbortController();
  const either = AbortSignal.any([signal, come.signal]);
  const looking = credentialsCome(seeking, either).then(() => come.abort());
  await agent.run(either).finally(() => come.abort());
  await looking;
}

/** The loser waits here: before the store is opened, before the port of the metrics is taken. */
async function holdLock(lock: HostLock, clock: Clock, log: Log, metrics: Metrics, signal: AbortSignal): Promise<void> {
  let said = false;
  while (!signal.aborted && !(await lock.tryAcquire())) {
    if (!said) log.info('Another agent on this node holds the lock; waiting');
    said = true;
    await clock.sleep(LOCK_RETRY_MS, signal).catch(() => undefined);
  }
  metrics.gauge('checkpointer_lock_held', lock.held() ? 1 : 0);
}

/** Set by whoever opened and locked `<stateDir>/lock` before starting us. */
function inherited(env: AgentProcess['env']): { readonly inheritedFd?: number } {
  const fd = Number(env['POD_CHECKPOINTER_LOCK_FD'] ?? '');
  return Number.isInteger(fd) && fd > 2 ? { inheritedFd: fd } : {};
}

interface Served {
  readonly config: Config;
  readonly metrics: Metrics;
  readonly status: () => AgentStatus;
  readonly role: Role;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

async function serve({ config, metrics, status, role, clock, log, signal }: Served): Promise<TelemetryServer | undefined> {
  const { address } = config.metrics;
  if (address === undefined) return undefined;
  const server = createTelemetryServer({
    address,
    metrics: () => metrics.render(),
    health: () => healthOf(status(), clock.now()),
    ready: () => readyOf(status(), role),
    status,
    onError: (error) => log.error('A scrape failed', { error: messageOf(error) }),
  });
  await listen(server, { clock, log, signal });
  return server;
}

export function healthOf(status: AgentStatus, now: number): { readonly ok: boolean; readonly detail: string } {
  if (status.lastTurn === undefined) return { ok: now < STALE_TURN_MS, detail: 'no turn has been finished yet' };
  const age = now - status.lastTurn;
  return {
    ok: age < STALE_TURN_MS && status.lockHeld,
    detail: `last turn ${Math.round(age / 1000)} s ago, lock ${status.lockHeld ? 'held' : 'lost'}`,
  };
}

/**
 * DaemonSet's pod and standby serve on the same address of the node, and the kubelet's probes of both end here. The pod
 * may count as Ready only while it has the lock itself: a standby never says that it is ready. An agent that the API
 * server refuses captures nothing, nor does one that watches another runtime than the kubelet's; and one whose standby
 * the kubelet never starts covers nothing. A rollout that did any of it must not go on to the next node.
 */
export function readyOf(status: AgentStatus, role: Role): { readonly ok: boolean; readonly detail: string } {
  const { ok, detail } = readiness(status, role);
  // readiness is about the agent: a copy that would not start is told, and changes nothing
  return { ok, detail: [detail, ...hindranceLines(status)].join('\n') };
}

function readiness(status: AgentStatus, role: Role): { readonly ok: boolean; readonly detail: string } {
  if (role === 'standby') {
    const why = status.takeover === undefined ? '' : `: ${status.takeover.message}`;
    return { ok: false, detail: `the standby is in charge of this node, not the DaemonSet's pod${why}` };
  }
  if (status.lacking !== undefined) return { ok: false, detail: status.lacking };
  if (status.api.denied !== undefined) return { ok: false, detail: status.api.denied };
  if (status.contradiction !== undefined) return { ok: false, detail: status.contradiction };
  if (status.staticPodsUnread !== undefined) return { ok: false, detail: status.staticPodsUnread };
  const { state, evidence, tls } = status.api;
  const strangers = status.strangers === undefined ? '' : `; ${status.strangers}`;
  return { ok: status.sourcesSettled && status.lockHeld, detail: `API server ${state}: ${tls ?? evidence}${strangers}` };
}
