/** The kubelet's certificate has expired, the commonest outage of a whole node: the API server is well, and answers it 401. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { backToNormal } from '../copies.ts';
import { bothStart, reconfigured } from '../evidence.ts';
import { ownCertificates, replaceCertificate } from '../node/faults.ts';
import { expiredCertificate } from '../node/pki.ts';
import { doneUnless, until } from '../node/wait.ts';
import { check, expect, given, remembered, type Scenario, sameOnEveryKubelet, when } from '../scenario.ts';
import { type Parents, parentsReady, restartsAfter } from '../workload.ts';

const GRACE_MS = 15_000;

export const kubeletBlind: Scenario = {
  id: 'kubelet-blind',
  title: "The kubelet's certificate has expired and the node reboots: the copies serve, until it is renewed",
  needs: ['capture'],
  kubelet: sameOnEveryKubelet('what shows that a kubelet has seen an API server is the same on all of them, but for one socket more'),
  steps: () => {
    let before: Parents | undefined;
    return [
      given(`both parents are Ready; a kubelet may be without the API server for ${GRACE_MS / 1000} s`, async ({ node, memory }) => {
        before = await parentsReady(node, 180_000);
        memory.parents = before;
        await reconfigured(node, { kubeletBlindGrace: `${GRACE_MS / 1000}s` });
      }),
      when(
        "the node reboots, and the kubelet's certificate has expired: the API server, which is well, refuses it",
        async ({ node, memory }) => {
          const log = join(node.paths.logs, 'kubelet.log');
          await node.powerCut({ api: 'stays' });
          replaceCertificate(node.paths, 'kubelet', readFileSync(await expiredCertificate(node.paths, 'kubelet'), 'utf8'));
          const from = readFileSync(log).length;
          memory.bootedAt = await node.boot();
          const refused = () => readFileSync(log).subarray(from).includes('Unauthorized');
          await until('the kubelet refused', () => doneUnless(refused() ? '' : 'its log does not say so'), 60_000);
          await node.apiReady();
        },
      ),
      check('after that time, and not before, both copies start because of it, and serve', async (world) => {
        const bootedAt = remembered(world.memory.bootedAt, 'the time of the boot');
        const { time, reason } = await bothStart(world, bootedAt, GRACE_MS + 45_000);
        world.figure('boot → verdict', time - bootedAt, 'ms');
        expect(reason === 'kubelet-blind', `the copies should start because of kubelet-blind, not of ${reason}`);
        expect(time - bootedAt >= GRACE_MS, `the copies should have waited for ${GRACE_MS / 1000} s, not ${(time - bootedAt) / 1000} s`);
      }),
      when('the certificate is renewed and the kubelet restarted', async ({ node }) => {
        ownCertificates(node.paths);
        await node.kubeletRestart();
      }),
      check('the copies hand back to the parents, which were restarted once, by the reboot', async (world) => {
        await backToNormal(world, restartsAfter(remembered(before, 'the parents'), 1), 240_000);
        await reconfigured(world.node, {});
      }),
    ];
  },
};
