/** Parents deleted for good are forgotten for good, and nothing of anybody else is touched. */
import { existsSync } from 'node:fs';
import { FOREIGN_PODS, foreignComplaint, foreignFiles } from '../foreign.ts';
import { done, notYet, until } from '../node/wait.ts';
import { check, expect, given, remembered, type Scenario, sameOnEveryKubelet, TIMES_PROMISED, when } from '../scenario.ts';
import { checkpointDir, checkpointStatus, ownManifests } from '../status.ts';
import { deleteControllers, isLiving, parentsInApi, parentsReady } from '../workload.ts';

/** Beyond the grace: time to notice, to confirm and to remove. */
const SLACK_PROMISED_MS = 30_000;

export const retire: Scenario = {
  id: 'retire',
  title: 'When the parents are deleted their checkpoints are retired, and foreign files stay as they are',
  needs: ['capture'],
  kubelet: sameOnEveryKubelet('only what the API server shows counts; `self-hosted` waits for it on each'),
  steps: ({ retireGraceMs }) => {
    let goneAt = 0;
    return [
      given('both parents are Ready', async ({ node, memory }) => {
        memory.parents = await parentsReady(node, 180_000);
      }),
      when('DaemonSet and Deployment are deleted and the API server shows their pods no more', async ({ node }) => {
        await deleteControllers(node);
        await until(
          'parents gone from the API',
          async () => {
            const left = await parentsInApi(node);
            return left.length === 0 ? done() : notYet(left.map((parent) => parent.name).join(' '));
          },
          240_000,
          250,
        );
        goneAt = performance.now();
      }),
      check(
        `both checkpoints are gone within the grace of ${retireGraceMs / 1000} s and ${SLACK_PROMISED_MS / 1000} s more`,
        async (world) => {
          const parents = Object.values(remembered(world.memory.parents, 'the parents'));
          await until(
            'checkpoints retired',
            async () => {
              const left = parents.filter((parent) => existsSync(checkpointDir(world.node, parent.checkpoint)));
              const listed = await checkpointStatus(world.node);
              return left.length === 0 && listed.length === 0 ? done() : notYet(JSON.stringify(listed));
            },
            TIMES_PROMISED * (retireGraceMs + SLACK_PROMISED_MS),
            1_000,
          );
          world.promise('parents gone → checkpoints gone', performance.now() - goneAt, retireGraceMs + SLACK_PROMISED_MS);
          expect(ownManifests(world.node).length === 0, `manifests of ours: ${ownManifests(world.node).join(' ')}`);
        },
      ),
      check('the files of others are the same bytes, mode, time and inode, and their pods run', async ({ node, memory }) => {
        const complaint = foreignComplaint(memory.foreign, foreignFiles(node));
        expect(complaint === undefined, complaint ?? '');
        const running = (await node.cri.pods()).filter((pod) => pod.name.startsWith('foreign-') && isLiving(pod)).map((pod) => pod.name);
        const expected = FOREIGN_PODS.map((name) => `${name}-${node.name}`);
        expect(
          running.sort().join() === expected.sort().join(),
          `of the foreign static pods ${expected.join(' ')} run: ${running.join(' ') || 'none'}`,
        );
      }),
    ];
  },
};
