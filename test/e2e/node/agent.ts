/**
 * The program under test on a test node: its account in the cluster, its configuration, its start and end, its command
 * line. It runs on the node's machine as a host process, so a power cut ends it too.
 */
import { existsSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { START_LINE } from '../../../deploy/start-line.ts';
import type { Kubectl } from './kubectl.ts';
import { ADDRESSES, AGENT_IMAGE, type NodePaths } from './layout.ts';
import type { Machine } from './machine.ts';
import { kubeconfig } from './pki.ts';
import { type CommandResult, type Daemon, runAny } from './process.ts';

const REPOSITORY = join(import.meta.dirname, '..', '..', '..');
export const DEFAULT_BUNDLE = join(REPOSITORY, 'dist', 'pod-checkpointer.cjs');
const NODE = join(REPOSITORY, 'node_modules', '.bin', 'node');

/** All rights the agent has in these tests. Adding one here means the product asks for more: say so in its docs. */
const ACCOUNT = `
apiVersion: v1
kind: ServiceAccount
metadata: { name: pod-checkpointer, namespace: kube-system }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: pod-checkpointer }
rules:
  - { apiGroups: [""], resources: [pods], verbs: [list, watch] }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: pod-checkpointer }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: pod-checkpointer }
subjects: [{ kind: ServiceAccount, name: pod-checkpointer, namespace: kube-system }]
`;

export interface Agent {
  /** Makes its account in the cluster and its kubeconfig, unless they are there. */
  makeAccount(): Promise<void>;
  /** Starts it; the first time also makes its account, which needs the API server. Does not wait until it answers. */
  start(): Promise<void>;
  /** What it is told of its own pod, from its next start on; nothing: it is a bare process. */
  actAs(pod: Readonly<Record<string, string>>): void;
  /** Keys of its configuration that differ from now on, instead of those given before; it is restarted if they are others. */
  reconfigure(keys: Readonly<Record<string, unknown>>): Promise<void>;
  /** SIGTERM, then SIGKILL after 10 s. */
  stop(): Promise<void>;
  /** SIGKILL, and another one at once, as the kubelet would do it. */
  crash(): Promise<void>;
  /** It was started, and not stopped since; a power cut does not change that. */
  wanted(): boolean;
  alive(): boolean;
  /** Seen from this computer, for /proc. */
  pid(): number;
  /** Runs another command of the binary with the agent's configuration. */
  command(args: readonly string[]): Promise<CommandResult>;
  /** Text of its metrics endpoint. */
  metrics(): Promise<string>;
}

export interface AgentOptions {
  readonly paths: NodePaths;
  readonly machine: Machine;
  readonly nodeName: string;
  /** The program under test: a CommonJS file. */
  readonly bundle: string;
  /** Keys of the agent's configuration that a scenario wants otherwise. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly kubectl: Kubectl;
  readonly fetch: (url: string) => Promise<string>;
}

function configuration(options: AgentOptions): Record<string, unknown> {
  const { paths } = options;
  return {
    nodeName: options.nodeName,
    stateDir: paths.agentState,
    // staticPodPath comes from it
    kubeletConfig: paths.kubeletConfig,
    kubeletRootDir: paths.kubelet,
    criSocket: paths.criSocket,
    podResourcesSocket: paths.podResourcesSocket,
    kubeconfig: paths.agentKubeconfig,
    bootIdFile: paths.bootId,
    agentImage: AGENT_IMAGE,
    namespaces: ['e2e', 'real-pods', 'kube-system'],
    metrics: { address: ADDRESSES.agentMetrics },
    log: { level: 'debug' },
    ...options.config,
  };
}

export function createAgent(options: AgentOptions): Agent {
  const { paths, machine } = options;
  let daemon: Daemon | undefined;
  let wanted = false;
  let ownPod: Readonly<Record<string, string>> = {};
  let otherwise: Readonly<Record<string, unknown>> = {};

  async function makeAccount(): Promise<void> {
    if (existsSync(paths.agentKubeconfig)) return;
    await options.kubectl(['apply', '-f', '-'], ACCOUNT);
    const { stdout } = await options.kubectl(['create', 'token', 'pod-checkpointer', '--namespace=kube-system', '--duration=24h']);
    writeFileSync(paths.agentKubeconfig, kubeconfig(paths, { token: stdout.trim() }), { mode: 0o600 });
  }

  const env = { NODE_NAME: options.nodeName, PATH: `${dirname(NODE)}:/usr/bin:/bin`, HOME: paths.state };
  const program = (args: readonly string[]) => [realpathSync(NODE), options.bundle, ...args];
  const agentLine = (args: readonly string[]) => [realpathSync(NODE), ...START_LINE.flags, options.bundle, ...args];
  async function start(): Promise<void> {
    if (!existsSync(options.bundle)) throw new Error(`there is no ${options.bundle}: build the program first (npm run build)`);
    await makeAccount();
    writeFileSync(paths.agentConfig, JSON.stringify({ ...configuration(options), ...otherwise }, undefined, 2));
    wanted = true;
    daemon = await machine.daemon('machine', {
      name: 'agent',
      argv: agentLine(['agent', '--config', paths.agentConfig]),
      env: { ...env, ...START_LINE.env, ...ownPod },
    });
  }

  return {
    makeAccount,
    start,
    crash: async () => {
      await daemon?.stop('SIGKILL');
      await start();
    },
    actAs: (pod) => {
      ownPod = pod;
    },
    reconfigure: async (keys) => {
      if (JSON.stringify(keys) === JSON.stringify(otherwise)) return;
      otherwise = keys;
      if (!wanted || !machine.isOn()) return; // counts from its next start on
      await daemon?.stop('SIGTERM', 10_000);
      await start();
    },
    stop: async () => {
      wanted = false;
      await daemon?.stop('SIGTERM', 10_000);
    },
    wanted: () => wanted,
    alive: () => daemon?.alive() === true,
    pid: () => daemon?.identity.pid ?? 0,
    command: async (args) => await runAny(machine.inside(program([...args, '--config', paths.agentConfig])), { env, limitMs: 150_000 }),
    metrics: async () => await options.fetch(`http://${ADDRESSES.agentMetrics}/metrics`),
  };
}
