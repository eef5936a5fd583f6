/** On a full node the kubelet knows a pod and cannot start it when the API server goes: the copy beside it pushes nobody out. */
import { findInLog, readAgentLog } from '../agent-log.ts';
import { newContainerOf } from '../copies.ts';
import { kubeletConfigured, reconfigured } from '../evidence.ts';
import {
  ALL,
  applyConfig,
  BYSTANDERS,
  type Full,
  fullNode,
  milliOf,
  nobodyTurnedAway,
  PARENT,
  PARENT_PORT,
  removeConfig,
  removeFullNode,
} from '../full-node.ts';
import type { Node } from '../node/node.ts';
import { done, holds, notYet, until } from '../node/wait.ts';
import { check, expect, given, remembered, type Scenario, sameOnEveryKubelet, when } from '../scenario.ts';
import { copyAnswers, copyGone, nothingLeft, placedOf, podsReady } from '../servers.ts';
import { NAMESPACE, type Parents, parentsReady, restartsAfter } from '../workload.ts';

/** Short for the test. */
const STUCK_GRACE_MS = 10_000;
/** A kubelet that makes room does it before it starts the pod for which it does. */
const WATCHED_MS = 5_000;

/** The bystanders' containers that run. */
async function containersOf(node: Node, full: Full): Promise<string> {
  const pods = await node.cri.pods();
  const running = BYSTANDERS.map((name) => newContainerOf(pods, full[name].uid, 0));
  return running.map((container) => (container?.state === 'RUNNING' ? container.id : 'none')).join(' ');
}

/**
 * Kills the parent's container whenever it runs, until the kubelet says that it cannot make another. By its event: the pod itself
 * soon shows the back-off instead.
 */
async function parentStuck(node: Node, { uid }: Full[typeof PARENT]): Promise<void> {
  await until(
    'the kubelet lacking the ConfigMap',
    async () => {
      const container = newContainerOf(await node.cri.pods(), uid, 0);
      if (container?.state === 'RUNNING') await node.killContainer(container.id);
      const query = ['get', 'events', `--namespace=${NAMESPACE}`, '--field-selector=reason=Failed', '--output=json'];
      type Event = { message?: string; involvedObject: { uid?: string } };
      const { items } = JSON.parse((await node.kubectl(query)).stdout) as { items: Event[] };
      const said = items.some(({ message = '', involvedObject }) => involvedObject.uid === uid && /configmap .* not found/.test(message));
      return said ? done() : notYet(`its container: ${container?.state ?? 'none'}`);
    },
    120_000,
    500,
  );
}

export const fullNodeStuck: Scenario = {
  id: 'full-node-stuck',
  title: 'On a full node the kubelet cannot start a pod that it knows: the copy serves beside it, and nobody is evicted',
  needs: ['capture'],
  kubelet: sameOnEveryKubelet('how a kubelet counts requests is the same on all of them'),
  steps: () => {
    let before: Parents | undefined;
    let full: Full | undefined;
    let bystanders = '';
    let stoppedAt = 0;
    return [
      given('of two CPUs a captured pod asks for 1200m, two others for 600m', async ({ node, memory }) => {
        before = await parentsReady(node, 180_000);
        memory.parents = before;
        await reconfigured(node, { stuckGrace: `${STUCK_GRACE_MS / 1000}s`, retireGrace: '2s' });
        full = await fullNode(node);
        bystanders = await containersOf(node, full);
      }),
      when("the pod's ConfigMap is deleted, its container dies, and then the API server goes", async ({ node }) => {
        await removeConfig(node);
        await parentStuck(node, remembered(full, 'the pods')[PARENT]);
        stoppedAt = Date.now();
        await node.apiStop();
      }),
      check('after the stuck grace, and not before, the copy serves, and asks for no CPU', async (world) => {
        const { node } = world;
        const { checkpoint } = remembered(full, 'the pods')[PARENT];
        await copyAnswers(node, checkpoint, PARENT_PORT, STUCK_GRACE_MS + 60_000);
        const [decision] = findInLog(readAgentLog(node.paths.agentLog), { event: 'decided', checkpoint, to: 'active', since: stoppedAt });
        expect(decision?.reason === 'parent-stuck', `the copy should start because of parent-stuck, not of ${decision?.reason}`);
        const waited = (decision?.time ?? 0) - stoppedAt;
        world.figure('API gone → verdict', waited, 'ms');
        expect(waited >= STUCK_GRACE_MS, `it should have waited for ${STUCK_GRACE_MS / 1000} s, not ${waited / 1000} s`);
        const requests = placedOf(node, checkpoint)?.requests;
        expect(milliOf(requests?.['cpu'] ?? '') === 0, `its manifest has the requests ${JSON.stringify(requests)}`);
      }),
      check('both others run on, in the same containers', async ({ node }) => {
        const complaint = async () => {
          const now = await containersOf(node, remembered(full, 'the pods'));
          return now === bystanders ? undefined : `their containers were ${bystanders}, now ${now}`;
        };
        await holds('nobody makes room', complaint, WATCHED_MS);
      }),
      when('the API server and the ConfigMap are back, and the kubelet starts anew: it admits every pod again', async ({ node }) => {
        await node.apiStart();
        await node.apiReady();
        await applyConfig(node);
        await node.kubeletRestart();
      }),
      check('the pod takes over, and nobody was rejected, evicted or restarted', async ({ node }) => {
        const same = remembered(full, 'the pods');
        await podsReady(node, ALL, 300_000, { same });
        await until(
          "the pod's container running",
          async () => {
            const state = newContainerOf(await node.cri.pods(), same[PARENT].uid, stoppedAt)?.state ?? 'none';
            return state === 'RUNNING' ? done() : notYet(state);
          },
          300_000,
        );
        await copyGone(node, same[PARENT].checkpoint, 180_000);
        const now = await containersOf(node, same);
        expect(now === bystanders, `the containers of the others were ${bystanders}, now ${now}`);
        await nobodyTurnedAway(node, stoppedAt);
      }),
      when('all of them are deleted for good', async ({ node }) => {
        await node.controllersRestart();
        await removeFullNode(node);
      }),
      check('nothing of them is left, and all is as before', async (world) => {
        const pods = remembered(full, 'the pods');
        const checkpoints = ALL.map((name) => pods[name].checkpoint);
        await kubeletConfigured(world.node, {});
        await nothingLeft(world, checkpoints, restartsAfter(remembered(before, 'the parents'), 0));
        await reconfigured(world.node, {});
      }),
    ];
  },
};
