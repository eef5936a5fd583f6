/** The chart as a release on a test node: helm itself, and the pods and the standby that come of it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AgentImage, makeAgentImage } from './agent-image.ts';
import { prepareHelm } from './components.ts';
import { bothListed } from './copies.ts';
import { hideLookAlike, showLookAlike } from './foreign.ts';
import { ADDRESSES } from './node/layout.ts';
import type { Node } from './node/node.ts';
import { runAny } from './node/process.ts';
import { done, doneUnless, notYet, until } from './node/wait.ts';
import { expect, remembered, type World } from './scenario.ts';
import { storedComplaint } from './status.ts';
import { BOTH, copiesOf, parentsReady } from './workload.ts';

/** Not the chart's own name: the other scenarios' agent has an account of that name. */
export const RELEASE = 'e2e';
export const NAME = `${RELEASE}-pod-checkpointer`;
export const NAMESPACE = 'kube-system';
/** After an API server's restart controllers have been seen to sleep for more than a minute. */
export const READY_LIMIT_MS = 240_000;

const IMPORT_LIMIT_MS = 120_000;

export interface Pod {
  readonly name: string;
  readonly uid: string;
  readonly ready: boolean;
  readonly restarts: number;
}

/** Runs helm against the node's API server, and gives what it said, the logs of hooks too; throws with its words. */
export async function helm({ paths, machine }: Node, args: readonly string[]): Promise<string> {
  const program = await prepareHelm(() => undefined);
  const argv = [program, ...args, `--namespace=${NAMESPACE}`, `--kubeconfig=${paths.adminKubeconfig}`];
  const result = await runAny(machine.networkOnly(argv), { env: { HOME: paths.state, PATH: '/usr/bin:/bin' }, limitMs: 300_000 });
  if (result.code !== 0) throw new Error(`helm ${args[0]}: ${result.stderr.trim()}`);
  return `${result.stdout}${result.stderr}`;
}

/** A taint as people give it to nodes for pods of one kind; the uninstall's Jobs must run on such a node, too. */
export const OWN_TAINT = 'e2e.example/dedicated';

export function valuesFile({ paths }: Node, level: string, more: Readonly<Record<string, unknown>> = {}): string {
  const file = join(paths.state, `values-${level}.json`);
  const values = {
    namespaces: ['e2e'],
    stateDir: paths.agentState,
    staticPodPath: paths.manifests,
    kubeletRootDir: paths.kubelet,
    criSocket: paths.criSocket,
    apiEndpoints: [ADDRESSES.api],
    config: { minReady: '3s', retireGrace: '20s', log: { level } },
    ...more,
  };
  writeFileSync(file, JSON.stringify(values));
  return file;
}

/** The DaemonSet's pods, not the mirror of the standby. */
export async function agentPods(node: Node): Promise<readonly Pod[]> {
  interface PodJson {
    metadata: { name: string; uid: string; annotations?: Record<string, string>; deletionTimestamp?: string };
    status?: { conditions?: { type: string; status: string }[]; containerStatuses?: { restartCount: number }[] };
  }
  const { stdout } = await node.kubectl([
    'get',
    'pods',
    `--namespace=${NAMESPACE}`,
    `--selector=app.kubernetes.io/name=pod-checkpointer,app.kubernetes.io/instance=${RELEASE},app.kubernetes.io/component!=cleanup`,
    '--output=json',
  ]);
  return (JSON.parse(stdout) as { items: PodJson[] }).items
    .filter(
      ({ metadata }) => metadata.annotations?.['kubernetes.io/config.mirror'] === undefined && metadata.deletionTimestamp === undefined,
    )
    .map(({ metadata, status }) => ({
      name: metadata.name,
      uid: metadata.uid,
      ready: status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') === true,
      restarts: status?.containerStatuses?.[0]?.restartCount ?? 0,
    }));
}

export async function agentReady(node: Node, not?: Pod): Promise<Pod> {
  return await until(
    "the agent's pod Ready",
    async () => {
      const pods = await agentPods(node);
      const found = pods.find((pod) => pod.ready && pod.uid !== not?.uid);
      return found === undefined ? notYet(JSON.stringify(pods)) : done(found);
    },
    READY_LIMIT_MS,
    250,
  );
}

/** The standby of this pod runs, as a shell that waits, and it alone. */
export async function standbyWaits(node: Node, pod: Pod): Promise<void> {
  await until(
    `the standby of ${pod.name}`,
    async () => {
      const living = copiesOf(await node.cri.pods(), `${NAMESPACE}/${pod.name}`).filter(({ containers }) =>
        containers.some(({ state }) => state === 'RUNNING'),
      );
      return living.length === 1 ? done() : notYet(`${living.length} run`);
    },
    READY_LIMIT_MS,
    250,
  );
}

// ---- what scenarios with a release begin and end with -------------------------------------------------------------------------

/** Ends the agent of the other scenarios with everything that is its own, and gives the node the image as it is shipped. */
export async function onlyTheImage(world: World): Promise<void> {
  await imageInsteadOfAgent(world.node);
  world.memory.parents = await parentsReady(world.node, 180_000);
}

/** The same where none of the other scenarios' pods are. */
export async function imageInsteadOfAgent(node: Node): Promise<void> {
  await node.agent.stop();
  hideLookAlike(node);
  const cleaned = await node.agent.command(['cleanup', '--purge']);
  expect(cleaned.code === 0, `cleanup: ${cleaned.code} ${cleaned.stdout} ${cleaned.stderr}`);
  shippedImage ??= makeAgentImage(imageDirectory()).catch((error: unknown) => {
    shippedImage = undefined; // the next scenario tries anew
    throw error;
  });
  await node.importArchive((await shippedImage).tar, IMPORT_LIMIT_MS);
}

/** Made once in a run: the program under test is the same to the end. */
let shippedImage: Promise<AgentImage> | undefined;

function imageDirectory(): string {
  const work = mkdtempSync(join(tmpdir(), 'podckpt-image-'));
  process.once('exit', () => rmSync(work, { recursive: true, force: true }));
  return work;
}

/** Undoes it: the other scenarios find their agent again. */
export async function otherAgentIsBack(world: World): Promise<void> {
  const { node } = world;
  showLookAlike(node);
  await node.agent.start();
  await bothListed(world, 180_000);
}

/** After a scenario that failed on its way: whatever is left of the release goes, and the other scenarios find their agent again. */
export async function processInsteadOfRelease(node: Node): Promise<void> {
  const { stdout } = await node.kubectl(['get', 'secrets', `--namespace=${NAMESPACE}`, '--selector=owner=helm', '--output=name']);
  if (stdout.trim() !== '') await helm(node, ['uninstall', RELEASE, '--ignore-not-found']);
  showLookAlike(node);
  await node.agent.start();
}

export async function bothCaptured(world: World): Promise<void> {
  const { node } = world;
  const parents = remembered(world.memory.parents, 'the parents');
  await until(
    'both parents captured',
    () => doneUnless(BOTH.flatMap((which) => storedComplaint(node, parents[which].checkpoint) ?? []).join('; ')),
    180_000,
    500,
  );
}
