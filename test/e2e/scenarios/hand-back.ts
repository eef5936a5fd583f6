/** The way back, again and again: a copy leaves when its parent can take over, and nobody notices. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { findInLog, readAgentLog } from '../agent-log.ts';
import { backToNormal, cutPowerUntilCopiesServe, livingCopies, newContainerOf, roundName, type Serving } from '../copies.ts';
import type { ContainerTimes } from '../node/cri.ts';
import { ADDRESSES } from '../node/layout.ts';
import type { Node } from '../node/node.ts';
import { done, holds, notYet, until } from '../node/wait.ts';
import { type Answer, firstOk, incarnations, longestGap, startProber } from '../prober.ts';
import {
  check,
  dependsOnKubelet,
  expect,
  given,
  remembered,
  type Scenario,
  type Step,
  TIMES_PROMISED,
  type World,
  when,
} from '../scenario.ts';
import { ownManifests } from '../status.ts';
import { CONTAINER, copiesOf, HOST_URL, type Parents, POD_PORT, parentsReady, restartsAfter } from '../workload.ts';

/** What is promised for a pod on the host network. */
const HOST_GAP_PROMISED_MS = 500;
/**
 * What of the gap is not the kubelet's and the runtime's own: from the attempt to create the parent's container to its process
 * nobody can serve, and on an overloaded computer that alone takes longer than the whole promise (750 ms seen).
 */
const OWN_GAP_PROMISED_MS = 300;
/** Two addresses overlap, so only the prober's own beat and a busy computer make a gap. */
const POD_GAP_PROMISED_MS = 500;
const RETURN_LIMIT_MS = 600_000;
/** The last round's outage: the kubelet's back-offs grow with it, and with them the time between its pods and its services. */
const LONG_OUTAGE_MS = 60_000;

interface Round {
  serving?: Serving;
  before?: Parents;
  apiStartedAt: number;
  answers: readonly Answer[];
  api: readonly Answer[];
  parentPodAddress: string;
  /** The containers of the host-network parent and its copy, for a failure's message. */
  story: string;
  /** From the kubelet's attempt to create the parent's one container to the start of its process. */
  runtimeMs: number;
}

/** Starts the API server under the probers and waits until both parents run and both copies are gone. */
async function watchHandBack(world: World, round: Round, name: string): Promise<void> {
  const { node } = world;
  const parents = remembered(world.memory.parents, 'the parents');
  const serving = remembered(round.serving, 'the copies');
  const prober = await startProber({ node, name, urls: [`${HOST_URL}/`, serving.podCopyUrl] });
  const apiProber = await startProber({ node, name: `${name}-api`, urls: [`${ADDRESSES.api}/version`], asAdmin: true });
  round.apiStartedAt = await node.apiStart();
  await until(
    'hand-back of both',
    async () => {
      const pods = await node.cri.pods();
      const podParent = newContainerOf(pods, parents.pod.uid, round.apiStartedAt);
      if (podParent !== undefined && round.parentPodAddress === '') {
        round.parentPodAddress = await node.cri.addressOf(podParent.sandboxId);
        prober.add(`http://${round.parentPodAddress}:${POD_PORT}/`);
      }
      const hostParent = newContainerOf(pods, parents.host.uid, round.apiStartedAt);
      const copies = livingCopies(pods, parents).map((pod) => pod.name);
      if (hostParent?.state === 'RUNNING' && podParent?.state === 'RUNNING' && copies.length === 0) return done();
      return notYet(
        `host parent ${hostParent?.state ?? 'none'}, pod parent ${podParent?.state ?? 'none'}, copies: ${copies.join(' ') || 'gone'}`,
      );
    },
    RETURN_LIMIT_MS,
    20,
  );
  await until(
    'parent of the host network serving',
    () => (firstOk(prober.answers(), Date.now() - 500) ? done() : notYet('no answer')),
    60_000,
  );
  await reportHandBack(world, round, name);
  round.answers = await prober.stop();
  round.api = await apiProber.stop();
}

async function reportHandBack(world: World, round: Round, name: string): Promise<void> {
  const { node } = world;
  const parents = remembered(world.memory.parents, 'the parents');
  const pods = await node.cri.pods();
  const log = readAgentLog(node.paths.agentLog);
  for (const which of ['host', 'pod'] as const) {
    const created = newContainerOf(pods, parents[which].uid, round.apiStartedAt)?.createdAt;
    const withdrawn = findInLog(log, { event: 'withdrew', checkpoint: parents[which].checkpoint, since: round.apiStartedAt })[0]?.time;
    if (created !== undefined) world.figure(`${name}: ${which}: API start → parent's container`, created - round.apiStartedAt, 'ms');
    if (created !== undefined && withdrawn !== undefined) {
      world.figure(`${name}: ${which}: parent's container → copy withdrawn`, withdrawn - created, 'ms');
    }
  }
  await reportMargin(world, round, name);
}

/** By how much the copy's end came before the start of the parent's process: negative, and both met on the port. */
async function reportMargin(world: World, round: Round, name: string): Promise<void> {
  const { node } = world;
  const { host } = remembered(world.memory.parents, 'the parents');
  const pods = await node.cri.pods();
  const attempts = pods
    .filter((pod) => pod.uid === host.uid)
    .flatMap((pod) => pod.containers)
    .filter((container) => container.createdAt > round.apiStartedAt);
  const parents = await timesOf(node, attempts);
  const copies = await timesOf(
    node,
    copiesOf(pods, host.checkpoint).flatMap((pod) => pod.containers),
  );
  const start = Math.min(...parents.map((times) => times.startedAt || Number.POSITIVE_INFINITY));
  const end = Math.max(...copies.map((times) => times.finishedAt));
  if (Number.isFinite(start) && Number.isFinite(end)) world.figure(`${name}: host: copy's end → parent's process`, start - end, 'ms');
  const [parent, ...more] = parents;
  if (parent !== undefined && more.length === 0) {
    const attemptAt = lastAttempt(node, host.uid);
    round.runtimeMs = parent.startedAt - attemptAt;
    world.figure(`${name}: host: kubelet's attempt → parent's container`, parent.createdAt - attemptAt, 'ms');
    if (Number.isFinite(end)) world.figure(`${name}: host: kubelet's attempt → copy's end`, end - attemptAt, 'ms');
    world.figure(`${name}: host: parent's container → its process`, parent.startedAt - parent.createdAt, 'ms');
  }
  round.story = [
    ...parents.map((times) => `parent: ${told(times, round.apiStartedAt)}`),
    ...copies.map((times) => `copy: ${told(times, round.apiStartedAt)}`),
  ].join('; ');
}

/** Of those that are still there. */
async function timesOf(node: Node, containers: readonly { readonly id: string }[]): Promise<readonly ContainerTimes[]> {
  const times = await Promise.all(containers.map(({ id }) => node.cri.timesOf(id)));
  return times.filter((one) => one !== undefined);
}

/** When the kubelet last made a file for the termination message of the pod's container, which is never written to. */
function lastAttempt(node: Node, uid: string): number {
  const dir = join(node.paths.kubelet, 'pods', uid, 'containers', CONTAINER);
  return Math.max(...readdirSync(dir).map((name) => statSync(join(dir, name)).mtimeMs));
}

function told(times: ContainerTimes, zero: number): string {
  const at = (time: number) => (time <= 0 ? 'never' : `${(time - zero).toFixed(0)} ms`);
  return `created ${at(times.createdAt)}, started ${at(times.startedAt)}, ended ${at(times.finishedAt)} (exit code ${times.exitCode})`;
}

function roundSteps(number: number, last: boolean): readonly Step[] {
  const name = roundName(number);
  const round: Round = { apiStartedAt: 0, answers: [], api: [], parentPodAddress: '', story: '', runtimeMs: 0 };
  return [
    given(`${name}: both parents are Ready`, async ({ node, memory }) => {
      memory.parents = await parentsReady(node, 60_000);
      round.before = memory.parents;
    }),
    when(`${name}: the power is cut with the API server, and both copies serve`, async (world) => {
      round.serving = await cutPowerUntilCopiesServe(world, name);
    }),
    ...(last ? [longOutage(name)] : []),
    when(`${name}: the API server is back, both parents run, both copies are gone`, async (world) => {
      await watchHandBack(world, round, name);
    }),
    check(`${name}: the host-network service was away for ${HOST_GAP_PROMISED_MS} ms, or what the runtime alone took`, async (world) => {
      const first = firstOk(round.api)?.answeredAt;
      if (first !== undefined) world.figure(`${name}: API start → first 200`, first - round.apiStartedAt, 'ms');
      const host = round.answers.filter((answer) => answer.url === `${HOST_URL}/`);
      const gap = longestGap(host)?.ms ?? Number.NaN;
      const orWithRuntime = (times: number) => Math.max(times * HOST_GAP_PROMISED_MS, round.runtimeMs + times * OWN_GAP_PROMISED_MS);
      world.promise(`${name}: host: service gap`, gap, Math.round(orWithRuntime(1)), {
        // a parent that met the copy on its port loses ten seconds, and passes nothing
        failsAt: orWithRuntime(TIMES_PROMISED),
        because: `after the API server's start: ${round.story}`,
      });
      const { checkpoint } = remembered(world.memory.parents, 'the parents').host;
      const [withdrew] = findInLog(readAgentLog(world.node.paths.agentLog), { event: 'withdrew', checkpoint, since: round.apiStartedAt });
      expect(withdrew?.killed === '1', `the agent should have killed the copy itself; it says ${JSON.stringify(withdrew)}`);
      const served = incarnations(host);
      expect(served.length === 2, `one copy and one parent should have answered, in turn; there were ${served.length} processes`);
    }),
    check(`${name}: the pod-network service had no gap, on one of its two addresses`, async (world) => {
      const serving = remembered(round.serving, 'the copies');
      const urls = [serving.podCopyUrl, `http://${round.parentPodAddress}:${POD_PORT}/`];
      const gap = longestGap(round.answers.filter((answer) => urls.includes(answer.url)))?.ms ?? Number.NaN;
      expect(round.parentPodAddress !== serving.podCopy, 'parent and copy should have addresses of their own');
      world.promise(`${name}: pod: service gap`, gap, POD_GAP_PROMISED_MS);
    }),
    check(`${name}: each parent was restarted exactly once, by the power cut; all is as before`, async (world) => {
      await backToNormal(world, restartsAfter(remembered(round.before, 'the parents'), 1), RETURN_LIMIT_MS);
    }),
  ];
}

function longOutage(name: string): Step {
  return when(`${name}: nobody answers for ${LONG_OUTAGE_MS / 1000} s, and the copies serve on`, async ({ node, memory }) => {
    const parents = remembered(memory.parents, 'the parents');
    const complaint = async () => {
      const copies = livingCopies(await node.cri.pods(), parents).length;
      return copies === 2 && ownManifests(node).length === 2
        ? undefined
        : `${copies} copies, ${ownManifests(node).length} manifests of ours`;
    };
    await holds('both copies stay', complaint, LONG_OUTAGE_MS, 500);
  });
}

export const handBack: Scenario = {
  id: 'hand-back',
  title: 'When the API server is back every copy makes way for its parent, every time',
  needs: ['capture'],
  kubelet: dependsOnKubelet('the moment is read off what this kubelet and this runtime do'),
  steps: ({ rounds }) => [
    ...Array.from({ length: rounds }, (_, index) => roundSteps(index + 1, index + 1 === rounds)).flat(),
    check("most copies left with the kubelet's attempt, before the parent's container was there", async ({ node }) => {
      const signs = findInLog(readAgentLog(node.paths.agentLog), { event: 'withdrew' }).map(({ sign }) => sign);
      const early = signs.filter((sign) => sign === 'attempt').length;
      expect(early > rounds / 2, `${early} of ${rounds} did; all signs: ${signs.join(' ')}`);
    }),
  ],
};
