/**
 * The premise, without the product: after a power cut with the API server down, static pods come back and pods of the API
 * do not. Proves the harness as well.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { placeManifest, staticPod } from '../foreign.ts';
import { ADDRESSES } from '../node/layout.ts';
import { done, holds, notYet, until } from '../node/wait.ts';
import { firstOk, startProber } from '../prober.ts';
import { check, dependsOnKubelet, expect, given, remembered, type Scenario, when } from '../scenario.ts';
import { applyWorkload, HOST_URL, isLiving, parentsReady, restartsAfter } from '../workload.ts';

const MANIFEST = 'by-hand.json';
const STATIC_URL = `http://${ADDRESSES.node}:8089/`;

export const bareNode: Scenario = {
  id: 'bare-node',
  title: 'Without the agent a power cut with the API server down costs every pod that came from it',
  needs: [],
  kubelet: dependsOnKubelet('what a kubelet starts by itself after a boot is its own rule'),
  steps: () => {
    let bootedAt = 0;
    return [
      given('a DaemonSet pod and a Deployment pod are Ready', async (world) => {
        await applyWorkload(world.node);
        world.memory.parents = await parentsReady(world.node, 60_000);
      }),
      given('a static pod placed by hand serves', async ({ node }) => {
        placeManifest(node, MANIFEST, staticPod('by-hand', ['serve', '--listen', ':8089'], true), 0o600);
        await until('static pod serving', async () => done(await node.fetch(STATIC_URL)), 30_000);
      }),
      when('the power is cut, the API server is down, the node boots', async (world) => {
        const { node } = world;
        await node.powerCut({ api: 'down' });
        const prober = await startProber({ node, name: 'bare-node', urls: [STATIC_URL, `${HOST_URL}/`] });
        bootedAt = await node.boot();
        await until('static pod serving again', () => (firstOk(prober.answers()) ? done() : notYet('no answer')), 30_000, 50);
        const answers = await prober.stop();
        world.figure('boot → static pod serving', (firstOk(answers)?.answeredAt ?? 0) - bootedAt, 'ms');
      }),
      check('nothing of the API pods runs or starts', async ({ node, memory }) => {
        const uids = Object.values(remembered(memory.parents, 'the parents')).map((parent) => parent.uid);
        const living = async () => {
          const pods = (await node.cri.pods()).filter((pod) => uids.includes(pod.uid) && isLiving(pod));
          return pods.length === 0 ? undefined : `running: ${pods.map((pod) => pod.name).join(', ')}`;
        };
        await holds('API pods stay dead', living, 3_000, 500);
        expect(
          (await node.cri.pods()).some((pod) => uids.includes(pod.uid)),
          'the dead sandboxes should still be known to the runtime',
        );
      }),
      when('the API server is back, both parents come back, restarted once', async (world) => {
        const started = await world.node.apiStart();
        rmSync(join(world.node.paths.manifests, MANIFEST));
        await world.node.apiReady();
        const before = remembered(world.memory.parents, 'the parents');
        world.memory.parents = await parentsReady(world.node, 180_000, restartsAfter(before, 1));
        world.figure('API start → both parents Ready', Date.now() - started, 'ms');
      }),
      check('the static pod, its manifest deleted, is gone', async ({ node }) => {
        await until(
          'static pod gone',
          async () =>
            (await node.cri.pods()).some((pod) => pod.name.startsWith('by-hand') && isLiving(pod)) ? notYet('it lives') : done(),
          60_000,
        );
      }),
    ];
  },
};
