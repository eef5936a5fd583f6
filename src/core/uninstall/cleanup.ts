/**
 * The ordered uninstall of one node, step by step: what of ours lies in staticPodPath, whose process still runs, and
 * what is nobody's that we could prove. Pure; `agent/uninstall/cleanup.ts` asks and obeys.
 */

import { looksLikeManifestFile, parseCheckpointKey } from '../model/keys.ts';
import type { Ledger, ManifestFile, Placed, RuntimeView } from '../model/model.ts';
import { copyAlive } from '../turn/copy-here.ts';

/** The standby goes last: until then nothing else would bring this node's copies under control again. */
export const CLEANUP_ORDER = ['copies', 'standby'] as const;
export type CleanupPart = (typeof CLEANUP_ORDER)[number];

/** Everything of one part that the ledger names, each in one of the four. */
export interface CleanupStep {
  /** Ours, and still there: to be removed, if it has this digest. */
  readonly withdraw: readonly { readonly placed: Placed; readonly digest: string }[];
  /** Somebody has changed the file: it is not what we placed, and is left alone. */
  readonly changed: readonly Placed[];
  /** Withdrawn, and the runtime still shows it. */
  readonly running: readonly Placed[];
  /** Nothing is left of it. */
  readonly gone: readonly Placed[];
}

/** `files`: what lies in staticPodPath now; `view`: what the runtime shows now. */
export function cleanupStep(part: CleanupPart, ledger: Ledger, files: readonly ManifestFile[], view: RuntimeView): CleanupStep {
  const step = {
    withdraw: [] as CleanupStep['withdraw'][number][],
    changed: [] as Placed[],
    running: [] as Placed[],
    gone: [] as Placed[],
  };
  for (const placed of ledger.placed.filter(({ self }) => (self === true) === (part === 'standby'))) {
    const there = files.find(({ file }) => file === placed.file);
    const parent = parseCheckpointKey(placed.key);
    if (there !== undefined) {
      const { digest } = there;
      if (digest !== undefined && (digest === placed.digest || digest === placed.replaces)) step.withdraw.push({ placed, digest });
      else step.changed.push(placed);
    } else if (parent !== undefined && copyAlive(parent, view)) step.running.push(placed);
    else step.gone.push(placed);
  }
  return step;
}

/** Files that bear a name like ours and that nothing proves to be ours. */
export function doubtfulFiles(ledger: Ledger, files: readonly ManifestFile[]): readonly string[] {
  const known = new Set(ledger.placed.map(({ file }) => file));
  return files.map(({ file }) => file).filter((file) => looksLikeManifestFile(file) && !known.has(file));
}
