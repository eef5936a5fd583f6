/**
 * Does the kubelet start what is placed in our staticPodPath? Where no copy is needed only the standby can tell: it
 * always lies there. Pure.
 *
 * Only the standby of the very pod that asks is evidence: one of a pod before it may lie in another directory, and run.
 */

import type { Checkpoint, Millis, Placed } from '../model/model.ts';
import { copySandboxes } from '../turn/copy-here.ts';
import type { Observation } from '../turn/observation.ts';

/** The kubelet sees a new file at once, or by its list of every 20 s. */
export const UNREAD_MS: Millis = 30_000;

/**
 * - `unknown`: too early, or nothing to judge by
 * - `read`: the kubelet has made a sandbox of the standby in this life of the agent
 * - `unread`: it has not, for {@link UNREAD_MS}
 */
export interface StartWatch {
  readonly verdict: 'unknown' | 'read' | 'unread';
  /** Since when the manifest has lain there and the runtime, which answered, showed nothing of it. */
  readonly missingSince?: Millis;
}
/** Nothing is known yet. */
export const FIRST_LOOK: StartWatch = { verdict: 'unknown' };

export interface StandbyLook {
  /** The checkpoint of our own pod, and what is placed of it; undefined: not captured, not placed (yet). */
  readonly checkpoint: Checkpoint | undefined;
  readonly placed: Placed | undefined;
  readonly o: Pick<Observation, 'now' | 'runtime' | 'manifests'>;
}

/** What could not be seen changes nothing: a calm agent does not ask in every turn. */
export function watchStart(before: StartWatch, { checkpoint, placed, o }: StandbyLook): StartWatch {
  if (before.verdict === 'read') return before;
  if (checkpoint === undefined || placed?.phase !== 'placed') return FIRST_LOOK;
  if (!o.runtime.known) return before;
  if (copySandboxes(checkpoint, o.runtime.value).length > 0) return { verdict: 'read' };
  const missingSince = before.missingSince ?? (lies(placed, o) ? o.now : undefined);
  if (missingSince === undefined) return before;
  return { verdict: o.now - missingSince >= UNREAD_MS ? 'unread' : 'unknown', missingSince };
}

/** Is our manifest there, as it was placed? */
function lies(placed: Placed, o: Pick<Observation, 'manifests'>): boolean {
  return o.manifests.known && o.manifests.value.some(({ file, digest }) => file === placed.file && digest === placed.digest);
}

/** For people: what was seen, and what to compare. */
export function unreadSentence(staticPodPath: string, file: string): string {
  return `the standby has lain in staticPodPath ${staticPodPath} for ${UNREAD_MS / 1000} s and the kubelet has not started it, so no copy would start either: check that the kubelet's own staticPodPath (its configuration or --pod-manifest-path) is this directory of the node, and look for ${file} in the kubelet's log`;
}
