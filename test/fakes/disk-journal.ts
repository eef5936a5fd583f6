/**
 * A disk that forgets what was not synced. It records what the primitives do to a real directory; from the record it
 * makes any state that a power cut at any moment may legally leave: a change of names survives for sure only if one of
 * its directories was fsynced after it, bytes only if their file was; everything else survives, or not, or in part, in
 * any combination. A rename is whole or nothing, as on every journalling file system.
 */
import { chmod, lstat, mkdir, readdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import type { Primitives } from '../../src/adapters/disk/primitives.ts';

type Inode =
  | { readonly kind: 'directory'; readonly names: Map<string, Inode>; readonly before: ReadonlyMap<string, Inode>; mode: number }
  | { readonly kind: 'file'; content: Buffer; mode: number }
  | { readonly kind: 'link'; readonly target: string };
type Directory = Extract<Inode, { kind: 'directory' }>;

type Event =
  | {
      readonly type: 'names';
      readonly changes: readonly { readonly directory: Directory; readonly name: string; readonly inode: Inode | undefined }[];
    }
  | { readonly type: 'data'; readonly inode: Inode; readonly content: Buffer; readonly mode: number }
  | { readonly type: 'fsync'; readonly inode: Inode };

export interface Journal {
  readonly primitives: Primitives;
  /** Number of recorded events: the moments of a power cut are 0 to this, both included. */
  length(): number;
  /** Builds one legal state after a cut before event `moment`; `chance` says, per undecided thing, what became of it. */
  materialize(into: string, moment: number, chance: () => number): Promise<void>;
}

/** What is in `root` now counts as safely on the disk. */
export async function recordDisk(root: string, real: Primitives): Promise<Journal> {
  const top = (await readInode(root)) as Directory;
  const events: Event[] = [];
  const open = new Map<number, Inode>();

  function find(path: string): Inode {
    let inode: Inode = top;
    for (const part of relative(root, path)
      .split('/')
      .filter((name) => name !== '')) {
      const next: Inode | undefined = inode.kind === 'directory' ? inode.names.get(part) : undefined;
      if (next === undefined) throw new Error(`${path} is not in the journal`);
      inode = next;
    }
    return inode;
  }
  function change(...changes: readonly { path: string; inode: Inode | undefined }[]): void {
    const named = changes.map(({ path, inode }) => ({ directory: find(dirname(path)) as Directory, name: basename(path), inode }));
    for (const { directory, name, inode } of named) {
      if (inode === undefined) directory.names.delete(name);
      else directory.names.set(name, inode);
    }
    events.push({ type: 'names', changes: named });
  }
  const inodeOf = (fd: number): Inode => {
    const inode = open.get(fd);
    if (inode === undefined) throw new Error(`descriptor ${fd} is not in the journal`);
    return inode;
  };
  const touched = (inode: Inode): void => {
    if (inode.kind === 'file') events.push({ type: 'data', inode, content: inode.content, mode: inode.mode });
  };

  const primitives: Primitives = {
    ...real,
    createFile: async (path, mode) => {
      const fd = await real.createFile(path, mode);
      const inode: Inode = { kind: 'file', content: Buffer.alloc(0), mode };
      open.set(fd, inode);
      change({ path, inode });
      touched(inode);
      return fd;
    },
    openDirectory: async (path) => {
      const fd = await real.openDirectory(path);
      open.set(fd, find(path));
      return fd;
    },
    write: async (fd, bytes) => {
      const written = await real.write(fd, bytes);
      const inode = inodeOf(fd);
      if (inode.kind === 'file') inode.content = Buffer.concat([inode.content, bytes.subarray(0, written)]);
      touched(inode);
      return written;
    },
    chmod: async (fd, mode) => {
      await real.chmod(fd, mode);
      const inode = inodeOf(fd);
      if (inode.kind !== 'link') inode.mode = mode;
      touched(inode);
    },
    fsync: async (fd) => {
      events.push({ type: 'fsync', inode: inodeOf(fd) });
    },
    close: async (fd) => {
      await real.close(fd);
      open.delete(fd);
    },
    mkdir: async (path, mode) => {
      await real.mkdir(path, mode);
      change({ path, inode: { kind: 'directory', names: new Map(), before: new Map(), mode } });
    },
    symlink: async (target, path) => {
      await real.symlink(target, path);
      change({ path, inode: { kind: 'link', target } });
    },
    rename: async (from, to) => {
      await real.rename(from, to);
      change({ path: from, inode: undefined }, { path: to, inode: find(from) });
    },
    unlink: async (path) => {
      await real.unlink(path);
      change({ path, inode: undefined });
    },
    rmdir: async (path) => {
      await real.rmdir(path);
      change({ path, inode: undefined });
    },
  };
  return {
    primitives,
    length: () => events.length,
    materialize: (into, moment, chance) => materialize(top, events.slice(0, moment), into, chance),
  };
}

async function readInode(path: string): Promise<Inode> {
  const found = await lstat(path);
  const mode = found.mode & 0o7777;
  if (found.isSymbolicLink()) return { kind: 'link', target: await readlink(path) };
  if (!found.isDirectory()) return { kind: 'file', content: await readFile(path), mode };
  const names = new Map<string, Inode>();
  for (const name of await readdir(path)) names.set(name, await readInode(join(path, name)));
  return { kind: 'directory', names, before: new Map(names), mode };
}

async function materialize(top: Directory, events: readonly Event[], into: string, chance: () => number): Promise<void> {
  const names = new Map<Directory, Map<string, Inode>>();
  const data = new Map<Inode, { content: Buffer; mode: number }>();
  const synced = (at: number, inodes: readonly Inode[]): boolean =>
    events.some((event, index) => index > at && event.type === 'fsync' && inodes.includes(event.inode));
  const namesOf = (directory: Directory): Map<string, Inode> => {
    const known = names.get(directory) ?? new Map(directory.before);
    names.set(directory, known);
    return known;
  };
  events.forEach((event, at) => {
    if (
      event.type === 'names' &&
      (synced(
        at,
        event.changes.map((change) => change.directory),
      ) ||
        chance() < 0.5)
    ) {
      for (const { directory, name, inode } of event.changes) {
        if (inode === undefined) namesOf(directory).delete(name);
        else namesOf(directory).set(name, inode);
      }
    }
    if (event.type === 'data') {
      const sure = synced(at, [event.inode]);
      const part = sure ? 1 : chance();
      const before = data.get(event.inode) ?? { content: Buffer.alloc(0), mode: event.mode };
      // torn: the length arrived, the bytes did not; or only the first of them did
      const torn = part < 0.3 ? Buffer.alloc(event.content.length) : event.content.subarray(0, Math.floor(event.content.length * part));
      data.set(event.inode, sure || part > 0.8 ? event : { content: torn, mode: part < 0.5 ? before.mode : event.mode });
    }
  });
  async function build(inode: Inode, path: string): Promise<void> {
    if (inode.kind === 'link') return symlink(inode.target, path);
    if (inode.kind === 'file') {
      const { content, mode } = data.get(inode) ?? inode;
      await writeFile(path, content);
      return chmod(path, mode);
    }
    await mkdir(path, { recursive: true });
    for (const [name, child] of namesOf(inode)) await build(child, join(path, name));
    await chmod(path, inode.mode);
  }
  await build(top, into);
}
