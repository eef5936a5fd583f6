/** The podresources contract against the node's kubelet. */
import { connect } from 'node:net';
import { podResourcesContract } from '../../contracts/podresources-contract.ts';
import { createCri } from '../node/cri.ts';
import { done, doneUnless, until } from '../node/wait.ts';
import { createAdmin, doer, loadSubject, NAMESPACE, quietPod } from './subject.ts';

const subject = loadSubject();
const act = doer(subject);
const admin = createAdmin(subject);
const cri = createCri(subject.paths.criSocket);
const socket = subject.paths.podResourcesSocket;
let pods = 0;

/** Somebody takes connections. The file of a dead kubelet stays where it was. */
async function listening(): Promise<void> {
  const tryOnce = () =>
    new Promise<void>((resolve, reject) => {
      const peer = connect(socket, () => {
        peer.destroy();
        resolve();
      });
      peer.on('error', reject);
    });
  await until('the kubelet listening', async () => done(await tryOnce()), 60_000, 50);
}

podResourcesContract(`kubelet ${subject.kubernetes}`, async () => {
  pods += 1;
  const name = `podresources-${pods}`;
  const uid = await admin.createPod(name, quietPod(subject.nodeName));
  await until(
    `pod ${name} running`,
    async () => doneUnless((await cri.pods()).some((pod) => pod.uid === uid && pod.ready) ? undefined : 'it does not'),
    60_000,
  );
  return {
    socket,
    pods: [{ namespace: NAMESPACE, name }],
    kill: () => act('kubelet/kill'),
    restart: async () => {
      await act('kubelet/start');
      await listening();
    },
    freeze: () => act('kubelet/freeze'),
    thaw: () => act('kubelet/thaw'),
    dispose: async () => {
      await act('kubelet/thaw');
      await act('kubelet/start');
      await admin.deletePod(name, 'at-once');
    },
  };
});
