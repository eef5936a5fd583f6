/**
 * Reads a stored revision and says whether it is exactly what was written: names, kinds, modes, owners, sizes, bytes.
 * Only reads; never follows a symlink; never opens a file whose kind or size is not the expected one.
 *
 * Garbage gives a problem, never a throw; so does a read that failed, and says that it is only that.
 */
import { constants } from 'node:fs';
import { lstat, open, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../core/model/errors.ts';
import { isObject, textMap } from '../../core/model/json.ts';
import { checkpointKey } from '../../core/model/keys.ts';
import { MAX_MANIFEST_BYTES, sha256 } from '../../core/model/manifest.ts';
import type { CheckpointKey, RevisionRecord } from '../../core/model/model.ts';
import { unreadCode } from './errors.ts';
import { POD_FILE, RECORD_FILE } from './layout.ts';
import { decodeRecord, unreadableRecord } from './record.ts';
import { DIRECTORY_MODE, directoryWord, fileWord, linkWord, PRIVATE_FILE_MODE } from './revision.ts';
import { unseal } from './sealed.ts';

export interface StoredRevision {
  readonly record: RevisionRecord;
  /** Empty where it cannot be read. */
  readonly manifest: string;
  readonly bytes: number;
  /** Why it must not be used. */
  readonly problem?: string;
  /** The errno where the problem is only that it could not be read. */
  readonly unread?: string;
}

const MAX_RECORD_BYTES = 16 * 1024 * 1024;

class Damage extends Error {}

/** Never throws. */
export async function readRevision(directory: string, key: CheckpointKey, revision: string): Promise<StoredRevision> {
  let record: RevisionRecord | undefined;
  try {
    await checkDirectory(directory);
    const bytes = await readExact(join(directory, RECORD_FILE), MAX_RECORD_BYTES, PRIVATE_FILE_MODE);
    const body = unseal(bytes);
    if (body === undefined) throw new Damage('record.json is damaged');
    const version = isObject(body['record']) ? body['record']['formatVersion'] : undefined;
    if (typeof version === 'number' && version > 1)
      throw new Damage(`record.json has format ${version}: a newer version of this program wrote it`);
    record = decodeRecord(body['record']);
    if (record === undefined) throw new Damage('record.json lacks a field');
    if (record.revision !== revision || checkpointKey(record.parent) !== key) throw new Damage('record.json belongs to another revision');
    await compareTree(directory, textMap(body['tree']));
    const { manifest, size } = await compareContent(directory, record);
    return { record, manifest, bytes: size + bytes.length };
  } catch (error) {
    return unusable(record ?? unreadableRecord(key, revision), `revision ${revision} of ${key}`, error);
  }
}

/** What is left of a checkpoint that is damaged or could not be read. */
export function unusable(record: RevisionRecord, what: string, error: unknown): StoredRevision {
  const unread = unreadCode(error);
  return { record, manifest: '', bytes: 0, problem: `${what}: ${messageOf(error)}`, ...(unread === undefined ? {} : { unread }) };
}

async function checkDirectory(directory: string): Promise<void> {
  const found = await lstat(directory);
  if (!found.isDirectory()) throw new Damage('it is not a directory');
  if ((found.mode & 0o7777) !== DIRECTORY_MODE) throw new Damage('its directory has another mode');
}

/** Every name that is there is expected as it is, and every expected one is there. */
async function compareTree(directory: string, expected: Readonly<Record<string, string>>): Promise<void> {
  const left = new Map(Object.entries(expected));
  const pending = [''];
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    for (const name of await readdir(join(directory, at))) {
      const path = at === '' ? name : `${at}/${name}`;
      if (path === RECORD_FILE) continue;
      const word = await wordFor(directory, path);
      if (left.get(path) !== word) throw new Damage(left.has(path) ? `${path} is not as it was written` : `${path} does not belong here`);
      left.delete(path);
      if (word.startsWith('directory ')) pending.push(path);
    }
  }
  for (const path of left.keys()) throw new Damage(`${path} is missing`);
}

async function wordFor(directory: string, path: string): Promise<string> {
  const found = await lstat(join(directory, path));
  const mode = found.mode & 0o7777;
  if (found.isDirectory()) return directoryWord(mode);
  if (found.isFile()) return fileWord(mode, found.size, path === POD_FILE ? undefined : found);
  return found.isSymbolicLink() ? linkWord(await readlink(join(directory, path))) : 'neither file, directory nor link';
}

async function compareContent(directory: string, record: RevisionRecord): Promise<{ manifest: string; size: number }> {
  let manifest: string | undefined;
  let size = 0;
  for (const [path, digest] of Object.entries(record.files)) {
    const content = await readExact(join(directory, path), Number.MAX_SAFE_INTEGER);
    if (sha256(content) !== digest) throw new Damage(`${path} has other content than was written`);
    size += content.length;
    if (path === POD_FILE) manifest = content.toString('utf8');
  }
  if (manifest === undefined || manifest.length >= MAX_MANIFEST_BYTES) throw new Damage('pod.json is missing or too large');
  return { manifest, size };
}

/** The bytes of a regular file; anything else is damage. */
async function readExact(path: string, maxBytes: number, mode?: number): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const found = await file.stat();
    if (!found.isFile()) throw new Damage(`${path} is not a regular file`);
    if (found.size > maxBytes) throw new Damage(`${path} is too large`);
    if (mode !== undefined && (found.mode & 0o7777) !== mode) throw new Damage(`${path} has another mode`);
    return await file.readFile();
  } finally {
    await file.close();
  }
}
