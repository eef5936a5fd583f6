/**
 * The "hardware" of a test node: a network namespace that stays, and in it a pid and mount namespace that one SIGKILL
 * ends, with every process and mount inside. That is the power cut. Knows nothing of Kubernetes.
 */
import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ADDRESSES, type NodePaths } from './layout.ts';
import { type Daemon, type DaemonOptions, isAlive, run, startDaemon } from './process.ts';
import { done, never, notYet, until } from './wait.ts';

const NODE_LINK = 'node0';
export const POD_LINK = 'pods0';

/**
 * Process 1 of the machine: makes mounts shared inside (the kubelet's tmpfs volumes must reach containers), hides what a
 * reboot forgets or what must not be left on this computer, then reaps orphans for ever.
 */
const INIT = `set -e
mount --make-rshared /
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=755 tmpfs /var/log
mount --bind "$1" /var/lib
: >"$2"
sleep infinity &
wait
`;

export interface Machine {
  readonly id: string;
  readonly netns: string;
  /** Prefix of a command that runs in the node's network only: the control plane, kubectl, probers. */
  networkOnly(argv: readonly string[]): readonly string[];
  /** Prefix of a command that runs on the machine; throws while the power is off. */
  inside(argv: readonly string[]): readonly string[];
  isOn(): boolean;
  /** Makes the network: a namespace, the node's address, the route and rule for the kubernetes service. */
  wire(): Promise<void>;
  powerOn(): Promise<void>;
  /** Everything inside is dead and unmounted when this returns; the network forgets what the node's programs set up. */
  powerOff(): Promise<void>;
  /**
   * Does the address of the kubernetes service lead to the API server? From now on and after every boot. Where it does
   * not, packets to it find nobody, as without kube-proxy, and what is open through it ends.
   */
  serviceAddress(leads: boolean): Promise<void>;
  /** Starts a daemon on the machine, or in its network only. */
  daemon(where: 'machine' | 'network', options: Pick<DaemonOptions, 'name' | 'argv'> & Partial<DaemonOptions>): Promise<Daemon>;
  /** Ends the daemons whose name starts so: probers that a failed scenario left running. */
  stopDaemons(prefix: string): Promise<void>;
  /** Ends everything and removes the namespace and the control groups; nothing can be started afterwards. */
  remove(): Promise<void>;
}

export interface MachineOptions {
  /** Unique on this computer; names the network namespace and the control groups. */
  readonly id: string;
  readonly paths: NodePaths;
  /** PATH of everything inside. */
  readonly searchPath: string;
}

/** Control-group hierarchies of this computer (version 1: one per controller; version 2: one). */
function cgroupRoots(): string[] {
  const root = '/sys/fs/cgroup';
  return [root, ...readdirSync(root, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [join(root, entry.name)] : []))];
}

/**
 * Directories of the machine's control groups, deepest last: its own, and those that containerd gives the containers of pods
 * beside it, which die with the power and would be there for ever. A kubelet looks at each when it starts.
 */
export function cgroupsOf(id: string, containerdState: string): string[] {
  const below = (dir: string): string[] => [
    dir,
    ...readdirSync(dir, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? below(join(dir, entry.name)) : [])),
  ];
  const containers = list(join(containerdState, 'io.containerd.runtime.v2.task', 'k8s.io'));
  const groups = [id, ...containers.map((container) => join('k8s.io', container))];
  return cgroupRoots().flatMap((root) =>
    groups.flatMap((group) => {
      try {
        return below(join(root, group));
      } catch {
        return []; // not in this hierarchy
      }
    }),
  );
}

function list(dir: string): readonly string[] {
  return existsSync(dir) ? readdirSync(dir) : [];
}

/** Removes a machine's empty control groups; they cannot be removed while a process is in them. */
export async function removeCgroups(id: string, containerdState: string): Promise<void> {
  await until(
    'control groups removed',
    () => {
      for (const dir of cgroupsOf(id, containerdState).reverse()) rmdirSync(dir);
      const left = cgroupsOf(id, containerdState);
      return left.length === 0 ? done() : notYet(left.join(' '));
    },
    60_000,
    50,
  );
}

export function createMachine(options: MachineOptions): Machine {
  const { id, paths } = options;
  const netns = `/run/netns/${id}`;
  const env = { PATH: options.searchPath, HOME: paths.state };
  const networkOnly = (argv: readonly string[]) => ['nsenter', `--net=${netns}`, '--', ...argv];
  const inNetwork = (...argv: string[]) => run(networkOnly(argv), { env });
  let init: Daemon | undefined;
  let boots = 0;
  let removed = false;
  let serviceLeads = true;
  const daemons = new Set<Daemon>();

  async function wire(): Promise<void> {
    await run(['ip', 'netns', 'add', id]);
    await inNetwork('ip', 'link', 'set', 'lo', 'up');
    await inNetwork('ip', 'link', 'add', NODE_LINK, 'type', 'bridge');
    await inNetwork('ip', 'addr', 'add', `${ADDRESSES.node}/32`, 'dev', NODE_LINK);
    await inNetwork('ip', 'link', 'set', NODE_LINK, 'up');
    await inNetwork('ip', 'route', 'add', ADDRESSES.services, 'dev', NODE_LINK);
    await resetNat();
  }

  const nat = (...args: string[]) => inNetwork('iptables', '-w', '-t', 'nat', ...args);

  /** Puts the nat table to its state at boot: the kubernetes service address, where it leads anywhere, and nothing else. */
  async function resetNat(): Promise<void> {
    await nat('-F');
    await nat('-X');
    if (serviceLeads) await serviceRules('-A');
  }

  async function serviceRules(change: '-A' | '-D'): Promise<void> {
    const target = `${ADDRESSES.node}:${ADDRESSES.apiPort}`;
    for (const chain of ['OUTPUT', 'PREROUTING']) {
      await nat(change, chain, '-d', ADDRESSES.apiService, '-p', 'tcp', '--dport', '443', '-j', 'DNAT', '--to-destination', target);
    }
  }

  async function serviceAddress(leads: boolean): Promise<void> {
    if (leads === serviceLeads) return;
    serviceLeads = leads;
    await serviceRules(leads ? '-A' : '-D');
    if (leads) return;
    // an open connection is translated without the rules; a kernel that ends no socket leaves it to its user to notice
    const { apiService } = ADDRESSES;
    await inNetwork('sh', '-c', `conntrack -D -d ${apiService}; ss -K dst ${apiService}; true`);
  }

  function inside(argv: readonly string[]): readonly string[] {
    if (init === undefined || !isAlive(init.identity)) throw new Error(`the machine is off: cannot run ${argv[0]}`);
    const target = ['--target', String(init.identity.pid), '--net', '--mount', '--pid'];
    return ['nsenter', ...target, '--', 'setpriv', '--pdeathsig', 'KILL', '--', ...argv];
  }

  async function powerOn(): Promise<void> {
    if (removed) throw new Error('power on: the machine was removed');
    boots += 1;
    const ready = join(paths.run, `machine-${boots}.ready`);
    const script = join(paths.run, 'init.sh');
    writeFileSync(script, INIT);
    const isolate = ['unshare', '--mount', '--pid', '--fork', '--kill-child=KILL', '--propagation', 'private', '--mount-proc'];
    init = await startDaemon({
      name: 'machine',
      argv: networkOnly([...isolate, '--', '/bin/sh', script, paths.varLib, ready]),
      logFile: join(paths.logs, 'machine.log'),
      env,
      cwd: '/',
      wrapped: true,
    });
    const started = init;
    await until(
      'machine on',
      () => {
        if (!started.alive()) return never('its first process ended; see machine.log');
        rmSync(ready); // throws until it is there
        return done();
      },
      60_000,
      5,
    );
  }

  async function powerOff(): Promise<void> {
    await init?.stop('SIGKILL'); // the kernel ends every process of the pid namespace before it reports this one's end
    init = undefined;
    await removeCgroups(id, paths.containerdState);
    rmSync(paths.containerdState, { recursive: true, force: true });
    await run(networkOnly(['sh', '-c', `ip link show ${POD_LINK} >/dev/null 2>&1 && ip link del ${POD_LINK} || true`]), { env });
    await resetNat();
  }

  return {
    id,
    netns,
    networkOnly,
    inside,
    wire,
    isOn: () => init?.alive() === true,
    powerOn,
    powerOff,
    serviceAddress,
    daemon: async (where, { name, argv, ...rest }) => {
      if (removed) throw new Error(`starting ${name}: the machine was removed`);
      const daemon = await startDaemon({
        name,
        argv: where === 'machine' ? inside(argv) : networkOnly(argv),
        wrapped: where === 'machine',
        logFile: join(paths.logs, `${name}.log`),
        cwd: '/',
        ...rest,
        env: { ...env, ...rest.env },
      });
      for (const old of daemons) if (!old.alive()) daemons.delete(old);
      daemons.add(daemon);
      if (removed) await daemon.stop('SIGKILL'); // removed while it started
      return daemon;
    },
    stopDaemons: async (prefix) => {
      await Promise.all([...daemons].filter((daemon) => daemon.name.startsWith(prefix)).map((daemon) => daemon.stop('SIGKILL')));
    },
    remove: async () => {
      removed = true;
      await init?.stop('SIGKILL');
      init = undefined;
      await Promise.all([...daemons].map((daemon) => daemon.stop('SIGKILL')));
      if (existsSync(netns)) await run(['ip', 'netns', 'del', id]);
      await removeCgroups(id, paths.containerdState);
    },
  };
}

export function makeDirectories(paths: NodePaths): void {
  for (const dir of [
    paths.logs,
    paths.run,
    paths.pki,
    paths.images,
    paths.manifests,
    paths.kubelet,
    paths.cni,
    paths.varLib,
    paths.agentState,
  ]) {
    mkdirSync(dir, { recursive: true, mode: dir === paths.pki || dir === paths.agentState ? 0o700 : 0o755 });
  }
}
