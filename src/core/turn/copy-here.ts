/**
 * Where does a copy stand, by the runtime's word? Known by the annotations that only a copy from a file carries. Pure.
 */
import { ANNOTATION_COPY_OF, ANNOTATION_REVISION, ANNOTATION_SOURCE } from '../model/keys.ts';
import type { Checkpoint, Placed, PodName, RuntimeView, Sandbox } from '../model/model.ts';
import type { Observation } from './observation.ts';
import { START_DEADLINE_MS } from './policy.ts';
import type { Track } from './track.ts';

/** Every sandbox of the checkpoint's copy, of any revision, ready or not. */
export function copySandboxes(checkpoint: Pick<Checkpoint, 'record'>, view: RuntimeView): readonly Sandbox[] {
  return sandboxesOfCopy(checkpoint.record.parent, view);
}

function sandboxesOfCopy({ namespace, name }: PodName, view: RuntimeView): readonly Sandbox[] {
  return view.sandboxes.filter(
    (sandbox) => sandbox.annotations[ANNOTATION_COPY_OF] === `${namespace}/${name}` && sandbox.annotations[ANNOTATION_SOURCE] === 'file',
  );
}

/** Does the runtime show anything of this parent's copy that serves, or could? */
export function copyAlive(parent: PodName, view: RuntimeView): boolean {
  const sandboxes = sandboxesOfCopy(parent, view);
  const ids = new Set(sandboxes.map((sandbox) => sandbox.id));
  const alive = view.containers.some((c) => ids.has(c.sandboxId) && c.state !== 'exited');
  return alive || sandboxes.some((sandbox) => sandbox.ready);
}

/** Does every serving container of the copy run? What the runtime does not tell, does not. */
export function copyRuns(checkpoint: Checkpoint, o: Observation): boolean {
  if (!o.runtime.known) return false;
  const ids = new Set(copySandboxes(checkpoint, o.runtime.value).map((sandbox) => sandbox.id));
  const running = new Set(o.runtime.value.containers.filter((c) => ids.has(c.sandboxId) && c.state === 'running').map((c) => c.name));
  return checkpoint.record.serving.length > 0 && checkpoint.record.serving.every((name) => running.has(name));
}

/**
 * Nothing of the copy ever appeared: how the kubelet refuses a static pod. False where it is too early to tell, or the
 * runtime cannot be asked. The patience doubles with each attempt, up to eightfold.
 */
export function neverStarted(checkpoint: Checkpoint, placed: Placed, track: Track, o: Observation): boolean {
  if (placed.phase !== 'placed' || !o.runtime.known || track.placedSince === undefined) return false;
  const patience = START_DEADLINE_MS * 2 ** Math.min(placed.attempt - 1, 3);
  const sandboxes = copySandboxes(checkpoint, o.runtime.value);
  // a standby is replaced by its next revision in place, so the one before may still be there
  const own = checkpoint.record.self === true ? sandboxes.filter((s) => s.annotations[ANNOTATION_REVISION] === placed.revision) : sandboxes;
  return o.now - track.placedSince.at >= patience && own.length === 0;
}
