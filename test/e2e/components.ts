/**
 * The programs of a real node: Go tools built once into a cache directory, and Debian's packages. Builds one at a time
 * and never installs anything itself (that is test/e2e/install.sh).
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { run } from './node/process.ts';

const COMPONENTS = join(import.meta.dirname, 'components');
const CNI_PLUGINS = '/usr/lib/cni';
const DEBIAN: Readonly<Record<string, string>> = {
  etcd: 'etcd-server',
  runc: 'runc',
  openssl: 'openssl',
  iptables: 'iptables',
  conntrack: 'conntrack',
  ip: 'iproute2',
  nsenter: 'util-linux',
  unshare: 'util-linux',
  setpriv: 'util-linux',
};

export const KUBELETS = ['1.37', '1.34'] as const;
export type KubeletLine = (typeof KUBELETS)[number];

/** What one node is made of: absolute paths. */
export interface Components {
  readonly line: KubeletLine;
  readonly kubernetesVersion: string;
  readonly runtimeVersion: string;
  /** kubelet, kube-apiserver, kube-controller-manager, kube-scheduler, kubectl. */
  readonly kubernetes: string;
  /** containerd, containerd-shim-runc-v2, ctr. */
  readonly containerd: string;
  /** containerd 1.x: another configuration format, no event stream. */
  readonly oldContainerd: boolean;
  readonly etcd: string;
  readonly runc: string;
  readonly cniPlugins: string;
  readonly testserver: string;
}

interface Tool {
  readonly name: string;
  /** Directory of another module whose go.mod is used: its dependencies are this tool's. */
  readonly modules?: string;
  readonly binaries: readonly string[];
  /** Where the linker writes the version, and the module it comes from. */
  readonly version?: { readonly module: string; readonly symbol: string; readonly prefix: string };
  readonly packages: string;
  readonly tags?: string;
  readonly env: Readonly<Record<string, string>>;
}

const KUBERNETES_BINARIES = ['kubelet', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubectl'];

function kubernetes(line: KubeletLine): Tool {
  return {
    name: `kubernetes-${line}`,
    binaries: KUBERNETES_BINARIES,
    version: { module: 'k8s.io/kubernetes', symbol: 'k8s.io/component-base/version.gitVersion', prefix: 'v' },
    packages: 'tool',
    env: {},
  };
}
const CONTAINERD: Tool = {
  name: 'containerd-2',
  binaries: ['containerd', 'containerd-shim-runc-v2', 'ctr'],
  version: { module: 'github.com/containerd/containerd/v2', symbol: 'github.com/containerd/containerd/v2/version.Version', prefix: '' },
  packages: 'tool',
  env: {},
};
const HELM: Tool = {
  name: 'helm',
  binaries: ['helm'],
  version: { module: 'helm.sh/helm/v4', symbol: 'helm.sh/helm/v4/internal/version.version', prefix: 'v' },
  packages: 'tool',
  env: { CGO_ENABLED: '0' },
};
const TESTSERVER: Tool = { name: 'testserver', binaries: ['testserver'], packages: '.', env: { CGO_ENABLED: '0' } };

function oracle(line: KubeletLine): Tool {
  return {
    name: 'oracle',
    modules: `kubernetes-${line}`,
    binaries: ['oracle'],
    packages: '.',
    tags: `kubelet_${line.replace('.', '_')}`,
    // as the node's own programs are built, so that what Go has compiled for them serves here too
    env: {},
  };
}

/** Absolute path of the program that asks this version's own code about pods (components/oracle); built if need be. */
export async function prepareOracle(line: KubeletLine, say: (line: string) => void): Promise<string> {
  return join(await build(oracle(line), await goVersion(), say), 'oracle');
}

/** Absolute path of helm; built if need be. */
export async function prepareHelm(say: (line: string) => void): Promise<string> {
  return join(await build(HELM, await goVersion(), say), 'helm');
}

/** Finds or builds everything a node of this kubelet line needs. Throws one sentence that says what is missing. */
export async function prepareComponents(line: KubeletLine, say: (line: string) => void): Promise<Components> {
  const missing = new Set(Object.entries(DEBIAN).flatMap(([program, pkg]) => (which(program) === undefined ? [pkg] : [])));
  if (!existsSync(join(CNI_PLUGINS, 'bridge'))) missing.add('containernetworking-plugins');
  if (line === '1.34' && which('containerd') === undefined) missing.add('containerd');
  if (missing.size > 0) throw new Error(`missing Debian packages: ${[...missing].join(' ')}; run test/e2e/install.sh`);

  const go = await goVersion();
  const kubernetesDir = await build(kubernetes(line), go, say);
  const testserverDir = await build(TESTSERVER, go, say);
  const oldContainerd = line === '1.34';
  const containerd = oldContainerd ? join(which('containerd') ?? '', '..') : await build(CONTAINERD, go, say);
  return {
    line,
    kubernetesVersion: moduleVersion(`kubernetes-${line}`, 'k8s.io/kubernetes'),
    runtimeVersion: (await run([join(containerd, 'containerd'), '--version'])).split(' ')[2] ?? '',
    kubernetes: kubernetesDir,
    containerd,
    oldContainerd,
    etcd: which('etcd') ?? '',
    runc: which('runc') ?? '',
    cniPlugins: CNI_PLUGINS,
    testserver: join(testserverDir, 'testserver'),
  };
}

/** Everything that is built: for the nodes, for `npm run oracle` and for `npm run test:chart`. */
export async function prepareAll(say: (line: string) => void): Promise<void> {
  for (const line of KUBELETS) await prepareComponents(line, say);
  await prepareHelm(say);
  // last: what Go has compiled for the nodes' programs serves them too
  for (const line of KUBELETS) await prepareOracle(line, say);
}

/** Absolute path of a program, by PATH and the system directories a bare user's PATH lacks. */
export function which(program: string): string | undefined {
  const dirs = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/go/bin', '/usr/local/sbin', '/usr/sbin', '/sbin'];
  return dirs.map((dir) => join(dir, program)).find((path) => existsSync(path));
}

async function goVersion(): Promise<string> {
  const go = which('go');
  if (go === undefined) throw new Error('Go is not installed: the node is built from source; install Go 1.26 or newer (https://go.dev/dl)');
  return (await run([go, 'env', 'GOVERSION'], { cwd: '/' })).trim().replace(/^go/, '');
}

function goModOf(name: string): string {
  return readFileSync(join(COMPONENTS, name, 'go.mod'), 'utf8');
}

function moduleVersion(name: string, module: string): string {
  const escaped = module.replaceAll('.', '\\.');
  const version = new RegExp(`^(?:require)?\\s*${escaped} v(\\S+)`, 'm').exec(goModOf(name))?.[1];
  if (version === undefined) throw new Error(`components/${name}/go.mod does not require ${module}`);
  return version;
}

function olderThan(have: string, need: string): boolean {
  const numbers = (version: string) => version.split(/[.a-z-]+/).map(Number);
  const [a, b] = [numbers(have), numbers(need)];
  for (let index = 0; index < 3; index += 1) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

function cacheRoot(): string {
  const own = process.env['POD_CHECKPOINTER_CACHE'];
  return own ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'pod-checkpointer');
}

/** Builds one module into the cache unless it is there; a half build never gets the final name. */
async function build(tool: Tool, go: string, say: (line: string) => void): Promise<string> {
  const module = join(COMPONENTS, tool.name);
  const named = tool.modules === undefined ? tool.name : `${tool.name}-${tool.modules}`;
  const need = /^go (\S+)$/m.exec(goModOf(tool.modules ?? tool.name))?.[1] ?? '1.26';
  if (olderThan(go, need)) throw new Error(`Go ${go} is too old: components/${tool.name} needs Go ${need} or newer`);

  const hash = createHash('sha256').update(`go ${go}\n`);
  for (const dir of [module, ...(tool.modules === undefined ? [] : [join(COMPONENTS, tool.modules)])])
    for (const file of readdirSync(dir).sort()) hash.update(`${file}\n`).update(readFileSync(join(dir, file)));
  const target = join(cacheRoot(), 'components', `${named}-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(join(target, 'done'))) return target;

  const flags = ['-s', '-w'];
  if (tool.version !== undefined) {
    flags.push('-X', `${tool.version.symbol}=${tool.version.prefix}${moduleVersion(tool.name, tool.version.module)}`);
  }
  const selected = [
    ...(tool.modules === undefined ? [] : ['-modfile', join(COMPONENTS, tool.modules, 'go.mod')]),
    ...(tool.tags === undefined ? [] : ['-tags', tool.tags]),
  ];
  const work = `${target}.tmp-${process.pid}`;
  // a program built with another module's go.mod would get that module's name
  const output = tool.modules === undefined ? `${work}/` : join(work, tool.binaries[0] ?? '');
  mkdirSync(work, { recursive: true });
  say(`building ${named} (minutes the first time, seconds when Go's own cache is warm)`);
  const started = performance.now();
  const ticker = setInterval(() => say(`building ${named}: ${Math.round((performance.now() - started) / 1000)} s`), 30_000);
  try {
    const argv = [which('go') ?? 'go', 'build', '-buildvcs=false', '-o', output, '-ldflags', flags.join(' '), ...selected, tool.packages];
    await run(argv, { cwd: module, env: { ...definedEnv(), ...tool.env }, limitMs: 60 * 60_000 });
    for (const binary of tool.binaries) {
      if (!existsSync(join(work, binary))) throw new Error(`the build made no ${binary}`);
    }
    writeFileSync(join(work, 'done'), '');
    rmSync(target, { recursive: true, force: true });
    renameSync(work, target);
  } catch (error) {
    throw new Error(`building ${named}`, { cause: error });
  } finally {
    clearInterval(ticker);
    rmSync(work, { recursive: true, force: true });
  }
  say(`built ${named} in ${Math.round((performance.now() - started) / 1000)} s`);
  return target;
}

function definedEnv(): Record<string, string> {
  return Object.fromEntries(Object.entries(process.env).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])));
}
