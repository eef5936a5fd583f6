/**
 * What a user does: helm install, pull the plug, upgrade, uninstall. The agent runs in its own pod, as the chart renders it
 * and from the image as it is shipped; nothing of it is a process of the test.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { CHART } from '../../../deploy/chart.ts';
import {
  agentReady,
  bothCaptured,
  helm,
  NAMESPACE,
  OWN_TAINT,
  onlyTheImage,
  otherAgentIsBack,
  type Pod,
  READY_LIMIT_MS,
  RELEASE,
  standbyWaits,
  valuesFile,
} from '../chart-release.ts';
import { apiBackToParents, cutPowerUntilCopiesServe } from '../copies.ts';
import type { Node } from '../node/node.ts';
import { doneUnless, until } from '../node/wait.ts';
import { check, dependsOnKubelet, expect, given, remembered, type Scenario, when } from '../scenario.ts';
import { ownManifests } from '../status.ts';
import { uninstallLeavesNothing } from '../uninstalled.ts';
import { copiesOf } from '../workload.ts';

/** Runs a command inside the agent's container, which has a shell and no other program of the usual ones. */
async function inside(node: Node, pod: Pod, argv: readonly string[]): Promise<string> {
  return (await node.kubectl(['exec', `--namespace=${NAMESPACE}`, pod.name, '--', ...argv])).stdout;
}

/** The agent reads the kubelet's own configuration, where it is allowed to. */
const withKubeletConfig = ({ paths }: Node) => ({ kubeletConfig: paths.kubeletConfig });

/** Seen: 60. With 20 checkpoints the agent takes 55 to 61, the flock 1.5; neighbours of the executable's pages in the page cache count as well. */
const RESIDENT_LIMIT_MIB = 66;
/** 25 MB of 10^6 bytes. What 20 checkpoints take: test/cli/memory.test.ts. */
const ANONYMOUS_LIMIT_MIB = 25e6 / 2 ** 20;

/**
 * Memory of the processes that belong to the agent's two containers, MiB: Node.js here, the waiting flock there. A page of a
 * file counts for each process that maps it. The pause process of each pod, which every pod has, is not among them.
 */
function memoryOf(node: Node, ids: readonly string[]): { readonly resident: number; readonly anonymous: number } {
  let [resident, anonymous] = [0, 0];
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const group = readFileSync(`/proc/${pid}/cgroup`, 'utf8');
      if (!ids.some((id) => group.includes(id))) continue;
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      const kib = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0);
      resident += kib('VmRSS') / 1024;
      anonymous += kib('RssAnon') / 1024;
    } catch {
      // it has ended meanwhile
    }
  }
  if (resident === 0) throw new Error(`no process of ${node.name}'s agent was found`);
  return { resident, anonymous };
}

export const install: Scenario = {
  id: 'install',
  title: 'helm install, a power cut, an upgrade, and nothing left after the uninstall',
  needs: ['capture'],
  kubelet: dependsOnKubelet("the agent's own pod and its standby, as this kubelet runs them"),
  steps: () => {
    let pod: Pod | undefined;
    return [
      given('no agent is on the node, only its image, and the node has a taint of its own', async (world) => {
        await onlyTheImage(world);
        await world.node.kubectl(['taint', 'nodes', world.node.name, `${OWN_TAINT}=e2e:NoSchedule`]);
      }),
      when('the chart is installed, the agent becomes Ready', async (world) => {
        const from = Date.now();
        await helm(world.node, ['install', RELEASE, CHART, '--values', valuesFile(world.node, 'info', withKubeletConfig(world.node))]);
        pod = await agentReady(world.node);
        world.figure('helm install → Ready', Date.now() - from, 'ms');
      }),
      check('it has the two capabilities that the README names, no way to more, and seccomp', async ({ node }) => {
        // the shell reads its own status: the same container, the same rights
        const script = 'while read -r line; do case $line in Cap*|NoNewPrivs*|Seccomp:*) echo "$line";; esac; done </proc/self/status';
        const seen = await inside(node, remembered(pod, "the agent's pod"), ['/bin/sh', '-c', script]);
        const field = (name: string) => new RegExp(`^${name}:\\s*(\\S+)$`, 'm').exec(seen)?.[1] ?? '';
        // CAP_CHOWN is bit 0, CAP_DAC_READ_SEARCH bit 2 (linux/capability.h)
        for (const set of ['CapEff', 'CapPrm', 'CapBnd']) expect(Number.parseInt(field(set), 16) === 0b101, `${set}: ${seen}`);
        expect(field('NoNewPrivs') === '1' && field('Seccomp') === '2', seen);
      }),
      when('both parents are captured, and the agent itself: its standby waits beside it', async (world) => {
        await bothCaptured(world);
        await standbyWaits(world.node, remembered(pod, "the agent's pod"));
      }),
      check('memory of the agent and its standby together', async (world) => {
        const { node } = world;
        const own = remembered(pod, "the agent's pod");
        const pods = await node.cri.pods();
        const both = [...pods.filter(({ uid }) => uid === own.uid), ...copiesOf(pods, `${NAMESPACE}/${own.name}`)];
        const { resident, anonymous } = memoryOf(
          node,
          both.flatMap(({ containers }) => containers.map(({ id }) => id)),
        );
        world.figure('agent and standby: resident memory', resident, 'MiB');
        world.figure('agent and standby: anonymous memory', anonymous, 'MiB');
        expect(resident <= RESIDENT_LIMIT_MIB, `resident ${resident.toFixed(1)} MiB`);
        expect(anonymous <= ANONYMOUS_LIMIT_MIB, `anonymous ${anonymous.toFixed(1)} MiB`);
      }),
      when('the power is cut with the API server, the standby alone brings both pods back', async (world) => {
        await cutPowerUntilCopiesServe(world, 'install');
      }),
      when("the API server is back, both parents run, and the DaemonSet's pod has the node", async (world) => {
        const { node } = world;
        const from = await apiBackToParents(world);
        pod = await agentReady(node);
        world.figure('API start → the agent in its own pod, Ready', Date.now() - from, 'ms');
        await standbyWaits(node, pod);
      }),
      when('a changed value is rolled out, a new pod takes over and its standby replaces the old one', async ({ node }) => {
        const old = remembered(pod, "the agent's pod");
        await helm(node, ['upgrade', RELEASE, CHART, '--values', valuesFile(node, 'debug', withKubeletConfig(node))]);
        pod = await agentReady(node, old);
        await standbyWaits(node, pod);
        await until(
          'the old standby gone',
          async () =>
            doneUnless(
              copiesOf(await node.cri.pods(), `${NAMESPACE}/${old.name}`).filter(({ ready }) => ready).length > 0 ? 'it runs' : undefined,
            ),
          READY_LIMIT_MS,
          500,
        );
        expect(ownManifests(node).length === 1, `only the standby's manifest should lie there: ${ownManifests(node).join(' ')}`);
      }),
      when('the chart is uninstalled, the nodes are clean before helm returns, and then nothing of ours is left', uninstallLeavesNothing),
      check('the agent of the other scenarios is as it was before', async (world) => {
        await world.node.kubectl(['taint', 'nodes', world.node.name, `${OWN_TAINT}-`]);
        await otherAgentIsBack(world);
      }),
    ];
  },
};
