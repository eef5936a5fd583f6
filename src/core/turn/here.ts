/**
 * Where does the parent stand on this node, by the runtime and the kubelet's own list? No API server is asked.
 * Pure.
 */

import { ANNOTATION_SOURCE } from '../model/keys.ts';
import type { Checkpoint, ParentHere, RuntimeContainer, RuntimeView, Sandbox } from '../model/model.ts';
import { type Parent, uidsOf } from './identity.ts';
import type { LocalTruth } from './observation.ts';
import { indexOf } from './view-index.ts';

/**
 * A container in a state that the runtime does not know may run; one of an earlier boot does not (`doubt.ts`).
 * A READY sandbox is no life: after a kubelet restart offline it stays READY for ever around a dead container.
 * Containers running beside a dead one, in a pod the kubelet does not know, are an orphan as well: nobody will ever
 * restart the dead one.
 */
export function parentHere(parent: Parent, checkpoint: Checkpoint, local: LocalTruth): ParentHere {
  if (!local.runtime.known) return 'unknown';
  const running = new Set(runningOf(parent, local.runtime.value).map((container) => container.name));
  const { serving } = checkpoint.record;
  if (serving.length > 0 && serving.every((name) => running.has(name))) return 'running';
  if (running.size === 0 && containersOf(parent, local.runtime.value).some(({ state }) => state === 'unknown')) return 'unknown';
  if (!local.kubelet.known) return running.size > 0 ? 'running' : 'unknown';
  const { value: listed } = local.kubelet;
  if (parent.names.some((name) => listed.has(name))) return running.size > 0 ? 'running' : 'known';
  const sandbox = sandboxesOf(parent, local.runtime.value).some(({ ready }) => ready);
  return sandbox || running.size > 0 ? 'orphan' : 'absent';
}

/** Is nothing running that the kubelet got from the API server? The fast path at boot rests on it. */
export function nothingFromApiRuns(view: RuntimeView): boolean {
  const fromApi = new Set(
    view.sandboxes.filter((sandbox) => sandbox.annotations[ANNOTATION_SOURCE] === 'api').map((sandbox) => sandbox.id),
  );
  return !view.containers.some(({ state, sandboxId }) => (state === 'running' || state === 'unknown') && fromApi.has(sandboxId));
}

/** Running containers of the parent and its successors. */
export function runningOf(parent: Parent, view: RuntimeView): readonly RuntimeContainer[] {
  return containersOf(parent, view).filter(({ state }) => state === 'running');
}

export function sandboxesOf(parent: Parent, view: RuntimeView): readonly Sandbox[] {
  const { sandboxesOfPod } = indexOf(view);
  return uidsOf(parent).flatMap((uid) => sandboxesOfPod.get(uid) ?? []);
}

/** Containers of the parent and its successors, whatever they do. */
export function containersOf(parent: Parent, view: RuntimeView): readonly RuntimeContainer[] {
  const { containersOfPod } = indexOf(view);
  return uidsOf(parent).flatMap((uid) => containersOfPod.get(uid) ?? []);
}
