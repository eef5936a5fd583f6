/**
 * Writes volumes as the kubelet's AtomicWriter does (pkg/volume/util/atomic_writer.go): a new hidden directory, then
 * `..data` renamed onto it, then the visible links.
 */
import { chmod, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { CapturedFile } from '../../src/core/model/model.ts';
import type { VolumePlugin } from '../../src/ports.ts';

export function volumeDir(podsDir: string, podUid: string, plugin: VolumePlugin, volume: string): string {
  return join(podsDir, podUid, 'volumes', `kubernetes.io~${plugin}`, volume);
}

/** `stamp` is the number in the hidden directory's name. */
export async function publishVolume(dir: string, stamp: number, files: readonly CapturedFile[]): Promise<void> {
  const hidden = `..2026_11_21_08_00_00.${stamp}`;
  await mkdir(join(dir, hidden), { recursive: true });
  for (const { path, mode, content } of files) {
    await mkdir(dirname(join(dir, hidden, path)), { recursive: true });
    await writeFile(join(dir, hidden, path), content);
    await chmod(join(dir, hidden, path), mode);
  }
  await symlink(hidden, join(dir, '..data_tmp'));
  await rename(join(dir, '..data_tmp'), join(dir, '..data'));
  for (const { path } of files) {
    const first = path.split('/')[0] ?? path;
    await symlink(`..data/${first}`, join(dir, first)).catch(() => undefined);
  }
  await rm(join(dir, `..2026_11_21_08_00_00.${stamp - 1}`), { recursive: true, force: true });
}
