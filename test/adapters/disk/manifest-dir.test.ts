/**
 * staticPodPath on a real directory: crashes, errors, foreign content. The common behaviour is in the contract.
 */
import { execFileSync } from 'node:child_process';
import { chmod, lstat, mkdir, readdir, readFile, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openManifestDir } from '../../../src/adapters/disk/manifest-dir.ts';
import { nodePrimitives, type Primitives } from '../../../src/adapters/disk/primitives.ts';
import { sha256 } from '../../../src/core/model/manifest.ts';
import type { ManifestDir } from '../../../src/ports.ts';
import { UID } from '../../fakes/disk-draft.ts';
import { faultyPrimitives } from '../../fakes/disk-faults.ts';
import { scratch, snapshot } from './scratch.ts';

const newDirectory = scratch();
const OURS = 'podckpt-default-web-0123abcd.json';

async function open(dir: string, primitives: Primitives = nodePrimitives(), mayWrite = () => true): Promise<ManifestDir> {
  return openManifestDir({ dir, mayWrite, uid: UID, primitives });
}

interface Operation {
  readonly name: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
  readonly run: (manifests: ManifestDir) => Promise<void>;
}

const operations: readonly Operation[] = [
  { name: 'placing', before: undefined, after: 'two', run: (manifests) => manifests.place(OURS, 'two', undefined) },
  { name: 'replacing', before: 'one', after: 'two', run: (manifests) => manifests.place(OURS, 'two', sha256('one')) },
  { name: 'removing', before: 'one', after: undefined, run: (manifests) => manifests.remove(OURS, sha256('one')) },
];

describe.each(operations)('$name', ({ before, after, run }) => {
  async function arrange(): Promise<{ dir: string } & ReturnType<typeof faultyPrimitives> & { manifests: ManifestDir }> {
    const dir = await newDirectory();
    if (before !== undefined) await writeFile(join(dir, OURS), before);
    const faulty = faultyPrimitives(nodePrimitives());
    return { dir, ...faulty, manifests: await open(dir, faulty.primitives) };
  }
  const content = async (dir: string): Promise<string | undefined> => readFile(join(dir, OURS), 'utf8').catch(() => undefined);

  test('cut short at any call: the kubelet sees the old file or the new one, and the next start leaves nothing of ours', async () => {
    const whole = await arrange();
    await run(whole.manifests);
    expect(await content(whole.dir)).toBe(after);
    for (let at = 0; at < whole.faults.calls.length; at++) {
      const { dir, faults, manifests } = await arrange();
      Object.assign(faults, { healthyFor: at, mode: 'crash' });
      await expect(run(manifests)).rejects.toMatchObject({ kind: 'failed' });
      expect([before, after], `call ${at}`).toContain(await content(dir));
      expect((await readdir(dir)).filter((name) => !name.startsWith('.') && name !== OURS)).toEqual([]);
      await open(dir);
      expect((await readdir(dir)).filter((name) => name !== OURS)).toEqual([]);
    }
  });

  test('an error at any call is reported, leaves no temporary, and the next try succeeds', async () => {
    const whole = await arrange();
    await run(whole.manifests);
    for (let at = 0; at < whole.faults.calls.length; at++) {
      const { dir, faults, manifests } = await arrange();
      Object.assign(faults, { healthyFor: at, mode: 'once', code: 'ENOSPC' });
      await expect(run(manifests)).rejects.toMatchObject({ kind: 'failed', message: expect.stringContaining('ENOSPC') });
      expect((await readdir(dir)).filter((name) => name !== OURS)).toEqual([]);
      await run(manifests);
      expect(await content(dir)).toBe(after);
    }
  });

  test('a failed fsync is never believed', async () => {
    const whole = await arrange();
    await run(whole.manifests);
    const syncs = whole.faults.calls.filter((call) => call.name === 'fsync').length;
    for (let at = 0; at < syncs; at++) {
      const { faults, manifests } = await arrange();
      Object.assign(faults, { healthyFor: at, mode: 'once', only: 'fsync' });
      await expect(run(manifests)).rejects.toMatchObject({ kind: 'failed' });
      faults.calls.length = 0;
      await run(manifests);
      expect(faults.calls.filter((call) => call.name === 'fsync')).not.toEqual([]);
      if (after !== undefined) expect(faults.calls.map((call) => call.name)).toContain('rename');
    }
  });

  test('without the host lock nothing changes', async () => {
    const { dir } = await arrange();
    await writeFile(join(dir, '.podckpt-9.tmp'), '', { mode: 0o600 });
    const now = await snapshot(dir);
    await expect(run(await open(dir, nodePrimitives(), () => false))).rejects.toMatchObject({ kind: 'denied' });
    expect(await snapshot(dir)).toEqual(now);
  });
});

describe('what the kubelet sees', () => {
  test('a manifest appears by one rename, from a name that the kubelet ignores, with mode 0600', async () => {
    const dir = await newDirectory();
    const { primitives, faults } = faultyPrimitives(nodePrimitives());
    await (await open(dir, primitives)).place(OURS, 'one', undefined);
    const creations = faults.calls.filter((call) => call.name === 'createFile').map((call) => String(call.args[0]));
    expect(creations).toEqual([join(dir, '.podckpt-1.tmp')]);
    expect(faults.calls.map((call) => call.name)).toEqual([
      'createFile',
      'write',
      'chmod',
      'fsync',
      'close',
      'rename',
      'openDirectory',
      'fsync',
      'close',
    ]);
    expect((await lstat(join(dir, OURS))).mode & 0o7777).toBe(0o600);
  });

  test('placing equal bytes again makes no call', async () => {
    const dir = await newDirectory();
    const { primitives, faults } = faultyPrimitives(nodePrimitives());
    const manifests = await open(dir, primitives);
    await manifests.place(OURS, 'one', undefined);
    faults.calls.length = 0;
    await manifests.place(OURS, 'one', sha256('one'));
    await manifests.list();
    expect(faults.calls).toEqual([]);
  });

  test('a foreign file that takes the name while ours is being written wins', async () => {
    const dir = await newDirectory();
    const real = nodePrimitives();
    const manifests = await open(dir, {
      ...real,
      fsync: async (fd) => {
        await writeFile(join(dir, OURS), 'foreign');
        return real.fsync(fd);
      },
    });
    await expect(manifests.place(OURS, 'ours', undefined)).rejects.toMatchObject({ kind: 'failed' });
    expect(await readFile(join(dir, OURS), 'utf8')).toBe('foreign');
    expect(await readdir(dir)).toEqual([OURS]);
  });

  test('a temporary name that somebody else has taken is left alone, and the next one is used', async () => {
    const dir = await newDirectory();
    await symlink('/nowhere', join(dir, '.podckpt-1.tmp'));
    await mkdir(join(dir, '.podckpt-2.tmp'));
    await (await open(dir)).place(OURS, 'one', undefined);
    expect((await readdir(dir)).sort()).toEqual(['.podckpt-1.tmp', '.podckpt-2.tmp', OURS]);
  });

  test('a file as large as the kubelet no longer reads has no digest', async () => {
    const dir = await newDirectory();
    await writeFile(join(dir, 'large'), '');
    await truncate(join(dir, 'large'), 10 * 1024 * 1024);
    expect(await (await open(dir)).list()).toEqual([{ file: 'large' }]);
  });

  test('a directory that is a file is unavailable, and opening it is no error', async () => {
    const file = join(await newDirectory(), 'file');
    await writeFile(file, '');
    const manifests = await open(file);
    await expect(manifests.list()).rejects.toMatchObject({ kind: 'unavailable', message: expect.stringContaining('staticPodPath') });
  });

  test('a sweep that the disk refuses is an error of the start', async () => {
    const dir = await newDirectory();
    await writeFile(join(dir, '.podckpt-3.tmp'), '', { mode: 0o600 });
    const { primitives, faults } = faultyPrimitives(nodePrimitives());
    Object.assign(faults, { healthyFor: 0, code: 'EROFS' });
    await expect(open(dir, primitives)).rejects.toMatchObject({ kind: 'failed' });
  });
});

/** Names that provoke mistakes: others' manifests, our prefix, our temporaries, hidden ones. */
const NAMES = [
  OURS,
  'podckpt-default-web-ffffffff.json',
  'podckpt-kube-system-x-0123abcd.json',
  'etcd.yaml',
  '.podckpt-1.tmp',
  '.podckpt-x.tmp',
  '.hidden',
  'a b',
  'backup~',
];
const KINDS = ['file', 'empty', 'directory', 'link', 'dangling', 'fifo', 'socket', 'forged'] as const;

async function plant(dir: string, name: string, kind: (typeof KINDS)[number]): Promise<void> {
  const path = join(dir, name);
  if (kind === 'file') await writeFile(path, `foreign ${name}`, { mode: 0o644 });
  if (kind === 'empty') await writeFile(path, '', { mode: 0o640 });
  if (kind === 'forged') await writeFile(path, '{"metadata":{"annotations":{"checkpointer/copy-of":"default/web"}}}', { mode: 0o644 });
  if (kind === 'directory') {
    await mkdir(path);
    await writeFile(join(path, 'inside'), 'x');
  }
  if (kind === 'link') await symlink('/etc/hostname', path);
  if (kind === 'dangling') await symlink('/nowhere', path);
  if (kind === 'fifo') execFileSync('mkfifo', [path]);
  if (kind === 'socket') await plantSocket(path);
  if (kind !== 'link' && kind !== 'dangling') await utimes(path, 1_000_000, 1_000_000);
}

/** The name of a socket stays when the process that bound it was killed; here: when the server could not unlink it. */
async function plantSocket(path: string): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const saved = `${path}.link`;
  execFileSync('ln', [path, saved]);
  await new Promise((resolve) => server.close(resolve));
  execFileSync('mv', [saved, path]);
}

describe('foreign content', () => {
  test('of any kind and name is equal in bytes, mode, owner, mtime and inode after every operation', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.tuple(fc.constantFrom(...NAMES), fc.constantFrom(...KINDS)), { selector: ([name]) => name, maxLength: 6 }),
        async (trees) => {
          const dir = await newDirectory();
          for (const [name, kind] of trees) await plant(dir, name, kind);
          const before = await snapshot(dir);
          const manifests = await open(dir);
          const taken = trees.some(([name]) => name === OURS);
          const ended = await manifests.place(OURS, 'ours', sha256('ours, before')).then(
            () => 'placed',
            () => 'refused',
          );
          expect(ended).toBe(taken ? 'refused' : 'placed');
          expect((await manifests.list()).map(({ file }) => file)).toEqual(
            [...new Set([...trees.map(([name]) => name), OURS])].filter((name) => !name.startsWith('.')).sort(),
          );
          await manifests.remove(OURS, sha256('ours')).catch(() => undefined);
          await manifests.remove('podckpt-default-web-ffffffff.json', sha256('ours')).catch(() => undefined);
          expect(await snapshot(dir)).toEqual(before);
          await rm(dir, { recursive: true });
        },
      ),
      { numRuns: 60 },
    );
  });

  test.each([
    ['a name that is not quite ours', '.podckpt-1a.tmp', 0o600],
    ['another mode', '.podckpt-1.tmp', 0o644],
  ])('a dot-file with %s survives the sweep; ours does not', async (_what, name, mode) => {
    const dir = await newDirectory();
    await writeFile(join(dir, name), 'foreign');
    await chmod(join(dir, name), mode);
    await writeFile(join(dir, '.podckpt-77.tmp'), 'ours', { mode: 0o600 });
    await open(dir);
    expect(await readdir(dir)).toEqual([name]);
  });
});
