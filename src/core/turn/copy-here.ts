/**
 * Where does a copy stand, by the runtime's word? Known by the annotations that only a copy from a file carries. Pure.
 */
import { ANNOTATION_REVISION } from '../model/keys.ts';
import type { Checkpoint, Placed, PodName, RuntimeContainer, RuntimeView, Sandbox } from '../model/model.ts';
import type { Observation } from './observation.ts';
import { indexOf } from './view-index.ts';

/** Every sandbox of the checkpoint's copy, of any revision, ready or not. */
export function copySandboxes(checkpoint: Pick<Checkpoint, 'record'>, view: RuntimeView): readonly Sandbox[] {
  return sandboxesOfCopy(checkpoint.record.parent, view);
}

/** Every container in them, whatever it does. */
export function containersOfCopy(checkpoint: Pick<Checkpoint, 'record'>, view: RuntimeView): readonly RuntimeContainer[] {
  return containersIn(copySandboxes(checkpoint, view), view);
}

export function containersIn(sandboxes: readonly Sandbox[], view: RuntimeView): readonly RuntimeContainer[] {
  const { containersOfSandbox } = indexOf(view);
  return sandboxes.flatMap(({ id }) => containersOfSandbox.get(id) ?? []);
}

function sandboxesOfCopy({ namespace, name }: PodName, view: RuntimeView): readonly Sandbox[] {
  return indexOf(view).copies.get(`${namespace}/${name}`) ?? [];
}

/** Does the runtime show anything of this parent's copy that serves, or could? */
export function copyAlive(parent: PodName, view: RuntimeView): boolean {
  return anyAlive(sandboxesOfCopy(parent, view), view);
}

/** Of these sandboxes: is one READY, or does one hold a container that has not exited? */
export function anyAlive(sandboxes: readonly Sandbox[], view: RuntimeView): boolean {
  return sandboxes.some(({ ready }) => ready) || containersIn(sandboxes, view).some(({ state }) => state !== 'exited');
}

/** The sandboxes of what is placed. A standby is replaced in place, so that the one before may still be there. */
export function placedSandboxes(checkpoint: Checkpoint, placed: Placed, view: RuntimeView): readonly Sandbox[] {
  const all = copySandboxes(checkpoint, view);
  return checkpoint.record.self === true ? all.filter((s) => s.annotations[ANNOTATION_REVISION] === placed.revision) : all;
}

/** Does every serving container of the copy run? What the runtime does not tell, does not. */
export function copyRuns(checkpoint: Checkpoint, o: Observation): boolean {
  if (!o.runtime.known) return false;
  const containers = containersOfCopy(checkpoint, o.runtime.value);
  const running = new Set(containers.filter(({ state }) => state === 'running').map(({ name }) => name));
  return checkpoint.record.serving.length > 0 && checkpoint.record.serving.every((name) => running.has(name));
}
