/**
 * Opens the state directory for the store: the on-disk format, the fixed directories, and the sweep of what a crash
 * left behind. A newer format is refused before anything is changed; an older one does not exist yet.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '../../core/model/errors.ts';
import { PortError } from '../../ports.ts';
import { makeDirectory, publishFile } from './atomic-write.ts';
import { wrapError } from './errors.ts';
import { CHECKPOINTS, FORMAT, FORMAT_FILE, isTempName, LEDGER_FILE, TMP } from './layout.ts';
import type { Primitives } from './primitives.ts';
import { deleteTree } from './removal.ts';
import { PRIVATE_FILE_MODE } from './revision.ts';

/**
 * Throws PortError: `unsupported` (written by a newer version), or `failed` (cannot be read, is damaged, or is missing
 * beside our data). The configuration could mend neither.
 */
export async function checkFormat(dir: string): Promise<'present' | 'absent'> {
  const path = join(dir, FORMAT_FILE);
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined;
    // a directory of that name is damage as well: there is no number in it
    if (codeOf(error) === 'EISDIR') return '';
    throw new PortError('failed', `${path} cannot be read (${codeOf(error) ?? 'unknown cause'}): check the disk, and run as root`, {
      cause: error,
    });
  });
  if (text === undefined) {
    if (await holdsOurData(dir)) {
      throw new PortError(
        'failed',
        `${dir} holds checkpoints but no file "${FORMAT_FILE}": restore that file with the content ${FORMAT}, or empty the directory`,
      );
    }
    return 'absent';
  }
  const version = text.trim();
  if (version === FORMAT) return 'present';
  if (/^[1-9]\d{0,8}$/.test(version)) {
    throw new PortError(
      'unsupported',
      `${path} says format ${version}: a newer version wrote it, this one knows format ${FORMAT}: install that version again; nothing was changed`,
    );
  }
  throw new PortError(
    'failed',
    `${path} is damaged: write ${FORMAT} into it if no newer version has run here, else install that version again; nothing was changed`,
  );
}

/** Makes what is missing and sweeps `tmp/`. Only for the holder of the host lock. Throws PortError. */
export async function prepareLayout(primitives: Primitives, dir: string, found: 'present' | 'absent', temp: () => string): Promise<void> {
  const names = new Set(await readdir(dir));
  if (!names.has(TMP)) await makeDirectory(primitives, join(dir, TMP), 0o700);
  if (found === 'absent') {
    await publishFile(
      primitives,
      { temp, target: join(dir, FORMAT_FILE) },
      { content: Buffer.from(`${FORMAT}\n`), mode: PRIVATE_FILE_MODE },
    );
  }
  if (!names.has(CHECKPOINTS)) await makeDirectory(primitives, join(dir, CHECKPOINTS), 0o700);
  await sweep(primitives, dir);
}

/** Deletes every leftover of ours in `tmp/`, and nothing else. Nothing there needs to survive. Throws PortError. */
export async function sweep(primitives: Primitives, dir: string): Promise<void> {
  try {
    for (const name of await readdir(join(dir, TMP))) {
      if (isTempName(name)) await deleteTree(primitives, join(dir, TMP, name));
    }
  } catch (error) {
    throw wrapError(`sweeping ${join(dir, TMP)}`, error);
  }
}

/** An empty `checkpoints` is what a first start that was cut short leaves. */
async function holdsOurData(dir: string): Promise<boolean> {
  try {
    const names = new Set(await readdir(dir));
    return names.has(LEDGER_FILE) || (names.has(CHECKPOINTS) && (await readdir(join(dir, CHECKPOINTS))).length > 0);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') {
      throw new PortError('failed', `the state directory ${dir} does not exist: name the one that the agent of this node has`, {
        cause: error,
      });
    }
    throw new PortError(
      'failed',
      `the state directory ${dir} cannot be read (${codeOf(error) ?? 'unknown cause'}): run as root, or name another`,
      {
        cause: error,
      },
    );
  }
}
