/**
 * Every path and every name rule on the host's disk, in one place. Pure text: never looks at a disk.
 *
 * ```
 * <stateDir>/format                                   on-disk format, "1"
 *            lock                                     kernel lock of the one active agent
 *            active.json                              the ledger: what we have placed in staticPodPath
 *            api-addresses.json                       the API servers' own addresses, learnt while they answer
 *            requested.json                       what everything bound to this node asks for, our copies left out
 *            checkpoints/<namespace>_<pod>/current    symlink to revisions/<digest>
 *                                         /confirmed  when the API server last confirmed the parent, and its CAs; or,
 *                                                     since then, that no copy of it is wanted any more
 *                                         /revisions/<digest>/record.json, pod.json, files/<volume>/…
 *            tmp/                                     everything unfinished, swept when the agent starts
 * <staticPodPath>/podckpt-….json                      a placed copy (name: core/model/keys.ts)
 *                /.podckpt-<number>.tmp               one being written; the kubelet ignores names with a dot
 *                                                     (pkg/kubelet/config/file.go)
 * ```
 */
import { join } from 'node:path';
import { looksLikeManifestFile, parseCheckpointKey } from '../../core/model/keys.ts';
import type { CheckpointKey } from '../../core/model/model.ts';
import { PortError } from '../../ports.ts';

export const FORMAT = '1';
export const FORMAT_FILE = 'format';
export const LOCK_FILE = 'lock';
export const LEDGER_FILE = 'active.json';
export const ADDRESSES_FILE = 'api-addresses.json';
export const REQUESTED_FILE = 'requested.json';
export const CHECKPOINTS = 'checkpoints';
export const TMP = 'tmp';
export const CURRENT = 'current';
export const CONFIRMED = 'confirmed';
export const REVISIONS = 'revisions';
export const RECORD_FILE = 'record.json';
export const POD_FILE = 'pod.json';
export const FILES = 'files';

/** NAME_MAX of every file system a node uses, in bytes. */
export const MAX_NAME_BYTES = 255;
/** Characters of sha256 that name a revision. */
export const REVISION_LENGTH = 32;

const TEMP_NAME = /^tmp-\d{1,9}$/;
const MANIFEST_TEMP_NAME = /^\.podckpt-\d{1,9}\.tmp$/;

export function tempName(number: number): string {
  return `tmp-${number}`;
}
export function isTempName(name: string): boolean {
  return TEMP_NAME.test(name);
}
export function manifestTempName(number: number): string {
  return `.podckpt-${number}.tmp`;
}
export function isManifestTempName(name: string): boolean {
  return MANIFEST_TEMP_NAME.test(name);
}

export function isRevision(name: string): boolean {
  return name.length === REVISION_LENGTH && /^[0-9a-f]+$/.test(name);
}

/** Where `current` points, relative to its own directory. */
export function currentTarget(revision: string): string {
  return `${REVISIONS}/${revision}`;
}
/** The reverse of {@link currentTarget}; undefined for any other link. */
export function revisionOfTarget(target: string): string | undefined {
  const revision = target.startsWith(`${REVISIONS}/`) ? target.slice(REVISIONS.length + 1) : '';
  return isRevision(revision) ? revision : undefined;
}

export function isCheckpointKey(name: string): boolean {
  return Buffer.byteLength(name) <= MAX_NAME_BYTES && parseCheckpointKey(name) !== undefined;
}

/** Absolute path of a checkpoint's directory. Throws PortError `invalid` for a key that is no such name. */
export function checkpointDir(stateDir: string, key: CheckpointKey): string {
  if (!isCheckpointKey(key)) {
    throw new PortError('invalid', `"${key}" cannot name a checkpoint: <namespace>_<pod name>, at most ${MAX_NAME_BYTES} bytes together`);
  }
  return join(stateDir, CHECKPOINTS, key);
}

export function revisionDir(stateDir: string, key: CheckpointKey, revision: string): string {
  return join(checkpointDir(stateDir, key), REVISIONS, revision);
}

/** Throws PortError `invalid` unless the name is one that our manifests have. */
export function checkManifestName(file: string): void {
  if (!looksLikeManifestFile(file) || Buffer.byteLength(file) > MAX_NAME_BYTES) {
    throw new PortError('invalid', `"${file}" is not a name of our manifests: nothing was changed`);
  }
}

/**
 * Why a captured file's path cannot be stored; undefined when it can. The kubelet's own rule is the same: relative, no
 * `..` element, first element not starting with `..` (pkg/volume/util/atomic_writer.go, validatePath).
 */
export function pathProblem(path: string): string | undefined {
  if (path === '' || path.startsWith('/')) return 'is not a relative path';
  if (Buffer.byteLength(path) > 1024) return 'is longer than 1024 bytes';
  if (path.includes('\0')) return 'holds a NUL character';
  if (!path.isWellFormed()) return 'is not valid UTF-8';
  if (path.startsWith('..')) return 'begins with ".."';
  for (const part of path.split('/')) {
    if (part === '' || part === '.' || part === '..') return 'has an empty, "." or ".." element';
    if (Buffer.byteLength(part) > MAX_NAME_BYTES) return `has an element longer than ${MAX_NAME_BYTES} bytes`;
  }
  return undefined;
}
