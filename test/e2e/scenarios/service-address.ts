/** The kubernetes service's address breaks alone, and a DaemonSet rolls meanwhile: what the kubelet has is not an outage. */
import { existsSync } from 'node:fs';
import { backToNormal, bothListed, newContainerOf } from '../copies.ts';
import { judgesAnew, reachByServiceAddress, reconfigured, startedSince } from '../evidence.ts';
import { done, doneUnless, holds, notYet, until } from '../node/wait.ts';
import { check, expect, given, remembered, type Scenario, sameOnEveryKubelet, when } from '../scenario.ts';
import { checkpointDir } from '../status.ts';
import { HOST_URL, NAMESPACE, type Parents, parentsInApi, parentsReady, restartsAfter } from '../workload.ts';

/** An agent that notices nothing else pings an open connection after half a minute, for a quarter. */
const NOTICES_MS = 90_000;
/** Eight seconds to a verdict and thirty of `orphanGrace`: an agent that takes this for an outage has started a copy by then. */
const BROKEN_MS = 45_000;

export const serviceAddress: Scenario = {
  id: 'service-address',
  title: 'While the service address leads nowhere a DaemonSet rolls: its next pod runs, and no copy is started',
  needs: ['capture'],
  kubelet: sameOnEveryKubelet('which addresses of the API server count is judged without the kubelet'),
  steps: () => {
    let before: Parents | undefined;
    let brokenAt = 0;
    return [
      given('both parents are Ready and captured, and the agent was told of the service address alone', async (world) => {
        const { node, memory } = world;
        before = await parentsReady(node, 180_000);
        memory.parents = before;
        await reachByServiceAddress(node);
        await bothListed(world, 60_000);
      }),
      when('the service address leads nowhere any more, and the agent has noticed', async ({ node }) => {
        brokenAt = Date.now();
        await node.machine.serviceAddress(false);
        await judgesAnew(node, brokenAt, NOTICES_MS);
      }),
      when('the DaemonSet rolls, its next pod becomes Ready', async ({ node, memory }) => {
        const { host, pod } = remembered(before, 'the parents');
        await node.kubectl(['rollout', 'restart', 'daemonset/host', '--namespace', NAMESPACE]);
        await until(
          'another pod of the DaemonSet',
          async () => {
            const hosts = (await parentsInApi(node)).filter(({ which }) => which === 'host');
            return hosts.some(({ uid }) => uid !== host.uid) ? done() : notYet(hosts.map(({ name }) => name).join(' '));
          },
          60_000,
        );
        const now = await parentsReady(node, 120_000, restartsAfter({ host, pod }, 0));
        expect(now.host.uid !== host.uid && now.pod.uid === pod.uid, 'only the DaemonSet should have another pod');
        memory.parents = now;
      }),
      check(`for ${BROKEN_MS / 1000} s more that pod serves, and no copy is started`, async ({ node, memory }) => {
        const { host } = remembered(memory.parents, 'the parents');
        const complaint = async () => {
          const container = newContainerOf(await node.cri.pods(), host.uid, 0);
          if (container?.state !== 'RUNNING') return `the container of ${host.name} is ${container?.state ?? 'not there'}`;
          await node.fetch(`${HOST_URL}/`);
          return startedSince(node, brokenAt);
        };
        await holds('nothing starts', complaint, BROKEN_MS);
      }),
      when('the service address leads to the API server again', async ({ node }) => {
        await node.machine.serviceAddress(true);
      }),
      check('the next pod is captured in the place of the one before, and nobody was restarted', async (world) => {
        const { node, memory, settings } = world;
        const old = remembered(before, 'the parents').host.checkpoint;
        await bothListed(world, 120_000);
        const left = () => doneUnless(existsSync(checkpointDir(node, old)) ? `${old} is stored` : '');
        await until('the checkpoint before gone', left, settings.retireGraceMs + 120_000, 250);
        const started = startedSince(node, brokenAt);
        expect(started === undefined, started ?? '');
        await reconfigured(node, {});
        await backToNormal(world, restartsAfter(remembered(memory.parents, 'the parents'), 0), 120_000);
      }),
    ];
  },
};
