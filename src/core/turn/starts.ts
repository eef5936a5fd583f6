/**
 * Which sign fits the runtime of this node: the kubelet's attempt to create a container, or the container? Learnt from
 * the starts that were seen here. Pure.
 *
 * A copy that leaves at the attempt leaves the port free in time, but is missed until the parent's process runs. On
 * containerd that took 0.07 to 0.4 s, on CRI-O 2.6 to 6.4 s, of which the last 1.1 s and more come after the container:
 * time enough for a copy that leaves at that.
 */
import { ANNOTATION_COPY_OF } from '../model/keys.ts';
import type { Checkpoint, Millis, RuntimeContainer, RuntimeView } from '../model/model.ts';

/** What showed that the parent comes. */
export type ParentSign = 'attempt' | 'container';

/** From the kubelet's attempt to the process; what takes longer is no short one. A lost port costs ten seconds. */
export const SHORT_START_MS: Millis = 1_000;
/** So many starts, the latest, are gone by: one that a busy node made slow, or a lucky one, does not decide alone. */
export const STARTS_KEPT = 5;

export interface Start {
  /** Wall clock of the process's start. */
  readonly at: number;
  /** From the kubelet's attempt on. */
  readonly tookMs: Millis;
}

/** In memory only: another process, or another boot, learns anew. */
export interface Learnt {
  /** As the runtime calls itself; undefined: it has not been asked yet. */
  readonly runtime: string | undefined;
  /** Latest first. */
  readonly starts: readonly Start[];
  /** Containers that were asked about. */
  readonly asked: ReadonlySet<string>;
}

export const NOTHING_LEARNT: Learnt = { runtime: undefined, starts: [], asked: new Set() };

/** By what was seen; before that by the kind of the runtime. In doubt the container: it is right on every runtime. */
export function signOf({ runtime, starts }: Learnt): ParentSign {
  const typical = typicalStart(starts);
  if (typical === undefined) return runtime === 'containerd' ? 'attempt' : 'container';
  return typical <= SHORT_START_MS ? 'attempt' : 'container';
}

/** The middle one; of an even number the slower of the two, whose sign is the safer for the gap. */
export function typicalStart(starts: readonly Start[]): Millis | undefined {
  return starts.map(({ tookMs }) => tookMs).sort((a, b) => a - b)[Math.floor(starts.length / 2)];
}

/** Running containers of parents and of copies, the latest first, whose starts are not known and would be news. */
export function startsToAsk({ starts, asked }: Learnt, checkpoints: readonly Checkpoint[], view: RuntimeView): readonly RuntimeContainer[] {
  const parents = new Set(checkpoints.map(({ record }) => record.parent.uid));
  const copies = new Set(view.sandboxes.filter(({ annotations }) => annotations[ANNOTATION_COPY_OF] !== undefined).map(({ id }) => id));
  const oldest = starts.length < STARTS_KEPT ? Number.NEGATIVE_INFINITY : Math.min(...starts.map(({ at }) => at));
  return view.containers
    .filter(({ id, state, podUid, sandboxId, createdAtMs }) => {
      const ours = parents.has(podUid) || copies.has(sandboxId);
      return ours && state === 'running' && createdAtMs > oldest && !asked.has(id);
    })
    .sort((a, b) => b.createdAtMs - a.createdAtMs)
    .slice(0, STARTS_KEPT);
}

/** Those are being asked about; what the runtime has no more is forgotten. */
export function withAsked(learnt: Learnt, asking: readonly RuntimeContainer[], view: RuntimeView): Learnt {
  const there = new Set(view.containers.map(({ id }) => id));
  return { ...learnt, asked: new Set([...learnt.asked, ...asking.map(({ id }) => id)].filter((id) => there.has(id))) };
}

/** `attempts`: when the kubelet made each; `startedAtMs`: when the process began. Both by the node's wall clock. */
export function withStart(learnt: Learnt, attempts: readonly number[], startedAtMs: number): Learnt {
  const before = attempts.filter((at) => at <= startedAtMs);
  if (before.length === 0) return learnt;
  const starts = [...learnt.starts, { at: startedAtMs, tookMs: startedAtMs - Math.max(...before) }];
  return { ...learnt, starts: starts.sort((a, b) => b.at - a.at).slice(0, STARTS_KEPT) };
}
