/**
 * Does a placed copy serve, and if not, why? By the runtime, and by the kubelet where the runtime has nothing of it.
 *
 * Running is all that local truth can tell of a container; nobody here knows of its probes. A copy that lost one counts
 * as failing until it has run steadily: in a crash loop it would else serve for a moment at each attempt. Pure.
 */
import type { CopyStand } from '../model/copy-stand.ts';
import type { Checkpoint, Placed, RuntimeContainer, RuntimeView } from '../model/model.ts';
import { since } from '../model/since.ts';
import { anyAlive, containersIn, copyAlive, copyRuns, placedSandboxes } from './copy-here.ts';
import { copyShape } from './copy-listed.ts';
import type { Observation } from './observation.ts';
import { START_DEADLINE_MS } from './policy.ts';
import type { Subject } from './subject.ts';
import { type Failing, STEADY_MS, type Track } from './track.ts';

/** By the subject's clocks as this turn's look left them. */
export function copyStand({ checkpoint, placed, track }: Subject, o: Observation): CopyStand {
  if (!o.runtime.known) return 'unknown';
  if (placed?.phase !== 'placed') {
    if (!copyAlive(checkpoint.record.parent, o.runtime.value)) return 'gone';
    return copyRuns(checkpoint, o) ? 'serving' : 'starting';
  }
  if (track.copyFailing === undefined && track.copyRunsSince !== undefined) return 'serving';
  if (track.unlistedSince !== undefined && o.now - track.unlistedSince >= START_DEADLINE_MS) return 'gone';
  const sandboxes = placedSandboxes(checkpoint, placed, o.runtime.value);
  // what is in a state that the runtime does not know may run
  if (containersIn(sandboxes, o.runtime.value).some(({ state }) => state === 'unknown')) return 'unknown';
  const shown = anyAlive(sandboxes, o.runtime.value);
  const fresh = track.placedSince !== undefined && o.now - track.placedSince.at < START_DEADLINE_MS;
  // whether the kubelet has it decides between one that waits and one that nobody will start
  if (!shown && !fresh && !o.kubelet.known && o.unasked !== true) return 'unknown';
  // the kubelet syncs no pod of the pod network then (pkg/kubelet/kubelet.go: SyncPod, networkErrors)
  if (o.network?.known === true && !o.network.value.ready && copyShape(checkpoint).podNetwork) return 'no-network';
  return track.copyFailing === undefined ? 'starting' : 'failing';
}

/** What this look makes of the clocks of a placed copy. A silent runtime starts none and stops none. */
export function copyClocks(
  { checkpoint, placed, track }: Subject,
  o: Observation,
): { readonly [K in 'copyRunsSince' | 'copyFailing']: Track[K] | undefined } {
  const last = track.placedSince;
  const same = placed?.phase === 'placed' && last?.attempt === placed.attempt && last.revision === placed.revision;
  const { copyRunsSince, copyFailing } = same ? track : {};
  if (placed?.phase !== 'placed' || !o.runtime.known) return { copyRunsSince, copyFailing };
  const runs = since(copyRunsSince, copyRuns(checkpoint, o), o.now);
  const dead = runs === undefined ? lastDead(checkpoint, placed, o) : undefined;
  if (dead !== undefined) return { copyRunsSince: runs, copyFailing: { ...dead, since: copyFailing?.since ?? o.now } };
  const steady = runs !== undefined && o.now - runs >= STEADY_MS;
  return { copyRunsSince: runs, copyFailing: steady ? undefined : copyFailing };
}

/** The newest container of each name in a READY sandbox of what is placed, where that one has exited. */
export function exited(checkpoint: Checkpoint, placed: Placed, view: RuntimeView): readonly RuntimeContainer[] {
  const sandboxes = placedSandboxes(checkpoint, placed, view).filter(({ ready }) => ready);
  const newest = new Map<string, RuntimeContainer>();
  for (const container of containersIn(sandboxes, view)) {
    const before = newest.get(container.name);
    if (before === undefined || container.createdAtMs >= before.createdAtMs) newest.set(container.name, container);
  }
  return [...newest.values()].filter(({ state }) => state === 'exited');
}

/** An init container that has done its work ends as well: it failed only by its exit code, once that is known. */
function lastDead(checkpoint: Checkpoint, placed: Placed, o: Observation): Omit<Failing, 'since'> | undefined {
  if (!o.runtime.known) return undefined;
  const dead = exited(checkpoint, placed, o.runtime.value).filter(({ id, name }) => {
    const exit = o.exits?.get(id);
    return checkpoint.record.serving.includes(name) || (exit?.known === true && exit.value.code !== 0);
  });
  const last = [...dead].sort((a, b) => a.createdAtMs - b.createdAtMs).at(-1);
  return last === undefined ? undefined : { id: last.id, container: last.name };
}
