/**
 * Reads other pods' volumes where the kubelet keeps them, at
 * `<root-dir>/pods/<uid>/volumes/kubernetes.io~<plugin>/<volume>`.
 *
 * Only reads: a read-only hostPath mount does not reach the tmpfs mounts below it, so this file is all that keeps
 * those secrets untouched. Every open in it is O_RDONLY. Every path element below the pods directory is opened on
 * its own with O_NOFOLLOW, so no symlink a pod may have planted leads out of its volume. No content ever enters an
 * error.
 *
 * The kubelet publishes a version by renaming the symlink `..data` to a new hidden directory
 * (pkg/volume/util/atomic_writer.go); a read counts only if that link was the same before and after it.
 */
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readdir, readlink } from 'node:fs/promises';
import { codeOf, messageOf } from '../../core/model/errors.ts';
import { byCodeUnit, isDnsLabel } from '../../core/model/json.ts';
import type { CapturedFile } from '../../core/model/model.ts';
import { type KubeletVolumes, PortError, type VolumePlugin } from '../../ports.ts';

export interface KubeletVolumesOptions {
  /** Absolute path of `<kubelet root-dir>/pods`. */
  readonly podsDir: string;
  /** Reads of one volume before giving up because it kept changing. */
  readonly attempts?: number;
  /** Replaceable so that a test can publish a new version in the middle of a read. */
  readonly readLink?: (path: string) => Promise<string>;
}

const PLUGIN_DIRECTORY: Readonly<Record<VolumePlugin, string>> = {
  secret: 'kubernetes.io~secret',
  configmap: 'kubernetes.io~configmap',
  projected: 'kubernetes.io~projected',
  'downward-api': 'kubernetes.io~downward-api',
};
const DATA_LINK = '..data';
const MAX_DEPTH = 32;
const MAX_ENTRIES = 10_000;

/** A version vanished while it was read: the next one is there, or about to be. */
class Changed extends Error {}

export function createKubeletVolumes(options: KubeletVolumesOptions): KubeletVolumes {
  const readLink = options.readLink ?? ((path: string) => readlink(path));

  async function read(podUid: string, plugin: VolumePlugin, volume: string, maxBytes: number): Promise<readonly CapturedFile[]> {
    const what = `volume ${volume} of pod ${podUid}`;
    const result = await withVolume(podUid, plugin, volume, async (root) => {
      for (let attempt = 0; attempt < (options.attempts ?? 5); attempt++) {
        const before = await versionDirectory(root, what);
        if (before === undefined) return undefined;
        const files = await readVersion(root, before, maxBytes, what);
        if (files !== undefined && (await versionDirectory(root, what)) === before) return files;
      }
      throw new PortError('failed', `reading ${what}: it changed during every attempt`);
    });
    if (result === undefined)
      throw new PortError('not-found', `reading ${what}: the kubelet has no such ${plugin} volume, or has not written it`);
    return result;
  }

  async function version(podUid: string, plugin: VolumePlugin, volume: string): Promise<string | undefined> {
    const what = `volume ${volume} of pod ${podUid}`;
    return withVolume(podUid, plugin, volume, async (root) => {
      const target = await versionDirectory(root, what);
      if (target === undefined) return undefined;
      try {
        // a name may come again when the clock steps back; the link itself is always a new one
        const link = await lstat(beneath(root, DATA_LINK), { bigint: true });
        return `${target} ${link.ino} ${link.mtimeNs}`;
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return undefined;
        throw failed(`reading ${what}`, error);
      }
    });
  }

  /** undefined where a directory on the way is missing. */
  async function withVolume<T>(
    podUid: string,
    plugin: VolumePlugin,
    volume: string,
    use: (root: FileHandle) => Promise<T | undefined>,
  ): Promise<T | undefined> {
    if (!/^[0-9A-Za-z-]{1,128}$/.test(podUid)) throw new PortError('invalid', `"${podUid}" is no pod uid`);
    if (!isDnsLabel(volume)) throw new PortError('invalid', `"${volume}" is not the name of a volume`);
    let handle: FileHandle | undefined;
    try {
      // the pods directory itself may lie behind links: it is the administrator's word
      handle = await open(options.podsDir, constants.O_RDONLY | constants.O_DIRECTORY);
      for (const name of [podUid, 'volumes', PLUGIN_DIRECTORY[plugin], volume]) {
        const next: FileHandle = await openDirectory(handle, name);
        await handle.close();
        handle = next;
      }
      return await use(handle);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      if (error instanceof PortError) throw error;
      if (codeOf(error) === 'ELOOP' || codeOf(error) === 'ENOTDIR') {
        throw new PortError(
          'invalid',
          `reading volume ${volume} of pod ${podUid}: there is something else than a directory on the way to it`,
        );
      }
      throw failed(`reading volume ${volume} of pod ${podUid}`, error);
    } finally {
      await handle?.close();
    }
  }

  /** Where `..data` points: a hidden directory beside it. undefined: nothing was written yet. */
  async function versionDirectory(root: FileHandle, what: string): Promise<string | undefined> {
    let target: string;
    try {
      target = await readLink(beneath(root, DATA_LINK));
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      if (codeOf(error) === 'EINVAL') throw new PortError('invalid', `reading ${what}: ${DATA_LINK} is not a link`);
      throw failed(`reading ${what}`, error);
    }
    if (!/^\.\.[^/.][^/]*$/.test(target) || target === DATA_LINK) {
      throw new PortError('invalid', `reading ${what}: ${DATA_LINK} does not point beside itself`);
    }
    return target;
  }

  return { read, version };
}

/** undefined: it vanished meanwhile. Throws PortError `invalid` or `failed`. */
async function readVersion(
  root: FileHandle,
  version: string,
  maxBytes: number,
  what: string,
): Promise<readonly CapturedFile[] | undefined> {
  const walk: Walk = { what, maxBytes, bytes: 0, entries: 0, files: [] };
  try {
    const directory = await openDirectory(root, version);
    try {
      await readDirectory(directory, '', 0, walk);
    } finally {
      await directory.close();
    }
  } catch (error) {
    if (error instanceof Changed || codeOf(error) === 'ENOENT') return undefined;
    if (error instanceof PortError) throw error;
    if (codeOf(error) === 'ELOOP' || codeOf(error) === 'ENOTDIR') throw odd(walk, version);
    throw failed(`reading ${what}`, error);
  }
  return walk.files.toSorted((a, b) => byCodeUnit(a.path, b.path));
}

interface Walk {
  readonly what: string;
  readonly maxBytes: number;
  bytes: number;
  entries: number;
  readonly files: CapturedFile[];
}

async function readDirectory(directory: FileHandle, prefix: string, depth: number, walk: Walk): Promise<void> {
  const names = await readdir(beneath(directory, '.'));
  walk.entries += names.length;
  if (depth > MAX_DEPTH || walk.entries > MAX_ENTRIES)
    throw new PortError('invalid', `reading ${walk.what}: more directories or files than a volume can have`);
  for (const name of names) {
    const path = `${prefix}${name}`;
    // looked at first: opening a FIFO or a device has effects
    const found = await lstat(beneath(directory, name));
    if (found.isDirectory()) {
      const inner = await openDirectory(directory, name);
      try {
        await readDirectory(inner, `${path}/`, depth + 1, walk);
      } finally {
        await inner.close();
      }
    } else if (found.isFile()) {
      walk.files.push(await readOne(directory, name, path, walk));
    } else {
      throw odd(walk, path);
    }
  }
}

async function readOne(directory: FileHandle, name: string, path: string, walk: Walk): Promise<CapturedFile> {
  const file = await open(beneath(directory, name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const found = await file.stat();
    if (!found.isFile()) throw odd(walk, path);
    walk.bytes += found.size;
    if (walk.bytes > walk.maxBytes)
      throw new PortError('too-large', `reading ${walk.what}: larger than the ${walk.maxBytes} bytes that are left for it`);
    const content = Buffer.alloc(found.size);
    const { bytesRead } = await file.read(content, 0, found.size, 0);
    // the kubelet never writes into a file that it has published
    if (bytesRead !== found.size || (await file.stat()).size !== found.size) throw new Changed();
    return { path, mode: found.mode & 0o777, uid: found.uid, gid: found.gid, content };
  } finally {
    await file.close();
  }
}

async function openDirectory(parent: FileHandle, name: string): Promise<FileHandle> {
  return open(beneath(parent, name), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
}

/** openat(2) by way of /proc: the parent is the directory that was opened, whatever its name means by now. */
function beneath(parent: FileHandle, name: string): string {
  return `/proc/self/fd/${parent.fd}/${name}`;
}

function odd(walk: Walk, path: string): PortError {
  return new PortError('invalid', `reading ${walk.what}: ${path} is neither a file nor a directory`);
}

function failed(activity: string, error: unknown): PortError {
  const denied = codeOf(error) === 'EACCES' || codeOf(error) === 'EPERM';
  return new PortError(denied ? 'denied' : 'failed', `${activity}: ${messageOf(error)}`, { cause: error });
}
