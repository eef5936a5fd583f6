/**
 * Walks through this node's pods and captures those that are due, one at a time and beside the turns, while the API server is reachable.
 * Says every refusal once, with all its reasons. A broken pod never stops the others.
 */

import type { ReachabilityState } from '../../core/api/reachability.ts';
import { furtherReasons } from '../../core/copy/reasons.ts';
import { messageOf } from '../../core/model/errors.ts';
import { ANNOTATION_REVISION, checkpointKey } from '../../core/model/keys.ts';
import type { CheckpointKey, Millis, RawPod } from '../../core/model/model.ts';
import { type Refusal, refusal } from '../../core/model/refusal.ts';
import { formatTime, parseTime } from '../../core/model/time.ts';
import {
  afterCapture,
  afterFailedCapture,
  type CaptureTrack,
  captureIn,
  inputsDigest,
  mayCapture,
  watchGoodness,
} from '../../core/select/capture-need.ts';
import { bytesLeftFor, noRoomFor } from '../../core/select/limits.ts';
import { type PodOptions, select } from '../../core/select/select.ts';
import { isSibling } from '../../core/self/own.ts';
import type { Observation } from '../../core/turn/observation.ts';
import type { Ports } from '../../ports.ts';
import type { Held } from '../held.ts';
import type { AgentSettings } from '../settings.ts';
import { type CaptureResult, capture, volumeVersions } from './capture.ts';

/** Some 45 seconds after the first one: what passes by itself has passed. */
const FAILURES_TOLD = 4;

export interface RefusedPod {
  readonly namespace: string;
  readonly name: string;
  readonly reasons: readonly Refusal[];
}

export interface Captures {
  /**
   * Begins the next capture that is due, if none is under way; it goes on beside the turns, because a slow disk may take
   * minutes for it and a hand-back may not wait. Milliseconds until something is due, undefined: not before a change.
   */
  run(o: Observation, reach: ReachabilityState, mayBegin: boolean): Millis | undefined;
  /** Removes the revisions that captures have left behind and nothing mounts; in a turn, so that no copy is placed meanwhile. */
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
  const refused = new Map<string, RefusedPod>();
  /** Reasons of pods that are refused as a whole: the same for as long as the pod is the same. */
  const judged = new WeakMap<RawPod, readonly Refusal[]>();
  const outdated = new Set<CheckpointKey>();
  /** Wall clock of the last confirmation that was written. */
  const written = new Map<CheckpointKey, number>();
  let underWay: Promise<void> | undefined;

  function run(o: Observation, reach: ReachabilityState, mayBegin: boolean): Millis | undefined {
    const pods = [...ports.watch.view().pods.values()];
    forgetGone(tracks, refused, pods);
    if (!o.watch.synced || !o.watch.healthy || reach.verdict !== 'reachable') return undefined;
    const dues = pods.map((pod) => one(pod, o, mayBegin)).filter((due) => due !== undefined);
    countRefused(ports, refused);
    return dues.length === 0 ? undefined : Math.min(...dues);
  }

  /** Milliseconds until this pod is due. */
  function one(pod: RawPod, o: Observation, mayBegin: boolean): Millis | undefined {
    const uid = pod.metadata?.uid ?? '';
    if (isSibling(pod, settings.policy.ownUid, ports.watch.view().pods)) return undefined;
    const selection = select(pod, settings.selection);
    if (selection.kind === 'ignored') return undefined;
    if (selection.kind === 'refused') {
      if (!judged.has(pod)) judged.set(pod, [...selection.reasons, ...furtherReasons(pod, selection, settings.where.node)]);
      refuse(pod, judged.get(pod) ?? []);
      return undefined;
    }
    const now = ports.clock.now();
    const track = watchGoodness(tracks.get(uid), pod, now);
    tracks.set(uid, track);
    if (!mayCapture(held.ledger, held.checkpoints, pod, o.wall)) return undefined;
    const due = captureIn(track, selection.options.minReadyMs ?? settings.policy.minReadyMs, now);
    if (due === undefined || due > 0) return due;
    if (!mayBegin) return 1_000;
    // the end of the one under way wakes the loop
    underWay ??= begin(pod, selection.options, track);
    return undefined;
  }

  async function begin(pod: RawPod, options: PodOptions, track: CaptureTrack): Promise<void> {
    const after = await attempt(pod, options, track);
    const uid = pod.metadata?.uid ?? '';
    const now = tracks.get(uid);
    // what turns have learned meanwhile stays; a pod that is gone is not remembered again
    if (now !== undefined) tracks.set(uid, after(now));
    underWay = undefined;
    wake();
  }

  /** Nothing has changed, and what is stored is whole: nothing to do. Else a capture, which also mends. */
  async function attempt(pod: RawPod, options: PodOptions, track: CaptureTrack): Promise<(now: CaptureTrack) => CaptureTrack> {
    try {
      const kubeletMinor = await ports.kubeletVersion.atLeast();
      const digest = inputsDigest(pod, await volumeVersions(ports, pod), kubeletMinor);
      const stored = held.checkpoints.get(keyOf(pod));
      // after failures a whole capture says anew what holds
      if (track.failures === 0 && digest === track.done && stored !== undefined && stored.problem === undefined) {
        await confirm(pod);
        return (now) => afterCapture(now, digest, ports.clock.now());
      }
      const result = await captureWithin(pod, options, kubeletMinor);
      ports.meter.count('checkpointer_captures_total', { result: result.kind });
      await settle(pod, result);
      // room may come without any change of this pod
      const rests = result.kind === 'refused' && result.reasons.some(({ code }) => code === 'limit') ? undefined : digest;
      return (now) => afterCapture(now, rests, ports.clock.now());
    } catch (error) {
      const message = messageOf(error);
      ports.meter.count('checkpointer_captures_total', { result: 'failed' });
      if (track.failures === 0) ports.log.warn('A capture failed and will be tried again', { checkpoint: nameOf(pod), error: message });
      if (track.failures + 1 >= FAILURES_TOLD)
        refuse(pod, [refusal('capture-failed', `capturing it fails again and again, and is tried on: ${message}`)]);
      return (now) => afterFailedCapture(now, ports.clock.now());
    }
  }

  async function captureWithin(pod: RawPod, options: PodOptions, kubeletMinor: number | undefined): Promise<CaptureResult> {
    const key = keyOf(pod);
    const { limits, policy } = settings;
    const noRoom = pod.metadata?.uid === policy.ownUid ? undefined : noRoomFor(key, held.checkpoints.values(), limits);
    if (noRoom !== undefined) return { kind: 'refused', reasons: [noRoom] };
    const bytesLeft = bytesLeftFor(key, held.checkpoints.values(), limits);
    return await capture(ports, pod, options, { ...settings, bytesLeft, ...ownOf(settings) }, kubeletMinor);
  }

  async function settle(pod: RawPod, result: CaptureResult): Promise<void> {
    if (result.kind === 'refused') return refuse(pod, result.reasons);
    refused.delete(pod.metadata?.uid ?? '');
    if (result.kind === 'unchanged') return confirm(pod);
    const { checkpoint } = result;
    held.checkpoints.set(checkpoint.key, checkpoint);
    ports.log.info('Captured the parent', {
      checkpoint: nameOf(pod),
      revision: checkpoint.record.revision,
      bytes: checkpoint.bytes,
      changes: checkpoint.record.changes.length,
    });
    outdated.add(checkpoint.key);
  }

  /** While the runtime cannot be asked they stay until the next capture. */
  async function tidy(): Promise<void> {
    // the store takes one after another: what waits behind a capture would hold up the turn
    if (outdated.size === 0 || underWay !== undefined) return;
    const keys = [...outdated];
    outdated.clear();
    const view = await ports.runtime.view(2_000).catch(() => undefined);
    if (view === undefined) return;
    const mounted = view.sandboxes.map((sandbox) => sandbox.annotations[ANNOTATION_REVISION]).filter((revision) => revision !== undefined);
    for (const key of keys) {
      const placed = held.ledger.placed.filter((entry) => entry.key === key).map(({ revision }) => revision);
      await ports.store.prune(key, [...new Set([...placed, ...mounted])]).catch((error: unknown) =>
        ports.log.warn('An old revision could not be removed; the next capture tries again', {
          checkpoint: key,
          error: messageOf(error),
        }),
      );
    }
  }

  /** A checkpoint with a maximum age needs its confirmation on the disk; others cost no write. */
  async function confirm(pod: RawPod): Promise<void> {
    const key = keyOf(pod);
    const checkpoint = held.checkpoints.get(key);
    if (checkpoint === undefined) return;
    const wall = ports.clock.wall();
    const confirmedAt = formatTime(wall);
    const { maxAgeMs } = checkpoint.record;
    const onDisk = Math.max(written.get(key) ?? 0, parseTime(checkpoint.record.capturedAt));
    if (maxAgeMs > 0 && wall - onDisk >= maxAgeMs / 8) {
      await ports.store.confirm(key, confirmedAt);
      written.set(key, wall);
    }
    held.checkpoints.set(key, { ...checkpoint, confirmedAt });
  }

  function refuse(pod: RawPod, reasons: readonly Refusal[]): void {
    const uid = pod.metadata?.uid ?? '';
    const before = refused.get(uid);
    const entry: RefusedPod = { namespace: pod.metadata?.namespace ?? '', name: pod.metadata?.name ?? '', reasons };
    refused.set(uid, entry);
    if (JSON.stringify(before) === JSON.stringify(entry)) return;
    ports.log.warn('The pod cannot be checkpointed', { checkpoint: nameOf(pod), reasons });
  }

  return {
    run,
    tidy,
    busy: () => underWay !== undefined,
    rest: async () => await underWay,
    refused: () => [...refused.values()],
  };
}

/** By reason; a pod with two reasons counts twice. */
function countRefused(ports: Ports, refused: ReadonlyMap<string, RefusedPod>): void {
  const counts = new Map<string, number>();
  for (const { code } of [...refused.values()].flatMap((pod) => pod.reasons)) counts.set(code, (counts.get(code) ?? 0) + 1);
  ports.meter.gauges(
    'checkpointer_refused',
    [...counts].map(([reason, value]) => ({ labels: { reason }, value })),
  );
}

/** The pod that this agent runs in is captured as the standby; in any other role no pod is. */
function ownOf({ policy }: AgentSettings): { readonly ownUid?: string } {
  return policy.role === 'daemonset' && policy.ownUid !== undefined ? { ownUid: policy.ownUid } : {};
}

function forgetGone(tracks: Map<string, CaptureTrack>, refused: Map<string, RefusedPod>, pods: readonly RawPod[]): void {
  const alive = new Set(pods.map((pod) => pod.metadata?.uid ?? ''));
  for (const uid of [...tracks.keys(), ...refused.keys()]) {
    if (alive.has(uid)) continue;
    tracks.delete(uid);
    refused.delete(uid);
  }
}

function keyOf(pod: RawPod): string {
  return checkpointKey({ namespace: pod.metadata?.namespace ?? '', name: pod.metadata?.name ?? '' });
}

function nameOf(pod: RawPod): string {
  return `${pod.metadata?.namespace ?? ''}/${pod.metadata?.name ?? ''}`;
}
