/**
 * What the scenarios share in which it is hard to tell whether there is an API server: how the agent reaches it, what it
 * has judged and decided, and that it has started nothing.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findInLog, type LogEntry, readAgentLog } from './agent-log.ts';
import { copiesServe } from './copies.ts';
import type { KubeletKeys } from './node/kubelet.ts';
import { ADDRESSES } from './node/layout.ts';
import type { Node } from './node/node.ts';
import { done, doneUnless, never, notYet, until } from './node/wait.ts';
import { expect, remembered, type World } from './scenario.ts';
import { keptAddresses, ownManifests } from './status.ts';
import { BOTH } from './workload.ts';

/** So long it is open whether something that is no outage for sure (a balancer's page, an expired certificate) is one. */
export const DWELL_MS = 60_000;

/**
 * Brings the API server back while the kubelet is away, and starts that after it: one that is there asks again only after its
 * back-off, up to a minute.
 */
export async function apiBackBeforeKubelet(node: Node, apiBack: () => Promise<void>): Promise<void> {
  await node.kubelet.stop('SIGTERM');
  try {
    await apiBack();
    await node.apiReady();
  } finally {
    await node.kubelet.start();
  }
}

/** Waits until the agent, restarted since, has judged the API server to be reachable. */
export async function agentReachesApi(node: Node, since: number): Promise<void> {
  await until('the agent reaching the API server', () => judged(node, since, 'reachable'), 60_000);
}

/**
 * From now on the agent is told of no other address of the API server than the kubernetes service's, as in a pod. Waits
 * until it has learnt the server's own.
 */
export async function reachByServiceAddress(node: Node): Promise<void> {
  const file = join(node.paths.state, 'agent-by-service.kubeconfig');
  const direct = readFileSync(node.paths.agentKubeconfig, 'utf8');
  writeFileSync(file, direct.replaceAll(ADDRESSES.api, `https://${ADDRESSES.apiService}:443`), { mode: 0o600 });
  await reconfigured(node, { kubeconfig: file });
  const learnt = () => doneUnless(keptAddresses(node).includes(ADDRESSES.api) ? '' : `it keeps ${keptAddresses(node) || 'none'}`);
  await until(`${ADDRESSES.api} learnt by the agent`, learnt, 60_000);
}

/** Waits until the agent goes by these keys, besides those of every scenario, and reaches the API server. */
export async function reconfigured(node: Node, keys: Readonly<Record<string, unknown>>): Promise<void> {
  const since = Date.now();
  await node.agent.reconfigure(keys);
  await agentReachesApi(node, since);
}

/** The kubelet goes by these keys, besides those of every scenario; the agent is restarted too, because it reads them when it starts. */
export async function kubeletConfigured(node: Node, keys: KubeletKeys): Promise<void> {
  if (!(await node.kubeletReconfigure(keys)) || !node.agent.wanted()) return;
  const since = Date.now();
  await node.agent.stop();
  await node.agent.start();
  await agentReachesApi(node, since);
}

/** Waits until the agent has judged the API server anew; `to`: in that way. */
export async function judgesAnew(node: Node, since: number, limitMs: number, to?: string): Promise<LogEntry> {
  return await until(`the API server judged${to === undefined ? '' : ` to be ${to}`}`, () => judged(node, since, to), limitMs);
}

function judged(node: Node, since: number, to?: string) {
  const query = { event: 'judged', since } as const;
  const entry = findInLog(readAgentLog(node.paths.agentLog), to === undefined ? query : { ...query, to })[0];
  if (entry !== undefined) return done(entry);
  return node.agent.alive() ? notYet('it has not') : never('the agent ended; see agent.log');
}

/** What shows that a copy was started since then, or may have been; undefined: nothing does. */
export function startedSince(node: Node, since: number): string | undefined {
  const manifests = ownManifests(node);
  if (manifests.length > 0) return `manifests of ours: ${manifests.join(' ')}`;
  const log = readAgentLog(node.paths.agentLog);
  const acted = [...findInLog(log, { event: 'decided', to: 'active', since }), ...findInLog(log, { event: 'placed', since })];
  if (acted.length > 0) return `the agent acted: ${acted.map((entry) => `${entry.msg} ${entry.checkpoint} ${entry.reason}`).join('; ')}`;
  return node.agent.alive() ? undefined : 'the agent ended; see agent.log';
}

/** Waits until the agent has decided to start both copies, and they serve. Gives the first of the decisions. */
export async function bothStart(world: World, since: number, limitMs: number): Promise<LogEntry> {
  const { node, memory } = world;
  const parents = remembered(memory.parents, 'the parents');
  const decisions = await until(
    'both copies started',
    () => {
      const log = readAgentLog(node.paths.agentLog);
      const of = (which: (typeof BOTH)[number]) => ({ event: 'decided', checkpoint: parents[which].checkpoint, since }) as const;
      const active = BOTH.flatMap((which) => findInLog(log, { ...of(which), to: 'active' }).slice(0, 1));
      if (active.length === BOTH.length) return done(active);
      if (!node.agent.alive()) return never('the agent ended; see agent.log');
      const verdict = findInLog(log, { event: 'judged', since }).at(-1)?.to ?? 'not judged';
      const reasons = BOTH.map((which) => `${which}: ${findInLog(log, of(which)).at(-1)?.reason ?? 'undecided'}`);
      return notYet(`the API server: ${verdict}; ${reasons.join('; ')}`);
    },
    limitMs,
  );
  await copiesServe(world);
  return decisions.sort((a, b) => a.time - b.time)[0] as LogEntry;
}

/** {@link bothStart}, and not before it was open for so long whether this is an outage. */
export async function bothStartAfterDwell(world: World, since: number): Promise<void> {
  const { time } = await bothStart(world, since, DWELL_MS + 60_000);
  world.figure('boot → verdict', time - since, 'ms');
  expect(time - since >= DWELL_MS, `the copies should have waited for ${DWELL_MS / 1000} s, not ${(time - since) / 1000} s`);
}
