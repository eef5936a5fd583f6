/** What is known of one checkpoint before anything is judged? Looked up once a turn, and handed on. Pure. */
import { placedOf } from '../model/ledger.ts';
import type { Checkpoint, CheckpointKey, HandBackMemory, Ledger, Placed } from '../model/model.ts';
import { identities, type Parent } from './identity.ts';
import type { Observation } from './observation.ts';
import { initialTrack, type Track } from './track.ts';

export interface Subject {
  readonly checkpoint: Checkpoint;
  /** Who counts as the parent, by the watch and by the runtime. */
  readonly parent: Parent;
  /** What of it lies in staticPodPath, by the ledger. */
  readonly placed: Placed | undefined;
  /** Its last hand-back, by the ledger. */
  readonly memory: HandBackMemory | undefined;
  /** Its clocks. */
  readonly track: Track;
}

/** `tracks`: the clocks as the last turn left them; a checkpoint without any starts anew. */
export function subjectOf(
  checkpoint: Checkpoint,
  ledger: Ledger,
  tracks: ReadonlyMap<CheckpointKey, Track>,
  o: Pick<Observation, 'watch' | 'runtime' | 'now'>,
): Subject {
  const { key } = checkpoint;
  return {
    checkpoint,
    parent: identities(checkpoint, o.watch.pods, o.runtime),
    placed: placedOf(ledger, key),
    memory: ledger.handBacks.find((candidate) => candidate.key === key),
    track: tracks.get(key) ?? initialTrack(o.now),
  };
}
