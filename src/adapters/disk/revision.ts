/**
 * From a draft to the exact content of a revision's directory: names, bytes, modes, owners, digest. Pure: equal drafts
 * give equal content but for the moment of the capture. Writes nothing.
 *
 * Volumes keep the layout in which the kubelet publishes them (pkg/volume/util/atomic_writer.go), so that programs
 * which watch for it see what they know: `..data` links to a hidden directory, every first path element to
 * `..data/<element>`.
 */

import { nestedMountPoints } from '../../core/copy/nested-mounts.ts';
import { byCodeUnit, isDnsLabel } from '../../core/model/json.ts';
import { checkpointKey } from '../../core/model/keys.ts';
import { encodeManifest, resolveRevisionDir, sha256 } from '../../core/model/manifest.ts';
import { type CapturedFile, type Json, REVISION_DIR, type RevisionDraft, type RevisionRecord } from '../../core/model/model.ts';
import { PortError } from '../../ports.ts';
import type { TreeEntry } from './atomic-write.ts';
import { FILES, POD_FILE, pathProblem, RECORD_FILE, REVISION_LENGTH, revisionDir } from './layout.ts';
import { seal } from './sealed.ts';

export const DIRECTORY_MODE = 0o755;
export const PRIVATE_FILE_MODE = 0o600;

export interface RevisionPlan {
  readonly revision: string;
  readonly record: RevisionRecord;
  /** Text of pod.json. */
  readonly manifest: string;
  /** Everything below the revision's directory, parents first. */
  readonly entries: readonly TreeEntry[];
  /** Sum of all file sizes. */
  readonly bytes: number;
}

/** The body of record.json. `tree` names every other entry below the revision: see {@link describe}. */
export interface RecordFile {
  readonly record: RevisionRecord;
  readonly tree: Readonly<Record<string, string>>;
}

/**
 * `hostStateDir` is the state directory's absolute path as the kubelet sees it. Throws PortError `invalid` for a draft
 * that cannot be stored; nothing in the message is content.
 */
export function planRevision(hostStateDir: string, draft: RevisionDraft): RevisionPlan {
  checkDraft(draft);
  const revision = digestOf(draft);
  const manifest = encodeManifest(resolveRevisionDir(draft.manifest, revisionDir(hostStateDir, draft.key, revision)));
  if (manifest.includes(REVISION_DIR)) {
    throw new PortError('invalid', `the manifest of ${draft.key} names the revision's directory elsewhere than in a hostPath volume`);
  }
  const entries: TreeEntry[] = [
    { type: 'file', path: POD_FILE, mode: PRIVATE_FILE_MODE, content: Buffer.from(manifest) },
    { type: 'directory', path: FILES, mode: DIRECTORY_MODE },
  ];
  for (const { volume, files, mountPoints } of sortedVolumes(draft))
    entries.push(...volumeEntries(`${FILES}/${volume}`, revision, files), ...mountPointEntries(`${FILES}/${volume}`, mountPoints));
  const files = Object.fromEntries(entries.flatMap((entry) => (entry.type === 'file' ? [[entry.path, sha256(entry.content)]] : [])));
  const record: RevisionRecord = { formatVersion: 1, revision, ...draft.record, files };
  const body: RecordFile = { record, tree: Object.fromEntries(entries.map((entry) => [entry.path, describe(entry)])) };
  const sealed = Buffer.from(seal(body as unknown as Json));
  entries.push({ type: 'file', path: RECORD_FILE, mode: PRIVATE_FILE_MODE, content: sealed });
  return {
    revision,
    record,
    manifest,
    entries,
    bytes: entries.reduce((sum, entry) => sum + (entry.type === 'file' ? entry.content.length : 0), 0),
  };
}

/** One word per entry that a damaged or exchanged entry cannot have: kind, mode, size, owner, target. */
export function describe(entry: TreeEntry): string {
  switch (entry.type) {
    case 'directory':
      return directoryWord(entry.mode);
    case 'file':
      return fileWord(entry.mode, entry.content.length, entry.owner);
    case 'link':
      return linkWord(entry.target);
  }
}
export function directoryWord(mode: number): string {
  return `directory ${mode.toString(8)}`;
}
export function fileWord(mode: number, size: number, owner: { readonly uid: number; readonly gid: number } | undefined): string {
  return `file ${mode.toString(8)} ${size}${owner === undefined ? '' : ` ${owner.uid}:${owner.gid}`}`;
}
export function linkWord(target: string): string {
  return `link ${target}`;
}

/** Over everything but the moment: the same parent captured again has the same digest. */
function digestOf(draft: RevisionDraft): string {
  const { capturedAt: _capturedAt, bootId: _bootId, parent, ...record } = draft.record;
  const { resourceVersion: _resourceVersion, ...identity } = parent;
  const volumes = sortedVolumes(draft).map(({ volume, files, mountPoints }) => ({
    volume,
    ...(mountPoints.length > 0 ? { mountPoints } : {}),
    files: files.map(({ path, mode, uid, gid, content }) => ({ path, mode, uid, gid, sha256: sha256(content) })),
  }));
  return sha256(encodeManifest({ manifest: draft.manifest, volumes, record: { ...record, parent: identity } })).slice(0, REVISION_LENGTH);
}

interface SortedVolume {
  readonly volume: string;
  readonly files: readonly CapturedFile[];
  readonly mountPoints: readonly string[];
}

function sortedVolumes(draft: RevisionDraft): readonly SortedVolume[] {
  return Object.entries(draft.volumes)
    .sort(([a], [b]) => byCodeUnit(a, b))
    .map(([volume, files]) => ({
      volume,
      files: files.toSorted((a, b) => byCodeUnit(a.path, b.path)),
      mountPoints: nestedMountPoints(draft.manifest, volume),
    }));
}

/**
 * Empty directories at the volume's own root, where the kubelet makes them too. Below a file's directory it could not:
 * there its own writer of files would fail, so the parent would not run either.
 */
function mountPointEntries(root: string, mountPoints: readonly string[]): readonly TreeEntry[] {
  const directories = new Set<string>();
  for (const path of mountPoints) {
    const parts = path.split('/');
    for (let depth = 1; depth <= parts.length; depth++) directories.add(parts.slice(0, depth).join('/'));
  }
  return [...directories].sort(byCodeUnit).map((path) => ({ type: 'directory' as const, path: `${root}/${path}`, mode: DIRECTORY_MODE }));
}

function volumeEntries(root: string, revision: string, files: readonly CapturedFile[]): readonly TreeEntry[] {
  const hidden = `..${revision.slice(0, 16)}`;
  const directories = new Set<string>();
  const first = new Set<string>();
  for (const { path } of files) {
    const parts = path.split('/');
    first.add(parts[0] ?? path);
    for (let depth = 1; depth < parts.length; depth++) directories.add(parts.slice(0, depth).join('/'));
  }
  return [
    { type: 'directory', path: root, mode: DIRECTORY_MODE },
    { type: 'directory', path: `${root}/${hidden}`, mode: DIRECTORY_MODE },
    ...[...directories]
      .sort(byCodeUnit)
      .map((path) => ({ type: 'directory' as const, path: `${root}/${hidden}/${path}`, mode: DIRECTORY_MODE })),
    ...files.map(({ path, mode, uid, gid, content }) => ({
      type: 'file' as const,
      path: `${root}/${hidden}/${path}`,
      mode,
      owner: { uid, gid },
      content,
    })),
    { type: 'link', path: `${root}/..data`, target: hidden },
    ...[...first].sort(byCodeUnit).map((name) => ({ type: 'link' as const, path: `${root}/${name}`, target: `..data/${name}` })),
  ];
}

function checkDraft(draft: RevisionDraft): void {
  const { key } = draft;
  if (key !== checkpointKey(draft.record.parent)) throw new PortError('invalid', `the draft "${key}" is about another pod`);
  for (const [volume, files] of Object.entries(draft.volumes)) {
    if (!isDnsLabel(volume)) throw new PortError('invalid', `"${volume}" of ${key} is not the name of a volume`);
    const paths = new Set(files.map((file) => file.path));
    if (paths.size !== files.length) throw new PortError('invalid', `volume "${volume}" of ${key} holds a path twice`);
    for (const file of files) {
      const problem = pathProblem(file.path) ?? fileProblem(file, paths);
      if (problem !== undefined) throw new PortError('invalid', `"${file.path}" in volume "${volume}" of ${key} ${problem}`);
    }
    const elements = new Set(files.map((file) => file.path.split('/')[0]));
    for (const path of nestedMountPoints(draft.manifest, volume)) {
      const problem = pathProblem(path) ?? (elements.has(path.split('/')[0]) ? 'is a file or a directory of it already' : undefined);
      if (problem !== undefined)
        throw new PortError('invalid', `the mount at "${path}" beneath volume "${volume}" of ${key} cannot be made: it ${problem}`);
    }
  }
}

function fileProblem(file: CapturedFile, paths: ReadonlySet<string>): string | undefined {
  const parts = file.path.split('/');
  for (let depth = 1; depth < parts.length; depth++) {
    if (paths.has(parts.slice(0, depth).join('/'))) return 'lies below another file';
  }
  if (!isWhole(file.mode, 0o777)) return 'has a mode beyond 0777';
  // chown(2) takes the highest id for "leave as it is"
  if (!isWhole(file.uid, 0xffff_fffe) || !isWhole(file.gid, 0xffff_fffe)) return 'has an impossible owner';
  return undefined;
}

function isWhole(value: number, max: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value <= max;
}
