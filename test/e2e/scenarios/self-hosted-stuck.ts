/**
 * The deadlock that only a copy can end: the kubelet knows the API server's pod and cannot start it, because what it lacks
 * can only come from that API server. Here it is a Secret; a list of services that was never read looks the same.
 */
import { done, holds, notYet, until } from '../node/wait.ts';
import type { Prober } from '../prober.ts';
import { check, dependsOnKubelet, expect, given, remembered, type Scenario, when } from '../scenario.ts';
import { API, applySecret, COMPONENTS, NAMESPACE } from '../self-hosted/objects.ts';
import { activations, type Members, runningOf, settled } from '../self-hosted/pods.ts';
import { apiAnswers, expectSame, probeApi, RETURN_LIMIT_MS, reportFlip } from '../self-hosted/steps.ts';

/** The agent's stuckGrace. */
const STUCK_GRACE_MS = 60_000;

export const selfHostedStuck: Scenario = {
  id: 'self-hosted/stuck',
  title: 'The kubelet knows the API server pod and lacks its Secret: after the stuck grace the copy ends the deadlock',
  needs: ['self-hosted'],
  kubelet: dependsOnKubelet('how long a kubelet tries to mount'),
  onRequest: true,
  steps: () => {
    let before: Members | undefined;
    let prober: Prober | undefined;
    let goneAt = 0;
    return [
      given('the control plane is at rest', async ({ node }) => {
        before = await settled(node, {}, 120_000);
      }),
      when('the power goes; an API server elsewhere, in which the Secret is gone, answers while the node boots', async ({ node }) => {
        const uid = remembered(before, 'the pods')[API].uid;
        await node.powerCut({ api: 'down' });
        node.controlPlane.takeBack();
        await node.apiStart();
        await node.apiReady();
        await node.kubectl(['delete', 'secret', `--namespace=${NAMESPACE}`, API]);
        await node.boot();
        await until(
          'the kubelet lacking the Secret',
          async () => {
            const query = ['get', 'events', `--namespace=${NAMESPACE}`, '--field-selector=reason=FailedMount', '--output=json'];
            const { items } = JSON.parse((await node.kubectl(query)).stdout) as { items: { involvedObject: { uid: string } }[] };
            return items.some((event) => event.involvedObject.uid === uid) ? done() : notYet(`${items.length} events`);
          },
          120_000,
          500,
        );
      }),
      when('that API server goes for good; for the time of the grace nothing is done', async (world) => {
        await world.node.controlPlane.handOver();
        goneAt = Date.now();
        prober = await probeApi(world, 'self-hosted-stuck');
        const { checkpoint } = remembered(before, 'the pods')[API];
        const complaint = () => (activations(world.node, goneAt, checkpoint) === 0 ? undefined : 'the copy was placed too early');
        await holds('the kubelet is left to try', complaint, STUCK_GRACE_MS - 5_000);
      }),
      check('then the copy brings the API back, beside the pod that is stuck', async (world) => {
        await apiAnswers(world, remembered(prober, 'the prober'), goneAt, 'API gone → answers from the copy', 60_000);
        const parent = runningOf(await world.node.cri.pods(), remembered(before, 'the pods')[API].uid);
        expect(parent === undefined, 'the parent runs, though its Secret is gone');
      }),
      when('the Secret is put back, through the API that the copy serves', async ({ node }) => {
        await until('the API ready', async () => done(await applySecret(node, API)), 60_000);
      }),
      check('every parent takes over again', async (world) => {
        const from = Date.now();
        const old = remembered(before, 'the pods');
        const after = await settled(world.node, {}, RETURN_LIMIT_MS);
        world.figure('Secret back → all parents at rest', Date.now() - from, 'ms');
        await reportFlip(world, remembered(prober, 'the prober'), old[API].uid, from, '');
        expectSame(old, after, COMPONENTS);
        world.memory.members = after;
      }),
    ];
  },
};
