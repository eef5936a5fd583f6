/**
 * What every Store owes its callers, whether on a disk or in memory.
 */
import { beforeEach, describe, expect, test } from 'vitest';
import { REVISION_DIR } from '../../src/core/model/model.ts';
import type { Store } from '../../src/ports.ts';
import { capturedLater, draft, file, ledger } from '../fakes/disk-draft.ts';

export interface StoreUnderTest {
  readonly store: Store;
  /** The same content seen by a new process. */
  reopen(): Promise<Store>;
  revisions(key: string): Promise<readonly string[]>;
}

export function storeContract(what: string, open: () => Promise<StoreUnderTest>): void {
  describe(`Store contract: ${what}`, () => {
    let under: StoreUnderTest;
    beforeEach(async () => {
      under = await open();
    });

    test('a new store holds no checkpoint and an empty ledger', async () => {
      expect(await under.store.load()).toEqual([]);
      expect(await under.store.readLedger()).toEqual({ formatVersion: 1, placed: [], handBacks: [] });
    });

    test('what save returns is what a new process loads', async () => {
      const saved = await under.store.save(draft());
      const loaded = await (await under.reopen()).load();
      expect(loaded).toEqual([saved]);
      expect(saved?.problem).toBeUndefined();
      expect(saved?.record.revision).toMatch(/^[0-9a-f]{32}$/);
      expect(saved?.bytes).toBeGreaterThan(0);
    });

    test('the record keeps every field of the draft and lists the digest of every file', async () => {
      const saved = await under.store.save(draft());
      expect(saved?.record).toMatchObject(draft().record);
      expect(Object.keys(saved?.record.files ?? {})).toContain('pod.json');
      expect(Object.keys(saved?.record.files ?? {})).toHaveLength(5);
    });

    test("the manifest names the revision's own absolute directory and no stand-in", async () => {
      const saved = await under.store.save(draft());
      const pod = JSON.parse(saved?.manifest ?? '') as { spec: { volumes: { hostPath: { path: string } }[] } };
      const root = `${under.store.dir}/checkpoints/default_web/revisions/${saved?.record.revision}`;
      expect(pod.spec.volumes.map((volume) => volume.hostPath.path)).toEqual([`${root}/files/config`, `${root}/files/secret`]);
      expect(saved?.manifest).not.toContain(REVISION_DIR);
    });

    test('the same parent captured again later is equal to the current revision', async () => {
      await under.store.save(draft());
      expect(await under.store.save(capturedLater(draft()))).toBeUndefined();
      expect((await under.store.load())[0]?.record.bootId).toBe('boot-1');
    });

    test('one checkpoint read alone is as all of them show it, and no other', async () => {
      const saved = await under.store.save(draft());
      expect(await under.store.read('default_web')).toEqual(saved);
      expect(await under.store.read('default_other')).toBeUndefined();
    });

    test('another content becomes current, and the old revision stays until it is pruned', async () => {
      const one = await under.store.save(draft('one'));
      const two = await under.store.save(draft('two'));
      expect((await under.store.load()).map((found) => found.record.revision)).toEqual([two?.record.revision]);
      expect(await under.revisions('default_web')).toEqual([one?.record.revision, two?.record.revision].sort());
      await under.store.prune('default_web', []);
      expect(await under.revisions('default_web')).toEqual([two?.record.revision]);
    });

    test('going back to an older revision makes it current again', async () => {
      const one = await under.store.save(draft('one'));
      await under.store.save(draft('two'));
      const again = await under.store.save(draft('one'));
      expect(again?.record.revision).toBe(one?.record.revision);
      expect((await under.store.load())[0]).toEqual(again);
    });

    test('prune keeps the revisions that are named', async () => {
      const one = await under.store.save(draft('one'));
      const two = await under.store.save(draft('two'));
      const three = await under.store.save(draft('three'));
      await under.store.prune('default_web', [one?.record.revision ?? '']);
      expect(await under.revisions('default_web')).toEqual([one?.record.revision, three?.record.revision].sort());
      expect(await under.revisions('default_web')).not.toContain(two?.record.revision);
    });

    test('pruning what does not exist is nothing', async () => {
      await expect(under.store.prune('default_web', [])).resolves.toBeUndefined();
    });

    test('a mode, an owner, a path, a byte, the parent uid: each makes another revision', async () => {
      const base = draft();
      const variants = [
        { ...base, volumes: { ...base.volumes, secret: [file('token', Uint8Array.from([0, 255, 128, 10, 13]), 0o640)] } },
        { ...base, volumes: { ...base.volumes, secret: [file('other', Uint8Array.from([0, 255, 128, 10, 13]), 0o600)] } },
        { ...base, volumes: { ...base.volumes, secret: [file('token', Uint8Array.from([0, 255, 128, 10, 14]), 0o600)] } },
        { ...base, volumes: { config: base.volumes['config'] ?? [], secret: base.volumes['secret'] ?? [] } },
        { ...base, record: { ...base.record, parent: { ...base.record.parent, uid: 'uid-2' } } },
        { ...base, record: { ...base.record, order: 1 } },
      ];
      const seen = new Set([(await under.store.save(base))?.record.revision]);
      for (const variant of variants) seen.add((await under.store.save(variant))?.record.revision);
      expect(seen.size).toBe(variants.length + 1);
    });

    test('checkpoints are loaded in the order of their keys', async () => {
      await under.store.save(draft('one', 'zeta'));
      await under.store.save(draft('one', 'alpha'));
      expect((await under.store.load()).map((found) => found.key)).toEqual(['default_alpha', 'default_zeta']);
    });

    test('a capture is a confirmation; a later one counts, an earlier one does not', async () => {
      expect((await under.store.save(draft()))?.confirmedAt).toBe('2026-01-02T03:04:05Z');
      await under.store.confirm('default_web', '2026-01-01T00:00:00Z');
      expect((await under.store.load())[0]?.confirmedAt).toBe('2026-01-02T03:04:05Z');
      await under.store.confirm('default_web', '2026-02-01T00:00:00Z');
      expect((await (await under.reopen()).load())[0]?.confirmedAt).toBe('2026-02-01T00:00:00Z');
    });

    test('a confirmation of a capture from a clock that was ahead stands in its stead, and not in that of the next', async () => {
      const at = '2026-01-01T00:00:00Z';
      const read = async () => (await (await under.reopen()).read('default_web'))?.confirmedAt;
      await under.store.save(draft());
      await under.store.confirm('default_web', at, draft().record.capturedAt);
      expect(await read()).toBe(at);
      await under.store.save(capturedLater(draft('two')));
      expect(await read()).toBe(capturedLater(draft()).record.capturedAt);
    });

    test('that no copy is wanted is kept until a confirmation or a word says otherwise, and takes no confirmation away', async () => {
      const dismissal = { uid: 'uid-1', at: '2026-02-02T00:00:00Z', why: 'parent-deleted' } as const;
      const read = async () => (await under.reopen()).read('default_web');
      await under.store.save(draft());
      await under.store.dismiss('default_web', dismissal);
      expect(await read()).toMatchObject({ dismissed: dismissal, confirmedAt: '2026-01-02T03:04:05Z' });
      await under.store.dismiss('default_web', undefined);
      expect(await read()).not.toHaveProperty('dismissed');

      await under.store.confirm('default_web', '2026-02-01T00:00:00Z');
      await under.store.dismiss('default_web', dismissal);
      expect(await read()).toMatchObject({ dismissed: dismissal, confirmedAt: '2026-02-01T00:00:00Z' });
      await under.store.confirm('default_web', '2026-02-03T00:00:00Z');
      expect(await read()).not.toHaveProperty('dismissed');
      await under.store.dismiss('default_web', dismissal);
      await under.store.remove('default_web');
      expect(await read()).toBeUndefined();
      await expect(under.store.dismiss('default_web', dismissal)).rejects.toMatchObject({ kind: 'not-found' });
    });

    test('confirming what does not exist says so; a time that is none is refused', async () => {
      await expect(under.store.confirm('default_web', '2026-01-01T00:00:00Z')).rejects.toMatchObject({ kind: 'not-found' });
      await expect(under.store.confirm('default_web', 'yesterday')).rejects.toMatchObject({ kind: 'invalid' });
    });

    test("the cluster's CA certificates are kept beside the revision, whatever else is noted", async () => {
      const saved = await under.store.save(draft('one'));
      expect(saved?.cas).toBeUndefined();
      await under.store.stamp('default_web', ['aa', 'bb']);
      await under.store.confirm('default_web', '2026-02-01T00:00:00Z');
      await under.store.save(draft('two'));
      const [found] = await (await under.reopen()).load();
      expect(found).toMatchObject({ cas: ['aa', 'bb'], confirmedAt: '2026-02-01T00:00:00Z' });
      await under.store.stamp('default_web', ['bb']);
      const [again] = await (await under.reopen()).load();
      expect(again).toMatchObject({ cas: ['bb'], confirmedAt: '2026-02-01T00:00:00Z', record: found?.record });
      await expect(under.store.stamp('default_other', ['bb'])).rejects.toMatchObject({ kind: 'not-found' });
    });

    test('a removed checkpoint is gone, and its neighbour is not; removing it again is nothing', async () => {
      await under.store.save(draft('one', 'web'));
      await under.store.save(draft('one', 'web2'));
      await under.store.remove('default_web');
      await under.store.remove('default_web');
      expect((await (await under.reopen()).load()).map((found) => found.key)).toEqual(['default_web2']);
    });

    test('a ledger written is the ledger read by a new process', async () => {
      await under.store.writeLedger(ledger(1));
      await under.store.writeLedger(ledger(2));
      expect(await (await under.reopen()).readLedger()).toEqual(ledger(2));
    });

    test('takes no revision of more bytes than are left for it, and keeps the one before', async () => {
      const saved = await under.store.save(draft('one'), 1_000_000);
      await expect(under.store.save(draft('two'), 10)).rejects.toMatchObject({ kind: 'too-large' });
      expect((await under.store.load()).map(({ record }) => record.revision)).toEqual([saved?.record.revision]);
    });

    test.each([
      ['an absolute path', '/etc/passwd'],
      ['a path that climbs', 'a/../../b'],
      ['a path that begins with two dots', '..data/x'],
      ['an empty element', 'a//b'],
      ['an empty path', ''],
      ['a NUL', 'a\0b'],
      ['an element that is too long', 'x'.repeat(256)],
      ['a lone surrogate', 'a\ud800'],
    ])('%s in a volume is refused and changes nothing', async (_what, path) => {
      const bad = { ...draft(), volumes: { config: [file(path, 'x')] } };
      await expect(under.store.save(bad)).rejects.toMatchObject({ kind: 'invalid' });
      expect(await under.store.load()).toEqual([]);
    });

    test.each([
      ['a file below a file', { config: [file('a', 'x'), file('a/b', 'x')] }],
      ['one path twice', { config: [file('a', 'x'), file('a', 'y')] }],
      ['a setuid mode', { config: [file('a', 'x', 0o4755)] }],
      ['a negative owner', { config: [{ ...file('a', 'x'), uid: -1 }] }],
      ['a volume name that climbs', { '../x': [file('a', 'x')] }],
    ])('%s is refused', async (_what, volumes) => {
      await expect(under.store.save({ ...draft(), volumes })).rejects.toMatchObject({ kind: 'invalid' });
    });

    test.each(['', 'default', 'default_', '_web', '../x_web', 'default_We', `default_${'a'.repeat(250)}`])(
      '"%s" is no key',
      async (key) => {
        await expect(under.store.remove(key)).rejects.toMatchObject({ kind: 'invalid' });
        await expect(under.store.save({ ...draft(), key })).rejects.toMatchObject({ kind: 'invalid' });
      },
    );

    test('a stand-in outside of a hostPath volume is refused', async () => {
      const bad = { ...draft(), manifest: { ...draft().manifest, other: `${REVISION_DIR}/x` } };
      await expect(under.store.save(bad)).rejects.toMatchObject({ kind: 'invalid' });
    });
  });
}
