/**
 * What the kubelet looks at before it evicts: memory, the file systems of its own directory and of the runtime's
 * images, and its thresholds. Only reads, and only when asked; nothing is kept.
 *
 * In a pod the kubelet's directory is seen by its leaves, and the runtime's directories not at all. There the file
 * system of the images is that on which the pod's own root lies: an overlay tells of the one that it writes to
 * (ovl_statfs), which is the runtime's.
 */
import { readFile, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { type Amount, DEFAULT_THRESHOLDS, memoryIn, type Threshold, thresholdsOf } from '../../core/kubelet/eviction.ts';
import { codeOf, messageOf } from '../../core/model/errors.ts';
import { type Seen, seen, unseen } from '../../core/model/model.ts';
import { type Machine, PortError } from '../../ports.ts';
import { readKubeletFile } from './config-file.ts';

/** OVERLAYFS_SUPER_MAGIC of linux/magic.h. */
const OVERLAY = 0x794c7630;

/** The part of statfs(2) that is needed. */
export interface FileSystem {
  readonly type: number;
  readonly bsize: number;
  readonly blocks: number;
  readonly bavail: number;
  readonly files: number;
  readonly ffree: number;
}

export interface MachineOptions {
  /** Absolute path of the kubelet's root directory. */
  readonly rootDir: string;
  /** The kubelet's configuration file. undefined: none must be looked at. `sure`: it was named, so it must be there. */
  readonly configFile: { readonly path: string; readonly sure: boolean } | undefined;
  /** Where the runtime has its images, in its own view. */
  readonly imageFs: (deadlineMs: number) => Promise<string>;
  /** Default: statfs(2). */
  readonly fileSystemOf?: (path: string) => Promise<FileSystem>;
  /** Default: /proc/meminfo. */
  readonly meminfo?: string;
  /** What a pod of ours has as its root. Default: `/`. */
  readonly root?: string;
}

export function createMachine(options: MachineOptions): Machine {
  const { rootDir, configFile, fileSystemOf = statfs, meminfo = '/proc/meminfo', root = '/' } = options;
  const busy = new Map<string, Promise<unknown>>();

  /** A disk that hangs holds one question; later ones wait for its answer instead of hanging beside it. */
  function ask<T>(what: string, question: () => Promise<T>, deadlineMs: number): Promise<T> {
    const asked = (busy.get(what) as Promise<T> | undefined) ?? question().finally(() => busy.delete(what));
    busy.set(what, asked);
    return within(asked, what, deadlineMs);
  }

  async function memory(): Promise<Amount> {
    const amount = memoryIn(await readFile(meminfo, 'utf8'));
    if (amount === undefined) throw new PortError('invalid', `${meminfo} does not tell`);
    return amount;
  }

  /** The images' file system, or the one that stands for it. */
  async function ofImages(deadlineMs: number): Promise<FileSystem> {
    const path = await options.imageFs(deadlineMs).catch(() => undefined);
    const found = path === undefined ? undefined : await fileSystemOf(path).catch(notThere);
    if (found !== undefined) return found;
    const own = await fileSystemOf(root);
    // statfs fields are signed on some machines
    if (own.type >>> 0 !== OVERLAY)
      throw new PortError('not-found', `the runtime's images (${path ?? 'place unknown'}) cannot be seen from here`);
    return own;
  }

  async function thresholds(): Promise<readonly Threshold[]> {
    if (configFile === undefined) return DEFAULT_THRESHOLDS;
    try {
      return thresholdsOf((await readKubeletFile(configFile.path)).content);
    } catch (error) {
      // a kubelet whose file we do not see has, as far as anybody can tell, its defaults
      if (!configFile.sure && error instanceof PortError && error.kind === 'not-found') return DEFAULT_THRESHOLDS;
      throw error;
    }
  }

  return {
    async look(deadlineMs) {
      // the root directory itself may be one of our own image's
      const pods = join(rootDir, 'pods');
      const [limits, ram, node, images] = await Promise.all([
        seenOf(ask("the kubelet's configuration", thresholds, deadlineMs)),
        seenOf(ask('the memory', memory, deadlineMs)),
        seenOf(ask(`the file system of ${pods}`, () => fileSystemOf(pods), deadlineMs)),
        seenOf(ask("the images' file system", () => ofImages(deadlineMs), deadlineMs)),
      ]);
      return {
        thresholds: limits,
        amounts: {
          'memory.available': ram,
          'nodefs.available': ofFileSystem(node, bytesOf),
          'nodefs.inodesFree': ofFileSystem(node, inodesOf),
          'imagefs.available': ofFileSystem(images, bytesOf),
          'imagefs.inodesFree': ofFileSystem(images, inodesOf),
        },
      };
    },
  };
}

async function within<T>(asked: Promise<T>, what: string, deadlineMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new PortError('unavailable', `${what}: no answer within ${deadlineMs} ms`)), deadlineMs);
  });
  try {
    return await Promise.race([asked, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function seenOf<T>(asked: Promise<T>): Promise<Seen<T>> {
  return asked.then(seen, (error: unknown) => unseen(messageOf(error)));
}

function ofFileSystem(found: Seen<FileSystem>, amount: (of: FileSystem) => Amount): Seen<Amount> {
  return found.known ? seen(amount(found.value)) : found;
}

/** What others than root may still write, as the kubelet counts. */
function bytesOf({ bsize, blocks, bavail }: FileSystem): Amount {
  return { available: bavail * bsize, capacity: blocks * bsize };
}

/** A file system that makes inodes as it needs them has none to count, and 0 is not below 0. */
function inodesOf({ files, ffree }: FileSystem): Amount {
  return { available: ffree, capacity: files };
}

function notThere(error: unknown): undefined {
  const code = codeOf(error);
  if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES') return undefined;
  throw error;
}
