/**
 * Looks at the state directory before anything is written: it must be a directory of ours on a disk that survives a
 * reboot. Creates it where only the last element is missing. Never touches what is in it. Looking and changing are two
 * functions, because between them stands everything else that may keep an agent from starting.
 */
import { lstat, readdir } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { codeOf } from '../../core/model/errors.ts';
import { PortError } from '../../ports.ts';
import { makeDirectory } from './atomic-write.ts';
import { wrapError } from './errors.ts';
import { CHECKPOINTS, FORMAT_FILE, isTempName, LEDGER_FILE, LOCK_FILE, TMP } from './layout.ts';
import type { Primitives } from './primitives.ts';
import { settleDirectory } from './sync.ts';
import { type FileSystemAnswers, volatileAt } from './volatile.ts';

const STATE_DIR_MODE = 0o700;

export interface StateDirOptions extends FileSystemAnswers {
  readonly dir: string;
  readonly primitives: Primitives;
  /** Who we are; a directory of anybody else is refused. */
  readonly uid: number;
  /** For a demo or a test only: such a directory is empty after a reboot. */
  readonly allowTmpfs?: boolean;
}

/**
 * Changes nothing. `absent`: it can be created; `open`: its mode is another than ours. Throws PortError `invalid`
 * (path, kind, file system, what others have in it), `denied` (not ours) or `failed`; each says what to do.
 */
export async function inspectStateDir(options: Omit<StateDirOptions, 'primitives'>): Promise<'absent' | 'open' | 'ready'> {
  const { dir } = options;
  if (!isAbsolute(dir))
    throw new PortError('invalid', `the state directory must be an absolute path, not "${dir}": name one that begins with /`);
  const found = await lstat(dir).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined;
    if (codeOf(error) === 'ENOTDIR')
      throw new PortError('invalid', `the state directory ${dir} lies below something that is no directory: name another one`);
    throw wrapError(`looking at the state directory ${dir}: run as root, or name another one`, error);
  });
  if (found === undefined) {
    await checkFileSystem(options, await parentOf(dir));
    return 'absent';
  }
  if (!found.isDirectory()) throw new PortError('invalid', `the state directory ${dir} is not a directory; name one, not a link to one`);
  await checkFileSystem(options, dir);
  if (found.uid !== options.uid) {
    throw new PortError(
      'denied',
      `the state directory ${dir} belongs to user ${found.uid}, not to ours (${options.uid}): change its owner, or name another one`,
    );
  }
  await checkOurs(dir);
  return (found.mode & 0o7777) === STATE_DIR_MODE ? 'ready' : 'open';
}

/** Inspects it, and makes it or closes it to others where needed. Throws PortError as {@link inspectStateDir}. */
export async function prepareStateDir(options: StateDirOptions): Promise<void> {
  const { dir, primitives } = options;
  const found = await inspectStateDir(options);
  if (found === 'absent') {
    await makeDirectory(primitives, dir, STATE_DIR_MODE).catch((error: unknown) => {
      throw wrapError(
        `the state directory ${dir} cannot be created: mount ${dirname(dir)} read-write and run as root, or name another one`,
        error,
      );
    });
  }
  if (found !== 'open') return;
  try {
    await settleDirectory(primitives, dir, STATE_DIR_MODE);
  } catch (error) {
    throw wrapError(`the state directory ${dir} cannot be closed to others: mount it read-write, or name another one`, error);
  }
}

async function parentOf(dir: string): Promise<string> {
  const parent = dirname(dir);
  const found = await lstat(parent).catch(() => undefined);
  if (found === undefined)
    throw new PortError(
      'invalid',
      `the state directory ${dir} cannot be created: ${parent} does not exist: create that, or name another directory`,
    );
  return parent;
}

async function checkFileSystem(options: Omit<StateDirOptions, 'primitives'>, path: string): Promise<void> {
  if (options.allowTmpfs === true) return;
  const name = await volatileAt(path, options).catch((error: unknown) => {
    throw wrapError(`asking for the file system of ${path}`, error);
  });
  if (name !== undefined) {
    throw new PortError('invalid', `the state directory ${options.dir} is on ${name}, which a reboot empties: name a directory on a disk`);
  }
}

/** More names than these help nobody. */
const NAMED = 3;

/**
 * A directory of others, such as /opt: closing it to everybody would be the least of what we do to it. Where there are
 * checkpoints or a ledger of ours and only the format is missing, `checkFormat` says what to do.
 */
async function checkOurs(dir: string): Promise<void> {
  const foreign = await foreignNames(dir);
  if (foreign.length === 0) return;
  const names = `${foreign.slice(0, NAMED).join(', ')}${foreign.length > NAMED ? ', …' : ''}`;
  throw new PortError(
    'invalid',
    `the state directory ${dir} holds what is not ours (${names}) and no file "${FORMAT_FILE}" of ours: nothing was changed; name an empty directory, or one that does not exist yet`,
  );
}

/** Names of others in a directory that has never been ours; empty where it has been, is empty, or is not there. */
export async function foreignNames(dir: string): Promise<readonly string[]> {
  const names = await namesIn(dir);
  if ([FORMAT_FILE, LEDGER_FILE].some((name) => names.includes(name))) return [];
  if (names.includes(CHECKPOINTS) && (await namesIn(join(dir, CHECKPOINTS))).length > 0) return [];
  const temporary = names.includes(TMP) && (await namesIn(join(dir, TMP))).every(isTempName) ? [TMP] : [];
  // what a first start that was cut short leaves, and what a new file system has
  const own = [LOCK_FILE, CHECKPOINTS, 'lost+found', ...temporary];
  return names.filter((name) => !own.includes(name)).sort();
}

async function namesIn(dir: string): Promise<readonly string[]> {
  return readdir(dir).catch((error: unknown) => {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '')) return [];
    throw wrapError(`looking into ${dir}: run as root, or name another directory`, error);
  });
}
