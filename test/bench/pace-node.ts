/**
 * The node of `pace.ts`: embedded API server, runtime and kubelet stand-in in this process, the agent in one of its own.
 * Runtime and kubelet take some milliseconds for each answer, and a silent server stands for dropped packets.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundle } from '../../deploy/bundle.ts';
import { START_LINE } from '../../deploy/start-line.ts';
import { createClock } from '../../src/adapters/clock.ts';
import { CRI_METHODS } from '../../src/adapters/cri/names.ts';
import { createCodec } from '../../src/adapters/grpc/messages.ts';
import { POD_RESOURCES_LIST } from '../../src/adapters/kubelet/podresources.ts';
import { createApiServer } from '../../src/demo/api-server/api-server.ts';
import { freePort } from '../../src/demo/free-port.ts';
import { createDemoKubelet } from '../../src/demo/kubelet/kubelet.ts';
import { writeNodeFiles } from '../../src/demo/node-files.ts';
import { kubeletApi, podStatus } from '../../src/demo/parents.ts';
import { createDemoRuntime } from '../../src/demo/runtime/runtime.ts';
import type { Counters, Question } from './pace-agent.ts';

const NODE = 'bench-node';
const IMAGE = 'registry.example/web:1.4';
/** What containerd takes for a list on a busy node. */
const RUNTIME_LATENCY_MS = 3;

export interface PaceNode {
  startAgent(): void;
  /** Asks the agent for its counters; `skipMs`: its clock is put forward first. */
  ask(question?: Question): Promise<Counters>;
  /** Calls to the runtime so far. */
  calls(): number;
  /** Connections that the silent server took so far. */
  connections(): number;
  /** Everything ends at once; what was the API server's address is silent from now on. */
  powerCut(): Promise<void>;
  /** Runtime, kubelet and agent come up again, with a new boot id. */
  boot(): Promise<void>;
  /** From now on the kubelet lists the parents, as one that has lived through the outage does. */
  listParents(): void;
  manifests(): Promise<number>;
  dispose(): Promise<void>;
}

export async function createPaceNode(copies: number): Promise<PaceNode> {
  const dir = await mkdtemp(join(tmpdir(), 'pod-checkpointer-bench-'));
  const path = (name: string): string => join(dir, name);
  for (const name of ['state', 'manifests', 'kubelet', 'run']) await mkdir(path(name), { mode: 0o700 });
  // built as the program is: on the start line of the image Node.js reads no TypeScript
  await bundle('test/bench/pace-agent.ts', path('agent.cjs'));
  const clock = createClock();
  const api = createApiServer({ bookmarkMs: 5_000 });
  await api.start();
  const runtime = createDemoRuntime({ socket: path('run/runtime.sock'), clock, random: Math.random });
  runtime.addImage({ reference: IMAGE });
  runtime.server.fault('*', { do: 'delay', ms: RUNTIME_LATENCY_MS });
  await runtime.start();
  const kubelet = createDemoKubelet({
    nodeName: NODE,
    rootDir: path('kubelet'),
    staticPodPath: path('manifests'),
    runtime,
    api: kubeletApi(api),
    clock,
    random: Math.random,
    scale: 0.1,
    onReport({ namespace, name, ...report }) {
      if (report.source === 'api' && api.running) api.setPodStatus({ namespace, name }, podStatus({ namespace, name, ...report }));
    },
  });
  const { podResourcesSocket } = kubelet;
  await writeNodeFiles({ dir, api, nodeName: NODE, machineId: 'bench', podResourcesSocket, metricsPort: await freePort() });
  const names = Array.from({ length: copies }, (_, index) => `web-${index}`);
  for (const name of names) api.createPod(parent(name));
  await kubelet.start();
  const silent = createSilentServer();
  let agent: ChildProcess | undefined;

  async function killAgent(): Promise<void> {
    const dying = agent;
    agent = undefined;
    if (dying === undefined || dying.exitCode !== null || dying.signalCode !== null) return;
    const gone = once(dying, 'exit');
    dying.kill('SIGKILL');
    await gone;
  }

  function startAgent(): void {
    agent = fork(path('agent.cjs'), [path('agent.yaml')], {
      execArgv: [...START_LINE.flags],
      env: { ...process.env, NODE_EXTRA_CA_CERTS: undefined, ...START_LINE.env },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
  }

  return {
    startAgent,
    async ask(question = {}) {
      if (agent === undefined || !agent.connected) throw new Error('the agent does not run');
      const over = new AbortController();
      const gone = once(agent, 'exit', { signal: over.signal }).then(() => Promise.reject(new Error('the agent has ended')));
      const answer = once(agent, 'message', { signal: over.signal });
      agent.send(question);
      const [counters] = (await Promise.race([answer, gone]).finally(() => over.abort())) as [Counters];
      return counters;
    },
    calls: () => Object.values(CRI_METHODS).reduce((sum, method) => sum + runtime.server.calls(method), 0),
    connections: silent.connections,
    async powerCut() {
      await Promise.all([api.stop(), kubelet.kill(), killAgent(), runtime.powerCut()]);
      await silent.listen(Number(new URL(api.url).port));
    },
    async boot() {
      await writeFile(path('boot-id'), `${randomUUID()}\n`);
      await runtime.start();
      await kubelet.start();
      startAgent();
    },
    listParents() {
      const pods = [...kubelet.known(), ...names.map((name) => `kube-system/${name}`)].map((pod) => {
        const [namespace = '', name = ''] = pod.split('/');
        return { namespace, name, containers: [] };
      });
      const message = createCodec().encode('ListPodResourcesResponse', { podResources: pods });
      kubelet.podResources()?.fault(POD_RESOURCES_LIST, { do: 'reply', message });
    },
    manifests: async () => (await readdir(path('manifests'))).filter((name) => !name.startsWith('.')).length,
    async dispose() {
      await Promise.all([killAgent(), kubelet.kill(), api.stop(), silent.close()]);
      await runtime.powerCut();
      await rm(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
    },
  };
}

/** A pod of a DaemonSet on the host network, with a secret. */
function parent(name: string) {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      namespace: 'kube-system',
      name,
      annotations: { 'checkpointer/enabled': 'true' },
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: `ds-${name}`, uid: `ds-${name}`, controller: true }],
    },
    spec: {
      nodeName: NODE,
      hostNetwork: true,
      terminationGracePeriodSeconds: 1,
      containers: [{ name: 'web', image: IMAGE, volumeMounts: [{ name: 'password', mountPath: '/etc/web', readOnly: true }] }],
      volumes: [{ name: 'password', secret: { secretName: 'web', defaultMode: 0o400 } }],
    },
  };
}

interface SilentServer {
  listen(port: number): Promise<void>;
  connections(): number;
  close(): Promise<void>;
}

/** Takes every connection and never says a word. */
function createSilentServer(): SilentServer {
  const open = new Set<Socket>();
  let taken = 0;
  const server = createServer((socket) => {
    taken += 1;
    open.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => open.delete(socket));
    socket.resume();
  });
  return {
    async listen(port) {
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
    },
    connections: () => taken,
    async close() {
      for (const socket of open) socket.destroy();
      if (!server.listening) return;
      server.close();
      await once(server, 'close');
    },
  };
}
