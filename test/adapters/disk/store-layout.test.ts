/**
 * What lies on the disk, which formats are refused untouched, and that nothing foreign is ever touched.
 */
import { lstat, mkdir, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { seal } from '../../../src/adapters/disk/sealed.ts';
import { openStore } from '../../../src/adapters/disk/store.ts';
import type { Json, RevisionDraft } from '../../../src/core/model/model.ts';
import { draft } from '../../fakes/disk-draft.ts';
import { scratch, snapshot } from './scratch.ts';
import { type Stored, storedIn } from './stored.ts';

const newDirectory = scratch();
const KEY = 'default_web';
const stored = async (): Promise<Stored> => storedIn(await newDirectory());

/** The draft, its volume `config` mounted at /etc/app and another volume at `path`. */
function withMountBeneath(path: string): RevisionDraft {
  const base = draft();
  const volumeMounts = [
    { name: 'config', mountPath: '/etc/app' },
    { name: 'secret', mountPath: path },
  ];
  const spec = {
    ...(base.manifest['spec'] as Json),
    containers: [{ name: 'main', image: 'registry.invalid/web@sha256:00', volumeMounts }],
  };
  return { ...base, manifest: { ...base.manifest, spec } };
}

describe('the layout on the disk', () => {
  test('volumes look as the kubelet publishes them, with modes as captured', async () => {
    const { revision } = await stored();
    const config = join(revision, 'files/config');
    expect((await readdir(config)).filter((name) => !/^\.\.[0-9a-f]{16}$/.test(name)).sort()).toEqual([
      '..data',
      'app.yaml',
      'empty',
      'sub',
    ]);
    expect(await readlink(join(config, '..data'))).toMatch(/^\.\.[0-9a-f]{16}$/);
    expect(await readlink(join(config, 'sub'))).toBe('..data/sub');
    expect(await readFile(join(config, 'sub/dir/pass'), 'utf8')).toBe('nested');
    expect((await lstat(join(config, '..data/sub/dir/pass'))).mode & 0o7777).toBe(0o400);
    expect((await lstat(join(config, '..data/sub/dir'))).mode & 0o7777).toBe(0o755);
    expect(await readdir(join(revision, 'files/nothing'))).toContain('..data');
  });

  test('a volume has the directories of what is mounted beneath it', async () => {
    const dir = await newDirectory();
    const store = await openStore({ dir, mayWrite: () => true });
    const saved = await store.save(withMountBeneath('/etc/app/extra/deep'));
    const config = join(dir, 'checkpoints', KEY, 'revisions', saved?.record.revision ?? '', 'files/config');
    expect(await readdir(join(config, 'extra'))).toEqual(['deep']);
    expect((await lstat(join(config, 'extra/deep'))).mode & 0o7777).toBe(0o755);
    const [loaded] = await store.load();
    expect(loaded?.problem).toBeUndefined();
    expect(saved?.record.revision).not.toBe((await store.save(draft()))?.record.revision);
    await rm(join(config, 'extra/deep'), { recursive: true });
    expect(await store.save(withMountBeneath('/etc/app/extra/deep'))).toBeDefined();
  });

  test.each(['/etc/app/sub', '/etc/app/sub/dir', '/etc/app/..data', '/etc/app/app.yaml'])(
    'a mount at %s, where the volume has something itself, is no revision',
    async (path) => {
      const store = await openStore({ dir: await newDirectory(), mayWrite: () => true });
      await expect(store.save(withMountBeneath(path))).rejects.toThrow(/beneath volume "config" of default_web cannot be made/);
      expect(await store.load()).toEqual([]);
    },
  );

  test('what only root may read is closed to others, whatever the umask', async () => {
    const { dir, home, revision } = await stored();
    for (const path of [home, join(dir, 'tmp'), join(dir, 'checkpoints')]) expect((await lstat(path)).mode & 0o7777).toBe(0o700);
    for (const path of [join(revision, 'record.json'), join(revision, 'pod.json'), join(dir, 'format')]) {
      expect((await lstat(path)).mode & 0o7777).toBe(0o600);
    }
  });

  test('the manifest names the path that the kubelet sees, where the mount differs', async () => {
    const dir = await newDirectory();
    const store = await openStore({ dir, hostDir: '/host/state', mayWrite: () => true });
    expect((await store.save(draft()))?.manifest).toContain('"/host/state/checkpoints/default_web/revisions/');
  });
});

describe('the format', () => {
  async function withFormat(text: string): Promise<string> {
    const { dir } = await stored();
    await writeFile(join(dir, 'tmp', 'tmp-7'), 'leftover');
    await writeFile(join(dir, 'format'), text);
    return dir;
  }

  test.each([
    ['2\n', 'unsupported', /format 2: a newer version/],
    ['10', 'unsupported', /format 10/],
    ['', 'failed', /damaged: write 1 into it/],
    ['one', 'failed', /damaged: write 1 into it/],
    ['0', 'failed', /damaged: write 1 into it/],
    ['-1', 'failed', /damaged: write 1 into it/],
  ])('%j is refused and nothing is touched', async (text, kind, message) => {
    const dir = await withFormat(text);
    const before = await snapshot(dir);
    await expect(openStore({ dir, mayWrite: () => true })).rejects.toMatchObject({ kind, message: expect.stringMatching(message) });
    expect(await snapshot(dir)).toEqual(before);
  });

  test('a missing format beside our data is refused and nothing is touched', async () => {
    const { dir } = await stored();
    await rm(join(dir, 'format'));
    const before = await snapshot(dir);
    await expect(openStore({ dir, mayWrite: () => true })).rejects.toMatchObject({
      kind: 'failed',
      message: expect.stringMatching(/restore that file with the content 1/),
    });
    expect(await snapshot(dir)).toEqual(before);
  });

  test('a missing format beside a lock file and foreign files is a first start', async () => {
    const dir = await newDirectory();
    await writeFile(join(dir, 'lock'), '');
    await mkdir(join(dir, 'lost+found'));
    await openStore({ dir, mayWrite: () => true });
    expect(await readFile(join(dir, 'format'), 'utf8')).toBe('1\n');
    expect(await readdir(dir)).toEqual(expect.arrayContaining(['lock', 'lost+found']));
  });

  test('a state directory that cannot be read is an error', async () => {
    await expect(openStore({ dir: join(await newDirectory(), 'missing'), mayWrite: () => false })).rejects.toMatchObject({
      kind: 'failed',
    });
    const file = join(await newDirectory(), 'file');
    await writeFile(file, '');
    await expect(openStore({ dir: file, mayWrite: () => false })).rejects.toMatchObject({ kind: 'failed' });
  });

  test('a ledger of a newer format is refused', async () => {
    const { dir, store } = await stored();
    await writeFile(join(dir, 'active.json'), seal({ formatVersion: 2 } as Json));
    await expect(store.readLedger()).rejects.toMatchObject({ kind: 'unsupported' });
    await writeFile(join(dir, 'active.json'), seal({ formatVersion: 1 } as Json));
    await expect(store.readLedger()).rejects.toMatchObject({ kind: 'invalid' });
  });
});

describe('foreign things in the state directory', () => {
  test('are neither loaded nor touched by any operation', async () => {
    const { dir, store, home } = await stored();
    const foreign = [
      'checkpoints/README',
      'checkpoints/default_foreign/data',
      'checkpoints/UPPER_case/x',
      'tmp/notes',
      'tmp/tmp-x',
      'own/file',
      `checkpoints/${KEY}/revisions/notes`,
    ];
    for (const path of foreign) {
      await mkdir(join(dir, path, '..'), { recursive: true });
      await writeFile(join(dir, path), path);
    }
    await symlink('/etc', join(dir, 'checkpoints/default_link'));
    const pick = async (): Promise<Json> =>
      Object.fromEntries(Object.entries(await snapshot(dir)).filter(([path]) => [...foreign, 'checkpoints/default_link'].includes(path)));
    const before = await pick();
    const again = await openStore({ dir, mayWrite: () => true });
    await again.save(draft('two'));
    await again.prune(KEY, []);
    await again.confirm(KEY, '2026-05-01T00:00:00Z');
    expect((await again.load()).map((one) => one.key)).toEqual([KEY]);
    expect(await readdir(join(home, 'revisions'))).toHaveLength(2);
    await expect(again.save(draft('one', 'link'))).rejects.toMatchObject({ kind: 'failed' });
    await expect(again.remove('default_link')).rejects.toMatchObject({ kind: 'failed' });
    await expect(again.remove('default_foreign')).rejects.toMatchObject({ kind: 'failed' });
    await store.load();
    expect(await pick()).toEqual(before);
  });
});
