/**
 * A real Kubernetes node for tests, in one piece: machine, control plane, runtime, kubelet, and the agent under test.
 * What it starts, it ends: `down` leaves nothing behind but, if asked, the logs.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { cpSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import type { Components } from '../components.ts';
import type { ImageFile } from '../image.ts';
import { type Agent, createAgent } from './agent.ts';
import { type ControlPlane, createControlPlane } from './control-plane.ts';
import { type Cri, createCri } from './cri.ts';
import { createKubectl, type Kubectl } from './kubectl.ts';
import { type KubeletKeys, startKubelet } from './kubelet.ts';
import { ADDRESSES, AGENT_IMAGE, type NodePaths, nodePaths, PAUSE_IMAGE, TESTSERVER_IMAGE } from './layout.ts';
import { leftoversOf, newNodeId, stateDirOf } from './leftovers.ts';
import { createMachine, type Machine, makeDirectories } from './machine.ts';
import { makePki } from './pki.ts';
import { run } from './process.ts';
import { createProgram, type Program } from './program.ts';
import { importArchive, importImage, killContainer, startContainerd } from './runtime.ts';
import { done, doneUnless, never, notYet, until } from './wait.ts';

export interface Node {
  readonly id: string;
  readonly name: string;
  readonly paths: NodePaths;
  readonly components: Components;
  readonly machine: Machine;
  readonly cri: Cri;
  readonly agent: Agent;
  readonly kubectl: Kubectl;
  /** Body of a 200 answer to a request from inside the node's network. */
  fetch(url: string): Promise<string>;
  readonly controlPlane: ControlPlane;
  /** Node Ready and the default service account there. */
  ready(): Promise<void>;
  /** SIGKILL; the node keeps running. */
  apiStop(): Promise<void>;
  /** Starts the process; does not wait until it answers. Gives the wall clock of the start. */
  apiStart(): Promise<number>;
  apiReady(): Promise<void>;
  kubeletRestart(): Promise<void>;
  /**
   * Keys of the kubelet's configuration that differ from now on, instead of those given before; it is restarted if they are
   * others. Says whether they were.
   */
  kubeletReconfigure(keys: KubeletKeys): Promise<boolean>;
  /** Scheduler and controller manager start anew, where they are ours: one that lost its API server waits up to a minute. */
  controllersRestart(): Promise<void>;
  killContainer(id: string): Promise<void>;
  readonly containerd: Program;
  readonly kubelet: Program;
  /** Everything on the machine ends at once, and with `api: 'down'` the API server too. */
  powerCut(options: { readonly api: 'down' | 'stays' }): Promise<void>;
  /** Power on, a new boot id, containerd, the kubelet, and the agent if it ran before. Gives the wall clock of the start. */
  boot(): Promise<number>;
  /** An image of one binary, and of other files, where the kubelet finds it. */
  importImage(reference: string, binary: string, name: string, command: readonly string[], more?: readonly ImageFile[]): Promise<void>;
  /** The images of every scenario, which a kubelet without room on its disk removes. */
  importOwnImages(): Promise<void>;
  /** An image out of a docker-archive, where the kubelet finds it. */
  importArchive(tar: string, limitMs: number): Promise<void>;
  down(options: { readonly keepLogsIn?: string }): Promise<void>;
}

/** Debian's package busybox-static. */
const BUSYBOX = '/bin/busybox';

export interface NodeOptions {
  readonly components: Components;
  /** Keys of the agent's configuration that differ from the harness's defaults. */
  readonly agentConfig: Readonly<Record<string, unknown>>;
  /** The program under test. */
  readonly bundle: string;
  /** Told of the node's `down` before anything is started, so that an interrupt can call it at any moment. */
  readonly onCreated: (down: Node['down']) => void;
}

/** Starts everything and returns when the node is Ready. Whatever happens, call the `down` that `onCreated` was given. */
export async function startNode(options: NodeOptions): Promise<Node> {
  const { components } = options;
  const id = newNodeId(randomBytes(3).toString('hex'));
  const paths = nodePaths(stateDirOf(id));
  const name = 'node1';
  const machine = createMachine({ id, paths, searchPath: '/usr/sbin:/usr/bin:/sbin:/bin' });
  const controlPlane = createControlPlane(components, paths, machine);
  const kubectl = createKubectl(components, paths, machine);
  const cri = createCri(paths.criSocket);
  const fetch = (url: string) => run(machine.networkOnly([components.testserver, 'get', url]), { limitMs: 10_000 });
  const agent = createAgent({ paths, machine, nodeName: name, config: options.agentConfig, bundle: options.bundle, kubectl, fetch });
  const containerd = createProgram(() => startContainerd(components, paths, machine, ADDRESSES.pods));
  let kubeletKeys: KubeletKeys = {};
  const kubelet = createProgram(() => startKubelet(components, paths, machine, name, kubeletKeys));

  let goingDown: Promise<void> | undefined;
  /** The first call counts: an interrupt and the end of a scenario may both ask. */
  async function down(downOptions: { readonly keepLogsIn?: string }): Promise<void> {
    goingDown ??= takeDown(downOptions);
    await goingDown;
  }

  async function takeDown({ keepLogsIn }: { readonly keepLogsIn?: string }): Promise<void> {
    await machine.remove();
    if (keepLogsIn !== undefined && existsSync(paths.logs)) {
      cpSync(paths.logs, keepLogsIn, { recursive: true });
      if (existsSync(paths.podLogs)) cpSync(paths.podLogs, `${keepLogsIn}/pods`, { recursive: true });
    }
    rmSync(paths.state, { recursive: true, force: true });
    await until('nothing left behind', () => doneUnless(leftoversOf(id).join('\n')), 60_000);
  }
  options.onCreated(down);

  async function boot(): Promise<number> {
    const started = Date.now();
    writeFileSync(paths.bootId, `${randomUUID()}\n`);
    await machine.powerOn();
    await containerd.start();
    await kubelet.start();
    if (agent.wanted()) await agent.start();
    return started;
  }

  async function apiReady(): Promise<void> {
    await until(
      'API server ready',
      async () => {
        if (controlPlane.apiIsOurs() && !controlPlane.apiRuns()) return never('it is not running; see kube-apiserver.log');
        await kubectl(['get', '--raw', '/readyz']);
        return done();
      },
      90_000,
      100,
    );
  }

  async function ready(): Promise<void> {
    const path = '{.status.conditions[?(@.type=="Ready")].status}{" "}{.status.conditions[?(@.type=="Ready")].message}';
    await until(
      'node Ready',
      async () => {
        const { stdout } = await kubectl(['get', 'node', name, '-o', `jsonpath=${path}`]);
        return stdout.startsWith('True ') ? done() : notYet(stdout);
      },
      90_000,
    );
    await until('default service account', async () => done(await kubectl(['get', 'serviceaccount', 'default'])), 60_000);
  }

  async function kubeletRestart(): Promise<void> {
    await kubelet.stop('SIGTERM');
    await kubelet.start();
  }

  const node: Node = {
    id,
    name,
    paths,
    components,
    machine,
    cri,
    agent,
    kubectl,
    controlPlane,
    fetch,
    ready,
    apiReady,
    apiStop: controlPlane.stopApi,
    apiStart: async () => (await controlPlane.startApi()).startedAt,
    kubeletRestart,
    kubeletReconfigure: async (keys) => {
      if (JSON.stringify(keys) === JSON.stringify(kubeletKeys)) return false;
      kubeletKeys = keys;
      if (machine.isOn()) await kubeletRestart();
      return true;
    },
    controllersRestart: async () => {
      if (!controlPlane.apiIsOurs()) return;
      await controlPlane.stopControllers();
      await controlPlane.startControllers();
    },
    killContainer: async (containerId) => await killContainer(components, paths, machine, containerId),
    containerd,
    kubelet,
    powerCut: async ({ api }) => {
      await Promise.all([api === 'down' ? controlPlane.stopApi() : undefined, machine.powerOff()]);
    },
    boot,
    importImage: async (reference, binary, imageName, command, more = []) =>
      await importImage(components, paths, machine, { reference, binary, name: imageName, command, more }),
    importOwnImages: async () => {
      await node.importImage(PAUSE_IMAGE, components.testserver, 'testserver', ['pause']);
      await node.importImage(TESTSERVER_IMAGE, components.testserver, 'testserver', ['serve']);
      await node.importImage(AGENT_IMAGE, BUSYBOX, 'bin/sh', []);
    },
    importArchive: async (tar, limitMs) => await importArchive(components, paths, machine, tar, limitMs),
    down,
  };

  makeDirectories(paths);
  await machine.wire();
  await makePki(paths, name);
  await controlPlane.startApi();
  await machine.powerOn();
  writeFileSync(paths.bootId, `${randomUUID()}\n`);
  await containerd.start();
  await node.importOwnImages();
  await apiReady();
  await controlPlane.startControllers();
  await kubelet.start();
  await ready();
  return node;
}
