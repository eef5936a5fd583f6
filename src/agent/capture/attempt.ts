/**
 * One attempt at one pod. Where nothing has changed and what is stored is whole, the checkpoint is confirmed. Else a
 * capture, which also mends. What came of it is told, and becomes what is remembered of the pod.
 */
import { messageOf } from '../../core/model/errors.ts';
import type { CheckpointKey, RawPod } from '../../core/model/model.ts';
import { refusal } from '../../core/model/refusal.ts';
import { formatTime, parseTime } from '../../core/model/time.ts';
import { afterCapture, afterFailedCapture, type CaptureTrack, inputsDigest } from '../../core/select/capture-need.ts';
import { bytesLeftFor, noRoomFor } from '../../core/select/limits.ts';
import type { PodOptions } from '../../core/select/select.ts';
import { whose } from '../../core/turn/whose.ts';
import type { Ports } from '../../ports.ts';
import type { Held } from '../held.ts';
import type { AgentSettings } from '../settings.ts';
import { type CaptureResult, capture, volumeVersions } from './capture.ts';
import type { OldRevisions } from './old-revisions.ts';
import { keyOf, nameOf, uidOf } from './pod.ts';
import type { Refusals } from './refusals.ts';

/** Some 45 seconds after the first one: what passes by itself has passed. */
const FAILURES_TOLD = 4;

export interface AttemptParts {
  readonly ports: Ports;
  readonly settings: AgentSettings;
  readonly held: Held;
  readonly refusals: Refusals;
  readonly oldRevisions: OldRevisions;
}

/** Never throws. What it gives turns what is remembered of the pod by then into what is remembered from then on. */
export type Attempt = (pod: RawPod, options: PodOptions, track: CaptureTrack) => Promise<(now: CaptureTrack) => CaptureTrack>;

export function createAttempt(parts: AttemptParts): Attempt {
  const { ports, settings, held, refusals } = parts;
  /** Wall clock of the last confirmation that was written. */
  const written = new Map<CheckpointKey, number>();

  async function digestAfter(pod: RawPod, options: PodOptions, track: CaptureTrack): Promise<string | undefined> {
    const kubeletMinor = await ports.kubeletVersion.atLeast();
    const digest = inputsDigest(pod, await volumeVersions(ports, pod), kubeletMinor);
    const stored = held.checkpoints.get(keyOf(pod));
    // after failures a whole capture says anew what holds, and one of another cluster is none of this pod
    const good = stored !== undefined && stored.problem === undefined && whose(stored, settings.where) === 'ours';
    if (track.failures === 0 && digest === track.done && good) {
      await confirm(parts, written, pod);
      return digest;
    }
    const result = await captureWithin(parts, pod, options, kubeletMinor);
    ports.meter.count('checkpointer_captures_total', { result: result.kind });
    if (result.kind === 'refused') refusals.refuse(pod, result.reasons);
    else refusals.lift(pod);
    if (result.kind === 'unchanged') await confirm(parts, written, pod);
    if (result.kind === 'saved') keep(parts, pod, result);
    // room may come without any change of this pod
    return result.kind === 'refused' && result.reasons.some(({ code }) => code === 'limit') ? undefined : digest;
  }

  return async (pod, options, track) => {
    try {
      const digest = await digestAfter(pod, options, track);
      return (now) => afterCapture(now, digest, ports.clock.now());
    } catch (error) {
      tellFailure(parts, pod, track, messageOf(error));
      return (now) => afterFailedCapture(now, ports.clock.now());
    }
  };
}

async function captureWithin(
  parts: AttemptParts,
  pod: RawPod,
  options: PodOptions,
  kubeletMinor: number | undefined,
): Promise<CaptureResult> {
  const { ports, settings, held } = parts;
  const { limits, policy } = settings;
  const key = keyOf(pod);
  const noRoom = uidOf(pod) === policy.ownUid ? undefined : noRoomFor(key, held.checkpoints.values(), limits);
  if (noRoom !== undefined) return { kind: 'refused', reasons: [noRoom] };
  const bytesLeft = bytesLeftFor(key, held.checkpoints.values(), limits);
  return await capture(ports, pod, options, { ...settings, bytesLeft, ...ownOf(settings) }, kubeletMinor);
}

/** The pod that this agent runs in is captured as the standby; in any other role no pod is. */
function ownOf({ policy }: AgentSettings): { readonly ownUid?: string } {
  return policy.role === 'daemonset' && policy.ownUid !== undefined ? { ownUid: policy.ownUid } : {};
}

function keep({ ports, held, oldRevisions }: AttemptParts, pod: RawPod, { checkpoint }: Extract<CaptureResult, { kind: 'saved' }>): void {
  held.checkpoints.set(checkpoint.key, checkpoint);
  ports.log.info('Captured the parent', {
    checkpoint: nameOf(pod),
    revision: checkpoint.record.revision,
    bytes: checkpoint.bytes,
    changes: checkpoint.record.changes.length,
  });
  oldRevisions.leave(checkpoint.key);
}

/** A checkpoint with a maximum age needs its confirmation on the disk; others cost no write. */
async function confirm({ ports, held }: AttemptParts, written: Map<CheckpointKey, number>, pod: RawPod): Promise<void> {
  const key = keyOf(pod);
  const checkpoint = held.checkpoints.get(key);
  if (checkpoint === undefined) return;
  const wall = ports.clock.wall();
  const confirmedAt = formatTime(wall);
  const { maxAgeMs, capturedAt } = checkpoint.record;
  // what lies in the future was stamped by a clock that was ahead: it confirms nothing
  const passed = [written.get(key) ?? 0, parseTime(capturedAt)].filter((at) => at <= wall);
  if (maxAgeMs > 0 && wall - Math.max(0, ...passed) >= maxAgeMs / 8) {
    await ports.store.confirm(key, confirmedAt, capturedAt);
    written.set(key, wall);
  }
  held.checkpoints.set(key, { ...checkpoint, confirmedAt });
}

function tellFailure({ ports, refusals }: AttemptParts, pod: RawPod, { failures }: CaptureTrack, message: string): void {
  ports.meter.count('checkpointer_captures_total', { result: 'failed' });
  if (failures === 0) ports.log.warn('A capture failed and will be tried again', { checkpoint: nameOf(pod), error: message });
  if (failures + 1 < FAILURES_TOLD) return;
  refusals.refuse(pod, [refusal('capture-failed', `capturing it fails again and again, and is tried on: ${message}`)]);
}
