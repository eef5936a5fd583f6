/**
 * Scratch directories for the tests of the disk, and a tree as comparable text.
 */
import { existsSync } from 'node:fs';
import { lstat, mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';

/** In memory where the system has such a place: the tests are about order and content, not about a disk's speed. */
const ROOT = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** A function that makes directories which are removed after each test of the file. */
export function scratch(): () => Promise<string> {
  const made: string[] = [];
  afterEach(async () => {
    for (const dir of made.splice(0)) await rm(dir, { recursive: true, force: true });
  });
  return async () => {
    const dir = await mkdtemp(join(ROOT, 'podckpt-test-'));
    made.push(dir);
    return dir;
  };
}

/** Every entry below a directory: kind, mode, owner, mtime, inode, content or target. */
export async function snapshot(dir: string): Promise<Readonly<Record<string, string>>> {
  const found: Record<string, string> = {};
  async function visit(path: string): Promise<void> {
    for (const name of (await readdir(join(dir, path))).sort()) {
      const at = path === '' ? name : `${path}/${name}`;
      const stats = await lstat(join(dir, at), { bigint: true });
      const facts = `${stats.mode.toString(8)} ${stats.uid}:${stats.gid} ${stats.mtimeNs} ${stats.ino}`;
      if (stats.isFile()) found[at] = `${facts} ${(await readFile(join(dir, at))).toString('base64')}`;
      else if (stats.isSymbolicLink()) found[at] = `${facts} -> ${await readlink(join(dir, at))}`;
      else found[at] = stats.isDirectory() ? `${stats.mode.toString(8)} ${stats.ino} directory` : `${facts} special`;
      if (stats.isDirectory()) await visit(at);
    }
  }
  await visit('');
  return found;
}
