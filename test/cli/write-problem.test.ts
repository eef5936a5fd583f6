/** Why `render --out` could not write: one sentence with a remedy, whatever the system says. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { nodePrimitives, type Primitives } from '../../src/adapters/disk/primitives.ts';
import { writeRendered } from '../../src/adapters/disk/rendered.ts';
import { writeProblem } from '../../src/cli/render/write-problem.ts';
import { scratch } from '../adapters/disk/scratch.ts';
import { SMALL_DRAFT } from '../fakes/render-draft.ts';

const directory = scratch();

/** As Node.js makes them. */
function systemError(code: string, syscall: string, path: string, dest?: string): Error {
  const words = `${code}: some words of the system, ${syscall} '${path}'`;
  return Object.assign(new Error(words), { code, syscall, path, ...(dest === undefined ? {} : { dest }) });
}

async function problemOf(dir: string, faults: Partial<Primitives>) {
  try {
    await writeRendered({ dir, draft: SMALL_DRAFT, primitives: { ...nodePrimitives(), ...faults } });
  } catch (error) {
    return writeProblem(error, dir);
  }
  throw new Error('it was written');
}

describe('a directory that cannot be put in place', () => {
  test.each<[string, string, boolean]>([
    ['EBUSY', 'it is a mount point, which cannot be put in place as a whole; name a new directory below it, such as DIR/out/pod', true],
    ['EACCES', 'this user may not write into DIR, where it is made; name a directory in one where that is allowed', false],
    ['ENOTEMPTY', 'somebody else has put something there meanwhile; name a new directory', false],
    ['EXDEV', 'it cannot be written in DIR (EXDEV); name a directory on another disk', false],
  ])('because of %s', async (code, words, usage) => {
    const parent = await directory();
    const dir = join(parent, 'out');
    const rename = (from: string, to: string) => Promise.reject(systemError(code, 'rename', from, to));
    const problem = await problemOf(dir, { rename });
    expect(problem?.sentence).toContain(`--out ${dir}: ${words.replaceAll('DIR', parent)}`);
    expect(problem?.sentence).not.toMatch(/tmp'|some words|\.out\./);
    expect(problem?.usage).toBe(usage);
  });
});

test.each<[string, string]>([
  ['EROFS', 'DIR cannot be written to, because its file system is read-only; name a directory in one that can be'],
  ['EACCES', 'this user may not write into DIR, where it is made; name'],
  ['EPERM', 'this user may not write into DIR, where it is made; name'],
  ['ENOENT', 'DIR does not exist, so nothing can be written into it; make it first'],
  ['ENOSPC', 'there is no room for it in DIR; make room, or name a directory on another disk'],
  ['EDQUOT', 'there is no room for it in DIR; make room'],
])('a place where nothing can be made: %s', async (code, words) => {
  const parent = await directory();
  const dir = join(parent, 'out');
  const problem = await problemOf(dir, { mkdir: (path) => Promise.reject(systemError(code, 'mkdir', path)) });
  expect(problem).toEqual({ sentence: expect.stringContaining(`--out ${dir}: ${words.replaceAll('DIR', parent)}`), usage: false });
});

test('a disk that does not confirm what is there', async () => {
  const parent = await directory();
  const dir = join(parent, 'out');
  let renamed = false;
  const problem = await problemOf(dir, {
    rename: async (from, to) => {
      await nodePrimitives().rename(from, to);
      renamed = true;
    },
    fsync: (fd) => (renamed ? Promise.reject(systemError('EIO', 'fsync', '')) : nodePrimitives().fsync(fd)),
  });
  expect(problem?.sentence).toBe(
    `--out ${dir}: it was written, but the disk did not confirm that (EIO), so a power cut may undo it; check the disk of ${parent}`,
  );
});

test('what is there and may not be read', () => {
  expect(writeProblem(systemError('EACCES', 'scandir', '/a/out'), '/a/out')?.sentence).toContain(
    'what is there may not be read by this user',
  );
});

test('is left alone where no system call failed', () => {
  expect(writeProblem(new Error('a draft that makes no sense'), '/a')).toBeUndefined();
});
