/**
 * What the store reads: checkpoints, each checked byte by byte, and the ledger. It never writes. Damage is a `problem`,
 * and so is a read that failed, which says so (`unread`).
 */
import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '../../core/model/errors.ts';
import type { Checkpoint, CheckpointKey, Json, Ledger } from '../../core/model/model.ts';
import type { CheckpointNotes } from '../../core/model/notes.ts';
import { PortError } from '../../ports.ts';
import { unreadCode, wrapError } from './errors.ts';
import {
  CHECKPOINTS,
  CONFIRMED,
  CURRENT,
  checkpointDir,
  isCheckpointKey,
  LEDGER_FILE,
  REVISIONS,
  revisionDir,
  revisionOfTarget,
} from './layout.ts';
import { decodeDismissal, decodeLedger, emptyLedger, unreadableRecord } from './record.ts';
import type { SealedFiles } from './sealed-file.ts';
import { readRevision, type StoredRevision, unusable } from './stored-revision.ts';

/** Where reads go. */
export interface Source {
  /** Absolute path of the state directory. */
  readonly dir: string;
  readonly sealed: SealedFiles;
}

/** Throws PortError `failed` where the directory of all checkpoints cannot be read. */
export async function keysIn(source: Source): Promise<readonly CheckpointKey[]> {
  const names = await readdir(join(source.dir, CHECKPOINTS)).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return [];
    throw wrapError('reading the checkpoints', error);
  });
  return names.filter(isCheckpointKey).sort();
}

/** Throws as `keysIn` does. */
export async function load(source: Source, read: (key: CheckpointKey) => Promise<Checkpoint | undefined>): Promise<readonly Checkpoint[]> {
  const loaded: Checkpoint[] = [];
  for (const key of await keysIn(source)) {
    const checkpoint = await read(key);
    if (checkpoint !== undefined) loaded.push(checkpoint);
  }
  return loaded;
}

/** undefined: nothing, or a foreign thing that only has such a name. */
export async function loadOne(source: Source, key: CheckpointKey): Promise<Checkpoint | undefined> {
  const home = checkpointDir(source.dir, key);
  let revision: string | undefined;
  try {
    const names = await readdir(home);
    if (!names.includes(CURRENT) && !names.includes(REVISIONS)) return undefined;
    if ((await kindOf(home)) !== 'directory') return undefined;
    revision = revisionOfTarget(await readlink(join(home, CURRENT)).catch(ifUnread));
  } catch (error) {
    // that we could not look is no sign that nothing is there
    if (unreadCode(error) === undefined) return undefined;
    return toCheckpoint(source, key, unusable(unreadableRecord(key, ''), `checkpoint ${key}`, error));
  }
  if (revision === undefined) {
    const lost = new Error(`"${CURRENT}" is missing or is no link to a revision`);
    return toCheckpoint(source, key, unusable(unreadableRecord(key, ''), `checkpoint ${key}`, lost));
  }
  return toCheckpoint(source, key, await readRevision(revisionDir(source.dir, key, revision), key, revision));
}

/** What is damaged or missing reads as nothing; what could not be read is thrown on. */
function ifUnread(error: unknown): '' {
  if (unreadCode(error) !== undefined) throw error;
  return '';
}

export async function toCheckpoint(source: Source, key: CheckpointKey, stored: StoredRevision): Promise<Checkpoint> {
  const { capturedAt } = stored.record;
  try {
    const word = await lastWord(source, key);
    const confirmed = confirmedAt(word);
    const later = confirmed !== undefined && (word['capturedAt'] === capturedAt || !(Date.parse(confirmed) <= Date.parse(capturedAt)));
    return { key, ...stored, ...notesIn(word), confirmedAt: later ? confirmed : capturedAt };
  } catch (error) {
    const doubt = stored.problem === undefined ? unusable(stored.record, `checkpoint ${key}`, error) : stored;
    return { key, ...doubt, confirmedAt: capturedAt };
  }
}

/**
 * Damage counts as never confirmed: the capture itself is then the last confirmation, and the checkpoint expires
 * sooner. Throws where it could not be read.
 */
async function lastWord(source: Source, key: CheckpointKey): Promise<Json> {
  const body = await source.sealed.read(join(checkpointDir(source.dir, key), CONFIRMED)).catch(ifUnread);
  return body === undefined || body === '' || body === 'damaged' ? {} : body;
}

function notesIn(word: Json): CheckpointNotes {
  const dismissed = decodeDismissal(word['dismissed']);
  const { cas } = word;
  return {
    ...(dismissed === undefined ? {} : { dismissed }),
    ...(Array.isArray(cas) && cas.every((ca) => typeof ca === 'string') ? { cas } : {}),
  };
}

function confirmedAt(word: Json): string | undefined {
  const at = word['confirmedAt'];
  return typeof at === 'string' && !Number.isNaN(Date.parse(at)) ? at : undefined;
}

/** undefined: `current` is missing, unreadable, or no link that we have made. */
export async function currentRevision(source: Source, key: CheckpointKey): Promise<string | undefined> {
  const target = await readlink(join(checkpointDir(source.dir, key), CURRENT)).catch(() => undefined);
  return target === undefined ? undefined : revisionOfTarget(target);
}

export async function isGood(source: Source, key: CheckpointKey, revision: string): Promise<boolean> {
  return (await readRevision(revisionDir(source.dir, key, revision), key, revision)).problem === undefined;
}

export async function kindOf(path: string): Promise<'directory' | 'link' | 'other' | 'absent'> {
  try {
    const found = await lstat(path);
    return found.isDirectory() ? 'directory' : found.isSymbolicLink() ? 'link' : 'other';
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return 'absent';
    throw wrapError(`looking at ${path}`, error);
  }
}

/** Throws `invalid` where the ledger is damaged: what we have placed is then unknown, not nothing. */
export async function readLedger(source: Source): Promise<Ledger> {
  const path = join(source.dir, LEDGER_FILE);
  const body = await source.sealed.read(path);
  if (body === undefined) return emptyLedger();
  if (body !== 'damaged' && typeof body['formatVersion'] === 'number' && body['formatVersion'] > 1) {
    throw new PortError('unsupported', `${path} has format ${body['formatVersion']}: a newer version of this program wrote it`);
  }
  const ledger = body === 'damaged' ? undefined : decodeLedger(body);
  if (ledger === undefined) throw new PortError('invalid', `${path} is damaged: what was placed in staticPodPath is unknown`);
  return ledger;
}
