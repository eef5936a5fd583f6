/**
 * Walks through this node's pods and captures those that are due, one at a time and beside the turns, while the API
 * server is reachable. A broken pod never stops the others.
 */

import { furtherReasons } from '../../core/copy/reasons.ts';
import type { Millis, RawPod } from '../../core/model/model.ts';
import type { Refusal } from '../../core/model/refusal.ts';
import { type CaptureTrack, captureIn, mayCapture, watchGoodness } from '../../core/select/capture-need.ts';
import { type PodOptions, type Selection, select } from '../../core/select/select.ts';
import { isSibling } from '../../core/self/own.ts';
import type { Observation } from '../../core/turn/observation.ts';
import type { Ports } from '../../ports.ts';
import type { Held } from '../held.ts';
import type { AgentSettings } from '../settings.ts';
import { createAttempt } from './attempt.ts';
import { createOldRevisions } from './old-revisions.ts';
import { uidOf } from './pod.ts';
import { createRefusals, type RefusedPod } from './refusals.ts';

/** While a hand-back is near: nothing is begun then. */
const HELD_UP_MS: Millis = 1_000;

/** What is due is captured one after another for so long before a turn looks anew. */
const AT_ONCE_MS: Millis = 1_000;

interface Due {
  readonly pod: RawPod;
  readonly options: PodOptions;
}

export interface Captures {
  /**
   * Begins the next capture that is due by what this turn saw, if none is under way. It goes on beside the turns: a
   * slow disk may take minutes for it, and a hand-back may not wait. Milliseconds until something is due; undefined:
   * not before a change.
   */
  run(o: Observation, mayBegin: boolean): Millis | undefined;
  /** Removes the revisions that captures have left behind; in a turn, so that no copy is placed meanwhile. */
  tidy(): Promise<void>;
  /** Is a capture under way? */
  busy(): boolean;
  /** Resolves when no capture is under way. */
  rest(): Promise<void>;
  refused(): readonly RefusedPod[];
}

/** `wake`: a capture has ended. */
export function createCaptures(ports: Ports, settings: AgentSettings, held: Held, wake: () => void): Captures {
  const tracks = new Map<string, CaptureTrack>();
  const refusals = createRefusals(ports);
  const oldRevisions = createOldRevisions(ports, held);
  const reasonsOf = createReasons(settings);
  /** By the pod as it is now: the watch gives another object when it changes. */
  const selections = new WeakMap<RawPod, Selection>();
  const attempt = createAttempt({ ports, settings, held, refusals, oldRevisions });
  let underWay: Promise<void> | undefined;
  /** By the last turn. */
  let mayGoOn = false;

  /** Milliseconds until this pod is due; one that is due now is added to `dueNow`. */
  function look(pod: RawPod, o: Observation, dueNow: Due[]): Millis | undefined {
    if (isSibling(pod, settings.policy.ownUid, o.watch.pods)) return undefined;
    const selection = selections.get(pod) ?? select(pod, settings.selection);
    selections.set(pod, selection);
    if (selection.kind === 'refused') refusals.refuse(pod, reasonsOf(pod, selection));
    if (selection.kind !== 'taken') return undefined;
    const now = ports.clock.now();
    const track = watchGoodness(tracks.get(uidOf(pod)), pod, now);
    tracks.set(uidOf(pod), track);
    if (!mayCapture(held.ledger, held.checkpoints, pod, o.wall)) return undefined;
    const due = captureIn(track, selection.options.minReadyMs ?? settings.policy.minReadyMs, now);
    if (due === undefined || due > 0) return due;
    if (!mayGoOn) return HELD_UP_MS;
    // the end of what is under way wakes the loop
    dueNow.push({ pod, options: selection.options });
    return undefined;
  }

  /** One after another; a turn for each would make hundreds of pods cost an idle node as many turns a minute. */
  async function begin(due: readonly Due[]): Promise<void> {
    const from = ports.clock.now();
    for (const one of due) {
      if (one !== due[0] && (!mayGoOn || ports.clock.now() - from >= AT_ONCE_MS)) break;
      if (one === due[0] || isStill(one.pod)) await capture(one);
    }
    underWay = undefined;
    wake();
  }

  /** As the turn saw it. */
  function isStill(pod: RawPod): boolean {
    const { healthy, pods } = ports.watch.view();
    return healthy && pods.get(uidOf(pod)) === pod;
  }

  async function capture({ pod, options }: Due): Promise<void> {
    const before = tracks.get(uidOf(pod));
    if (before === undefined || !mayCapture(held.ledger, held.checkpoints, pod, ports.clock.wall())) return;
    const after = await attempt(pod, options, before);
    const now = tracks.get(uidOf(pod));
    // what turns have learned meanwhile stays; a pod that is gone is not remembered again
    if (now !== undefined) tracks.set(uidOf(pod), after(now));
  }

  return {
    run(o, mayBegin) {
      const pods = [...o.watch.pods.values()];
      const alive = new Set(pods.map(uidOf));
      for (const uid of tracks.keys()) if (!alive.has(uid)) tracks.delete(uid);
      refusals.keepOnly(alive);
      const mayLook = o.watch.synced && o.watch.healthy && o.api.verdict === 'reachable' && o.contradiction === undefined;
      mayGoOn = mayLook && mayBegin;
      if (!mayLook) return undefined;
      const dueNow: Due[] = [];
      const dues = pods.map((pod) => look(pod, o, dueNow)).filter((due) => due !== undefined);
      if (dueNow.length > 0) underWay ??= begin(dueNow);
      refusals.count();
      return dues.length === 0 ? undefined : Math.min(...dues);
    },
    async tidy() {
      // the store takes one after another: what waits behind a capture would hold up the turn
      if (underWay === undefined) await oldRevisions.remove();
    },
    busy: () => underWay !== undefined,
    rest: async () => await underWay,
    refused: () => refusals.all(),
  };
}

/** Reasons of pods that are refused as a whole: the same for as long as the pod is the same. */
function createReasons({ where }: AgentSettings): (pod: RawPod, selection: Extract<Selection, { kind: 'refused' }>) => readonly Refusal[] {
  const judged = new WeakMap<RawPod, readonly Refusal[]>();
  return (pod, selection) => {
    const reasons = judged.get(pod) ?? [...selection.reasons, ...furtherReasons(pod, selection, where.node)];
    judged.set(pod, reasons);
    return reasons;
  };
}
