/** Why `--out` cannot be written, in words that say what to do; never with the path of a temporary. */
import { dirname } from 'node:path';
import { NotDurableError } from '../../adapters/disk/errors.ts';
import { codeOf } from '../../core/model/errors.ts';

export interface WriteProblem {
  readonly sentence: string;
  /** It can never work there, whatever becomes of the machine. */
  readonly usage: boolean;
}

/** Undefined where no system call failed: the error then says by itself what is wrong. */
export function writeProblem(error: unknown, dir: string): WriteProblem | undefined {
  const failure = systemError(error);
  if (failure === undefined) return undefined;
  const code = codeOf(failure) ?? '';
  const sentence = sentenceOf(code, dir, failure, error instanceof NotDurableError);
  return { sentence: `--out ${dir}: ${sentence}`, usage: code === 'EBUSY' };
}

function sentenceOf(code: string, dir: string, failure: Error, written: boolean): string {
  const parent = dirname(dir);
  if (written)
    return `it was written, but the disk did not confirm that (${code}), so a power cut may undo it; check the disk of ${parent}`;
  switch (code) {
    case 'EBUSY':
      // to write into it piece by piece would leave half of it after a power cut
      return `it is a mount point, which cannot be put in place as a whole; name a new directory below it, such as ${dir}/pod`;
    case 'EROFS':
      return `${parent} cannot be written to, because its file system is read-only; name a directory in one that can be`;
    case 'EACCES':
    case 'EPERM':
      return concerns(failure, dir)
        ? 'what is there may not be read by this user; name a new directory, or run this as somebody who may read it'
        : `this user may not write into ${parent}, where it is made; name a directory in one where that is allowed, or run this as somebody who may`;
    case 'ENOENT':
      return `${parent} does not exist, so nothing can be written into it; make it first`;
    case 'ENOTDIR':
      return `something above it is no directory, so nothing can be written into ${parent}; name another directory`;
    case 'ELOOP':
      return 'its path goes round in a circle of symbolic links; correct it';
    case 'ENAMETOOLONG':
      return 'its path is longer than the system takes; name one with a shorter path';
    case 'ENOTEMPTY':
    case 'EEXIST':
      return 'somebody else has put something there meanwhile; name a new directory';
    case 'ENOSPC':
    case 'EDQUOT':
      return `there is no room for it in ${parent}; make room, or name a directory on another disk`;
    default:
      return `it cannot be written in ${parent} (${code}); name a directory on another disk`;
  }
}

/** The failing system call, below what was said about it. */
function systemError(error: unknown): Error | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (codeOf(at) !== undefined && 'syscall' in at) return at;
  }
  return undefined;
}

/** Was it about the directory itself, and not about the place where it is made? */
function concerns(failure: Error, dir: string): boolean {
  const { path, dest } = failure as { path?: unknown; dest?: unknown };
  return dest === undefined && typeof path === 'string' && (path === dir || path.startsWith(`${dir}/`));
}
