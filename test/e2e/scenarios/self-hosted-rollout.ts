/**
 * Ordinary care for a self-hosted control plane on one node. Replacing its only API server takes the API away at once, and
 * with it all that could make the next pod: only a copy gets it out of there.
 */
import { check, dependsOnKubelet, expect, given, remembered, type Scenario, type Step, when } from '../scenario.ts';
import { API, COMPONENTS, type Component, NAMESPACE } from '../self-hosted/objects.ts';
import { activations, type Members, settled } from '../self-hosted/pods.ts';
import { apiAnswers, apiGone, expectSame, probeApi, RETURN_LIMIT_MS, reportFlip, rollout } from '../self-hosted/steps.ts';

/** The pod of the API server goes, in whatever way, and the API with it; another one must come. */
function replaceApiServer(what: string, act: (before: Members, world: Parameters<Step['run']>[0]) => Promise<void>): readonly Step[] {
  let before: Members | undefined;
  let from = 0;
  let answersAt = 0;
  let prober: Awaited<ReturnType<typeof probeApi>> | undefined;
  return [
    given('the control plane is at rest', async ({ node }) => {
      before = await settled(node, {}, 120_000);
    }),
    when(`${what}; the API is gone, and answers again from the copy`, async (world) => {
      prober = await probeApi(world, `self-hosted-${what.replaceAll(/[^a-z]+/g, '-')}`);
      from = Date.now();
      await act(remembered(before, 'the pods'), world);
      const gone = await apiGone(prober, from, 60_000);
      answersAt = await apiAnswers(world, prober, gone, `${what}: API gone → answers from the copy`);
    }),
    check('another API server pod takes over; the copy was started once', async (world) => {
      const old = remembered(before, 'the pods');
      const after = await settled(world.node, { not: [old[API].uid] }, RETURN_LIMIT_MS);
      world.figure(`${what}: until all is at rest`, Date.now() - from, 'ms');
      await reportFlip(world, remembered(prober, 'the prober'), after[API].uid, answersAt, `${what}: `);
      expectSame(
        old,
        after,
        COMPONENTS.filter((component) => component !== API),
      );
      const started = activations(world.node, from, old[API].checkpoint);
      // once more for each start of the new pod that met the copy on the port
      const met = after[API].restarts;
      world.figure(`${what}: starts of the API server that met its copy on the port`, met, 'count');
      expect(started >= 1 && started <= 1 + met, `the copy was started ${started} times`);
      world.memory.members = after;
    }),
  ];
}

function restartOf(component: Component): readonly Step[] {
  let before: Members | undefined;
  let from = 0;
  return [
    given('the control plane is at rest', async ({ node }) => {
      before = await settled(node, {}, 120_000);
    }),
    when(`kubectl rollout restart ${component}`, async (world) => {
      from = await rollout(world, 'restart', component);
    }),
    check(`another ${component} runs, no copy was started, nothing else was touched`, async (world) => {
      const old = remembered(before, 'the pods');
      const after = await settled(world.node, { not: [old[component].uid] }, RETURN_LIMIT_MS);
      world.figure(`rollout restart ${component}: until all is at rest`, Date.now() - from, 'ms');
      expectSame(
        old,
        after,
        COMPONENTS.filter((other) => other !== component),
      );
      expect(activations(world.node, from) === 0, 'a copy was started');
      world.memory.members = after;
    }),
  ];
}

export const selfHostedDelete: Scenario = {
  id: 'self-hosted/delete',
  title: 'The only API server pod deleted with kubectl: the node replaces it by itself',
  needs: ['self-hosted'],
  kubelet: dependsOnKubelet('the same, without a rollout'),
  onRequest: true,
  steps: () =>
    replaceApiServer('kubectl delete pod', async (before, { node }) => {
      await node.kubectl(['delete', 'pod', `--namespace=${NAMESPACE}`, before[API].name, '--wait=false']);
    }),
};

export const selfHostedRollout: Scenario = {
  id: 'self-hosted/rollout',
  title: 'kubectl rollout restart of each component of the control plane',
  needs: ['self-hosted'],
  kubelet: dependsOnKubelet('how a kubelet ends a pod while its API server goes away'),
  steps: () => [
    ...restartOf('kube-scheduler'),
    ...restartOf('kube-controller-manager'),
    ...replaceApiServer('kubectl rollout restart', async (_, world) => {
      await rollout(world, 'restart', API);
    }),
  ],
};
