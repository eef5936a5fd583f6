/**
 * staticPodPath in memory: same promises as the real directory (it passes the same contract), no disk.
 */
import { checkManifestName } from '../../src/adapters/disk/layout.ts';
import { looksLikeManifestFile } from '../../src/core/model/keys.ts';
import { MAX_MANIFEST_BYTES, sha256 } from '../../src/core/model/manifest.ts';
import { type ManifestDir, PortError } from '../../src/ports.ts';
import { type PortFaults, portFaults } from './disk-faults.ts';

export interface FakeManifestDir extends ManifestDir, PortFaults {
  /** What is there: content by name; undefined stands for a link, a directory or the like. Tests may change it. */
  readonly files: Map<string, string | undefined>;
  /** While true, every method throws `unavailable`. */
  missing: boolean;
}

export function createFakeManifestDir(): FakeManifestDir {
  const faults = portFaults();
  const files = new Map<string, string | undefined>();
  const enter = (method: string): void => {
    faults.enter(method);
    if (fake.missing) throw new PortError('unavailable', 'staticPodPath is not a directory');
  };
  const digestOf = (file: string): string | undefined => {
    const content = files.get(file);
    return content === undefined ? undefined : sha256(content);
  };
  const fake: FakeManifestDir = {
    files,
    missing: false,
    calls: faults.calls,
    failOnNthCall: faults.failOnNthCall,
    async list() {
      enter('list');
      const names = [...files.keys()].filter((name) => !name.startsWith('.')).sort();
      return names.map((file) => {
        const digest = looksLikeManifestFile(file) ? digestOf(file) : undefined;
        return digest === undefined ? { file } : { file, digest };
      });
    },
    stamp: () => (fake.missing ? undefined : [...files.keys()].join()),
    async place(file, content, expect) {
      checkManifestName(file);
      if (Buffer.byteLength(content) >= MAX_MANIFEST_BYTES) throw new PortError('invalid', `placing ${file}: too large`);
      enter('place');
      if (files.has(file)) {
        const digest = digestOf(file);
        if (digest === undefined || (digest !== sha256(content) && digest !== expect)) {
          throw new PortError('failed', `placing ${file}: a file that is not ours has this name`);
        }
      }
      files.set(file, content);
    },
    async remove(file, digest) {
      checkManifestName(file);
      enter('remove');
      if (!files.has(file)) return;
      if (digestOf(file) !== digest) throw new PortError('failed', `removing ${file}: it is not the file that we placed`);
      files.delete(file);
    },
  };
  return fake;
}
