/** The API server is away and everything on the node keeps running: the product must do nothing at all. */
import { findInLog, readAgentLog } from '../agent-log.ts';
import { backToNormal, newContainerOf } from '../copies.ts';
import { done, holds, notYet, until } from '../node/wait.ts';
import { longestGap, startProber } from '../prober.ts';
import { check, dependsOnKubelet, expect, given, remembered, type Scenario, when } from '../scenario.ts';
import { ownManifests } from '../status.ts';
import { BOTH, copiesOf, HOST_URL, type Parents, POD_PORT, parentsReady, restartsAfter } from '../workload.ts';

/** Only the prober's own beat and a busy computer make a gap. */
const GAP_PROMISED_MS = 500;
/** Three failed probes over six seconds, and two more. */
const VERDICT_PROMISED_MS = 8_000;

export const outage: Scenario = {
  id: 'outage',
  title: 'While the API server is away and the parents run, no copy is started',
  needs: ['capture'],
  kubelet: dependsOnKubelet('the kubelet must keep its pods while nobody answers it'),
  steps: ({ outageMs }) => {
    let before: Parents | undefined;
    return [
      given('both parents are Ready', async ({ node, memory }) => {
        memory.parents = await parentsReady(node, 60_000);
        before = memory.parents;
      }),
      when(
        `the API server is away for ${outageMs / 1000} s: no manifest appears, nothing is activated, the parents serve`,
        async (world) => {
          const { node } = world;
          const parents = remembered(world.memory.parents, 'the parents');
          const stoppedAt = Date.now();
          await node.apiStop();
          const prober = await startProber({ node, name: 'outage', urls: [`${HOST_URL}/`, `http://${parents.pod.address}:${POD_PORT}/`] });
          const complaint = async () => {
            const manifests = ownManifests(node);
            if (manifests.length > 0) return `manifests of ours: ${manifests.join(' ')}`;
            const log = readAgentLog(node.paths.agentLog);
            const acted = [
              ...findInLog(log, { event: 'decided', to: 'active', since: stoppedAt }),
              ...findInLog(log, { event: 'placed', since: stoppedAt }),
            ];
            if (acted.length > 0)
              return `the agent acted: ${acted.map((entry) => `${entry.msg} ${entry.checkpoint} ${entry.reason}`).join('; ')}`;
            if (!node.agent.alive()) return 'the agent ended';
            const pods = await node.cri.pods();
            const dead = BOTH.filter((which) => newContainerOf(pods, parents[which].uid, 0)?.state !== 'RUNNING');
            return dead.length === 0 ? undefined : `parents not running: ${dead.join(' ')}`;
          };
          await holds('nothing happens', complaint, outageMs, 250);
          const verdict = findInLog(readAgentLog(node.paths.agentLog), { event: 'judged', to: 'unreachable', since: stoppedAt })[0]?.time;
          expect(verdict !== undefined, 'the agent never found the API server to be unreachable');
          if (verdict !== undefined) world.promise('outage → verdict', verdict - stoppedAt, VERDICT_PROMISED_MS);
          const answers = await prober.stop();
          for (const url of new Set(answers.map((answer) => answer.url))) {
            const gap = longestGap(answers.filter((answer) => answer.url === url));
            world.promise(`outage: longest time without an answer from ${url}`, gap?.ms ?? Number.NaN, GAP_PROMISED_MS);
          }
        },
      ),
      when('the API server is back', async ({ node }) => {
        await node.apiStart();
        await node.apiReady();
      }),
      check('no parent was restarted, and all is as before', async (world) => {
        await backToNormal(world, restartsAfter(remembered(before, 'the parents'), 0), 120_000);
      }),
      check('the kubelet has collected what earlier scenarios left of their copies', async ({ node, memory }) => {
        const parents = remembered(memory.parents, 'the parents');
        await until(
          'dead sandboxes of copies removed',
          async () => {
            const pods = await node.cri.pods();
            const left = Object.values(parents).flatMap((parent) => copiesOf(pods, parent.checkpoint));
            return left.length === 0 ? done() : notYet(`${left.length} sandboxes`);
          },
          120_000,
          1_000,
        );
      }),
    ];
  },
};
