/**
 * Writes a draft into a directory of people's choice, as a revision in the store would be: `pod.json` and
 * `files/<volume>/…`, but no record.json, which tells of a node. The directory appears whole or not at all.
 *
 * Never changes a directory that holds anything: one that holds exactly this is left as it is, any other is told.
 */
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { codeOf } from '../../core/model/errors.ts';
import { encodeManifest, resolveRevisionDir } from '../../core/model/manifest.ts';
import type { RevisionDraft } from '../../core/model/model.ts';
import { PortError } from '../../ports.ts';
import { publishTree, type TreeEntry } from './atomic-write.ts';
import { wrapError } from './errors.ts';
import { POD_FILE, RECORD_FILE } from './layout.ts';
import { nodePrimitives, type Primitives } from './primitives.ts';
import { planRevision } from './revision.ts';

export interface RenderedOptions {
  /** Absolute path; the manifest's host paths lie below it. Its parent must be there. */
  readonly dir: string;
  readonly draft: RevisionDraft;
  readonly primitives?: Primitives;
}

export type RenderedResult =
  /** `owners`: files belong to whom the copy needs; false: to us, because the system lets only root give files away. */
  | { readonly kind: 'written' | 'unchanged'; readonly owners: boolean; readonly files: number }
  /** `path` is there and is other than it would be written. */
  | { readonly kind: 'occupied'; readonly path: string };

/** Files may be secret ones, and above them no directory of ours keeps others out, as the state directory does. */
const MODE = 0o700;

/** Throws PortError: `invalid` for a draft that cannot be stored, `not-found` without a parent directory, `failed`. */
export async function writeRendered(options: RenderedOptions): Promise<RenderedResult> {
  const { dir, draft } = options;
  const primitives = options.primitives ?? nodePrimitives();
  const entries = renderedEntries(dir, draft);
  const files = entries.filter((entry) => entry.type === 'file').length;
  const names = await namesIn(dir);
  if (names === 'other') return { kind: 'occupied', path: dir };
  if (names.length > 0) {
    const { difference, owners } = await compare(dir, entries);
    return difference === undefined ? { kind: 'unchanged', owners, files } : { kind: 'occupied', path: join(dir, difference) };
  }
  const publish = (tree: readonly TreeEntry[]) => {
    let number = 0;
    const temp = () => join(dirname(dir), `.${basename(dir)}.${++number}.tmp`);
    return publishTree(primitives, { temp, target: dir }, MODE, tree);
  };
  try {
    await publish(entries);
    return { kind: 'written', owners: true, files };
  } catch (error) {
    // EINVAL: an id that our user namespace does not know
    if (!(error instanceof Error) || !['EPERM', 'EINVAL'].includes(codeOf(error.cause) ?? '')) throw error;
    await publish(entries.map(withoutOwner));
    return { kind: 'written', owners: false, files };
  }
}

function renderedEntries(dir: string, draft: RevisionDraft): readonly TreeEntry[] {
  const manifest = encodeManifest(resolveRevisionDir(draft.manifest, dir));
  return planRevision(dir, draft).entries.flatMap((entry): readonly TreeEntry[] => {
    if (entry.path === RECORD_FILE) return [];
    return entry.path === POD_FILE && entry.type === 'file' ? [{ ...entry, content: Buffer.from(manifest) }] : [entry];
  });
}

function withoutOwner(entry: TreeEntry): TreeEntry {
  if (entry.type !== 'file') return entry;
  const { path, mode, content } = entry;
  return { type: 'file', path, mode, content };
}

async function namesIn(dir: string): Promise<readonly string[] | 'other'> {
  try {
    const found = await lstat(dir);
    return found.isDirectory() ? await readdir(dir) : 'other';
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw wrapError(`looking at ${dir}`, error);
  }
  try {
    await lstat(dirname(dir));
    return [];
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw wrapError(`looking at ${dirname(dir)}`, error);
    throw new PortError('not-found', `${dirname(dir)} does not exist, so nothing can be written into it; make it first`);
  }
}

/** The first path that differs, relative to `dir`. */
async function compare(dir: string, entries: readonly TreeEntry[]): Promise<{ readonly difference?: string; readonly owners: boolean }> {
  const left = new Map(entries.map((entry) => [entry.path, entry]));
  const { uid } = await lstat(dir);
  let owners = true;
  const pending = [''];
  try {
    for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
      for (const name of (await readdir(join(dir, at))).sort()) {
        const path = at === '' ? name : `${at}/${name}`;
        const entry = left.get(path);
        const found = entry === undefined ? 'different' : await compareEntry(join(dir, path), entry, uid);
        if (found === 'different' || entry === undefined) return { difference: path, owners };
        if (found === 'ours') owners = false;
        if (entry.type === 'directory') pending.push(path);
        left.delete(path);
      }
    }
  } catch (error) {
    throw wrapError(`comparing ${dir}`, error);
  }
  const [missing] = left.keys();
  return missing === undefined ? { owners } : { difference: missing, owners };
}

/** `ours`: the same but for an owner that we could not set. */
async function compareEntry(path: string, entry: TreeEntry, ourUid: number): Promise<'same' | 'ours' | 'different'> {
  const found = await lstat(path);
  const sameMode = entry.type !== 'link' && (found.mode & 0o7777) === entry.mode;
  switch (entry.type) {
    case 'directory':
      return found.isDirectory() && sameMode ? 'same' : 'different';
    case 'link':
      return found.isSymbolicLink() && (await readlink(path)) === entry.target ? 'same' : 'different';
    case 'file': {
      if (!found.isFile() || !sameMode || found.size !== entry.content.length) return 'different';
      if (!(await readFile(path)).equals(entry.content)) return 'different';
      if (entry.owner === undefined || (found.uid === entry.owner.uid && found.gid === entry.owner.gid)) return 'same';
      return found.uid === ourUid ? 'ours' : 'different';
    }
  }
}
