/** As many pods as a kubelet takes by default, all of them captured. */
import { readFileSync } from 'node:fs';
import { reconfigured } from '../evidence.ts';
import type { Node } from '../node/node.ts';
import { done, notYet, until } from '../node/wait.ts';
import { check, expect, given, remembered, type Scenario, sameOnEveryKubelet, when } from '../scenario.ts';
import { apply, nothingLeft, podsOf, remove, type Server, serverObject } from '../servers.ts';
import { checkpointStatus } from '../status.ts';
import { NAMESPACE, type Parents, parentsReady, restartsAfter } from '../workload.ts';

const PODS = 100;
const MEMORY_LIMIT_MIB = 90;
const SERVER: Server = { kind: 'Deployment', name: 'scale', port: 8080, enabled: true, replicas: PODS };

function residentMiB(node: Node): number {
  const status = readFileSync(`/proc/${node.agent.pid()}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? Number.NaN) / 1024;
}

export const scale: Scenario = {
  id: 'scale',
  title: `${PODS} pods of one node are captured`,
  needs: ['capture'],
  kubelet: sameOnEveryKubelet('what many pods cost is the same on all of them'),
  onRequest: true,
  steps: () => {
    let before: Parents | undefined;
    let readyAt = 0;
    let largest = 0;
    const checkpoints = new Set<string>();
    return [
      given(`both parents are Ready, and ${2 * PODS} checkpoints may be kept`, async ({ node, memory }) => {
        before = await parentsReady(node, 180_000);
        memory.parents = before;
        await reconfigured(node, { limits: { checkpoints: 2 * PODS } });
      }),
      when(`${PODS} pods with a token each become Ready`, async (world) => {
        const { node } = world;
        const from = Date.now();
        await apply(node, [serverObject(SERVER)]);
        await until(
          'all pods Ready',
          async () => {
            const pods = await podsOf(node, [SERVER.name]);
            const ready = pods.filter((pod) => pod.ready);
            largest = Math.max(largest, residentMiB(node));
            if (ready.length < PODS) return notYet(`${ready.length} of ${pods.length} are`);
            for (const { checkpoint } of ready) checkpoints.add(checkpoint);
            return done();
          },
          900_000,
          1_000,
        );
        readyAt = Date.now();
        world.figure('applied → all Ready', readyAt - from, 'ms');
      }),
      check(`all of them are captured, with ${MEMORY_LIMIT_MIB} MiB at most`, async (world) => {
        const { node } = world;
        await until(
          'all captured',
          async () => {
            const list = await checkpointStatus(node);
            largest = Math.max(largest, residentMiB(node));
            const atRest = list.filter((one) => one.state === 'inactive' && checkpoints.has(one.checkpoint)).length;
            return atRest === PODS ? done() : notYet(`${atRest} are`);
          },
          300_000,
          500,
        );
        world.figure('all Ready → all captured', Date.now() - readyAt, 'ms');
        world.figure('largest resident memory', largest, 'MiB');
        expect(largest <= MEMORY_LIMIT_MIB, `resident memory was ${largest.toFixed(0)} MiB`);
      }),
      when('they are deleted for good', async ({ node }) => {
        await remove(node, [SERVER]);
        const left = async () => (await podsOf(node, [SERVER.name])).length;
        await until(
          `no pod of ${NAMESPACE}/${SERVER.name}`,
          async () => ((await left()) === 0 ? done() : notYet(`${await left()}`)),
          600_000,
          1_000,
        );
      }),
      check('their checkpoints go too, and all is as before', async (world) => {
        await nothingLeft(world, [...checkpoints], restartsAfter(remembered(before, 'the parents'), 0));
        await reconfigured(world.node, {});
      }),
    ];
  },
};
