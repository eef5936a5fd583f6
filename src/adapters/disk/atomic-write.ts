/**
 * The one way anything is published on the host's disk: a file, a symlink, or a whole directory.
 *
 * 1. create it under a temporary name, exclusively, never through a symlink
 * 2. write all bytes
 * 3. set the mode, then the owner: after chown a process without CAP_FOWNER may not chmod any more
 * 4. fsync the file (of a directory: every file in it, then every directory, innermost first)
 * 5. close
 * 6. the caller's last look at the target (`check`), then rename onto it
 * 7. fsync the target's directory, then the one the temporary name was in
 *
 * Promise: once a function here has returned, the new content survives a power cut. If it throws before step 6 ended,
 * whatever was there is intact, and the temporary is removed as far as possible. If only step 7 fails, the new content
 * is visible and not promised: the error is a {@link NotDurableError}. A failed fsync means that the data is lost, even
 * if a second fsync would succeed (Linux reports a write-back error once), so nothing here ever tries it again: the
 * caller starts anew with another temporary.
 *
 * Temporaries lie on the target's file system: store files in `<stateDir>/tmp`, manifests in staticPodPath itself under
 * a dot-name. Rejected for manifests: link(2), which would never replace anything; the kubelet has been seen with
 * rename, and the check before it leaves a window of microseconds to other writers of the same name.
 */
import { fstat, lstat, type Stats } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { codeOf } from '../../core/model/errors.ts';
import { PortError } from '../../ports.ts';
import { NotDurableError, wrapError } from './errors.ts';
import type { Primitives } from './primitives.ts';
import { deleteTree } from './removal.ts';
import { closing, settleDirectory, syncParents } from './sync.ts';

export interface FileContent {
  readonly content: Uint8Array;
  /** Permission bits. */
  readonly mode: number;
  /** Left as the system made it where absent. */
  readonly owner?: { readonly uid: number; readonly gid: number };
}

/** What a directory to be published holds; paths are relative to it, and a parent comes before its children. */
export type TreeEntry =
  | { readonly type: 'directory'; readonly path: string; readonly mode: number }
  | ({ readonly type: 'file'; readonly path: string } & FileContent)
  | { readonly type: 'link'; readonly path: string; readonly target: string };

export interface Target {
  /** Absolute path of the next temporary; asked again when the name is taken, by whomever. */
  readonly temp: () => string;
  /** Absolute path. */
  readonly target: string;
  /** Step 6's last look; throws to stop. */
  readonly check?: () => Promise<void>;
}

const MAX_NAMES_TRIED = 1000;
const statFd = promisify(fstat) as (fd: number) => Promise<Stats>;

/** Throws PortError; {@link NotDurableError} when the file is there all the same. */
export async function publishFile(primitives: Primitives, at: Target, file: FileContent): Promise<void> {
  await publish(primitives, at, {
    create: (temp) => primitives.createFile(temp, 0o600),
    fill: (_temp, fd) => fillFile(primitives, fd, file),
    discard: (temp) => primitives.unlink(temp),
  });
}

/** Makes or replaces a symlink. Errors as {@link publishFile}. */
export async function publishLink(primitives: Primitives, at: Target, link: string): Promise<void> {
  await publish(primitives, at, {
    create: (temp) => primitives.symlink(link, temp),
    fill: async () => undefined,
    discard: (temp) => primitives.unlink(temp),
  });
}

/** The target must not exist, or be an empty directory. Errors as {@link publishFile}. */
export async function publishTree(primitives: Primitives, at: Target, mode: number, entries: readonly TreeEntry[]): Promise<void> {
  await publish(primitives, at, {
    create: (temp) => primitives.mkdir(temp, 0o700),
    fill: async (temp) => {
      for (const entry of entries) await createEntry(primitives, temp, entry);
      for (const entry of entries.toReversed()) {
        if (entry.type === 'directory') await settleDirectory(primitives, join(temp, entry.path), entry.mode);
      }
      await settleDirectory(primitives, temp, mode);
    },
    discard: (temp) => deleteTree(primitives, temp),
  });
}

/**
 * Makes a directory and its name durable. One that is there already is left as it is, whatever its mode.
 * Throws PortError when something else has the name.
 */
export async function makeDirectory(primitives: Primitives, path: string, mode: number): Promise<void> {
  try {
    await primitives.mkdir(path, mode);
  } catch (error) {
    if (codeOf(error) === 'EEXIST' && (await promisify(lstat)(path)).isDirectory()) return;
    throw wrapError(`creating the directory ${path}`, error);
  }
  try {
    await settleDirectory(primitives, path, mode);
    await syncParents(primitives, path);
  } catch (error) {
    // kept, it would pass for durable the next time
    await primitives.rmdir(path).catch(() => undefined);
    throw wrapError(`creating the directory ${path}`, error);
  }
}

interface Steps<T> {
  readonly create: (temp: string) => Promise<T>;
  readonly fill: (temp: string, made: T) => Promise<void>;
  readonly discard: (temp: string) => Promise<void>;
}

async function publish<T>(primitives: Primitives, at: Target, steps: Steps<T>): Promise<void> {
  const { temp, made } = await createTemp(at, steps.create);
  try {
    await steps.fill(temp, made);
    await at.check?.();
    await primitives.rename(temp, at.target);
  } catch (error) {
    // best effort: what stays is swept at the next start, by its name
    await steps.discard(temp).catch(() => undefined);
    throw wrapError(`writing ${at.target}`, error);
  }
  try {
    await syncParents(primitives, at.target, temp);
  } catch (error) {
    throw new NotDurableError(`writing ${at.target}: it is there, but its directory could not be synced`, error);
  }
}

/** A name that is taken is never ours to remove: the next one is tried. */
async function createTemp<T>(at: Target, create: (temp: string) => Promise<T>): Promise<{ temp: string; made: T }> {
  for (let tried = 1; ; tried++) {
    const temp = at.temp();
    try {
      return { temp, made: await create(temp) };
    } catch (error) {
      if (codeOf(error) !== 'EEXIST' || tried >= MAX_NAMES_TRIED) throw wrapError(`writing ${at.target}`, error);
    }
  }
}

async function createEntry(primitives: Primitives, root: string, entry: TreeEntry): Promise<void> {
  const path = join(root, entry.path);
  switch (entry.type) {
    case 'directory':
      return primitives.mkdir(path, 0o700);
    case 'file':
      return fillFile(primitives, await primitives.createFile(path, 0o600), entry);
    case 'link':
      return primitives.symlink(entry.target, path);
  }
}

async function fillFile(primitives: Primitives, created: number, file: FileContent): Promise<void> {
  await closing(primitives, created, async (fd) => {
    for (let done = 0; done < file.content.length; ) {
      const written = await primitives.write(fd, file.content.subarray(done));
      if (written <= 0) throw new PortError('failed', 'the disk took no more bytes');
      done += written;
    }
    await primitives.chmod(fd, file.mode);
    if (file.owner !== undefined) {
      const now = await statFd(fd);
      if (now.uid !== file.owner.uid || now.gid !== file.owner.gid) await primitives.chown(fd, file.owner.uid, file.owner.gid);
    }
    await primitives.fsync(fd);
  });
}
