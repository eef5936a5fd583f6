/**
 * A stored revision that is not exactly what was written is found out, whatever happened to it.
 */
import { chmod, cp, lstat, mkdir, readdir, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seal } from '../../../src/adapters/disk/sealed.ts';
import type { Store } from '../../../src/ports.ts';
import { draft, ledger } from '../../fakes/disk-draft.ts';
import { scratch } from './scratch.ts';
import { type Stored, storedIn } from './stored.ts';

const newDirectory = scratch();
const KEY = 'default_web';
const stored = async (): Promise<Stored> => storedIn(await newDirectory());

async function problemOf(store: Store): Promise<string | undefined> {
  const loaded = await store.load();
  expect(loaded.map((one) => one.key)).toEqual([KEY]);
  return loaded[0]?.problem;
}

describe('any flipped bit is found', () => {
  test('in every file of a revision, at sampled places', async () => {
    const { store, revision, saved } = await stored();
    const files = ['record.json', ...Object.keys(saved.record.files)].filter((file) => !file.endsWith('empty'));
    expect(files).toHaveLength(5);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...files), fc.nat(), fc.nat(7), async (file, place, bit) => {
        const path = join(revision, file);
        const good = await readFile(path);
        const bad = Buffer.from(good);
        const at = place % bad.length;
        bad[at] = (bad[at] ?? 0) ^ (1 << bit);
        await chmod(path, 0o600);
        const mode =
          file === 'pod.json' || file === 'record.json' || file.endsWith('token') ? 0o600 : file.endsWith('pass') ? 0o400 : 0o644;
        await writeFile(path, bad);
        await chmod(path, mode);
        expect(await problemOf(store)).toBeDefined();
        await chmod(path, 0o600);
        await writeFile(path, good);
        await chmod(path, mode);
        expect(await problemOf(store)).toBeUndefined();
      }),
      { numRuns: 150 },
    );
  });

  test.each(['record.json', 'pod.json'])('%s cut at every length', async (file) => {
    const { store, revision } = await stored();
    const path = join(revision, file);
    const { length } = await readFile(path);
    for (let to = length - 1; to >= 0; to--) {
      await truncate(path, to);
      expect(await problemOf(store)).toBeDefined();
    }
  });

  test('in the ledger: it is invalid, never empty', async () => {
    const { dir, store } = await stored();
    await store.writeLedger(ledger());
    const path = join(dir, 'active.json');
    const good = await readFile(path);
    for (let at = 0; at < good.length; at++) {
      const bad = Buffer.from(good);
      bad[at] = (bad[at] ?? 0) ^ (1 << (at % 8));
      await writeFile(path, bad);
      await expect(store.readLedger()).rejects.toMatchObject({ kind: 'invalid' });
    }
    await writeFile(path, '');
    await expect(store.readLedger()).rejects.toMatchObject({ kind: 'invalid' });
  });

  test('in the confirmation: the capture is then the last one', async () => {
    const { store, home } = await stored();
    await store.confirm(KEY, '2030-01-01T00:00:00Z');
    const path = join(home, 'confirmed');
    const good = await readFile(path);
    for (let at = 0; at < good.length; at++) {
      const bad = Buffer.from(good);
      bad[at] = (bad[at] ?? 0) ^ (1 << (at % 8));
      await writeFile(path, bad);
      expect((await store.load())[0]?.confirmedAt).toBe('2026-01-02T03:04:05Z');
    }
  });
});

/** What went wrong, and what the problem must name. */
const damages: readonly (readonly [string, RegExp, (at: Stored) => Promise<unknown>])[] = [
  ['a file is missing', /missing/, ({ revision }) => rm(join(revision, 'files/config/..data/app.yaml'))],
  ['a file is there that was not written', /does not belong/, ({ revision }) => writeFile(join(revision, 'files/config/extra'), 'x')],
  ['a file has another mode', /not as it was written/, ({ revision }) => chmod(join(revision, 'files/config/..data/app.yaml'), 0o600)],
  ['a directory has another mode', /not as it was written/, ({ revision }) => chmod(join(revision, 'files/secret'), 0o700)],
  ['the revision has another mode', /mode/, ({ revision }) => chmod(revision, 0o700)],
  ['the record has another mode', /mode/, ({ revision }) => chmod(join(revision, 'record.json'), 0o644)],
  ['the record is missing', /record\.json/, ({ revision }) => rm(join(revision, 'record.json'))],
  ['the manifest is missing', /pod\.json is missing/, ({ revision }) => rm(join(revision, 'pod.json'))],
  [
    'the record is a directory',
    /record\.json/,
    async ({ revision }) => {
      await rm(join(revision, 'record.json'));
      await mkdir(join(revision, 'record.json'));
    },
  ],
  [
    'the record is a link to itself elsewhere',
    /record\.json/,
    async ({ revision, dir }) => {
      await rename(join(revision, 'record.json'), join(dir, 'elsewhere'));
      await symlink(join(dir, 'elsewhere'), join(revision, 'record.json'));
    },
  ],
  [
    'two files are exchanged',
    /not as it was written|other content/,
    async ({ revision }) => {
      const data = join(revision, 'files/config/..data');
      await rename(join(data, 'app.yaml'), join(data, 'x'));
      await rename(join(data, 'empty'), join(data, 'app.yaml'));
      await rename(join(data, 'x'), join(data, 'empty'));
    },
  ],
  [
    'a file is filled with zeros',
    /other content/,
    async ({ revision }) => {
      const path = join(revision, 'files/config/..data/app.yaml');
      await writeFile(path, Buffer.alloc((await readFile(path)).length));
    },
  ],
  [
    'a link points elsewhere',
    /not as it was written/,
    async ({ revision }) => {
      await rm(join(revision, 'files/config/app.yaml'));
      await symlink('/etc/passwd', join(revision, 'files/config/app.yaml'));
    },
  ],
  [
    'a volume is a link to a copy of itself',
    /not as it was written/,
    async ({ revision, dir }) => {
      await cp(join(revision, 'files/config'), join(dir, 'copy'), { recursive: true, verbatimSymlinks: true });
      await rm(join(revision, 'files/config'), { recursive: true });
      await symlink(join(dir, 'copy'), join(revision, 'files/config'));
    },
  ],
  [
    'the whole revision is a link',
    /not a directory/,
    async ({ revision, dir }) => {
      await rename(revision, join(dir, 'moved'));
      await symlink(join(dir, 'moved'), revision);
    },
  ],
  ['the revision is gone and current dangles', /no such file/, ({ revision }) => rm(revision, { recursive: true })],
  ['current is gone', /current/, ({ home }) => rm(join(home, 'current'))],
  [
    'current points out of the checkpoint',
    /current/,
    async ({ home }) => {
      await rm(join(home, 'current'));
      await symlink('../../../etc', join(home, 'current'));
    },
  ],
  [
    'current is a file',
    /current/,
    async ({ home }) => {
      await rm(join(home, 'current'));
      await writeFile(join(home, 'current'), 'revisions/x');
    },
  ],
  [
    'the revision lies under another digest',
    /another revision/,
    async ({ home, revision }) => {
      await rename(revision, join(home, 'revisions', 'f'.repeat(32)));
      await rm(join(home, 'current'));
      await symlink(`revisions/${'f'.repeat(32)}`, join(home, 'current'));
    },
  ],
  [
    'the record is sealed and lacks a field',
    /lacks a field/,
    ({ revision }) => writeFile(join(revision, 'record.json'), seal({ record: { formatVersion: 1 }, tree: {} })),
  ],
  [
    'the record is sealed and of a newer format',
    /newer version/,
    ({ revision }) => writeFile(join(revision, 'record.json'), seal({ record: { formatVersion: 2 }, tree: {} })),
  ],
];

describe('a damaged checkpoint comes with its problem, and a save heals it', () => {
  test.each(damages)('%s', async (_what, problem, damage) => {
    const at = await stored();
    await damage(at);
    expect(await problemOf(at.store)).toMatch(problem);
    const [damaged] = await at.store.load();
    expect(damaged).toMatchObject({ key: KEY, manifest: '', record: { parent: { namespace: 'default', name: 'web' } } });
    if ((await lstat(join(at.home, 'current')).catch(() => undefined))?.isFile() === true) {
      await expect(at.store.save(draft())).rejects.toMatchObject({ kind: 'failed' });
      return;
    }
    if ((await lstat(at.revision).catch(() => undefined))?.isSymbolicLink() === true) await rm(at.revision);
    expect(await at.store.save(draft())).toEqual(at.saved);
    expect(await problemOf(at.store)).toBeUndefined();
  });

  test('prune removes nothing while the current revision is damaged', async () => {
    const at = await stored();
    const two = await at.store.save(draft('two'));
    await writeFile(join(at.home, 'revisions', two?.record.revision ?? '', 'pod.json'), '');
    await at.store.prune(KEY, []);
    expect(await readdir(join(at.home, 'revisions'))).toHaveLength(2);
  });

  test('a directory of checkpoints that cannot be read is an error, not an empty store', async () => {
    const { dir, store } = await stored();
    await rm(join(dir, 'checkpoints'), { recursive: true });
    await writeFile(join(dir, 'checkpoints'), '');
    await expect(store.load()).rejects.toMatchObject({ kind: 'failed' });
  });
});
