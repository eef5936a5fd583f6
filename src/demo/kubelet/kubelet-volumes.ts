/**
 * Volumes of the kubelet stand-in: `<root>/pods/<uid>/volumes/kubernetes.io~<plugin>/<volume>` in the layout of the
 * kubelet's AtomicWriter: a `..<time>` directory, `..data` pointing to it, one link per first path element.
 * tmpfs is played by an ordinary directory, which {@link loseTmpfs} empties at a power cut.
 */
import { chmod, mkdir, readdir, readFile, readlink, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { RawContainer, RawVolume } from '../../core/model/model.ts';
import type { DemoContainerConfig } from '../runtime/runtime-types.ts';
import { type Payload, payloadOf } from './kubelet-payload.ts';
import type { DemoKubeletOptions, SourcedPod } from './kubelet-types.ts';

const TMPFS_PLUGINS = ['secret', 'projected', 'downward-api'];

/**
 * Makes every volume of the pod what it should be, or throws with the kubelet's reason. Unchanged content is not
 * written.
 */
export async function mountVolumes(pod: SourcedPod, options: DemoKubeletOptions): Promise<void> {
  for (const volume of pod.pod.spec?.volumes ?? []) {
    if (volume.hostPath !== undefined) {
      await checkHostPath(volume.hostPath.path, volume.hostPath.type ?? '');
      continue;
    }
    const dir = volumeDir(volume, pod.uid, options.rootDir);
    if (dir === undefined) throw new Error(`no volume plugin matched volume ${volume.name}`);
    const payload = await payloadOf(volume, pod, options.api);
    await mkdir(dir, { recursive: true });
    await chmod(dir, volume.configMap === undefined && volume.emptyDir === undefined ? 0o1777 : 0o777);
    if (payload !== undefined) await writeAtomically(dir, payload, options);
  }
}

/** The mounts of one container, as the kubelet passes them to the runtime. */
export function mountsOf(container: RawContainer, pod: SourcedPod, rootDir: string): DemoContainerConfig['mounts'] {
  const volumes = pod.pod.spec?.volumes ?? [];
  return (container.volumeMounts ?? []).map((mount) => {
    const volume = volumes.find(({ name }) => name === mount.name);
    const base = volume?.hostPath?.path ?? (volume === undefined ? undefined : volumeDir(volume, pod.uid, rootDir));
    if (base === undefined) throw new Error(`no volume ${mount.name} for container ${container.name}`);
    return {
      containerPath: mount.mountPath,
      hostPath: mount.subPath === undefined ? base : join(base, mount.subPath),
      readonly: mount.readOnly ?? false,
    };
  });
}

/** The file for the termination message: made just before each attempt to create the container, of a new name. */
export async function noteAttempt(pod: SourcedPod, container: string, { rootDir, random }: DemoKubeletOptions): Promise<void> {
  const dir = join(rootDir, 'pods', pod.uid, 'containers', container);
  const name = Math.floor(random() * 2 ** 32).toString(16);
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, name.padStart(8, '0')), '');
}

export async function removePodDir(uid: string, rootDir: string): Promise<void> {
  await rm(join(rootDir, 'pods', uid), { recursive: true, force: true });
}

/** What a reboot takes: volumes that live in memory (secret, projected, downwardAPI); configMaps and emptyDirs stay. */
export async function loseTmpfs(rootDir: string): Promise<void> {
  for (const uid of await readdir(join(rootDir, 'pods')).catch(() => [])) {
    for (const plugin of TMPFS_PLUGINS) {
      const dir = join(rootDir, 'pods', uid, 'volumes', `kubernetes.io~${plugin}`);
      for (const volume of await readdir(dir).catch(() => [])) await rm(join(dir, volume), { recursive: true, force: true });
    }
  }
}

function volumeDir(volume: RawVolume, uid: string, rootDir: string): string | undefined {
  const plugin =
    volume.secret !== undefined
      ? 'secret'
      : volume.configMap !== undefined
        ? 'configmap'
        : volume.projected !== undefined
          ? 'projected'
          : volume.downwardAPI !== undefined
            ? 'downward-api'
            : volume.emptyDir !== undefined
              ? 'empty-dir'
              : undefined;
  return plugin === undefined ? undefined : join(rootDir, 'pods', uid, 'volumes', `kubernetes.io~${plugin}`, volume.name);
}

async function checkHostPath(path: string, type: string): Promise<void> {
  if (type === '' || type.endsWith('OrCreate')) return;
  const found = await stat(path).catch(() => undefined);
  const right = type === 'Directory' ? found?.isDirectory() : type === 'File' ? found?.isFile() : found !== undefined;
  if (right !== true) throw new Error(`hostPath type check failed: ${path} is not a ${type.toLowerCase()}`);
}

async function writeAtomically(dir: string, payload: Payload, options: DemoKubeletOptions): Promise<void> {
  const old = await readlink(join(dir, '..data')).catch(() => undefined);
  if (old !== undefined && (await holds(join(dir, old), payload))) return;
  const stamp = new Date(options.clock.wall()).toISOString().replace(/[-:T]/g, '_').slice(0, 19);
  const fresh = `..${stamp}.${Math.floor(options.random() * 1e9)}`;
  for (const [path, { content, mode }] of payload) {
    const file = join(dir, fresh, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
    await chmod(file, mode);
  }
  await mkdir(join(dir, fresh), { recursive: true });
  await symlink(fresh, join(dir, '..data_tmp'));
  await rename(join(dir, '..data_tmp'), join(dir, '..data'));
  const firsts = new Set([...payload.keys()].map((path) => path.split('/')[0] ?? path));
  for (const name of await readdir(dir)) if (!name.startsWith('..') && !firsts.has(name)) await rm(join(dir, name));
  for (const first of firsts) await symlink(join('..data', first), join(dir, first)).catch(ignoreExisting);
  if (old !== undefined) await rm(join(dir, old), { recursive: true, force: true });
}

async function holds(dir: string, payload: Payload): Promise<boolean> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  if (entries.filter((entry) => entry.isFile()).length !== payload.size) return false;
  for (const [path, { content }] of payload) {
    const found = await readFile(join(dir, path)).catch(() => undefined);
    if (found === undefined || !found.equals(content)) return false;
  }
  return true;
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}
