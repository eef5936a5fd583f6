/**
 * What a pod looks like from inside, as one flat list of facts: each container's process, its rights and limits, its mounts
 * and the files below them. Looks only; what may differ is written in differences.ts.
 */
import type { Node } from '../node/node.ts';
import { done, until } from '../node/wait.ts';
import { type PodJson, servingContainers } from './pods.ts';

/** Facts by name, like `mesh-proxy: env POD_NAME`. */
export type Facts = ReadonlyMap<string, string>;

interface View {
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly hostname: string;
  readonly domain: string;
  readonly first: string;
  readonly hosts: string;
  readonly resolv: string;
  readonly status: Readonly<Record<string, string>>;
  readonly limits: Readonly<Record<string, string>>;
  readonly kernel: Readonly<Record<string, string>>;
  readonly mounts: readonly { point: string; type: string; options: string; propagation: string }[];
  readonly entries: readonly { path: string; kind: string; mode: string; uid: number; gid: number; sha256?: string; problem?: string }[];
}

/** Directories of the host that belong to these pods alone; others are full of what changes by itself. */
const OWN_HOST_PATHS = /^\/var\/lib\/|^\/run\/modules$/;

/** What to ask each serving container of a pod: by container, the port and the rest of the URL. */
function questions(pod: PodJson): readonly { readonly container: string; readonly port: number; readonly path: string }[] {
  const volumes = new Map((pod.spec.volumes ?? []).map((volume) => [volume.name, volume]));
  const sysctls = (pod.spec.securityContext?.sysctls ?? []).map((sysctl) => sysctl.name);
  return servingContainers(pod).map((container) => {
    const query = new URLSearchParams(sysctls.map((name): [string, string] => ['sysctl', name]));
    for (const mount of container.volumeMounts ?? []) {
      const host = volumes.get(mount.name)?.hostPath?.path;
      query.append(host === undefined || OWN_HOST_PATHS.test(host) ? 'tree' : 'root', mount.mountPath);
    }
    return { container: container.name, port: container.ports?.[0]?.containerPort ?? 0, path: `/inspect?${query}` };
  });
}

/** Waits until every serving container of the pod answers at this address, and gives what they all see. */
export async function lookInside(node: Node, pod: PodJson, address: string, limitMs: number): Promise<Facts> {
  const facts = new Map<string, string>();
  for (const { container, port, path } of questions(pod)) {
    const url = `http://${address}:${port}${path}`;
    const answer = await until(`${pod.metadata.name}: ${container} answering`, async () => done(await node.fetch(url)), limitMs);
    for (const [name, value] of factsOf(JSON.parse(answer) as View)) facts.set(`${container}: ${name}`, value);
  }
  return facts;
}

/** Files that the pod itself cannot read: a parent must have none. */
export function unreadable(facts: Facts): readonly string[] {
  return [...facts].flatMap(([name, value]) => (name.includes(': file ') && !/ mode \d+ owner /.test(value) ? [`${name}: ${value}`] : []));
}

function factsOf(view: View): readonly (readonly [string, string])[] {
  const env = view.env.map((entry) => [`env ${entry.split('=', 1)[0]}`, entry.slice(entry.indexOf('=') + 1)] as const);
  const named = (kind: string, values: Readonly<Record<string, string>>) =>
    Object.entries(values).map(([name, value]) => [`${kind} ${name}`, value] as const);
  const hosts = view.hosts
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(/\s+/))
    .map(([address = '', ...names]) => [`hosts ${names.join(' ')}${address.includes(':') ? ' (IPv6)' : ''}`, address] as const);
  const stacked = new Map<string, number>();
  const mounts = view.mounts.flatMap(({ point, type, options, propagation }) => {
    const count = (stacked.get(point) ?? 0) + 1;
    stacked.set(point, count);
    const name = `mount ${point}${count === 1 ? '' : ` (${count})`}`;
    return [[`${name} type`, type] as const, [`${name} options`, options] as const, [`${name} propagation`, propagation] as const];
  });
  const files = view.entries.flatMap(({ path, kind, mode, uid, gid, sha256, problem }) => [
    [`file ${path}`, problem ?? `${kind} mode ${mode} owner ${uid}:${gid}`] as const,
    ...(sha256 === undefined ? [] : [[`bytes ${path}`, sha256] as const]),
  ]);
  return [
    ['args', JSON.stringify(view.args)],
    ['cwd', view.cwd],
    ['hostname', view.hostname],
    ['domain', view.domain],
    ['first process', view.first],
    ['resolv.conf', withSortedOptions(view.resolv)],
    ...env,
    ...hosts,
    ...named('status', view.status),
    ...named('limit', view.limits),
    ...named('kernel', view.kernel),
    ...mounts,
    ...files,
  ];
}

/** The kubelet writes a pod's own resolver options in no fixed order (pkg/kubelet/network/dns: mergeDNSOptions, a map). */
function withSortedOptions(resolv: string): string {
  return resolv.replace(/^options (.*)$/m, (_, options: string) => `options ${options.split(' ').sort().join(' ')}`);
}
