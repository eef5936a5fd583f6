/** A load balancer lives in front of an API server that does not: it has the certificate, and a page that says 404. */
import { backToNormal } from '../copies.ts';
import { apiBackBeforeKubelet, bothStartAfterDwell, DWELL_MS } from '../evidence.ts';
import { balancerAnswers, balancerLeaves } from '../node/faults.ts';
import { check, given, remembered, type Scenario, sameOnEveryKubelet, when } from '../scenario.ts';
import { type Parents, parentsReady, restartsAfter } from '../workload.ts';

export const balancer: Scenario = {
  id: 'balancer',
  title: 'A load balancer answers with a 404 of its own and the node reboots: the copies serve, until the API server is back',
  needs: ['capture'],
  kubelet: sameOnEveryKubelet('who answers is judged without the kubelet'),
  steps: () => {
    let before: Parents | undefined;
    return [
      given('both parents are Ready', async ({ node, memory }) => {
        before = await parentsReady(node, 180_000);
        memory.parents = before;
      }),
      when(
        'the power is cut, and when it is back a balancer with nothing behind it answers for the API server',
        async ({ node, memory }) => {
          await node.powerCut({ api: 'down' });
          await balancerAnswers(node);
          memory.bootedAt = await node.boot();
        },
      ),
      check(`after ${DWELL_MS / 1000} s, and not before, both copies start, and serve`, async (world) => {
        await bothStartAfterDwell(world, remembered(world.memory.bootedAt, 'the time of the boot'));
      }),
      when('the API server is back', async ({ node }) => {
        await apiBackBeforeKubelet(node, async () => {
          await balancerLeaves(node);
          await node.apiStart();
        });
      }),
      check('the copies hand back to the parents, which were restarted once, by the power cut', async (world) => {
        await backToNormal(world, restartsAfter(remembered(before, 'the parents'), 1), 240_000);
      }),
    ];
  },
};
