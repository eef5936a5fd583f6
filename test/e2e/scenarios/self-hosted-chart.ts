/**
 * The headline, whole: the agent comes from `helm install`, the API server is a pod of the node, and the power goes. When the
 * node boots the standby is all there is: it starts the API server's copy, which brings the agent's own pod and then every parent.
 */
import { CHART } from '../../../deploy/chart.ts';
import { agentReady, helm, imageInsteadOfAgent, NAME, RELEASE, standbyWaits, valuesFile } from '../chart-release.ts';
import { showLookAlike } from '../foreign.ts';
import type { Node } from '../node/node.ts';
import { done, notYet, until } from '../node/wait.ts';
import type { Prober } from '../prober.ts';
import { check, given, remembered, type Scenario, sameOnEveryKubelet, when } from '../scenario.ts';
import { API, COMPONENTS } from '../self-hosted/objects.ts';
import { type Members, restartsAfter, settled } from '../self-hosted/pods.ts';
import { apiAnswers, cutPower, expectSame, RETURN_LIMIT_MS, reportFlip } from '../self-hosted/steps.ts';
import { ownManifests } from '../status.ts';
import { uninstallLeavesNothing } from '../uninstalled.ts';
import { copiesOf } from '../workload.ts';

/** Everything at rest, and of ours the agent's pod and its standby alone. */
async function atRest(node: Node, before?: Members): Promise<Members> {
  const restarts = before === undefined ? {} : { restarts: restartsAfter(before) };
  const members = await settled(node, { ...restarts, agent: NAME }, RETURN_LIMIT_MS);
  await standbyWaits(node, await agentReady(node));
  return members;
}

/** The copy of the API server's pod that the runtime made since then. */
async function copyStarted(node: Node, checkpoint: string, since: number): Promise<number> {
  return await until(
    "a container of the API server's copy",
    async () => {
      const made = copiesOf(await node.cri.pods(), checkpoint)
        .flatMap(({ containers }) => containers.map(({ createdAt }) => createdAt))
        .filter((at) => at > since);
      return made.length === 0 ? notYet(`own manifests: ${ownManifests(node).join(' ')}`) : done(Math.min(...made));
    },
    120_000,
    20,
  );
}

export const selfHostedChart: Scenario = {
  id: 'self-hosted/chart',
  title:
    'With the agent as helm installs it, a power cut of the node that is its own control plane leaves the standby alone, and all comes back',
  needs: ['self-hosted'],
  kubelet: sameOnEveryKubelet(
    'two halves that run on each: a standby alone in `install`, a copy of the API server in `self-hosted/power-cut`',
  ),
  // Once: the kernel's boot id cannot be cut with the power here, and a standby that made way within the last two minutes of the
  // same boot, and holds the lock again, takes its successor for broken.
  steps: () => {
    let before: Members | undefined;
    let bootedAt = 0;
    let prober: Prober | undefined;
    return [
      given('the agent is on the node as an image only', async ({ node }) => {
        await settled(node, {}, 120_000);
        await imageInsteadOfAgent(node);
      }),
      when('the chart is installed, it keeps every part of the control plane, and itself', async ({ node }) => {
        await helm(node, ['install', RELEASE, CHART, '--values', valuesFile(node, 'info')]);
        before = await atRest(node);
      }),
      when('the power is cut; the standby alone starts the copy, and the API answers again', async (world) => {
        const { checkpoint } = remembered(before, 'the pods')[API];
        const cut = await cutPower(world, 'self-hosted-chart');
        ({ bootedAt, prober } = cut);
        world.figure("boot → container of the API server's copy", (await copyStarted(world.node, checkpoint, bootedAt)) - bootedAt, 'ms');
        await apiAnswers(world, cut.prober, bootedAt, 'boot → API answers');
      }),
      check("every parent takes over again, and the agent's own pod from its standby", async (world) => {
        const old = remembered(before, 'the pods');
        const after = await atRest(world.node, old);
        world.figure('boot → all parents and the agent at rest', Date.now() - bootedAt, 'ms');
        await reportFlip(world, remembered(prober, 'the prober'), old[API].uid, bootedAt, '');
        expectSame(old, after, COMPONENTS);
      }),
      when('it is uninstalled, nothing of it is left and no part of the control plane is touched', async (world) => {
        await uninstallLeavesNothing(world);
        showLookAlike(world.node);
        await world.node.agent.start();
        world.memory.members = await settled(world.node, {}, RETURN_LIMIT_MS);
        expectSame(remembered(before, 'the pods'), world.memory.members, COMPONENTS);
      }),
    ];
  },
};
