/**
 * A node with hundreds of pods for the measurements of size: embedded API server and runtime, the pods' volumes on the disk as
 * the kubelet lays them out, and the built program as a process of its own on the start line of the image.
 *
 * Its kubelet does what the agent can see and nothing more, each thing once: the stand-in of the demo looks at every pod whenever
 * one changes, which hundreds of pods make the slowest part of the measurement.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BUNDLE } from '../../deploy/bundle.ts';
import { START_LINE } from '../../deploy/start-line.ts';
import { createClock } from '../../src/adapters/clock.ts';
import { createCodec } from '../../src/adapters/grpc/messages.ts';
import { POD_RESOURCES_LIST } from '../../src/adapters/kubelet/podresources.ts';
import type { RawPod } from '../../src/core/model/model.ts';
import { type ApiServer, createApiServer } from '../../src/demo/api-server/api-server.ts';
import { freePort } from '../../src/demo/free-port.ts';
import { containerConfig, podContainers, sandboxConfig } from '../../src/demo/kubelet/kubelet-containers.ts';
import { staticPod } from '../../src/demo/kubelet/kubelet-files.ts';
import type { DemoKubeletOptions, SourcedPod } from '../../src/demo/kubelet/kubelet-types.ts';
import { mountVolumes } from '../../src/demo/kubelet/kubelet-volumes.ts';
import { writeNodeFiles } from '../../src/demo/node-files.ts';
import { kubeletApi } from '../../src/demo/parents.ts';
import { createGrpcServer, type GrpcServer } from '../../src/demo/runtime/grpc-server.ts';
import { createDemoRuntime } from '../../src/demo/runtime/runtime.ts';
import type { DemoRuntime } from '../../src/demo/runtime/runtime-types.ts';
import { IMAGES, KUBELET_DATA, NODE, scalePod } from './scale-pods.ts';

export interface AgentLine {
  readonly at: number;
  readonly msg: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface ScaleNode {
  readonly dir: string;
  readonly api: ApiServer;
  readonly runtime: DemoRuntime;
  readonly lines: readonly AgentLine[];
  startAgent(): void;
  killAgent(): Promise<void>;
  /** The largest resident and anonymous memory of any agent so far, in bytes; asked for again and again. */
  memory(): { readonly resident: number; readonly anonymous: number };
  /** CPU seconds of the agent that runs. */
  cpu(): number;
  /** The metrics page; empty while nobody answers. */
  metrics(): Promise<string>;
  /** The containers of these parents end, and the kubelet forgets them. */
  lose(names: ReadonlySet<string>): Promise<void>;
  /** Runtime, agent and API server go; a boot id of its own comes after it. */
  powerCut(): Promise<void>;
  boot(): Promise<void>;
  /** Names of our manifests in staticPodPath, and runs those that are new. */
  manifests(): Promise<readonly string[]>;
  dispose(): Promise<void>;
}

export async function createScaleNode(pods: number, more: Readonly<Record<string, unknown>> = {}): Promise<ScaleNode> {
  const dir = await mkdtemp(join(tmpdir(), 'pod-checkpointer-bench-'));
  const at = (name: string): string => join(dir, name);
  for (const name of ['state', 'manifests', 'kubelet', 'kubelet/pod-resources', 'run']) await mkdir(at(name), { mode: 0o700 });
  const clock = createClock();
  const api = createApiServer({ bookmarkMs: 5_000, window: 10_000 });
  await api.start();
  const runtime = createDemoRuntime({ socket: at('run/runtime.sock'), clock, random: () => 0.5 });
  for (const image of IMAGES) runtime.addImage(image);
  await runtime.start();
  const options: DemoKubeletOptions = {
    nodeName: NODE,
    rootDir: at('kubelet'),
    staticPodPath: at('manifests'),
    runtime,
    api: kubeletApi(api, KUBELET_DATA),
    clock,
    random: Math.random,
  };
  const known = new Map<string, SourcedPod>();
  const podResources = createPodResources(at('kubelet/pod-resources/kubelet.sock'), known);
  await podResources.start();
  for (let index = 0; index < pods; index += 1) {
    const pod = sourced(api.createPod(scalePod(index)));
    await mountVolumes(pod, options);
    const ids = run(runtime, pod, options.rootDir);
    known.set(pod.uid, pod);
    api.setPodStatus(pod, readyStatus(pod, ids));
  }
  const metricsPort = await freePort();
  await writeNodeFiles({ dir, api, nodeName: NODE, machineId: 'bench', podResourcesSocket: podResources.socket, metricsPort, more });

  const lines: AgentLine[] = [];
  const most = { resident: 0, anonymous: 0 };
  let agent: ChildProcess | undefined;

  async function killAgent(): Promise<void> {
    const dying = agent;
    agent = undefined;
    if (dying === undefined || dying.exitCode !== null || dying.signalCode !== null) return;
    await new Promise<void>((resolve) => {
      dying.once('close', () => resolve());
      dying.kill('SIGKILL');
    });
  }

  return {
    dir,
    api,
    runtime,
    lines,
    killAgent,
    startAgent() {
      const child = spawn(
        process.execPath,
        [
          ...START_LINE.flags,

          BUNDLE,
          'agent',
          '--config',
          at('agent.yaml'),
        ],
        {
          env: { ...process.env, NODE_EXTRA_CA_CERTS: undefined, ...START_LINE.env },
          stdio: ['ignore', 'pipe', 'inherit'],
        },
      );
      readLines(child, (line) => lines.push(line));
      agent = child;
    },
    memory() {
      const now = memoryOf(agent?.pid);
      most.resident = Math.max(most.resident, now.resident);
      most.anonymous = Math.max(most.anonymous, now.anonymous);
      return most;
    },
    cpu: () => cpuOf(agent?.pid),
    metrics: () =>
      fetch(`http://127.0.0.1:${metricsPort}/metrics`).then(
        (reply) => reply.text(),
        () => '',
      ),
    async lose(names) {
      for (const pod of [...known.values()].filter(({ name }) => names.has(name))) {
        known.delete(pod.uid);
        for (const { id, config } of runtime.sandboxes()) if (config.uid === pod.uid) await runtime.removePodSandbox(id);
      }
    },
    async powerCut() {
      known.clear();
      await Promise.all([api.stop(), killAgent(), runtime.powerCut(), podResources.stop()]);
    },
    async boot() {
      await writeFile(at('boot-id'), `${randomUUID()}\n`);
      await Promise.all([runtime.start(), podResources.start()]);
    },
    async manifests() {
      const names = (await readdir(at('manifests'))).filter((name) => !name.startsWith('.')).sort();
      for (const name of names) {
        const pod = staticPod(await readFile(at(`manifests/${name}`), 'utf8'), at(`manifests/${name}`), NODE);
        if (known.has(pod.uid)) continue;
        known.set(pod.uid, pod);
        run(runtime, pod, options.rootDir);
      }
      return names;
    },
    async dispose() {
      await Promise.all([killAgent(), api.stop(), podResources.stop()]);
      await runtime.powerCut();
      await rm(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
    },
  };
}

/** Its sandbox and its containers, as after a start that took no time. Ids of the containers by name. */
function run(runtime: DemoRuntime, pod: SourcedPod, rootDir: string): ReadonlyMap<string, string> {
  const sandbox = runtime.runPodSandbox(sandboxConfig(pod, 0));
  const ids = podContainers(pod).map((spec) => {
    const envs = (spec.container.env ?? []).flatMap(({ name, value }) => (value === undefined ? [] : [{ key: name, value }]));
    const service = [
      { key: 'KUBERNETES_SERVICE_HOST', value: '10.96.0.1' },
      { key: 'KUBERNETES_SERVICE_PORT', value: '443' },
    ];
    const { id } = runtime.createContainer(sandbox.id, {
      ...containerConfig(spec, pod, rootDir),
      attempt: 0,
      envs: [...service, ...envs],
    });
    runtime.startContainer(id);
    return [spec.container.name, id] as const;
  });
  return new Map(ids);
}

function sourced(pod: RawPod): SourcedPod {
  const { uid = '', namespace = '', name = '' } = pod.metadata ?? {};
  return { source: 'api', uid, namespace, name, pod };
}

/** As the kubelet would report it, which wrote the rest of the status, too. */
function readyStatus(pod: SourcedPod, ids: ReadonlyMap<string, string>) {
  const since = new Date(Date.now() - 60_000).toISOString();
  return {
    phase: 'Running',
    hostIP: '192.0.2.10',
    podIP: '10.244.1.7',
    podIPs: [{ ip: '10.244.1.7' }],
    qosClass: 'Burstable',
    startTime: since,
    conditions: ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map((type) => ({
      type,
      status: 'True',
      lastProbeTime: null,
      lastTransitionTime: since,
    })),
    containerStatuses: [...ids].map(([name, id]) => ({
      name,
      ready: true,
      started: true,
      restartCount: 0,
      image: pod.pod.spec?.containers?.find((container) => container.name === name)?.image,
      imageID: `sha256:${'0'.repeat(64)}`,
      containerID: `demo://${id}`,
      state: { running: { startedAt: since } },
      lastState: {},
    })),
  };
}

function createPodResources(socket: string, known: ReadonlyMap<string, SourcedPod>): GrpcServer {
  const codec = createCodec();
  return createGrpcServer(socket, {
    unary: {
      [POD_RESOURCES_LIST]: () =>
        codec.encode('ListPodResourcesResponse', {
          podResources: [...known.values()].map(({ name, namespace, pod }) => ({
            name,
            namespace,
            containers: podContainers({ pod } as SourcedPod).map(({ container }) => ({ name: container.name })),
          })),
        }),
    },
  });
}

function memoryOf(pid: number | undefined): { readonly resident: number; readonly anonymous: number } {
  const status = pid === undefined ? '' : readProc(`/proc/${pid}/status`);
  const bytes = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) * 1024;
  return { resident: bytes('VmRSS'), anonymous: bytes('RssAnon') };
}

/** User and system time, which every Linux architecture reports in hundredths. */
function cpuOf(pid: number | undefined): number {
  const stat = pid === undefined ? '' : readProc(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / 100;
}

function readProc(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function readLines(child: ChildProcess, tell: (line: AgentLine) => void): void {
  let rest = '';
  child.stdout?.setEncoding('utf8');
  child.stdout?.on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    for (const text of parts) {
      const fields = JSON.parse(text) as Record<string, unknown>;
      tell({ at: performance.now(), msg: String(fields['msg']), fields });
    }
  });
}
