/**
 * The process dies, or the disk fails, at every single system call of every operation of the store.
 */
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { nodePrimitives, type Primitives } from '../../../src/adapters/disk/primitives.ts';
import { openStore } from '../../../src/adapters/disk/store.ts';
import type { RevisionDraft } from '../../../src/core/model/model.ts';
import type { Store } from '../../../src/ports.ts';
import { draft as fullDraft, ledger } from '../../fakes/disk-draft.ts';
import { type Faults, faultyPrimitives } from '../../fakes/disk-faults.ts';
import { scratch, snapshot } from './scratch.ts';

const newDirectory = scratch();
const KEY = 'default_web';
const CONFIRMED = '2026-03-01T00:00:00Z';

/** A process that dies loses nothing that it wrote, synced or not; the time of real fsyncs is saved. */
const base: Primitives = { ...nodePrimitives(), fsync: async () => undefined };

/** One volume with one nested file: every kind of call, as few of each as can be. */
function draft(version: string): RevisionDraft {
  const whole = fullDraft(version);
  return { ...whole, volumes: { config: (whole.volumes['config'] ?? []).filter((file) => file.path === 'sub/dir/pass') } };
}

interface Operation {
  readonly name: string;
  /** A change that may be undone by a power cut without harm, because it is then simply asked for again. */
  readonly repeatable?: true;
  /** What was there before; ends with everything in it reported good. */
  readonly before: (store: Store, dir: string) => Promise<unknown>;
  readonly run: (store: Store) => Promise<unknown>;
}

const operations: readonly Operation[] = [
  { name: 'the first save', before: async () => undefined, run: (store) => store.save(draft('one')) },
  { name: 'an update', before: (store) => store.save(draft('one')), run: (store) => store.save(draft('two')) },
  {
    name: 'going back to an older revision',
    before: async (store) => {
      await store.save(draft('two'));
      await store.save(draft('one'));
    },
    run: (store) => store.save(draft('two')),
  },
  {
    name: 'replacing a damaged older revision',
    before: async (store, dir) => {
      const two = await store.save(draft('two'));
      await store.save(draft('one'));
      await writeFile(join(dir, 'checkpoints', KEY, 'revisions', two?.record.revision ?? '', 'pod.json'), 'garbage');
    },
    run: (store) => store.save(draft('two')),
  },
  {
    name: 'pruning',
    repeatable: true,
    before: async (store) => {
      await store.save(draft('two'));
      await store.save(draft('one'));
    },
    run: (store) => store.prune(KEY, []),
  },
  { name: 'a confirmation', before: (store) => store.save(draft('one')), run: (store) => store.confirm(KEY, CONFIRMED) },
  {
    name: 'a stamp beside a confirmation',
    before: async (store) => {
      await store.save(draft('one'));
      await store.confirm(KEY, CONFIRMED);
    },
    run: (store) => store.stamp(KEY, ['aa']),
  },
  {
    name: 'a ledger write',
    before: async (store) => {
      await store.save(draft('one'));
      await store.writeLedger(ledger(1));
    },
    run: (store) => store.writeLedger(ledger(2)),
  },
  { name: 'a removal', before: (store) => store.save(draft('one')), run: (store) => store.remove(KEY) },
];

interface Arranged {
  readonly dir: string;
  readonly store: Store;
  readonly faults: Faults;
}

async function arrange(operation: Operation): Promise<Arranged> {
  const dir = await newDirectory();
  const { primitives, faults } = faultyPrimitives(base);
  const store = await openStore({ dir, mayWrite: () => true, primitives });
  await operation.before(store, dir);
  faults.calls.length = 0;
  return { dir, store, faults };
}

async function countCalls(operation: Operation): Promise<number> {
  const { store, faults } = await arrange(operation);
  await operation.run(store);
  return faults.calls.length;
}

/** What a new process finds, in a comparable form; throws if anything is neither old nor new. */
async function found(dir: string): Promise<{ state: string; checkpoints: number }> {
  const store = await openStore({ dir, mayWrite: () => true, primitives: base });
  const checkpoints = await store.load();
  for (const checkpoint of checkpoints) expect(checkpoint.problem).toBeUndefined();
  const attempt = (await store.readLedger()).placed[0]?.attempt ?? 0;
  const state = checkpoints
    .map((one) => `${one.manifest.includes('one') ? 'one' : 'two'} ${one.confirmedAt === CONFIRMED}${one.cas?.join() ?? ''}`)
    .join();
  return { state: `${state} ${attempt}`, checkpoints: checkpoints.length };
}

async function leftovers(dir: string): Promise<readonly string[]> {
  return readdir(join(dir, 'tmp'));
}

describe.each(operations)('$name', (operation) => {
  async function endStates(): Promise<readonly [string, string]> {
    const { dir, store } = await arrange(operation);
    const old = (await found(dir)).state;
    await operation.run(store);
    return [old, (await found(dir)).state];
  }

  test('cut short at any call leaves the old or the new state, complete, and no leftovers after the next start', async () => {
    const [old, fresh] = await endStates();
    const calls = await countCalls(operation);
    expect(calls).toBeGreaterThan(2);
    for (let at = 0; at < calls; at++) {
      const { dir, store, faults } = await arrange(operation);
      Object.assign(faults, { healthyFor: at, mode: 'crash' });
      await operation.run(store).catch(() => undefined);
      const after = await found(dir);
      expect([old, fresh], `call ${at}: ${faults.calls[at]?.name}`).toContain(after.state);
      expect(await leftovers(dir)).toEqual([]);
    }
  });

  test('an error of the disk at any one call: old or new, and the same store succeeds the next time', async () => {
    const codes = ['EIO', 'ENOSPC', 'EROFS', 'EDQUOT', 'EMFILE', 'EACCES', 'EINTR'];
    const [old, fresh] = await endStates();
    const calls = await countCalls(operation);
    for (let at = 0; at < calls; at++) {
      const { dir, store, faults } = await arrange(operation);
      Object.assign(faults, { healthyFor: at, mode: 'once', code: codes[at % codes.length] });
      await operation
        .run(store)
        .catch((error: unknown) => expect(error).toMatchObject({ name: expect.stringMatching(/PortError|NotDurableError/) }));
      delete faults.healthyFor;
      const between = await openStore({ dir, mayWrite: () => false });
      for (const checkpoint of await between.load()) expect(checkpoint.problem, `call ${at}`).toBeUndefined();
      await operation.run(store);
      const after = await found(dir);
      expect(after.state, `call ${at}: ${faults.calls[at]?.name}, old ${old}`).toBe(fresh);
    }
  });

  test('a failed fsync is never believed: the error is reported, and the next try writes everything anew', async () => {
    const { store, faults } = await arrange(operation);
    await operation.run(store);
    const syncs = faults.calls.filter((call) => call.name === 'fsync').length;
    for (let at = 0; at < syncs; at++) {
      const again = await arrange(operation);
      Object.assign(again.faults, { healthyFor: at, mode: 'once', only: 'fsync' });
      await expect(operation.run(again.store), `fsync ${at}`).rejects.toMatchObject({ kind: 'failed' });
      again.faults.calls.length = 0;
      await operation.run(again.store);
      if (operation.repeatable !== true)
        expect(
          again.faults.calls.map((call) => call.name),
          `fsync ${at}`,
        ).toContain('fsync');
    }
  });

  test('without the host lock nothing is changed', async () => {
    const { dir } = await arrange(operation);
    const before = await snapshot(dir);
    const store = await openStore({ dir, mayWrite: () => false });
    await expect(operation.run(store)).rejects.toMatchObject({ kind: 'denied' });
    expect(await snapshot(dir)).toEqual(before);
  });

  test('the lock lost at any moment of it: nothing is published or removed after that', async () => {
    const [old, fresh] = await endStates();
    for (let at = 0; ; at++) {
      const { dir } = await arrange(operation);
      let asked = -Infinity;
      const store = await openStore({ dir, mayWrite: () => asked++ < at, primitives: base });
      asked = 0;
      const ended = await operation.run(store).then(
        () => 'done',
        () => 'denied',
      );
      expect([old, fresh]).toContain((await found(dir)).state);
      if (ended === 'done' && asked <= at) return;
    }
  });
});

describe('opening the store', () => {
  test('cut short at any call, on an empty directory, the next start succeeds', async () => {
    const first = faultyPrimitives(base);
    await openStore({ dir: await newDirectory(), mayWrite: () => true, primitives: first.primitives });
    for (let at = 0; at < first.faults.calls.length; at++) {
      const dir = await newDirectory();
      const { primitives, faults } = faultyPrimitives(base);
      Object.assign(faults, { healthyFor: at, mode: 'crash' });
      await expect(openStore({ dir, mayWrite: () => true, primitives })).rejects.toMatchObject({ kind: 'failed' });
      expect(await found(dir)).toEqual({ state: ' 0', checkpoints: 0 });
    }
  });

  test('cut short while it sweeps, the next start sweeps the rest', async () => {
    const dir = await newDirectory();
    const update = operations[1];
    const { primitives, faults } = faultyPrimitives(base);
    const store = await openStore({ dir, mayWrite: () => true, primitives });
    await update?.before(store, dir);
    Object.assign(faults, { healthyFor: 20, mode: 'crash' });
    await expect(update?.run(store)).rejects.toMatchObject({ kind: 'failed' });
    expect(await leftovers(dir)).not.toEqual([]);
    for (let at = 0; (await leftovers(dir)).length > 0; at++) {
      const second = faultyPrimitives(base);
      Object.assign(second.faults, { healthyFor: at, mode: 'crash' });
      await openStore({ dir, mayWrite: () => true, primitives: second.primitives }).catch(() => undefined);
    }
    expect((await found(dir)).state).toBe('one false 0');
  });
});

describe('quiet', () => {
  test('a second identical save, confirmation and ledger write make no call at all', async () => {
    const { store, faults } = await arrange({ name: '', before: (store) => store.save(draft('one')), run: async () => undefined });
    await store.confirm(KEY, CONFIRMED);
    await store.stamp(KEY, ['aa']);
    await store.writeLedger(ledger());
    faults.calls.length = 0;
    await store.save(draft('one'));
    await store.confirm(KEY, CONFIRMED);
    await store.stamp(KEY, ['aa']);
    await store.writeLedger(ledger());
    await store.prune(KEY, []);
    await store.load();
    expect(faults.calls).toEqual([]);
  });

  test('opening a store again makes no call at all', async () => {
    const { dir } = await arrange({ name: '', before: (store) => store.save(draft('one')), run: async () => undefined });
    const { primitives, faults } = faultyPrimitives(base);
    await openStore({ dir, mayWrite: () => true, primitives });
    expect(faults.calls).toEqual([]);
  });
});
