/** The file of `demo --timeline`: refused before the story begins where it could not be written after it. */
import { access, constants, stat, unlink, writeFile } from 'node:fs/promises';
import { dirname, extname } from 'node:path';
import { codeOf } from '../core/model/errors.ts';
import { PortError } from '../ports.ts';
import { UsageError } from './command.ts';

/** Throws a UsageError with one sentence: what, where, what to do. */
export async function requireTimelineFile(file: string): Promise<void> {
  const problem = await problemOf(file);
  if (problem !== undefined) throw new UsageError([`--timeline ${problem}`]);
}

async function problemOf(file: string): Promise<string | undefined> {
  if (file === '') return 'is empty; name a file such as outage.svg';
  const existing = await lookAt(file);
  if (existing.kind === 'directory') return `${file}: it is a directory; name a file in it, such as ${file.replace(/\/+$/, '')}/outage.svg`;
  if (extname(file).toLowerCase() !== '.svg') return `${file}: the picture is an SVG; name a file that ends in .svg`;
  if (existing.kind === 'other') return `${file}: it is no regular file; name another one`;
  const parent = dirname(file);
  const above = await lookAt(parent);
  if (above.kind === 'missing') return `${file}: the directory ${parent} does not exist; make it first, or name a file elsewhere`;
  if (above.kind === 'unknown') return `${file}: ${parent} cannot be looked at (${above.code}); name a file elsewhere`;
  if (above.kind !== 'directory') return `${file}: ${parent} is no directory; name a file in one`;
  if (existing.kind === 'unknown') return `${file}: it cannot be looked at (${existing.code}); name a file elsewhere`;
  const code = await codeFrom(existing.kind === 'file' ? access(file, constants.W_OK) : tryToMake(file));
  return code === undefined ? undefined : `${file}: it cannot be written (${code}); name a file elsewhere`;
}

type Seen = { readonly kind: 'file' | 'directory' | 'other' | 'missing' } | { readonly kind: 'unknown'; readonly code: string };

async function lookAt(path: string): Promise<Seen> {
  try {
    const found = await stat(path);
    return { kind: found.isDirectory() ? 'directory' : found.isFile() ? 'file' : 'other' };
  } catch (error) {
    const code = codeOf(error) ?? 'unknown cause';
    // what lies below a file is missing, too: the words are then about that file
    return code === 'ENOENT' || code === 'ENOTDIR' ? { kind: 'missing' } : { kind: 'unknown', code };
  }
}

/** The system may refuse more than its rights tell: a read-only disk, a place such as /proc. */
async function tryToMake(file: string): Promise<void> {
  await writeFile(file, '', { flag: 'wx' });
  await unlink(file);
}

/** Overwrites what was there. Throws a PortError with a sentence. */
export async function writeTimeline(file: string, svg: string): Promise<void> {
  const code = await codeFrom(writeFile(file, svg));
  if (code !== undefined)
    throw new PortError('failed', `--timeline ${file}: it cannot be written any more (${code}); name a file elsewhere`);
}

async function codeFrom(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    return codeOf(error) ?? 'unknown cause';
  }
}
