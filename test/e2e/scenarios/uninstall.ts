/** A node that is down while the chart is uninstalled: helm says so and goes on, and the node cleans itself when it comes back. */
import { CHART } from '../../../deploy/chart.ts';
import {
  agentReady,
  bothCaptured,
  helm,
  NAME,
  onlyTheImage,
  otherAgentIsBack,
  READY_LIMIT_MS,
  RELEASE,
  standbyWaits,
  valuesFile,
} from '../chart-release.ts';
import { cutPowerUntilCopiesServe } from '../copies.ts';
import { withJobsElsewhere } from '../elsewhere.ts';
import { foreignComplaint, foreignFiles } from '../foreign.ts';
import type { Node } from '../node/node.ts';
import { done, doneUnless, notYet, until } from '../node/wait.ts';
import { check, expect, type ForeignFile, given, type Scenario, type Step, sameOnEveryKubelet, when } from '../scenario.ts';
import { ownManifests } from '../status.ts';
import { nodeIsClean, nothingIsLeft, objectsLeft, uninstallLeavesNothing } from '../uninstalled.ts';
import { parentsReady } from '../workload.ts';

/** node-monitor-grace-period is 50 s, and the controller looks every 5 s. */
const DOWN_LIMIT_MS = 120_000;

const OF_THE_CLEANUP = [
  'configmap',
  'daemonset.apps',
  'role.rbac.authorization.k8s.io',
  'rolebinding.rbac.authorization.k8s.io',
  'serviceaccount',
].map((kind) => `${kind}/${NAME}-cleanup`);

/** Of the release, but for its pods. */
const objects = async (node: Node): Promise<readonly string[]> => (await objectsLeft(node)).filter((name) => !name.startsWith('pod/'));

interface Before {
  foreign: readonly ForeignFile[];
}

/** Installed and everything captured, then down, then uninstalled without it. */
function uninstalledWhileDown(before: Before): readonly Step[] {
  return [
    given('no agent is on the node, only its image', onlyTheImage),
    given('the chart is installed, both parents and the agent itself are captured', async (world) => {
      const { node } = world;
      await installed(node);
      const pod = await agentReady(node);
      await bothCaptured(world);
      await standbyWaits(node, pod);
      before.foreign = foreignFiles(node);
    }),
    when('the node loses its power, and the API server knows', async ({ node }) => {
      await node.powerCut({ api: 'stays' });
      await until(
        'the node not Ready',
        async () => {
          const path = 'jsonpath={.status.conditions[?(@.type=="Ready")].status}';
          const { stdout } = await node.kubectl(['get', 'node', node.name, `--output=${path}`]);
          return stdout === 'True' ? notYet('Ready') : done();
        },
        DOWN_LIMIT_MS,
        500,
      );
    }),
    when('the chart is uninstalled, helm does not wait for that node, and names it', async ({ node, figure }) => {
      const from = Date.now();
      await withJobsElsewhere(node, async (elsewhere) => {
        await helm(node, ['uninstall', RELEASE]);
        expect(elsewhere.problem() === undefined, elsewhere.problem() ?? '');
        expect(elsewhere.said().includes(`1 node is down: ${node.name}`), `the Jobs said ${elsewhere.said()}`);
      });
      figure('helm uninstall, the only node down', Date.now() - from, 'ms');
    }),
    check('of the release only what cleans that node is left, and on its disk everything', async ({ node }) => {
      const left = await objects(node);
      expect(left.join(' ') === OF_THE_CLEANUP.join(' '), `left are ${left.join(' ')}`);
      expect(ownManifests(node).length === 1, `the standby's manifest should lie there: ${ownManifests(node).join(' ')}`);
    }),
  ];
}

async function installed(node: Node): Promise<void> {
  await helm(node, ['install', RELEASE, CHART, '--values', valuesFile(node, 'info', { purgeOnUninstall: true })]);
}

function foreignUntouched(node: Node, before: Before): void {
  const touched = foreignComplaint(before.foreign, foreignFiles(node));
  expect(touched === undefined, touched ?? '');
}

export const uninstall: Scenario = {
  id: 'uninstall',
  title: 'helm uninstall while the node is down, which cleans itself when it comes back',
  needs: ['capture'],
  kubelet: sameOnEveryKubelet('helm, Jobs and a DaemonSet; that a node is clean afterwards `install` shows on each'),
  steps: () => {
    const before: Before = { foreign: [] };
    return [
      ...uninstalledWhileDown(before),
      when('the node comes back without the API server, the standby brings both pods back', async (world) => {
        await cutPowerUntilCopiesServe(world, 'uninstall');
      }),
      when('the API server is back, the node cleans itself, and nothing of ours is left', async (world) => {
        const { node } = world;
        const from = await node.apiStart();
        await node.apiReady();
        await nothingIsLeft(node);
        world.figure('API start → nothing of ours is left', Date.now() - from, 'ms');
        await nodeIsClean(node);
        foreignUntouched(node, before);
        world.memory.parents = await parentsReady(node, 240_000);
      }),
      check('the agent of the other scenarios is as it was before', otherAgentIsBack),
    ];
  },
};

export const reinstall: Scenario = {
  id: 'uninstall/reinstall',
  title: 'helm uninstall while the node is down, and helm install before it comes back: the agents have the right of way',
  needs: ['capture'],
  kubelet: sameOnEveryKubelet('who goes first is decided by what the API server shows'),
  onRequest: true,
  steps: () => {
    const before: Before = { foreign: [] };
    return [
      ...uninstalledWhileDown(before),
      when('the chart is installed again, and the node comes back', async (world) => {
        const { node } = world;
        await installed(node);
        await node.boot();
        const pod = await agentReady(node);
        world.memory.parents = await parentsReady(node, 240_000);
        await standbyWaits(node, pod);
      }),
      check('the cleanup has gone by itself, and cleaned nothing', async (world) => {
        const { node } = world;
        await until(
          'no object of the cleanup',
          async () => doneUnless((await objects(node)).filter((name) => OF_THE_CLEANUP.includes(name)).join(' ')),
          READY_LIMIT_MS,
          500,
        );
        await bothCaptured(world);
        foreignUntouched(node, before);
      }),
      when('it is uninstalled with the node up, nothing is left', uninstallLeavesNothing),
      check('the agent of the other scenarios is as it was before', otherAgentIsBack),
    ];
  },
};
