/**
 * The kubelet's staticPodPath: lists it, places and removes our own manifests there.
 *
 * The kubelet reads every name without a leading dot, whatever its ending, and an invalid file ends the pod it used to
 * define (pkg/kubelet/config/file.go): so a manifest appears complete in one rename, or not at all. A file is touched
 * only when its name is one of ours and its bytes have the digest that the caller knows from the ledger. Everything
 * else is foreign: never written, moved, removed, or given another mode, owner or time.
 */
import { constants, type Stats, statSync } from 'node:fs';
import { type FileHandle, lstat, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '../../core/model/errors.ts';
import { byCodeUnit } from '../../core/model/json.ts';
import { looksLikeManifestFile } from '../../core/model/keys.ts';
import { MAX_MANIFEST_BYTES, sha256 } from '../../core/model/manifest.ts';
import type { ManifestFile } from '../../core/model/model.ts';
import { type ManifestDir, PortError } from '../../ports.ts';
import { publishFile } from './atomic-write.ts';
import { NotDurableError, wrapError } from './errors.ts';
import { checkManifestName, isManifestTempName, manifestTempName } from './layout.ts';
import { guardedPrimitives, nodePrimitives, type Primitives } from './primitives.ts';
import { removeFile } from './removal.ts';
import { createSeenDigests, type SeenDigests } from './seen-digests.ts';
import { syncDirectory } from './sync.ts';

export interface ManifestDirOptions {
  /** Absolute path of staticPodPath. */
  readonly dir: string;
  /** Is the host lock held? Asked before every change of a name. */
  readonly mayWrite: () => boolean;
  /** Whose temporaries are ours to sweep: the uid of this process. */
  readonly uid: number;
  readonly primitives?: Primitives;
}

const MANIFEST_MODE = 0o600;

/**
 * Sweeps our own leftover temporaries if this process may write. A directory that is missing is no error here: every
 * method says so when it is asked.
 */
export async function openManifestDir(options: ManifestDirOptions): Promise<ManifestDir> {
  const { dir } = options;
  const primitives = guardedPrimitives(options.primitives ?? nodePrimitives(), options.mayWrite);
  /** Names whose last change is visible but may be lost in a power cut. */
  const doubtful = new Set<string>();
  const seen = createSeenDigests();
  let temps = 0;
  const temp = (): string => join(dir, manifestTempName(++temps));

  async function list(): Promise<readonly ManifestFile[]> {
    const names = (await namesIn(dir)).filter((name) => !name.startsWith('.'));
    const files: ManifestFile[] = [];
    seen.keepOnly(new Set(names.map((name) => join(dir, name))));
    for (const file of names.sort(byCodeUnit)) {
      // another name is foreign, whatever is in it: not even opened
      if (!looksLikeManifestFile(file)) {
        files.push({ file });
        continue;
      }
      const found = await look(join(dir, file), seen);
      if (found.kind === 'ours-or-foreign') files.push({ file, digest: found.digest });
      else if (found.kind === 'foreign') files.push({ file });
    }
    return files;
  }

  async function place(file: string, content: string, expect: string | undefined): Promise<void> {
    checkManifestName(file);
    const bytes = Buffer.from(content);
    if (bytes.length >= MAX_MANIFEST_BYTES) throw new PortError('invalid', `placing ${file}: larger than the kubelet reads (10 MiB)`);
    await namesIn(dir);
    const target = join(dir, file);
    // equal bytes carry our own annotations: there is nothing to do, and the kubelet is not woken for nothing
    const before = await look(target);
    if (before.kind === 'ours-or-foreign' && before.digest === sha256(bytes) && !doubtful.has(file)) return;
    const allowed = [expect, ...(doubtful.has(file) ? [sha256(bytes)] : [])];
    const check = async (): Promise<void> => {
      const found = await look(target);
      if (found.kind === 'absent' || (found.kind === 'ours-or-foreign' && allowed.includes(found.digest))) return;
      throw new PortError('failed', 'a file that is not ours has this name: it was left alone');
    };
    // a refusal that can be seen beforehand costs no write
    await check().catch((error: unknown) => {
      throw wrapError(`placing ${file}`, error);
    });
    await remembering(file, () => publishFile(primitives, { temp, target, check }, { content: bytes, mode: MANIFEST_MODE }));
  }

  // As few steps before the unlink as can be: a parent's process may be about to start, tens of milliseconds from now.
  async function remove(file: string, digest: string): Promise<void> {
    checkManifestName(file);
    let absent = false;
    const check = async (): Promise<boolean> => {
      absent = !(await isOurs(join(dir, file), digest));
      // a directory that is not there at all is another thing than a name that is gone
      if (absent) await namesIn(dir);
      return !absent;
    };
    await remembering(file, async () => {
      await removeFile(primitives, join(dir, file), check);
      // the kubelet may have read the old directory again after a power cut; the ledger still knows: fsync is enough
      if (absent && doubtful.has(file)) await syncDirectory(primitives, dir);
    });
  }

  async function remembering(file: string, change: () => Promise<void>): Promise<void> {
    try {
      await change();
      doubtful.delete(file);
    } catch (error) {
      if (error instanceof NotDurableError) doubtful.add(file);
      throw error;
    }
  }

  if (options.mayWrite()) await sweepTemporaries(primitives, options);
  return { list, stamp: () => stampOf(dir), place, remove };
}

/** Only regular files with our own name pattern, our mode, our owner and one name. */
async function sweepTemporaries(primitives: Primitives, options: ManifestDirOptions): Promise<void> {
  const names = await readdir(options.dir).catch(() => []);
  for (const name of names.filter(isManifestTempName)) {
    const path = join(options.dir, name);
    await removeFile(primitives, path, async () => {
      const found = await lstat(path);
      return found.isFile() && found.nlink === 1 && found.uid === options.uid && (found.mode & 0o7777) === MANIFEST_MODE;
    });
  }
}

function stampOf(dir: string): string | undefined {
  try {
    const { dev, ino, mtimeMs, ctimeMs } = statSync(dir);
    return [dev, ino, mtimeMs, ctimeMs].join();
  } catch {
    return undefined;
  }
}

async function namesIn(dir: string): Promise<readonly string[]> {
  try {
    return await readdir(dir);
  } catch (error) {
    const code = codeOf(error);
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw wrapError(`reading ${dir}`, error);
    throw new PortError('unavailable', `${dir} is not a directory: create it and name it as the kubelet's staticPodPath`, { cause: error });
  }
}

type Look = { readonly kind: 'absent' } | { readonly kind: 'foreign' } | { readonly kind: 'ours-or-foreign'; readonly digest: string };

/**
 * Opens only what is a regular file: opening a FIFO would wake whoever writes to it. Never throws. `seen`: what is
 * known to be unchanged is not read.
 */
async function look(path: string, seen?: SeenDigests): Promise<Look> {
  try {
    const wall = Date.now();
    const named = await lstat(path);
    if (!isDigestible(named)) return { kind: 'foreign' };
    const known = seen?.of(path, named);
    if (known !== undefined) return { kind: 'ours-or-foreign', digest: known };
    return await withFile(path, async (file) => {
      const opened = await file.stat();
      if (!isDigestible(opened)) return { kind: 'foreign' } as const;
      const digest = sha256(await file.readFile());
      seen?.learn(path, opened, digest, wall);
      return { kind: 'ours-or-foreign', digest } as const;
    });
  } catch (error) {
    return { kind: codeOf(error) === 'ENOENT' ? 'absent' : 'foreign' };
  }
}

/**
 * Right before unlink: the bytes through a descriptor, and that the name still means that descriptor's file. False: no
 * such name. Opens only what is a regular file, as {@link look}.
 */
async function isOurs(path: string, digest: string): Promise<boolean> {
  const notOurs = () => new PortError('failed', `removing ${path}: it is not the file that we placed, and was left alone`);
  try {
    if (!isDigestible(await lstat(path))) throw notOurs();
    return await withFile(path, async (file) => {
      const opened = await file.stat();
      if (!isDigestible(opened) || sha256(await file.readFile()) !== digest) throw notOurs();
      const named = await lstat(path);
      const same = opened.ino === named.ino && opened.dev === named.dev && opened.size === named.size && opened.mtimeMs === named.mtimeMs;
      if (!same) throw new PortError('failed', `removing ${path}: it was exchanged meanwhile, and was left alone`);
      return true;
    });
  } catch (error) {
    if (error instanceof PortError) throw error;
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return false;
    throw notOurs();
  }
}

function isDigestible(stats: Stats): boolean {
  return stats.isFile() && stats.size < MAX_MANIFEST_BYTES;
}

async function withFile<T>(path: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}
