/**
 * The demo's node in a temporary directory: embedded API server and runtime, kubelet stand-in, two parents, and the
 * agent as a process of its own, the same binary with an ordinary configuration file.
 *
 * Needs no root, no network beyond loopback, no container engine.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../ports.ts';
import { type ApiServer, createApiServer } from './api-server/api-server.ts';
import { freePort } from './free-port.ts';
import { createDemoKubelet } from './kubelet/kubelet.ts';
import type { DemoKubelet, PodReport, RuntimeLatency } from './kubelet/kubelet-types.ts';
import { writeNodeFiles } from './node-files.ts';
import { CONFIG_MAP, IMAGES, kubeletApi, NODE, parents, podStatus, SECRET } from './parents.ts';
import { createDemoRuntime } from './runtime/runtime.ts';
import { createHttpEffect } from './runtime/runtime-service.ts';
import type { DemoRuntime } from './runtime/runtime-types.ts';

export interface DemoOptions {
  readonly clock: Clock;
  readonly random: () => number;
  /** Factor on the kubelet's own delays; 1 is as slow as the real one. */
  readonly scale: number;
  readonly execPath: string;
  readonly bundle: string;
  /** Default: containerd, as quick as it was seen to be. */
  readonly runtime?: { readonly name: string; readonly latency: RuntimeLatency };
  /** A part of the node has come up, or has ended. An API server that is started by hand is not told. */
  readonly onLife?: (part: NodePart, up: boolean) => void;
}

export type NodePart = 'API server' | 'kubelet' | 'agent';

/** One line of the agent's log. */
export interface AgentLine {
  readonly time: number;
  readonly msg: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface DemoNode {
  readonly dir: string;
  readonly api: ApiServer;
  readonly runtime: DemoRuntime;
  readonly kubelet: DemoKubelet;
  /** URL of the parent on the host network. */
  readonly url: string;
  readonly config: string;
  readonly lines: readonly AgentLine[];
  /** `env`: its whole environment, where it is not to have ours. */
  startAgent(env?: Readonly<Record<string, string | undefined>>): ChildProcess;
  /** Everything on the node dies at once; the disk stays. */
  powerCut(): Promise<void>;
  /** Runtime and kubelet come up again, with a new boot id. */
  boot(): Promise<void>;
  /** Names of our files in staticPodPath. */
  manifests(): Promise<readonly string[]>;
  /** Ends everything; removes the directory unless it is to be kept. */
  dispose(keep: boolean): Promise<void>;
}

export async function createDemoNode(options: DemoOptions): Promise<DemoNode> {
  const { clock, onLife = () => undefined } = options;
  const dir = await mkdtemp(join(tmpdir(), 'pod-checkpointer-demo-'));
  const path = (name: string): string => join(dir, name);
  for (const name of ['state', 'manifests', 'kubelet', 'run']) await mkdir(path(name), { mode: 0o700 });
  const api = createApiServer({ bookmarkMs: 5_000 });
  await api.start();
  onLife('API server', true);
  const port = await freePort();
  const runtime = createDemoRuntime({
    socket: path('run/runtime.sock'),
    clock,
    random: options.random,
    ...(options.runtime === undefined ? {} : { name: options.runtime.name }),
    onContainerRunning: createHttpEffect((_container, sandbox) => (sandbox.config.hostNetwork ? port : undefined)),
  });
  for (const image of IMAGES) runtime.addImage(image);
  await runtime.start();
  const kubelet = createDemoKubelet({
    nodeName: NODE,
    rootDir: path('kubelet'),
    staticPodPath: path('manifests'),
    runtime,
    api: kubeletApi(api),
    clock,
    random: options.random,
    scale: options.scale,
    ...(options.runtime === undefined ? {} : { latency: options.runtime.latency }),
    onReport: (report) => reportStatus(api, report),
  });
  const { podResourcesSocket } = kubelet;
  await writeNodeFiles({ dir, api, nodeName: NODE, machineId: 'demo', podResourcesSocket, metricsPort: await freePort() });
  for (const pod of parents(port)) api.createPod(pod);
  await kubelet.start();
  onLife('kubelet', true);

  const lines: AgentLine[] = [];
  let agent: ChildProcess | undefined;
  return {
    dir,
    api,
    runtime,
    kubelet,
    url: `http://127.0.0.1:${port}/`,
    config: path('agent.yaml'),
    lines,
    startAgent(env) {
      const started = spawn(options.execPath, [options.bundle, 'agent', '--config', path('agent.yaml')], {
        stdio: ['ignore', 'pipe', 'inherit'],
        ...(env === undefined ? {} : { env }),
      });
      started.once('spawn', () => onLife('agent', true));
      started.once('exit', () => onLife('agent', false));
      readLines(started, (line) => lines.push(line));
      agent = started;
      return started;
    },
    async powerCut() {
      const apiGone = api.stop().then(() => onLife('API server', false));
      const kubeletGone = kubelet.kill().then(() => onLife('kubelet', false));
      await Promise.all([apiGone, kubeletGone, kill(agent), runtime.powerCut()]);
      agent = undefined;
    },
    async boot() {
      await writeFile(path('boot-id'), `${randomUUID()}\n`);
      await runtime.start();
      await kubelet.start();
      onLife('kubelet', true);
    },
    async manifests() {
      return (await readdir(path('manifests'))).filter((name) => !name.startsWith('.')).sort();
    },
    async dispose(keep) {
      await Promise.all([kill(agent), kubelet.kill(), api.stop()]);
      await runtime.powerCut();
      if (!keep) await rm(dir, { recursive: true, force: true });
    },
  };
}

/** What the kubelet would write to the API server; while that does not answer the report is lost, as it is there. */
function reportStatus(api: ApiServer, report: PodReport): void {
  if (report.source !== 'api' || !api.running) return;
  const { namespace, name, uid } = report;
  if (api.pods().some((pod) => pod.metadata?.uid === uid)) api.setPodStatus({ namespace, name }, podStatus(report));
}

function readLines(agent: ChildProcess, tell: (line: AgentLine) => void): void {
  let rest = '';
  agent.stdout?.setEncoding('utf8');
  agent.stdout?.on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    for (const text of parts) {
      const fields = JSON.parse(text) as Record<string, unknown>;
      tell({ time: Number(fields['time']), msg: String(fields['msg']), fields });
    }
  });
}

async function kill(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  await new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}

/** For the story's comparison: every file the parent was given, by name. */
export async function storedFiles(dir: string, key: string): Promise<ReadonlyMap<string, string>> {
  const files = join(dir, 'state', 'checkpoints', key, 'current', 'files');
  const found = new Map<string, string>();
  for (const volume of await readdir(files)) {
    for (const entry of await readdir(join(files, volume), { withFileTypes: true })) {
      // a directory is there for what is mounted beneath the volume
      if (entry.name.startsWith('..') || entry.isDirectory()) continue;
      found.set(`${volume}/${entry.name}`, await readFile(join(files, volume, entry.name), 'utf8'));
    }
  }
  return found;
}

export const GIVEN = { secret: SECRET, configMap: CONFIG_MAP };
