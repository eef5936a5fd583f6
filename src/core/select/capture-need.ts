/**
 * When is a revision taken? Only of a parent known to be good: Ready for minReady, whole, not leaving, while the API
 * server is reachable and no copy of it is placed; and only when something it rests on has changed.
 * Pure.
 */

import { checkpointKey } from '../model/keys.ts';
import { barred, copiesIn } from '../model/ledger.ts';
import { encodeManifest, sha256 } from '../model/manifest.ts';
import type { CheckpointKey, Ledger, Millis, RawPod } from '../model/model.ts';

export interface CaptureTrack {
  readonly uid: string;
  /** Since when this process has seen the pod good without a break. */
  readonly goodSince?: Millis;
  /** What the last finished capture (or refusal) rested on. */
  readonly done?: string;
  /** When the inputs on the disk were last looked at. */
  readonly checkedAt?: Millis;
  readonly failures: number;
  readonly retryAt?: Millis;
}

/** The kubelet itself refreshes volumes about once a minute (syncFrequency). */
export const RECHECK_MS: Millis = 60_000;
const RETRY_MS: readonly Millis[] = [5_000, 10_000, 30_000, 60_000];

export function isGood(pod: RawPod): boolean {
  const { metadata, spec, status } = pod;
  if (metadata?.deletionTimestamp !== undefined || status?.phase !== 'Running') return false;
  const ready = status.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false;
  const names = new Set((spec?.containers ?? []).map((container) => container.name));
  const whole = (status.containerStatuses ?? []).filter(
    (container) => names.has(container.name) && container.ready && container.containerID,
  );
  return ready && names.size > 0 && whole.length === names.size;
}

export function watchGoodness(before: CaptureTrack | undefined, pod: RawPod, now: Millis): CaptureTrack {
  const uid = pod.metadata?.uid ?? '';
  const base: CaptureTrack = before?.uid === uid ? before : { uid, failures: 0 };
  const { goodSince, ...rest } = base;
  return isGood(pod) ? { ...rest, goodSince: goodSince ?? now } : rest;
}

/** When this pod is to be looked at, on the clock of the track; undefined: not before it changes. */
export function captureAt(track: CaptureTrack, minReadyMs: Millis): Millis | undefined {
  if (track.goodSince === undefined) return undefined;
  const ripe = track.goodSince + minReadyMs;
  return Math.max(ripe, track.retryAt ?? (track.checkedAt ?? Number.NEGATIVE_INFINITY) + RECHECK_MS);
}

/** Only to see whether something has changed on the disk: no reason for a turn of its own, the next one is near. */
export function isRecheck(track: CaptureTrack): boolean {
  return track.checkedAt !== undefined && track.retryAt === undefined;
}

export interface Due {
  readonly at: Millis;
  /** This process has not looked at it yet, and nothing is stored of it. */
  readonly isNew: boolean;
}

/** Who is first? What is new; then whoever waits longest, else hundreds of rechecks would never come to an end. */
export function byUrgency(a: Due, b: Due): number {
  return Number(b.isNew) - Number(a.isNew) || a.at - b.at;
}

/**
 * Everything a revision rests on, in one digest: the pod's own text, which containers run, which file versions lie
 * there, and which kubelet it is made for.
 */
export function inputsDigest(pod: RawPod, volumeVersions: Readonly<Record<string, string>>, kubeletMinor?: number): string {
  const { metadata, spec, status } = pod;
  const statuses = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  return sha256(
    encodeManifest({
      uid: metadata?.uid ?? '',
      labels: metadata?.labels ?? {},
      annotations: metadata?.annotations ?? {},
      spec: spec ?? {},
      containers: statuses.map((container) => `${container.name} ${container.containerID ?? ''}`).sort(),
      volumes: volumeVersions,
      kubeletMinor: kubeletMinor ?? 0,
    }),
  );
}

/** `digest`: what it rested on; undefined where that tells nothing of the next one. */
export function afterCapture(track: CaptureTrack, digest: string | undefined, now: Millis): CaptureTrack {
  const { retryAt: _, done: __, ...rest } = track;
  return { ...rest, ...(digest === undefined ? {} : { done: digest }), checkedAt: now, failures: 0 };
}

export function afterFailedCapture(track: CaptureTrack, now: Millis): CaptureTrack {
  const pause = RETRY_MS[Math.min(track.failures, RETRY_MS.length - 1)] ?? RECHECK_MS;
  return { ...track, failures: track.failures + 1, retryAt: now + pause };
}

/**
 * May this pod be captured anew? Not one that failed a hand-back and is barred. Nor one whose copy is placed, unless
 * its checkpoint is lost: then nothing could hand back to it.
 */
export function mayCapture(ledger: Ledger, stored: { has(key: CheckpointKey): boolean }, pod: RawPod, wall: number): boolean {
  const uid = pod.metadata?.uid ?? '';
  const key = checkpointKey({ namespace: pod.metadata?.namespace ?? '', name: pod.metadata?.name ?? '' });
  const placed = copiesIn(ledger).some((entry) => entry.key === key);
  return !(placed && stored.has(key)) && !ledger.handBacks.some((memory) => barred(memory, uid, wall));
}
