/** A node is drained and rebooted, as by kured, and kube-proxy needs a minute: the API server is there all the while. */
import { existsSync } from 'node:fs';
import { backToNormal, bothListed } from '../copies.ts';
import { reachByServiceAddress, reconfigured, startedSince } from '../evidence.ts';
import { doneUnless, holds, until } from '../node/wait.ts';
import { check, expect, given, remembered, type Scenario, sameOnEveryKubelet, when } from '../scenario.ts';
import { checkpointDir } from '../status.ts';
import { type Parents, parentsInApi, parentsReady, restartsAfter } from '../workload.ts';

/** Until kube-proxy has made the service address lead to the API server. */
const WITHOUT_PROXY_MS = 60_000;

export const drainReboot: Scenario = {
  id: 'drain-reboot',
  title: 'A node is drained and rebooted, and the service address leads nowhere for a minute: no copy is started',
  needs: ['capture'],
  kubelet: sameOnEveryKubelet('which addresses of the API server count is judged without the kubelet'),
  steps: () => {
    let before: Parents | undefined;
    let bootedAt = 0;
    return [
      given('both parents are Ready and captured, and the agent was told of the service address alone', async (world) => {
        const { node, memory } = world;
        before = await parentsReady(node, 180_000);
        memory.parents = before;
        await reachByServiceAddress(node);
        await bothListed(world, 60_000);
      }),
      when('the node is drained, and at once rebooted; the service address leads nowhere', async ({ node }) => {
        const { pod } = remembered(before, 'the parents');
        await node.kubectl(['drain', node.name, '--ignore-daemonsets', '--delete-emptydir-data', '--force', '--timeout=60s']);
        expect(
          (await parentsInApi(node)).every(({ uid }) => uid !== pod.uid),
          `${pod.name} should have gone with the drain`,
        );
        await node.powerCut({ api: 'stays' });
        expect(existsSync(checkpointDir(node, pod.checkpoint)), `the checkpoint of ${pod.name} should not be retired yet`);
        await node.machine.serviceAddress(false);
        bootedAt = await node.boot();
      }),
      check(`for ${WITHOUT_PROXY_MS / 1000} s no copy is started, neither of what was drained nor of what comes back`, async ({ node }) => {
        await holds('nothing starts', () => startedSince(node, bootedAt), WITHOUT_PROXY_MS);
      }),
      when('the service address leads to the API server, and the node takes pods again', async ({ node, memory }) => {
        const { host, pod } = remembered(before, 'the parents');
        await node.machine.serviceAddress(true);
        await node.kubectl(['uncordon', node.name]);
        const now = await parentsReady(node, 180_000, new Map([[host.uid, host.restarts + 1]]));
        expect(now.host.uid === host.uid && now.pod.uid !== pod.uid, 'the DaemonSet should have its pod, the Deployment another one');
        memory.parents = now;
      }),
      check('the checkpoint of what was drained is retired, the next pod is captured, and no copy was ever started', async (world) => {
        const { node, memory, settings } = world;
        const old = remembered(before, 'the parents').pod.checkpoint;
        await bothListed(world, 120_000);
        const left = () => doneUnless(existsSync(checkpointDir(node, old)) ? `${old} is stored` : '');
        await until('the drained checkpoint gone', left, settings.retireGraceMs + 120_000, 250);
        const started = startedSince(node, bootedAt);
        expect(started === undefined, started ?? '');
        await reconfigured(node, {});
        await backToNormal(world, restartsAfter(remembered(memory.parents, 'the parents'), 0), 120_000);
      }),
    ];
  },
};
