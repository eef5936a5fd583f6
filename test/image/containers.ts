/**
 * Containers of the image, started as the chart starts them: read-only root, no capability but the two needed, no new
 * privileges, the host's network. And the node they think they are on: directories, a configuration, no API server.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { GenericContainer, getContainerRuntimeClient, type StartedTestContainer } from 'testcontainers';
import { inject } from 'vitest';
import { freePort } from '../../src/demo/free-port.ts';
import { kubeconfigText } from '../../src/demo/kubeconfig.ts';

const STATE = '/var/lib/pod-checkpointer';

/** Call it first in every file: which engine the client talks to. */
export function useEngine(): void {
  const engine = inject('engine');
  if (engine !== '') process.env['DOCKER_HOST'] = engine;
}

export interface AgentHost {
  readonly stateDir: string;
  readonly metricsUrl: string;
  readonly mounts: readonly { readonly source: string; readonly target: string; readonly mode: 'ro' | 'rw' }[];
  remove(): void;
}

/** A node with no runtime and no API server. Not below the system's temporary directory, which may be in memory. */
export async function makeAgentHost(): Promise<AgentHost> {
  const dir = mkdtempSync('/var/tmp/pod-checkpointer-image-');
  for (const name of ['state', 'manifests', 'kubelet', 'config', 'run']) mkdirSync(join(dir, name), { mode: 0o700 });
  const port = await freePort();
  const config = {
    nodeName: 'image-test',
    criSocket: '/run/cri/cri.sock',
    kubeconfig: '/etc/pod-checkpointer/kubeconfig',
    metrics: { address: `127.0.0.1:${port}` },
  };
  const nowhere = { url: 'https://127.0.0.1:1', ca: rootCertificates[0] ?? '', token: 'no-server-will-see-this' };
  writeFileSync(join(dir, 'config/kubeconfig'), kubeconfigText(nowhere));
  writeFileSync(join(dir, 'config/config.yaml'), JSON.stringify(config));
  writeFileSync(join(dir, 'machine-id'), '0123456789abcdef0123456789abcdef\n');
  return {
    stateDir: join(dir, 'state'),
    metricsUrl: `http://127.0.0.1:${port}/metrics`,
    mounts: [
      { source: join(dir, 'state'), target: STATE, mode: 'rw' },
      { source: join(dir, 'manifests'), target: '/etc/kubernetes/manifests', mode: 'rw' },
      { source: join(dir, 'kubelet'), target: '/var/lib/kubelet', mode: 'ro' },
      { source: join(dir, 'run'), target: '/run/cri', mode: 'ro' },
      { source: join(dir, 'config'), target: '/etc/pod-checkpointer', mode: 'ro' },
      { source: join(dir, 'machine-id'), target: '/etc/machine-id', mode: 'ro' },
    ],
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}

/** Whose processes a container sees; the chart's default is the node's. */
export type PidNamespace = 'its own' | "the node's";

/** Testcontainers has no methods for a read-only root and the host's processes. */
class ReadOnlyContainer extends GenericContainer {
  hostPids = false;

  protected override async beforeContainerCreated(): Promise<void> {
    this.hostConfig.ReadonlyRootfs = true;
    if (this.hostPids) this.hostConfig.PidMode = 'host';
  }
}

export interface Agent {
  readonly container: StartedTestContainer;
  /** Of its first process, seen from this machine. */
  readonly pid: number;
}

/** Returns when the container runs; the agent in it may still wait or start. */
export async function startAgent(host: AgentHost, pids: PidNamespace): Promise<Agent> {
  const made = new ReadOnlyContainer(inject('image'));
  made.hostPids = pids === "the node's";
  const container = await made
    .withCommand(['agent', '--config', '/etc/pod-checkpointer/config.yaml'])
    .withBindMounts(host.mounts.map((mount) => ({ ...mount })))
    .withNetworkMode('host')
    .withDroppedCapabilities('ALL')
    .withAddedCapabilities('CHOWN', 'DAC_READ_SEARCH')
    .withSecurityOpt('no-new-privileges')
    // the chart's limit, 128Mi
    .withResourcesQuota({ memory: 0.125 })
    .start();
  const { State } = await (await engineContainer(container)).inspect();
  return { container, pid: State.Pid };
}

async function engineContainer(container: StartedTestContainer) {
  return (await getContainerRuntimeClient()).container.getById(container.getId());
}

export async function signalAgent({ container }: Agent, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  await (await engineContainer(container)).kill({ signal });
}

/** Waits for its end, at most `limitMs`; undefined: it still runs then. */
export async function exitCodeWithin({ container }: Agent, limitMs: number): Promise<number | undefined> {
  const engine = await engineContainer(container);
  const ended = engine.wait() as Promise<{ StatusCode: number }>;
  const late = new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), limitMs));
  return (await Promise.race([ended, late]))?.StatusCode;
}

export async function logOf({ container }: Agent): Promise<string> {
  const stream = await container.logs();
  return await new Promise((resolve, reject) => {
    let text = '';
    stream.on('data', (chunk: Buffer | string) => {
      text += chunk.toString();
    });
    stream.on('error', reject);
    stream.on('end', () => resolve(text));
    setTimeout(() => resolve(text), 500);
  });
}

/** One command in a new container of the image: exit code, and what it printed. */
export function runOnce(args: readonly string[], mounts: AgentHost['mounts'] = []): { readonly code: number; readonly said: string } {
  const volumes = mounts.flatMap(({ source, target, mode }) => ['--volume', `${source}:${target}:${mode}`]);
  const options = ['--rm', '--read-only', '--network=none', '--cap-drop=ALL', '--security-opt=no-new-privileges', ...volumes];
  const { status, stdout, stderr } = spawnSync('docker', ['run', ...options, inject('image'), ...args], {
    encoding: 'utf8',
    timeout: 30_000,
  });
  return { code: status ?? -1, said: `${stdout}${stderr}` };
}

/** A process and its children, and theirs. Those that end meanwhile are left out. */
export function processesOf(pid: number): readonly number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
    return [pid, ...children.flatMap((child) => processesOf(child))];
  } catch {
    return [];
  }
}

export function argumentsOf(pid: number): readonly string[] {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
}

/** Of /proc/PID/smaps_rollup, in KiB. Pss: pages shared with other processes count in part (proc(5)). */
export function memoryOf(pid: number, field: 'Rss' | 'Pss' | 'Private_Dirty'): number {
  return Number(new RegExp(`^${field}: +(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? Number.NaN);
}
