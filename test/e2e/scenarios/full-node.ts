/** A node that is more than half full loses power: the copy asks for nothing, so that its parent finds its place again. */
import { findInLog, readAgentLog } from '../agent-log.ts';
import { kubeletConfigured } from '../evidence.ts';
import {
  ALL,
  BYSTANDERS,
  type Full,
  fullNode,
  milliOf,
  nobodyTurnedAway,
  PARENT,
  PARENT_PORT,
  removeFullNode,
  requestsWritten,
} from '../full-node.ts';
import type { Node } from '../node/node.ts';
import { check, expect, given, remembered, type Scenario, sameOnEveryKubelet, when } from '../scenario.ts';
import { copyAnswers, copyGone, nothingLeft, placedOf, podsReady } from '../servers.ts';
import { type Parents, parentsReady, restartsAfter } from '../workload.ts';

const CONVERGED_PROMISED_MS = 60_000;

/** When the kubelet began to start pods of the API after this moment: it had its sources by then. */
async function sourcesReadyAt(node: Node, since: number): Promise<number> {
  const made = (await node.cri.pods()).filter(({ source, createdAt }) => source === 'api' && createdAt > since);
  return Math.min(...made.map(({ createdAt }) => createdAt));
}

/** When all of these pods were Ready after that, and the copy was withdrawn. */
function convergedAt(node: Node, full: Full, since: number): number {
  const { checkpoint } = full[PARENT];
  const withdrew = findInLog(readAgentLog(node.paths.agentLog), { event: 'withdrew', checkpoint, since })[0]?.time ?? Number.NaN;
  return Math.max(withdrew, ...Object.values(full).map(({ readySince }) => readySince));
}

export const fullNodeScenario: Scenario = {
  id: 'full-node',
  title: 'A node more than half full loses power: no pod is rejected or evicted because of the copy, which asks for nothing',
  needs: ['capture'],
  kubelet: sameOnEveryKubelet('how a kubelet counts requests is the same on all of them'),
  steps: () => {
    let before: Parents | undefined;
    let full: Full | undefined;
    return {
      before: [
        given('of two CPUs a captured pod asks for 1200m, two others for 600m', async ({ node, memory }) => {
          before = await parentsReady(node, 180_000);
          memory.parents = before;
          full = await fullNode(node);
        }),
        given('the agent has written down what all pods of the node ask for', async ({ node }) => {
          await requestsWritten(node);
        }),
      ],
      offline: [
        check('the copy serves, asks for no CPU, and keeps its limits', async ({ node }) => {
          const { checkpoint } = remembered(full, 'the pods')[PARENT];
          await copyAnswers(node, checkpoint, PARENT_PORT, 60_000);
          const placed = placedOf(node, checkpoint);
          expect(milliOf(placed?.requests['cpu'] ?? '') === 0, `its manifest has the requests ${JSON.stringify(placed?.requests)}`);
          expect(placed?.limits['memory'] === '128Mi', `its manifest has the limits ${JSON.stringify(placed?.limits)}`);
        }),
      ],
      after: [
        check('all three pods run again, none was rejected, and the copy is gone', async (world) => {
          const { node, memory } = world;
          const same = remembered(full, 'the pods');
          const from = remembered(memory.apiStartedAt, 'the start of the API server');
          const back = await podsReady(node, ALL, 300_000, { restarts: 1, same });
          await copyGone(node, same[PARENT].checkpoint, 180_000);
          const readyAt = await sourcesReadyAt(node, from);
          world.figure("API start → the kubelet's sources", readyAt - from, 'ms');
          world.promise("the kubelet's sources → converged", Math.max(0, convergedAt(node, back, from) - readyAt), CONVERGED_PROMISED_MS);
          await nobodyTurnedAway(node, remembered(memory.bootedAt, 'the time of the boot'));
        }),
        when('they are deleted for good', async ({ node }) => {
          await removeFullNode(node);
        }),
      ],
      atLast: [
        check('nothing of them is left, and all is as before', async (world) => {
          const pods = remembered(full, 'the pods');
          const checkpoints = [PARENT, ...BYSTANDERS].map((name) => pods[name as keyof Full].checkpoint);
          await kubeletConfigured(world.node, {});
          await nothingLeft(world, checkpoints, restartsAfter(remembered(before, 'the parents'), 1));
        }),
      ],
    };
  },
};
