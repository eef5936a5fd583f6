/**
 * Walks through this node's pods and captures those that are due, one at a time and beside the turns, while the API
 * server is reachable. A broken pod never stops the others.
 *
 * Several go in a row, without a turn between them: with hundreds of pods the turns would cost more than the captures.
 */

import { furtherReasons } from '../../core/copy/reasons.ts';
import type { Millis, RawPod } from '../../core/model/model.ts';
import type { Refusal } from '../../core/model/refusal.ts';
import { byUrgency, type CaptureTrack, captureAt, type Due, isRecheck, mayCapture, watchGoodness } from '../../core/select/capture-need.ts';
import { type PodOptions, type Selection, select } from '../../core/select/select.ts';
import { isSibling } from '../../core/self/own.ts';
import type { Observation } from '../../core/turn/observation.ts';
import type { Ports } from '../../ports.ts';
import type { Held } from '../held.ts';
import type { AgentSettings } from '../settings.ts';
import { createAttempt } from './attempt.ts';
import { createOldRevisions } from './old-revisions.ts';
import { keyOf, uidOf } from './pod.ts';
import { createRefusals, type RefusedPod } from './refusals.ts';

/** While a hand-back is near: nothing is begun then. */
const HELD_UP_MS: Millis = 1_000;
/** A row goes on for so long; then a turn tells what has come of it, and removes what it has left behind. */
const ROW_MS: Millis = 1_000;

export interface Captures {
  /**
   * Begins a row of the captures that are due by what this turn saw; where one is under way, it goes on with these. It
   * goes on beside the turns: a slow disk may take minutes for it, and a hand-back may not wait. Milliseconds until
   * something is due; undefined: not before a change.
   */
  run(o: Observation, mayBegin: boolean): Millis | undefined;
  /** Removes the revisions that captures have left behind; in a turn, so that no copy is placed meanwhile. */
  tidy(): Promise<void>;
  /** Is a capture under way? */
  busy(): boolean;
  /** Begins no other capture; resolves when none is under way. */
  rest(): Promise<void>;
  refused(): readonly RefusedPod[];
}

interface Job extends Due {
  readonly pod: RawPod;
  readonly options: PodOptions;
  /** The turn that comes anyway is soon enough for it. */
  readonly recheck: boolean;
}

/** `wake`: a row of captures has ended, and something has come of it or is left to do. */
export function createCaptures(ports: Ports, settings: AgentSettings, held: Held, wake: () => void): Captures {
  const tracks = new Map<string, CaptureTrack>();
  const refusals = createRefusals(ports);
  const oldRevisions = createOldRevisions(ports, held);
  const reasonsOf = createReasons(settings);
  /** By the pod as it is now: the watch gives another object when it changes. */
  const selections = new WeakMap<RawPod, Selection>();
  const attempt = createAttempt({ ports, settings, held, refusals, oldRevisions });
  let underWay: Promise<void> | undefined;
  /** Of the pod that is being captured. */
  let current: string | undefined;
  /** What is due by the last turn, the most urgent first. */
  let queue: Job[] = [];

  /** When this pod is to be looked at, if it is to be at all. */
  function look(pod: RawPod, o: Observation): Job | undefined {
    if (isSibling(pod, settings.policy.ownUid, o.watch.pods)) return undefined;
    const selection = selections.get(pod) ?? select(pod, settings.selection);
    selections.set(pod, selection);
    if (selection.kind === 'refused') refusals.refuse(pod, reasonsOf(pod, selection));
    if (selection.kind !== 'taken') return undefined;
    const track = watchGoodness(tracks.get(uidOf(pod)), pod, ports.clock.now());
    tracks.set(uidOf(pod), track);
    // when it is looked at next is known when this has ended
    if (uidOf(pod) === current || !mayCapture(held.ledger, held.checkpoints, pod, o.wall)) return undefined;
    const { options } = selection;
    const at = captureAt(track, options.minReadyMs ?? settings.policy.minReadyMs);
    const isNew = track.checkedAt === undefined && track.retryAt === undefined && !held.checkpoints.has(keyOf(pod));
    return at === undefined ? undefined : { pod, options, at, isNew, recheck: isRecheck(track) };
  }

  /** Turns that are taken meanwhile say what is still to be done. */
  async function goThrough(): Promise<void> {
    const from = ports.clock.now();
    let news = false;
    do {
      const job = queue.shift();
      if (job === undefined || !mayCapture(held.ledger, held.checkpoints, job.pod, ports.clock.wall())) continue;
      if (await captureOne(job)) news = true;
    } while (queue.length > 0 && ports.clock.now() - from < ROW_MS);
    underWay = undefined;
    if (news || queue.length > 0) wake();
  }

  /** Whether anything has come of it. */
  async function captureOne({ pod, options }: Job): Promise<boolean> {
    const uid = uidOf(pod);
    const track = tracks.get(uid);
    if (track === undefined) return false;
    current = uid;
    const after = await attempt(pod, options, track);
    current = undefined;
    const now = tracks.get(uid);
    // what turns have learned meanwhile stays; a pod that is gone is not remembered again
    if (now !== undefined) tracks.set(uid, after(now));
    return !isRecheck(track) || !isRecheck(after(track)) || after(track).done !== track.done;
  }

  return {
    run(o, mayBegin) {
      const pods = [...o.watch.pods.values()];
      const alive = new Set(pods.map(uidOf));
      for (const uid of tracks.keys()) if (!alive.has(uid)) tracks.delete(uid);
      refusals.keepOnly(alive);
      queue = [];
      if (!o.watch.synced || !o.watch.healthy || o.api.verdict !== 'reachable' || o.contradiction !== undefined) return undefined;
      const jobs = pods.map((pod) => look(pod, o)).filter((job) => job !== undefined);
      refusals.count();
      const now = ports.clock.now();
      const due = jobs.filter(({ at }) => at <= now);
      if (mayBegin) {
        queue = due.sort(byUrgency);
        if (queue.length > 0) underWay ??= goThrough();
      }
      const waits = jobs.filter(({ at, recheck }) => at > now && !recheck).map(({ at }) => at - now);
      if (due.length > 0 && !mayBegin) waits.push(HELD_UP_MS);
      return waits.length === 0 ? undefined : Math.min(...waits);
    },
    async tidy() {
      // the store takes one after another: what waits behind a capture would hold up the turn
      if (underWay === undefined) await oldRevisions.remove();
    },
    busy: () => underWay !== undefined,
    async rest() {
      queue = [];
      await underWay;
    },
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
