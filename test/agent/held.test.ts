/** The ledger in memory follows the disk, and never runs ahead of it. */
import { expect, test } from 'vitest';
import { createHeld, type Held, type HeldPorts } from '../../src/agent/held.ts';
import type { Ledger } from '../../src/core/model/model.ts';
import { createFakeStore, type FakeStore } from '../fakes/store.ts';
import { createWorld } from '../fakes/world.ts';

const NEXT: Ledger = {
  formatVersion: 1,
  placed: [],
  handBacks: [],
  yielded: { toUid: 'u9', at: '2026-11-21T10:00:00Z', bootId: 'b', failures: 1, open: false },
};

function begin(change: Partial<HeldPorts> = {}): { readonly held: Held; readonly store: FakeStore } {
  const store = createFakeStore();
  return { held: createHeld({ ...createWorld().ports, store, ...change }), store };
}

test('what was written is held, and stored', async () => {
  const { held, store } = begin();
  await held.writeLedger(NEXT);
  expect(held.ledger).toEqual(NEXT);
  expect(await store.readLedger()).toEqual(NEXT);
});

test('the memory changes after the disk, not before', async () => {
  const { store } = begin();
  let before: Ledger | undefined;
  const { held } = begin({
    store: {
      ...store,
      writeLedger: async (next) => {
        before = held.ledger;
        await store.writeLedger(next);
      },
    },
  });
  await held.writeLedger(NEXT);
  expect(before?.yielded).toBeUndefined();
  expect(held.ledger).toEqual(NEXT);
});

test('a ledger that could not be written is not held', async () => {
  const { held, store } = begin();
  const before = held.ledger;
  store.failOnNthCall(1, new Error('no space'), 'writeLedger');
  await expect(held.writeLedger(NEXT)).rejects.toThrow('no space');
  expect(held.ledger).toBe(before);
  await held.writeLedger(NEXT);
  expect(held.ledger).toEqual(NEXT);
});

test('at the start it is what the disk says', async () => {
  const { held, store } = begin();
  await store.writeLedger(NEXT);
  expect(held.ledger.yielded).toBeUndefined();
  await held.readLedger();
  expect(held.ledger).toEqual(NEXT);
});
