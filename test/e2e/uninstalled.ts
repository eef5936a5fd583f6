/** What must be true of a node, and of the cluster, after `helm uninstall`: steps that scenarios share. */
import { existsSync, readdirSync } from 'node:fs';
import { CHART } from '../../deploy/chart.ts';
import { helm, NAME, NAMESPACE, READY_LIMIT_MS, RELEASE } from './chart-release.ts';
import { foreignComplaint, foreignFiles } from './foreign.ts';
import type { Node } from './node/node.ts';
import { doneUnless, until } from './node/wait.ts';
import { expect, type World } from './scenario.ts';
import { ownManifests } from './status.ts';

const KINDS = [
  'daemonsets',
  'jobs',
  'pods',
  'serviceaccounts',
  'configmaps',
  'roles',
  'rolebindings',
  'clusterroles',
  'clusterrolebindings',
];
/** A pod that cleans a node goes some seconds after helm has returned. */
const CLEANER = `${NAME}-cleanup-`;

/** Nothing that was placed or stored is left on the node, and nothing of ours runs but the pod that has cleaned it. */
export async function nodeIsClean(node: Node): Promise<void> {
  expect(ownManifests(node).length === 0, `left in staticPodPath: ${ownManifests(node).join(' ')}`);
  const left = existsSync(node.paths.agentState) ? readdirSync(node.paths.agentState) : [];
  expect(left.length === 0, `left in the state directory: ${left.join(' ')}`);
  const running = (await node.cri.pods()).filter(({ ready, name }) => ready && name.startsWith(NAME) && !name.startsWith(CLEANER));
  expect(running.length === 0, `still there: ${running.map(({ name }) => name).join(' ')}`);
}

/** Objects of the release that the API server still has, as kind/name, in order. */
export async function objectsLeft(node: Node): Promise<readonly string[]> {
  const selector = `--selector=app.kubernetes.io/instance=${RELEASE}`;
  const { stdout } = await node.kubectl(['get', KINDS.join(','), `--namespace=${NAMESPACE}`, selector, '--output=name']);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .sort();
}

/** And neither API server nor node show anything of the release, the uninstall's own objects among it. */
export async function nothingIsLeft(node: Node): Promise<void> {
  await until('no object of the release', async () => doneUnless((await objectsLeft(node)).join(' ')), READY_LIMIT_MS, 500);
  await until(
    'no sandbox of ours',
    async () => doneUnless((await node.cri.pods()).flatMap(({ ready, name }) => (ready && name.startsWith(NAME) ? [name] : [])).join(' ')),
    READY_LIMIT_MS,
    250,
  );
}

/** `helm uninstall`, after which this node is clean, and soon nothing is left anywhere. */
export async function uninstallLeavesNothing({ node, figure }: World): Promise<void> {
  const foreign = foreignFiles(node);
  await helm(node, ['upgrade', RELEASE, CHART, '--reset-then-reuse-values', '--set', 'purgeOnUninstall=true']);
  const from = Date.now();
  const said = await helm(node, ['uninstall', RELEASE]);
  figure('helm uninstall', Date.now() - from, 'ms');
  expect(said.includes(`1 node is clean: ${node.name}`), `helm said ${said}`);
  await nodeIsClean(node);
  await nothingIsLeft(node);
  const touched = foreignComplaint(foreign, foreignFiles(node));
  expect(touched === undefined, touched ?? '');
}
