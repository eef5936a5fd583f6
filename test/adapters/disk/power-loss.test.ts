/**
 * The power goes at any moment of any operation, and the disk keeps only what it must. What was reported stored is
 * there; a good revision, once reported, is never gone.
 */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openManifestDir } from '../../../src/adapters/disk/manifest-dir.ts';
import { nodePrimitives, type Primitives } from '../../../src/adapters/disk/primitives.ts';
import { openStore } from '../../../src/adapters/disk/store.ts';
import { sha256 } from '../../../src/core/model/manifest.ts';
import { draft, ledger, UID } from '../../fakes/disk-draft.ts';
import { type Journal, recordDisk } from '../../fakes/disk-journal.ts';
import { scratch } from './scratch.ts';

const newDirectory = scratch();
const KEY = 'default_web';
const OURS = 'podckpt-default-web-0123abcd.json';
const quick: Primitives = { ...nodePrimitives(), fsync: async () => undefined };

const open = (dir: string, primitives = quick): ReturnType<typeof openStore> => openStore({ dir, mayWrite: () => true, primitives });
const openManifests = (dir: string, primitives = quick): ReturnType<typeof openManifestDir> =>
  openManifestDir({ dir, mayWrite: () => true, uid: UID, primitives });

interface Operation {
  readonly name: string;
  readonly before: (dir: string) => Promise<unknown>;
  readonly run: (dir: string, primitives: Primitives) => Promise<unknown>;
  /** What a new process finds; throws if it is damaged. */
  readonly found: (dir: string) => Promise<string>;
  readonly old: string;
  readonly fresh: string;
}

async function foundStore(dir: string): Promise<string> {
  const store = await open(dir);
  const states = (await store.load()).map((one) => {
    expect(one.problem).toBeUndefined();
    return `${/one|two/.exec(one.manifest.replaceAll('line one', ''))?.[0]} ${one.confirmedAt.slice(0, 7)}`;
  });
  return `${states.join()} ${(await store.readLedger()).placed[0]?.attempt ?? 0}`;
}
const foundManifest = async (dir: string): Promise<string> => {
  await openManifests(dir);
  return readFile(join(dir, OURS), 'utf8').catch(() => 'none');
};

const operations: readonly Operation[] = [
  {
    name: 'the very first start and save',
    before: async () => undefined,
    run: async (dir, p) => (await open(dir, p)).save(draft('two')),
    found: foundStore,
    old: ' 0',
    fresh: 'two 2026-01 0',
  },
  {
    name: 'an update and the pruning after it',
    before: async (dir) => (await open(dir)).save(draft('one')),
    run: async (dir, p) => {
      const store = await open(dir, p);
      await store.save(draft('two'));
      await store.prune(KEY, []);
    },
    found: foundStore,
    old: 'one 2026-01 0',
    fresh: 'two 2026-01 0',
  },
  {
    name: 'a confirmation',
    before: async (dir) => (await open(dir)).save(draft('two')),
    run: async (dir, p) => (await open(dir, p)).confirm(KEY, '2026-05-01T00:00:00Z'),
    found: foundStore,
    old: 'two 2026-01 0',
    fresh: 'two 2026-05 0',
  },
  {
    name: 'a ledger write',
    before: async (dir) => (await open(dir)).writeLedger(ledger(1)),
    run: async (dir, p) => (await open(dir, p)).writeLedger(ledger(2)),
    found: foundStore,
    old: ' 1',
    fresh: ' 2',
  },
  {
    name: 'a removal',
    before: async (dir) => (await open(dir)).save(draft('two')),
    run: async (dir, p) => (await open(dir, p)).remove(KEY),
    found: foundStore,
    old: 'two 2026-01 0',
    fresh: ' 0',
  },
  {
    name: 'placing a manifest',
    before: async () => undefined,
    run: async (dir, p) => (await openManifests(dir, p)).place(OURS, 'fresh', undefined),
    found: foundManifest,
    old: 'none',
    fresh: 'fresh',
  },
  {
    name: 'replacing a manifest',
    before: async (dir) => (await openManifests(dir)).place(OURS, 'old', undefined),
    run: async (dir, p) => (await openManifests(dir, p)).place(OURS, 'fresh', sha256('old')),
    found: foundManifest,
    old: 'old',
    fresh: 'fresh',
  },
  {
    name: 'removing a manifest',
    before: async (dir) => (await openManifests(dir)).place(OURS, 'old', undefined),
    run: async (dir, p) => (await openManifests(dir, p)).remove(OURS, sha256('old')),
    found: foundManifest,
    old: 'old',
    fresh: 'none',
  },
];

async function record(operation: Operation): Promise<Journal> {
  const dir = await newDirectory();
  await operation.before(dir);
  const journal = await recordDisk(dir, quick);
  await operation.run(dir, journal.primitives);
  return journal;
}

test.each(operations)(
  '$name: after a power cut at any moment the old or the new state is there; after the end, the new one',
  async (operation) => {
    const journal = await record(operation);
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.nat(journal.length()), fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })), async (moment, chances) => {
        const into = join(await newDirectory(), 'after');
        await journal.materialize(into, moment, () => Number(chances.next().value));
        const state = await operation.found(into);
        expect(moment === journal.length() ? [operation.fresh] : [operation.old, operation.fresh]).toContain(state);
        seen.add(state);
        await rm(into, { recursive: true });
      }),
      { numRuns: 80 },
    );
    for (const [moment, state] of [
      [0, operation.old],
      [journal.length(), operation.fresh],
    ] as const) {
      const into = join(await newDirectory(), 'edge');
      await journal.materialize(into, moment, () => 0);
      expect(await operation.found(into)).toBe(state);
      seen.add(state);
    }
    for (let round = 0; round < 5; round++) {
      const into = join(await newDirectory(), 'end');
      await journal.materialize(into, journal.length(), () => round / 5);
      expect(await operation.found(into)).toBe(operation.fresh);
    }
    expect(seen.size).toBe(2);
  },
);

test('the simulated disk does lose what is not synced: without fsync the promise is broken', async () => {
  const operation = operations[0];
  if (operation === undefined) throw new Error('no operation');
  const dir = await newDirectory();
  const journal = await recordDisk(dir, quick);
  await operation.run(dir, { ...journal.primitives, fsync: async () => undefined });
  const into = join(await newDirectory(), 'after');
  await journal.materialize(into, journal.length(), () => 0.6);
  await expect(operation.found(into)).resolves.not.toBe(operation.fresh);
});
