/** The CRI contract against the embedded runtime, in both of the shapes seen on real containerd. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GRPC } from '../../src/adapters/grpc/grpc-status.ts';
import { createDemoRuntime } from '../../src/demo/runtime/runtime.ts';
import { type CriSubject, criContract } from './cri-contract.ts';

const ENV = { GREETING: 'hello', SECRET: 'sesame$(open)', EMPTY: '', TEXT: 'two\nlines = ü' };
/** What containerd says between the opening of its socket and the end of its start; 1.6 with another status. */
const STARTING = 'server is not initialized yet';
const IMAGE = 'localhost/web:1';

async function embedded(flavour: '1.6' | '2.4'): Promise<CriSubject> {
  const dir = await mkdtemp(join(tmpdir(), 'cri-'));
  const runtime = createDemoRuntime({ socket: join(dir, 'cri.sock'), clock: { wall: () => Date.now() }, random: Math.random, flavour });
  runtime.addImage({ reference: IMAGE });
  const labels = { 'io.kubernetes.pod.name': 'web', 'io.kubernetes.pod.namespace': 'kube-system', 'io.kubernetes.pod.uid': 'uid-1' };
  const sandbox = runtime.runPodSandbox({
    name: 'web',
    namespace: 'kube-system',
    uid: 'uid-1',
    attempt: 0,
    labels: { ...labels, app: 'web' },
    annotations: { 'kubernetes.io/config.source': 'api' },
    hostNetwork: true,
  });
  const container = runtime.createContainer(sandbox.id, {
    name: 'server',
    attempt: 0,
    image: IMAGE,
    envs: Object.entries(ENV).map(([key, value]) => ({ key, value })),
    mounts: [{ containerPath: '/data', hostPath: '/srv/data', readonly: true }],
    labels: { ...labels, 'io.kubernetes.container.name': 'server' },
    annotations: {},
    completes: false,
  });
  runtime.startContainer(container.id);
  await runtime.start();
  return {
    socket: runtime.server.socket,
    podUid: 'uid-1',
    podName: 'web',
    podNamespace: 'kube-system',
    sandboxId: sandbox.id,
    containerId: container.id,
    containerName: 'server',
    image: IMAGE,
    env: ENV,
    hasEvents: flavour === '2.4',
    networkReady: true,
    kill: () => runtime.stop(),
    restart: () => runtime.start(),
    launch: async () => {
      runtime.server.fault('*', { do: 'fail', code: flavour === '1.6' ? GRPC.unknown : GRPC.unavailable, message: STARTING }, 1);
      await runtime.start();
    },
    freeze: async () => runtime.server.fault('*', { do: 'hang' }),
    thaw: async () => runtime.server.clearFaults(),
    provoke: () => runtime.stopContainer(container.id, 0),
    dispose: async () => {
      await runtime.stop();
      await rm(dir, { recursive: true });
    },
  };
}

criContract('the embedded runtime, like containerd 2.4,', () => embedded('2.4'));
criContract('the embedded runtime, like containerd 1.6,', () => embedded('1.6'));
