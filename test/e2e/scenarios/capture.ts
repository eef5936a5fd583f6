/** Annotated pods are captured: the agent says so, and the files are there. */
import { bothListed } from '../copies.ts';
import { foreignFiles, placeForeignFiles } from '../foreign.ts';
import { done, doneUnless, never, until } from '../node/wait.ts';
import { check, dependsOnKubelet, expect, given, remembered, type Scenario, when } from '../scenario.ts';
import { leakedSecrets } from '../secrets.ts';
import { storedComplaint } from '../status.ts';
import { applyWorkload, BOTH, HOST_URL, lookInside, POD_PORT, parentsReady } from '../workload.ts';

export const capture: Scenario = {
  id: 'capture',
  title: 'Annotated pods are captured, with their files',
  needs: [],
  kubelet: dependsOnKubelet('reads the volumes as this kubelet wrote them'),
  steps: () => [
    given('static pods and other files of somebody else lie in staticPodPath', async ({ node, memory }) => {
      placeForeignFiles(node);
      memory.foreign = foreignFiles(node);
    }),
    given('the agent runs', async ({ node }) => {
      await node.agent.start();
      await until(
        'agent answering',
        async () => (node.agent.alive() ? done(await node.agent.metrics()) : never('it ended; see agent.log')),
        20_000,
      );
    }),
    when('a DaemonSet pod and a Deployment pod with the annotation become Ready', async (world) => {
      await applyWorkload(world.node);
      world.memory.parents = await parentsReady(world.node, 60_000);
    }),
    check('the status command shows a checkpoint of each', async (world) => {
      const started = Date.now();
      await bothListed(world, 60_000);
      world.figure('parents Ready → both captured', Date.now() - started, 'ms');
    }),
    check('both lie complete on the disk, in a directory only root may enter', async ({ node, memory }) => {
      for (const parent of Object.values(remembered(memory.parents, 'the parents'))) {
        await until('checkpoint on disk', () => doneUnless(storedComplaint(node, parent.checkpoint)), 60_000);
      }
    }),
    check('what the parents see inside is remembered for later', async ({ node, memory }) => {
      const parents = remembered(memory.parents, 'the parents');
      memory.inside.host = await lookInside(node, HOST_URL);
      memory.inside.pod = await lookInside(node, `http://${parents.pod.address}:${POD_PORT}`);
      for (const which of BOTH) {
        const problems = (memory.inside[which]?.files ?? []).flatMap((file) => file.problem ?? []);
        expect(problems.length === 0, `a file of the ${which} parent cannot be read even by itself: ${problems.join('; ')}`);
        expect(
          (memory.inside[which]?.files.length ?? 0) >= 11,
          `the ${which} parent sees only ${memory.inside[which]?.files.length} files`,
        );
      }
    }),
    check('no secret is in the log, the metrics, the status, what commands print, file names and bookkeeping', async ({ node, memory }) => {
      const leaked = await leakedSecrets(node, memory);
      expect(leaked === '', leaked);
    }),
  ],
};
