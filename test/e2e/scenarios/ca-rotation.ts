/**
 * The cluster gets another CA, as everybody does it: appended to the bundle first, then the API server's certificate comes from
 * it. In the middle the node reboots without the API server.
 *
 * The controllers keep the CA that they were started with; nothing here needs them, and in the end the old one is back.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { backToNormal } from '../copies.ts';
import { apiBackBeforeKubelet, bothStart } from '../evidence.ts';
import { ownCertificates, replaceCertificate, servesCertificate } from '../node/faults.ts';
import { certificateOfNextCa, nextCa } from '../node/pki.ts';
import { check, given, remembered, type Scenario, sameOnEveryKubelet, when } from '../scenario.ts';
import { type Parents, parentsReady, restartsAfter } from '../workload.ts';

export const caRotation: Scenario = {
  id: 'ca-rotation',
  title: 'A CA is appended, the node reboots offline, and the API server has a certificate of the new CA: all is one cluster',
  needs: ['capture'],
  kubelet: sameOnEveryKubelet('what makes a cluster the same is judged without the kubelet'),
  steps: () => {
    let before: Parents | undefined;
    return [
      given('both parents are Ready; a second CA is in the bundle that everybody trusts', async ({ node, memory }) => {
        before = await parentsReady(node, 180_000);
        memory.parents = before;
        const [old, next] = [join(node.paths.pki, 'ca.crt'), await nextCa(node.paths)];
        replaceCertificate(node.paths, 'ca', readFileSync(old, 'utf8') + readFileSync(next, 'utf8'));
      }),
      when('the node loses power and boots without the API server', async ({ node, memory }) => {
        await node.powerCut({ api: 'down' });
        memory.bootedAt = await node.boot();
      }),
      check('both copies start, and serve: the cluster is the one that they are of', async (world) => {
        await bothStart(world, remembered(world.memory.bootedAt, 'the time of the boot'), 60_000);
      }),
      when('the API server comes back with a certificate of the second CA', async ({ node }) => {
        const certificate = await certificateOfNextCa(node.paths, 'kube-apiserver');
        replaceCertificate(node.paths, 'kube-apiserver', readFileSync(certificate, 'utf8'));
        await apiBackBeforeKubelet(node, async () => {
          await node.apiStart();
          await servesCertificate(node, 'ok');
        });
      }),
      check('the copies hand back to the parents, which were restarted once, by the power cut', async (world) => {
        await backToNormal(world, restartsAfter(remembered(before, 'the parents'), 1), 240_000);
      }),
      when('the second CA goes out of the bundle again, and the API server has its old certificate', async ({ node }) => {
        await node.apiStop();
        ownCertificates(node.paths);
        await node.apiStart();
        await node.apiReady();
        await node.ready();
      }),
      check('all is as before', async (world) => {
        await backToNormal(world, restartsAfter(remembered(world.memory.parents, 'the parents'), 0), 120_000);
      }),
    ];
  },
};
