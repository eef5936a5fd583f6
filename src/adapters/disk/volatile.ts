/**
 * Does a reboot empty what lies here? True of file systems in memory, and of an overlay that keeps what is written in
 * one. Only what this process can see counts: the upper directory of a container's own root lies in the mount namespace
 * of the engine. Reads nothing but the kernel's own tables.
 */
import { open, readFile, statfs } from 'node:fs/promises';

/** f_type of statfs(2): TMPFS_MAGIC, RAMFS_MAGIC and OVERLAYFS_SUPER_MAGIC of linux/magic.h. */
const MEMORY_FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0x01021994, 'tmpfs'],
  [0x858458f6, 'ramfs'],
]);
const OVERLAY = 0x794c7630;

export interface FileSystemAnswers {
  /** f_type of the file system that holds a path. Default: statfs(2). */
  readonly fileSystemOf?: (path: string) => Promise<number>;
  /** The upper directory of the overlay that a path lies on. Default: by the mount that it is on. */
  readonly upperOf?: (path: string) => Promise<string | undefined>;
}

/** In words, what is emptied; undefined: nothing says so. Throws where the file system cannot be asked. */
export async function volatileAt(path: string, answers: FileSystemAnswers = {}): Promise<string | undefined> {
  const { fileSystemOf = async (at: string) => (await statfs(at)).type, upperOf = upperDirectoryOf } = answers;
  const kind = async (at: string, seen: readonly string[]): Promise<string | undefined> => {
    // statfs fields are signed on some machines
    const type = (await fileSystemOf(at)) >>> 0;
    const name = MEMORY_FILE_SYSTEMS.get(type);
    if (name !== undefined || type !== OVERLAY) return name;
    const upper = await upperOf(at);
    // an overlay that seems to lie on itself: the path is one of another mount namespace
    if (upper === undefined || seen.includes(upper)) return undefined;
    const below = await kind(upper, [...seen, upper]).catch(() => undefined);
    return below === undefined ? undefined : `an overlay that is written to ${below}`;
  };
  return kind(path, []);
}

async function upperDirectoryOf(path: string): Promise<string | undefined> {
  try {
    const directory = await open(path);
    try {
      const info = await readFile(`/proc/self/fdinfo/${directory.fd}`, 'utf8');
      const mount = /^mnt_id:\s*(\d+)$/m.exec(info)?.[1];
      return mount === undefined ? undefined : upperDirectoryIn(await readFile('/proc/self/mountinfo', 'utf8'), mount);
    } finally {
      await directory.close();
    }
  } catch {
    return undefined;
  }
}

/** `mountinfo`: as proc(5) has it; `mount`: the mount's number. Pure. */
export function upperDirectoryIn(mountinfo: string, mount: string): string | undefined {
  const line = mountinfo.split('\n').find((candidate) => candidate.startsWith(`${mount} `));
  const [type, , options = ''] = line?.split(' - ', 2)[1]?.split(' ') ?? [];
  if (type !== 'overlay') return undefined;
  // what would end a field or an option is written as three octal digits
  const upper = options.split(',').find((option) => option.startsWith('upperdir='));
  return upper?.slice('upperdir='.length).replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
