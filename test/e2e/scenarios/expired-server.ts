/** The API server's certificate has expired, and the node reboots: the kubelet gets nothing from it either. */
import { readFileSync } from 'node:fs';
import { backToNormal } from '../copies.ts';
import { apiBackBeforeKubelet, bothStartAfterDwell, DWELL_MS } from '../evidence.ts';
import { ownCertificates, replaceCertificate, servesCertificate } from '../node/faults.ts';
import { expiredCertificate } from '../node/pki.ts';
import { check, given, remembered, type Scenario, sameOnEveryKubelet, when } from '../scenario.ts';
import { type Parents, parentsReady, restartsAfter } from '../workload.ts';

export const expiredServer: Scenario = {
  id: 'expired-server',
  title: "The API server's certificate has expired and the node reboots: the copies serve, until it is renewed",
  needs: ['capture'],
  kubelet: sameOnEveryKubelet('no kubelet accepts such a certificate, and what one without an API server does `power-cut` shows'),
  steps: () => {
    let before: Parents | undefined;
    return [
      given('both parents are Ready', async ({ node, memory }) => {
        before = await parentsReady(node, 180_000);
        memory.parents = before;
      }),
      when("the power is cut, and when it is back the API server's certificate has expired", async ({ node, memory }) => {
        await node.powerCut({ api: 'down' });
        const expired = await expiredCertificate(node.paths, 'kube-apiserver');
        replaceCertificate(node.paths, 'kube-apiserver', readFileSync(expired, 'utf8'));
        await node.apiStart();
        await servesCertificate(node, 'certificate has expired');
        memory.bootedAt = await node.boot();
      }),
      check(`after ${DWELL_MS / 1000} s, and not before, both copies start, and serve`, async (world) => {
        await bothStartAfterDwell(world, remembered(world.memory.bootedAt, 'the time of the boot'));
      }),
      when('the certificate is renewed and the API server restarted', async ({ node }) => {
        await apiBackBeforeKubelet(node, async () => {
          ownCertificates(node.paths);
          await node.apiStop();
          await node.apiStart();
        });
      }),
      check('the copies hand back to the parents, which were restarted once, by the power cut', async (world) => {
        await backToNormal(world, restartsAfter(remembered(before, 'the parents'), 1), 240_000);
      }),
    ];
  },
};
