/**
 * What every KubeletVolumes owes its callers.
 */
import { beforeEach, describe, expect, test } from 'vitest';
import type { CapturedFile } from '../../src/core/model/model.ts';
import type { KubeletVolumes, VolumePlugin } from '../../src/ports.ts';
import { file } from '../fakes/disk-draft.ts';

export interface VolumesUnderTest {
  readonly volumes: KubeletVolumes;
  /** Writes a version of a volume as the kubelet does. */
  publish(podUid: string, plugin: VolumePlugin, volume: string, files: readonly CapturedFile[]): Promise<void>;
}

const POD = '0b1c2d3e-0000-4000-8000-000000000001';
const FILES = [file('empty', ''), file('pass', 'one', 0o400), file('sub/dir/pass', Uint8Array.from([0, 255]), 0o640)];

export function volumesContract(what: string, open: () => Promise<VolumesUnderTest>): void {
  describe(`KubeletVolumes contract: ${what}`, () => {
    let under: VolumesUnderTest;
    beforeEach(async () => {
      under = await open();
    });

    test.each(['secret', 'configmap', 'projected', 'downward-api'] as const)(
      'reads all files of a %s volume, sorted, with mode and owner',
      async (plugin) => {
        await under.publish(POD, plugin, 'data', FILES.toReversed());
        expect(await under.volumes.read(POD, plugin, 'data', 1000)).toEqual(FILES);
      },
    );

    test('a volume without files is an empty list', async () => {
      await under.publish(POD, 'configmap', 'data', []);
      expect(await under.volumes.read(POD, 'configmap', 'data', 0)).toEqual([]);
    });

    test('what does not exist is not found and has no version', async () => {
      await under.publish(POD, 'secret', 'data', FILES);
      for (const [pod, plugin, volume] of [
        ['other', 'secret', 'data'],
        [POD, 'configmap', 'data'],
        [POD, 'secret', 'other'],
      ] as const) {
        await expect(under.volumes.read(pod, plugin, volume, 1000)).rejects.toMatchObject({ kind: 'not-found' });
        expect(await under.volumes.version(pod, plugin, volume)).toBeUndefined();
      }
    });

    test('the version changes with every publication, and only then', async () => {
      await under.publish(POD, 'secret', 'data', FILES);
      const first = await under.volumes.version(POD, 'secret', 'data');
      expect(await under.volumes.version(POD, 'secret', 'data')).toBe(first);
      await under.volumes.read(POD, 'secret', 'data', 1000);
      expect(await under.volumes.version(POD, 'secret', 'data')).toBe(first);
      await under.publish(POD, 'secret', 'data', FILES);
      expect(await under.volumes.version(POD, 'secret', 'data')).not.toBe(first);
    });

    test('more bytes than allowed are too large; exactly as many are not', async () => {
      await under.publish(POD, 'secret', 'data', FILES);
      await expect(under.volumes.read(POD, 'secret', 'data', 4)).rejects.toMatchObject({ kind: 'too-large' });
      expect(await under.volumes.read(POD, 'secret', 'data', 5)).toHaveLength(3);
    });

    test.each(['', '..', '../x', 'a/b'])('"%s" names neither a pod nor a volume', async (name) => {
      await expect(under.volumes.read(name, 'secret', 'data', 1)).rejects.toMatchObject({ kind: 'invalid' });
      await expect(under.volumes.read(POD, 'secret', name, 1)).rejects.toMatchObject({ kind: 'invalid' });
    });
  });
}
