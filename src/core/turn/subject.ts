/** What is known of one checkpoint before anything is judged? Looked up once a turn, and handed on. Pure. */
import { placedOf } from '../model/ledger.ts';
import type { Checkpoint, CheckpointKey, HandBackMemory, Ledger, Placed } from '../model/model.ts';
import { identities, type Parent, podsByController } from './identity.ts';
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

type Seen = Pick<Observation, 'watch' | 'runtime' | 'now'>;
type Tracks = ReadonlyMap<CheckpointKey, Track>;

/** All of them, each as {@link subjectOf} has it; what they share is looked up once. */
export function subjectsOf(checkpoints: readonly Checkpoint[], ledger: Ledger, tracks: Tracks, o: Seen): readonly Subject[] {
  const byController = podsByController(o.watch.pods);
  const placed = new Map(ledger.placed.map((one) => [one.key, one]));
  const memories = new Map(ledger.handBacks.map((one) => [one.key, one]));
  return checkpoints.map((checkpoint) => ({
    checkpoint,
    parent: identities(checkpoint, o.watch.pods, o.runtime, byController),
    placed: placed.get(checkpoint.key),
    memory: memories.get(checkpoint.key),
    track: tracks.get(checkpoint.key) ?? initialTrack(o.now),
  }));
}

/** `tracks`: the clocks as the last turn left them; a checkpoint without any starts anew. */
export function subjectOf(checkpoint: Checkpoint, ledger: Ledger, tracks: Tracks, o: Seen): Subject {
  const { key } = checkpoint;
  return {
    checkpoint,
    parent: identities(checkpoint, o.watch.pods, o.runtime),
    placed: placedOf(ledger, key),
    memory: ledger.handBacks.find((candidate) => candidate.key === key),
    track: tracks.get(key) ?? initialTrack(o.now),
  };
}
