/**
 * What every ManifestDir owes its callers, whether it is a directory or memory.
 */
import { beforeEach, describe, expect, test } from 'vitest';
import { sha256 } from '../../src/core/model/manifest.ts';
import type { ManifestDir } from '../../src/ports.ts';

export interface ManifestDirUnderTest {
  readonly manifests: ManifestDir;
  /** Puts a regular file there, as somebody else would. */
  putFile(name: string, content: string): Promise<void>;
  /** Puts something there that is no regular file. */
  putOdd(name: string): Promise<void>;
  read(name: string): Promise<string>;
  removeDirectory(): Promise<void>;
}

const OURS = 'podckpt-default-web-0123abcd.json';

export function manifestDirContract(what: string, open: () => Promise<ManifestDirUnderTest>): void {
  describe(`ManifestDir contract: ${what}`, () => {
    let under: ManifestDirUnderTest;
    beforeEach(async () => {
      under = await open();
    });

    test('lists every name without a leading dot, sorted, with the digest of regular files that could be ours', async () => {
      await under.putFile('etcd.yaml', 'kind: Pod');
      await under.putFile(OURS, 'kind: Pod');
      await under.putFile('.hidden', 'x');
      await under.putOdd('link');
      expect(await under.manifests.list()).toEqual([{ file: 'etcd.yaml' }, { file: 'link' }, { file: OURS, digest: sha256('kind: Pod') }]);
    });

    test('has another stamp after a name has come or gone, and the same as long as none has', async () => {
      const tick = () => new Promise((resolve) => setTimeout(resolve, 50));
      await under.putFile('etcd.yaml', 'kind: Pod');
      await tick();
      const before = under.manifests.stamp();
      expect(before).toBeDefined();
      expect(under.manifests.stamp()).toBe(before);
      await under.manifests.place(OURS, 'one', undefined);
      const placed = under.manifests.stamp();
      expect(placed).not.toBe(before);
      await tick();
      await under.manifests.remove(OURS, sha256('one'));
      expect(under.manifests.stamp()).not.toBe(placed);
      await under.removeDirectory();
      expect(under.manifests.stamp()).toBeUndefined();
    });

    test('a placed manifest is there with exactly its bytes', async () => {
      await under.manifests.place(OURS, '{"a":"ü"}\n', undefined);
      expect(await under.read(OURS)).toBe('{"a":"ü"}\n');
      expect(await under.manifests.list()).toEqual([{ file: OURS, digest: sha256('{"a":"ü"}\n') }]);
    });

    test('replaces the file whose digest it was told, and no other', async () => {
      await under.manifests.place(OURS, 'one', undefined);
      await under.manifests.place(OURS, 'two', sha256('one'));
      expect(await under.read(OURS)).toBe('two');
      await expect(under.manifests.place(OURS, 'three', sha256('one'))).rejects.toMatchObject({ kind: 'failed' });
      await expect(under.manifests.place(OURS, 'three', undefined)).rejects.toMatchObject({ kind: 'failed' });
      expect(await under.read(OURS)).toBe('two');
    });

    test('placing where the expected file is gone is placing anew', async () => {
      await under.manifests.place(OURS, 'two', sha256('one'));
      expect(await under.read(OURS)).toBe('two');
    });

    test('placing the same bytes again is success', async () => {
      await under.manifests.place(OURS, 'one', undefined);
      await under.manifests.place(OURS, 'one', undefined);
      expect(await under.read(OURS)).toBe('one');
    });

    test('something that is no regular file is never replaced or removed', async () => {
      await under.putOdd(OURS);
      await expect(under.manifests.place(OURS, 'one', sha256('one'))).rejects.toMatchObject({ kind: 'failed' });
      await expect(under.manifests.remove(OURS, sha256('one'))).rejects.toMatchObject({ kind: 'failed' });
      expect(await under.manifests.list()).toEqual([{ file: OURS }]);
    });

    test('removes the file with this digest; absent is success; another digest is left alone', async () => {
      await under.manifests.place(OURS, 'one', undefined);
      await expect(under.manifests.remove(OURS, sha256('two'))).rejects.toMatchObject({ kind: 'failed' });
      expect(await under.read(OURS)).toBe('one');
      await under.manifests.remove(OURS, sha256('one'));
      await under.manifests.remove(OURS, sha256('one'));
      expect(await under.manifests.list()).toEqual([]);
    });

    test.each([
      'etcd.yaml',
      '../podckpt-a-b-0123abcd.json',
      '.podckpt-1.tmp',
      'podckpt-a/b-0123abcd.json',
      `podckpt-${'a'.repeat(255)}-0123abcd.json`,
    ])('the name "%s" is not ours to touch', async (name) => {
      await expect(under.manifests.place(name, 'x', undefined)).rejects.toMatchObject({ kind: 'invalid' });
      await expect(under.manifests.remove(name, sha256('x'))).rejects.toMatchObject({ kind: 'invalid' });
    });

    test('a manifest as large as the kubelet no longer reads is refused', async () => {
      await expect(under.manifests.place(OURS, 'x'.repeat(10 * 1024 * 1024), undefined)).rejects.toMatchObject({ kind: 'invalid' });
      expect(await under.manifests.list()).toEqual([]);
    });

    test('a missing directory is unavailable for every method', async () => {
      await under.removeDirectory();
      await expect(under.manifests.list()).rejects.toMatchObject({ kind: 'unavailable' });
      await expect(under.manifests.place(OURS, 'one', undefined)).rejects.toMatchObject({ kind: 'unavailable' });
      await expect(under.manifests.remove(OURS, sha256('one'))).rejects.toMatchObject({ kind: 'unavailable' });
    });
  });
}
