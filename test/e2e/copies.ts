/** Steps that several scenarios share: the power cut, the copies' start, and the way back to the parents. */
import { findInLog, readAgentLog } from './agent-log.ts';
import { foreignComplaint, foreignFiles } from './foreign.ts';
import type { CriPod } from './node/cri.ts';
import type { Node } from './node/node.ts';
import { done, doneUnless, notYet, until } from './node/wait.ts';
import { firstOk, type Prober, startProber } from './prober.ts';
import { remembered, type World } from './scenario.ts';
import { leakedSecrets } from './secrets.ts';
import { checkpointStatus, ownManifests, storedComplaint } from './status.ts';
import { BOTH, copiesOf, HOST_URL, isLiving, type Parents, POD_PORT, parentsReady, type Restarts, restartsAfter } from './workload.ts';

export interface Serving {
  readonly bootedAt: number;
  /** Address of the pod-network copy. */
  readonly podCopy: string;
  readonly podCopyUrl: string;
}

/** Cuts the power with the API server, boots, and waits until both copies answer. Figures carry the given prefix. */
export async function cutPowerUntilCopiesServe(world: World, prefix: string): Promise<Serving> {
  const { node } = world;
  const parents = remembered(world.memory.parents, 'the parents');
  const cutAt = Date.now();
  await node.powerCut({ api: 'down' });
  const prober = await startProber({ node, name: `${prefix}-boot`, urls: [`${HOST_URL}/`] });
  const bootedAt = await node.boot();
  world.figure(`${prefix}: power cut → boot`, bootedAt - cutAt, 'ms');

  const podCopy = await until('address of the pod-network copy', () => addressOfCopy(node, parents.pod.checkpoint), 60_000, 20);
  const podCopyUrl = `http://${podCopy}:${POD_PORT}/`;
  prober.add(podCopyUrl);
  await until(
    'both copies serving',
    () => {
      const missing = [`${HOST_URL}/`, podCopyUrl].filter((url) => firstOkOf(prober, url, bootedAt) === undefined);
      return doneUnless(missing.join(' '));
    },
    60_000,
    20,
  );
  await prober.stop();

  for (const [which, url] of [['host', `${HOST_URL}/`] as const, ['pod', podCopyUrl] as const]) {
    const log = readAgentLog(node.paths.agentLog);
    const { checkpoint } = parents[which];
    const verdict = findInLog(log, { event: 'decided', checkpoint, to: 'active', since: bootedAt })[0]?.time;
    const placed = findInLog(log, { event: 'placed', checkpoint, since: bootedAt })[0]?.time;
    const serving = firstOkOf(prober, url, bootedAt)?.answeredAt;
    const figure = (name: string, from: number | undefined, to: number | undefined) => {
      if (from !== undefined && to !== undefined) world.figure(`${prefix}: ${which}: ${name}`, to - from, 'ms');
    };
    figure('boot → verdict', bootedAt, verdict);
    figure('verdict → manifest', verdict, placed);
    figure('manifest → serving', placed, serving);
    figure('boot → serving', bootedAt, serving);
  }
  return { bootedAt, podCopy, podCopyUrl };
}

/** After a boot without the API server: waits until both copies answer, and measures nothing. */
export async function copiesServe({ node, memory }: World): Promise<Serving> {
  const parents = remembered(memory.parents, 'the parents');
  const podCopy = await until('address of the pod-network copy', () => addressOfCopy(node, parents.pod.checkpoint), 60_000);
  const podCopyUrl = `http://${podCopy}:${POD_PORT}/`;
  for (const url of [`${HOST_URL}/`, podCopyUrl]) await until(`an answer from ${url}`, async () => done(await node.fetch(url)), 60_000);
  return { bootedAt: remembered(memory.bootedAt, 'the time of the boot'), podCopy, podCopyUrl };
}

function firstOkOf(prober: Prober, url: string, since: number) {
  return firstOk(
    prober.answers().filter((answer) => answer.url === url),
    since,
  );
}

async function addressOfCopy(node: Node, checkpoint: string) {
  const copy = copiesOf(await node.cri.pods(), checkpoint).find((pod) => pod.ready);
  if (copy === undefined) return notYet(lastWords(node));
  const address = await node.cri.addressOf(copy.sandboxId);
  return address === '' ? notYet('its sandbox has no address yet') : done(address);
}

/** The agent's last log lines, for a failure's message. */
function lastWords(node: Node): string {
  const lines = readAgentLog(node.paths.agentLog).slice(-3);
  return `the agent's last lines: ${lines.map((line) => [line.msg.split('\n')[0], line.checkpoint, line.to, line.reason].filter(Boolean).join(' ')).join(' | ')}`;
}

/** Waits until the status command lists a checkpoint of each parent. */
export async function bothListed({ node, memory }: World, limitMs: number): Promise<void> {
  const parents = remembered(memory.parents, 'the parents');
  await until(
    'both checkpoints listed',
    async () => {
      const listed = (await checkpointStatus(node)).map((one) => one.checkpoint);
      return doneUnless(
        BOTH.map((which) => parents[which].checkpoint)
          .filter((checkpoint) => !listed.includes(checkpoint))
          .join(' '),
      );
    },
    limitMs,
    500,
  );
}

/** Newest container of a pod of the API that is younger than `since`. */
export function newContainerOf(pods: readonly CriPod[], uid: string, since: number) {
  return pods
    .filter((pod) => pod.uid === uid && pod.source === 'api')
    .flatMap((pod) => pod.containers.map((container) => ({ ...container, sandboxId: pod.sandboxId })))
    .filter((container) => container.createdAt > since)
    .sort((a, b) => b.createdAt - a.createdAt)[0];
}

export function livingCopies(pods: readonly CriPod[], parents: Parents): readonly CriPod[] {
  return livingCopiesOf(
    pods,
    BOTH.map((which) => parents[which].checkpoint),
  );
}

export function livingCopiesOf(pods: readonly CriPod[], checkpoints: readonly string[]): readonly CriPod[] {
  return checkpoints.flatMap((checkpoint) => copiesOf(pods, checkpoint)).filter(isLiving);
}

/** Waits until no copy of these parents lives, and nothing of what else is named is left. */
export async function noCopies(node: Node, parents: Parents, limitMs: number, alsoLeft: () => readonly string[] = () => []): Promise<void> {
  await until(
    'copies gone',
    async () => doneUnless([...livingCopies(await node.cri.pods(), parents).map(({ name }) => name), ...alsoLeft()].join(' ')),
    limitMs,
    250,
  );
}

/** The API server comes back, and both parents run as before, restarted once. Returns when it was started. */
export async function apiBackToParents({ node, memory }: World): Promise<number> {
  const before = remembered(memory.parents, 'the parents');
  const from = await node.apiStart();
  await node.apiReady();
  memory.parents = await parentsReady(node, 300_000, restartsAfter(before, 1));
  await noCopies(node, before, 180_000);
  return from;
}

/**
 * Waits for the state in which every scenario begins: the same parents Ready, restarted so often and no more, copies
 * gone, checkpoints kept, nothing foreign touched.
 */
export async function backToNormal(world: World, restarts: Restarts, limitMs: number): Promise<void> {
  const { node, memory } = world;
  const before = remembered(memory.parents, 'the parents');
  memory.parents = await parentsReady(node, limitMs, restarts);
  for (const which of BOTH) {
    if (memory.parents[which].uid !== before[which].uid) throw new Error(`the ${which} parent is another pod now`);
  }
  await noCopies(node, before, limitMs, () => ownManifests(node));
  await until(
    'both checkpoints at rest',
    async () => {
      const list = await checkpointStatus(node);
      const restless = BOTH.filter((which) => !list.some((one) => one.checkpoint === before[which].checkpoint && one.state === 'inactive'));
      return restless.length === 0 ? done() : notYet(JSON.stringify(list));
    },
    60_000,
    500,
  );
  for (const which of BOTH) {
    const complaint = storedComplaint(node, before[which].checkpoint);
    if (complaint !== undefined) throw new Error(complaint);
  }
  const leaked = await leakedSecrets(node, memory);
  if (leaked !== '') throw new Error(leaked);
  const touched = foreignComplaint(memory.foreign, foreignFiles(node));
  if (touched !== undefined) throw new Error(touched);
}

/** Log files of one round get names that sort. */
export function roundName(round: number): string {
  return `round ${String(round).padStart(2, '0')}`;
}
