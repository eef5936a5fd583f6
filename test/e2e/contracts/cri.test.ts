/** The CRI contract against the node's containerd, with pods that its kubelet made. */
import { type CriSubject, criContract } from '../../contracts/cri-contract.ts';
import { createCri } from '../node/cri.ts';
import { TESTSERVER_IMAGE } from '../node/layout.ts';
import { done, notYet, until } from '../node/wait.ts';
import { createAdmin, doer, loadSubject, NAMESPACE, quietPod } from './subject.ts';

/** As the pod writes it, and as the kubelet resolves it. */
const ENV = [
  { name: 'GREETING', written: 'hello', value: 'hello' },
  { name: 'SECRET', written: 'sesame$$(open)', value: 'sesame$(open)' },
  { name: 'NAMED', written: '$(GREETING), $(NOBODY)', value: 'hello, $(NOBODY)' },
  { name: 'EMPTY', written: '', value: '' },
  { name: 'TEXT', written: 'two\nlines = ü', value: 'two\nlines = ü' },
];

const subject = loadSubject();
const act = doer(subject);
const admin = createAdmin(subject);
const cri = createCri(subject.paths.criSocket);
let pods = 0;

async function runningPod(): Promise<CriSubject> {
  pods += 1;
  const name = `cri-${pods}`;
  const env = ENV.map(({ name, written }) => ({ name, value: written }));
  const uid = await admin.createPod(name, quietPod(subject.nodeName, env));
  const { sandbox, container } = await until(
    `pod ${name} running`,
    async () => {
      const sandbox = (await cri.pods()).find((pod) => pod.uid === uid && pod.ready);
      const container = sandbox?.containers.find(({ state }) => state === 'RUNNING');
      return sandbox !== undefined && container !== undefined ? done({ sandbox, container }) : notYet('it does not');
    },
    60_000,
  );
  let launched: Promise<unknown> = Promise.resolve();
  return {
    socket: subject.paths.criSocket,
    podUid: uid,
    podName: name,
    podNamespace: NAMESPACE,
    sandboxId: sandbox.sandboxId,
    containerId: container.id,
    containerName: 'server',
    image: TESTSERVER_IMAGE,
    env: Object.fromEntries(ENV.map(({ name, value }) => [name, value])),
    hasEvents: !subject.oldContainerd,
    kill: () => act('containerd/kill'),
    restart: async () => {
      await act('containerd/start');
      await until('the runtime answering', async () => done(await cri.pods()), 30_000, 20);
    },
    launch: async () => {
      launched = act('containerd/start').catch((error: unknown) => error);
    },
    freeze: () => act('containerd/freeze'),
    thaw: () => act('containerd/thaw'),
    provoke: () => admin.deletePod(name, 'in-order'),
    dispose: async () => {
      await launched;
      await act('containerd/thaw');
      await act('containerd/start');
      await admin.deletePod(name, 'at-once');
    },
  };
}

criContract(`containerd ${subject.runtime}`, runningPod);
