/**
 * An evicted pod stays evicted: what follows for the copy of a parent that the kubelet itself ended. A pod that this
 * very kubelet process had and has no more, and that nobody deleted, was evicted, preempted, or came to its end. Its
 * copy would take what the kubelet has just freed, and cannot be evicted (`pkg/kubelet/eviction/eviction_manager.go`).
 *
 * A deletion right before the API server went is how a self-hosted one is replaced: its copy starts as ever. So it does
 * where nobody can tell and the pod is critical, for the kubelet evicts no such pod. In any other doubt the copy waits,
 * which has an end. Kubelets before 1.34 list pods that have ended, too: there nothing of this is known. Pure.
 */
import type { KeptDown } from '../model/ended.ts';
import { field, fieldAt } from '../model/json.ts';
import { decodeManifest } from '../model/manifest.ts';
import type { Checkpoint, CheckpointKey, Ledger, Millis } from '../model/model.ts';
import type { Stay } from '../model/stay.ts';
import { handBackFailed } from './facts.ts';
import type { Observation } from './observation.ts';
import type { Policy } from './policy.ts';
import type { Pressure } from './pressure.ts';
import type { Subject } from './subject.ts';
import type { Track } from './track.ts';

/** Pressure that nobody can tell of ends here: a file system that hangs for ever must not keep a copy down for ever. */
export const UNKNOWN_PRESSURE_ENDS_MS: Millis = 600_000;

/** Kubernetes' SystemCriticalPriority. */
const CRITICAL_PRIORITY = 2_000_000_000;

/** What keeps the copies of these parents down, by key. */
export function keptDown(
  subjects: readonly Subject[],
  pressure: Pressure | undefined,
  o: Observation,
  policy: Policy,
): ReadonlyMap<CheckpointKey, KeptDown> {
  const found = new Map<CheckpointKey, KeptDown>();
  for (const subject of subjects) {
    const why = mayHaveEnded(subject) && wasEnded(subject, o) ? reasonFor(subject, pressure, o, policy) : undefined;
    if (why !== undefined) found.set(subject.checkpoint.key, why);
  }
  return found;
}

/**
 * The copy that made way a moment ago comes back as soon as the machine was asked, unless it is short of something: a
 * server that was down in between may have said what nobody of us heard.
 */
function reasonFor(subject: Subject, pressure: Pressure | undefined, o: Observation, policy: Policy): KeptDown | undefined {
  const endedAt = subject.track.stay?.endedAt ?? o.now;
  if (pressure?.short.known === true && pressure.short.value.length > 0) return 'node-under-pressure';
  if (handBackFailed(subject, o)) return pressure === undefined ? 'parent-ended' : undefined;
  // from its last pressure on: the kubelet, too, trusts a node again only after a while
  if (o.now - Math.max(endedAt, pressure?.lastShort ?? endedAt) < policy.endedGraceMs) return 'parent-ended';
  if (pressure?.short.known === true) return undefined;
  return o.now - Math.max(endedAt, pressure?.unknownSince ?? o.now) < UNKNOWN_PRESSURE_ENDS_MS ? 'parent-ended' : undefined;
}

/** Is there a copy to be started for which it matters? */
export function mayHaveEnded({ checkpoint, placed, track }: Pick<Subject, 'checkpoint' | 'placed' | 'track'>): boolean {
  return placed === undefined && checkpoint.record.self !== true && track.stay?.endedAt !== undefined && !wasDeleted(track.stay);
}

function wasEnded({ checkpoint, track: { stay } }: Subject, o: Observation): boolean {
  return stay !== undefined && (knowsEnded(stay, o) || !isCritical(checkpoint));
}

function wasDeleted({ api, fate }: Stay): boolean {
  if (fate === 'ended' || api === 'finished') return false;
  return fate === 'deleted' || api === 'deleted';
}

/** Would we know of a deletion? Not if a server has answered anybody since we saw its watch last. */
function knowsEnded({ api, fate, unwatchedSince }: Stay, { api: { lastAnswer }, watch }: Observation): boolean {
  if (fate === 'ended' || api === 'finished') return true;
  const answered = Math.max(lastAnswer ?? Number.NEGATIVE_INFINITY, watch.lastAnswer ?? Number.NEGATIVE_INFINITY);
  return api === 'alive' && (unwatchedSince === undefined || answered <= unwatchedSince);
}

function isCritical({ manifest }: Pick<Checkpoint, 'manifest'>): boolean {
  const decoded = decodeManifest(manifest);
  const priority = decoded.ok ? field(fieldAt(decoded.manifest, 'spec'), 'priority') : undefined;
  return typeof priority === 'number' && priority >= CRITICAL_PRIORITY;
}

/** A parent of which the kubelet is to be asked how it ended. */
export interface EndedParent {
  readonly key: CheckpointKey;
  readonly uids: readonly string[];
}

/** Of the turn before: whose copies may have to wait, and whose fate the kubelet has not told yet. */
export function endedParents(
  checkpoints: readonly Checkpoint[],
  ledger: Ledger,
  tracks: ReadonlyMap<CheckpointKey, Track>,
): { readonly all: number; readonly untold: readonly EndedParent[] } {
  const byKey = new Map(ledger.placed.map((entry) => [entry.key, entry]));
  const ended = checkpoints.flatMap((checkpoint) => {
    const { key } = checkpoint;
    const track = tracks.get(key);
    const placed = byKey.get(key);
    return track?.stay !== undefined && mayHaveEnded({ checkpoint, placed, track }) ? [{ key, stay: track.stay }] : [];
  });
  return {
    all: ended.length,
    untold: ended.filter(({ stay }) => stay.fate === undefined).map(({ key, stay }) => ({ key, uids: stay.uids })),
  };
}
