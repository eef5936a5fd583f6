/**
 * containerd of a test node: its configuration in both formats, and the images. Settings that look odd are what a
 * machine without CAP_SYS_RESOURCE and with control groups v1 needs.
 */
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Components } from '../components.ts';
import { type ImageOptions, writeImage } from '../image.ts';
import { type NodePaths, PAUSE_IMAGE } from './layout.ts';
import { type Machine, POD_LINK } from './machine.ts';
import { type Daemon, run } from './process.ts';
import { done, never, until } from './wait.ts';

function containerdConfig(components: Components, paths: NodePaths): string {
  const old = components.oldContainerd;
  const cri = old ? 'io.containerd.grpc.v1.cri' : 'io.containerd.cri.v1.runtime';
  const images = `[plugins."io.containerd.cri.v1.images"]\n  pinned_images = { sandbox = "${PAUSE_IMAGE}" }`;
  return `version = ${old ? 2 : 3}
root = "${paths.containerd}"
state = "${paths.containerdState}"
[grpc]
  address = "${paths.criSocket}"
[plugins."io.containerd.internal.v1.opt"]
  path = "${join(paths.containerd, 'opt')}"
${old ? '' : images}
[plugins."${cri}"]
  ${old ? `sandbox_image = "${PAUSE_IMAGE}"` : ''}
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins."${cri}".cni]
    ${old ? `bin_dir = "${components.cniPlugins}"` : `bin_dirs = ["${components.cniPlugins}"]`}
    conf_dir = "${paths.cni}"
  [plugins."${cri}".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    options = { BinaryName = "${components.runc}" }
`;
}

function cniConfig(paths: NodePaths, subnet: string): string {
  const ipam = { type: 'host-local', dataDir: paths.cniIpam, ranges: [[{ subnet }]], routes: [{ dst: '0.0.0.0/0' }] };
  return JSON.stringify({
    cniVersion: '1.0.0',
    name: 'e2e',
    plugins: [
      { type: 'bridge', bridge: POD_LINK, isGateway: true, hairpinMode: true, ipam },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  });
}

const controller = (components: Components, paths: NodePaths) => [join(components.containerd, 'ctr'), '--address', paths.criSocket];

/** Starts containerd on the machine and waits until it answers. */
export async function startContainerd(components: Components, paths: NodePaths, machine: Machine, podSubnet: string): Promise<Daemon> {
  const config = join(paths.state, 'containerd.toml');
  writeFileSync(config, containerdConfig(components, paths));
  writeFileSync(join(paths.cni, '10-e2e.conflist'), cniConfig(paths, podSubnet));
  const daemon = await machine.daemon('machine', {
    name: 'containerd',
    argv: [join(components.containerd, 'containerd'), '--config', config],
    // containerd finds its shim by PATH
    env: { PATH: `${components.containerd}:${dirname(components.runc)}:/usr/sbin:/usr/bin:/sbin:/bin` },
  });
  await until(
    'containerd answering',
    async () => {
      if (!daemon.alive()) return never('it ended; see containerd.log');
      await run(machine.inside([...controller(components, paths), 'version']));
      return done();
    },
    30_000,
    50,
  );
  return daemon;
}

/** SIGKILL to a container's process; the kubelet finds it dead. */
export async function killContainer(components: Components, paths: NodePaths, machine: Machine, id: string): Promise<void> {
  await run(machine.inside([...controller(components, paths), '--namespace', 'k8s.io', 'tasks', 'kill', '--signal', 'SIGKILL', id]));
}

/** A docker-archive as it is. */
export async function importArchive(
  components: Components,
  paths: NodePaths,
  machine: Machine,
  tar: string,
  limitMs: number,
): Promise<void> {
  // the client unpacks it itself: the runtime's own transfer service knows no native snapshotter
  const local = components.oldContainerd ? [] : ['--local'];
  await run(machine.inside([...controller(components, paths), '--namespace', 'k8s.io', 'images', 'import', ...local, tar]), { limitMs });
}

/** Makes an image of one binary and imports it where the kubelet finds it. */
export async function importImage(components: Components, paths: NodePaths, machine: Machine, image: ImageOptions): Promise<void> {
  const tar = join(paths.images, `${image.reference.replaceAll(/[^a-z0-9.]+/g, '-')}.tar`);
  writeImage(tar, image);
  await run(machine.inside([...controller(components, paths), '--namespace', 'k8s.io', 'images', 'import', tar]));
}
