/** What this machine has: CPUs, memory, huge pages, and the size of the kubelet's disk. Only looks; never throws. */
import { readdir, readFile, statfs } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { codeOf } from '../core/model/errors.ts';
import type { MachineSize } from '../core/room/allocatable.ts';

/** A directory for each size, as `hugepages-2048kB`. */
const HUGE_PAGES = '/sys/kernel/mm/hugepages';

export interface MachineOptions {
  /** The kubelet's. */
  readonly rootDir: string;
  readonly hugePagesDir?: string;
}

/** What cannot be found out is left out. */
export async function readMachine({ rootDir, hugePagesDir = HUGE_PAGES }: MachineOptions): Promise<MachineSize> {
  const [hugePages, rootDirSize] = await Promise.all([hugePagesIn(hugePagesDir), sizeOf(rootDir)]);
  const count = cpus().length;
  return {
    ...(count === 0 ? {} : { cpus: count }),
    memory: totalmem(),
    ...(hugePages === undefined ? {} : { hugePages }),
    ...(rootDirSize === undefined ? {} : { rootDirSize }),
  };
}

/** Bytes of all sizes together; a kernel without them has no such directory. */
async function hugePagesIn(dir: string): Promise<number | undefined> {
  try {
    let bytes = 0;
    for (const name of await readdir(dir)) {
      const kibi = /^hugepages-(\d+)kB$/.exec(name)?.[1];
      if (kibi === undefined) continue;
      const count = Number((await readFile(join(dir, name, 'nr_hugepages'), 'utf8')).trim());
      if (!Number.isSafeInteger(count)) return undefined;
      bytes += count * Number(kibi) * 1024;
    }
    return bytes;
  } catch (error) {
    return codeOf(error) === 'ENOENT' ? 0 : undefined;
  }
}

/** In a pod of ours the pods' directory is what is mounted of the kubelet's. */
async function sizeOf(rootDir: string): Promise<number | undefined> {
  for (const path of [join(rootDir, 'pods'), rootDir]) {
    const found = await statfs(path).catch(() => undefined);
    if (found !== undefined && found.blocks > 0) return found.blocks * found.bsize;
  }
  return undefined;
}
