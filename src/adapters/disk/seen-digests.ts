/**
 * The digests of files that were read before and are unchanged since: what is looked at every second of an outage need
 * not be read every second. For telling only: whoever is about to change a file reads it.
 *
 * A change moves the time at which the kernel last changed the file, which nobody can set. That time is as coarse as a
 * tick of its clock, so a file that changed a moment before it was read may change once more unseen: it is not kept.
 */
import type { Stats } from 'node:fs';

/** Far more than any file system's tick. */
const SETTLED_MS = 2_000;

export type FileTimes = Pick<Stats, 'dev' | 'ino' | 'size' | 'mtimeMs' | 'ctimeMs'>;

export interface SeenDigests {
  /** undefined: to be read. */
  of(path: string, now: FileTimes): string | undefined;
  /** `stats`: from before it was read; `wall`: from before that. */
  learn(path: string, stats: FileTimes, digest: string, wall: number): void;
  keepOnly(paths: ReadonlySet<string>): void;
}

export function createSeenDigests(): SeenDigests {
  const seen = new Map<string, { readonly stats: FileTimes; readonly digest: string }>();
  return {
    of(path, now) {
      const before = seen.get(path);
      if (before === undefined) return undefined;
      const { stats, digest } = before;
      const same = (['dev', 'ino', 'size', 'mtimeMs', 'ctimeMs'] as const).every((field) => stats[field] === now[field]);
      return same ? digest : undefined;
    },
    learn(path, stats, digest, wall) {
      if (wall - stats.ctimeMs >= SETTLED_MS) seen.set(path, { stats, digest });
      else seen.delete(path);
    },
    keepOnly(paths) {
      for (const path of seen.keys()) if (!paths.has(path)) seen.delete(path);
    },
  };
}
