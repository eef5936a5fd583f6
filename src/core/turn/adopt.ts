/**
 * Which files in staticPodPath are ours although the ledger does not say so: those that are, byte for byte, what we
 * would place for a stored checkpoint. Names and annotations alone prove nothing; anybody can write them. Pure.
 */
import { manifestFileName } from '../model/keys.ts';
import { sha256 } from '../model/manifest.ts';
import type { Checkpoint, Ledger, ManifestFile, Placed } from '../model/model.ts';
import { formatTime } from '../model/time.ts';
import { everyReservation, manifestOf } from '../room/reserve.ts';
import { MAX_ATTEMPTS } from './obstacles.ts';
import { placedManifest } from './plan.ts';

/** The ledger with what was found of ours. `found`: the files in staticPodPath; `wall`: milliseconds since 1970. */
export function adoptOwn(ledger: Ledger, checkpoints: readonly Checkpoint[], found: readonly ManifestFile[], wall: number): Ledger {
  const known = new Set(ledger.placed.map((placed) => placed.key));
  const adopted = checkpoints
    .filter((checkpoint) => !known.has(checkpoint.key) && checkpoint.problem === undefined)
    .flatMap((c) => adopt(c, found, wall));
  return adopted.length === 0 ? ledger : { ...ledger, placed: [...ledger.placed, ...adopted].sort((a, b) => (a.key < b.key ? -1 : 1)) };
}

function adopt(checkpoint: Checkpoint, found: readonly ManifestFile[], wall: number): readonly Placed[] {
  const file = manifestFileName(checkpoint.record.parent);
  const digest = found.find((candidate) => candidate.file === file)?.digest;
  if (digest === undefined) return [];
  const manifest = manifestOf(checkpoint.manifest);
  const reservations = [undefined, ...(manifest === undefined ? [] : everyReservation(manifest))];
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const match = reservations.findIndex((reserves) => sha256(placedManifest(checkpoint, attempt, reserves)) === digest);
    if (match < 0) continue;
    const reserves = reservations[match];
    const { revision, bootId } = checkpoint.record;
    return [
      {
        key: checkpoint.key,
        file,
        digest,
        revision,
        why: 'parent-absent',
        attempt,
        placedAt: formatTime(wall),
        bootId,
        phase: 'placed',
        knownContainers: [],
        ...(reserves === undefined ? {} : { reserves }),
        ...(checkpoint.record.self === true ? { self: true as const } : {}),
      },
    ];
  }
  return [];
}
