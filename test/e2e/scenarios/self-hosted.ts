/** The control plane moves onto the node: from native programs to annotated pods that the node's own kubelet runs. */
import { newContainerOf } from '../copies.ts';
import { done, doneUnless, notYet, until } from '../node/wait.ts';
import { check, dependsOnKubelet, given, remembered, type Scenario, when } from '../scenario.ts';
import { API, applyControlPlane, COMPONENTS, importKubernetesImage } from '../self-hosted/objects.ts';
import { membersInApi, settled } from '../self-hosted/pods.ts';
import { checkpointStatus } from '../status.ts';

export const selfHosted: Scenario = {
  id: 'self-hosted',
  title: 'API server, controller manager and scheduler become pods of the node they serve',
  needs: [],
  kubelet: dependsOnKubelet('the set-up of the others'),
  steps: () => [
    given('the agent runs', async ({ node }) => {
      if (!node.agent.alive()) await node.agent.start();
      await until('agent answering', async () => done(await node.agent.metrics()), 20_000);
    }),
    given('the pods of earlier scenarios are gone, and their checkpoints too', async ({ node, settings }) => {
      await node.kubectl(['delete', 'namespace', 'e2e', 'real-pods', '--ignore-not-found', '--wait=false']);
      await until(
        'nothing of them left',
        async () => {
          const pods = (await node.kubectl(['get', 'pods', '--all-namespaces', '--output=name'])).stdout.split('\n');
          const left = [
            ...pods.filter((name) => name !== '' && !name.includes('foreign')),
            ...(await checkpointStatus(node)).map((one) => one.checkpoint),
          ];
          return doneUnless(left.length === 0 ? '' : left.join(' '));
        },
        settings.retireGraceMs + 240_000,
        500,
      );
    }),
    given('the programs are there as an image', async ({ node, figure }) => {
      const from = performance.now();
      await importKubernetesImage(node);
      figure('image made and imported', performance.now() - from, 'ms');
    }),
    when('DaemonSet and Deployments are applied and their pods are bound', async ({ node }) => {
      await applyControlPlane(node);
      await until(
        'pods bound',
        async () => {
          const bound = (await membersInApi(node)).filter((member) => member.node === node.name);
          return bound.length === COMPONENTS.length ? done() : notYet(`${bound.length} of ${COMPONENTS.length}`);
        },
        60_000,
      );
    }),
    when('the native control plane ends, and the pods take its place', async (world) => {
      const { node } = world;
      await node.controlPlane.stopControllers();
      const uid = remembered((await membersInApi(node)).find((member) => member.component === API)?.uid, 'the API server pod');
      await until(
        'its container',
        async () => (newContainerOf(await node.cri.pods(), uid, 0) === undefined ? notYet('none') : done()),
        60_000,
        10,
      );
      const from = Date.now();
      await node.controlPlane.handOver();
      await node.apiReady();
      world.figure('native API server ended → pod ready', Date.now() - from, 'ms');
    }),
    check('all are Ready, captured, and no copy runs', async ({ node, memory }) => {
      memory.members = await settled(node, {}, 180_000);
    }),
  ],
};
