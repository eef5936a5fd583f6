/**
 * Walks through this node's pods and captures those that are due, one at a time, while the API server is reachable.
 * Says every refusal once, with all its reasons. A broken pod never stops the others.
 */
import { afterCapture, afterFailedCapture, type CaptureTrack, captureIn, inputsDigest, watchGoodness } from '../core/capture-need.ts';
import { ANNOTATION_REVISION, checkpointKey } from '../core/keys.ts';
import type { Millis, RawPod } from '../core/model.ts';
import { isSibling } from '../core/own.ts';
import type { ReachabilityState } from '../core/reachability.ts';
import type { Refusal } from '../core/refusal.ts';
import { type PodOptions, select } from '../core/select.ts';
import { formatTime, parseTime } from '../core/time.ts';
import type { Observation } from '../core/track.ts';
import { mayCapture } from '../core/turn.ts';
import type { Ports } from '../ports.ts';
import type { AgentSettings } from './agent.ts';
import type { Held } from './apply.ts';
import { type CaptureResult, capture, volumeVersions } from './capture.ts';

export interface RefusedPod {
  readonly namespace: string;
  readonly name: string;
  readonly reasons: readonly Refusal[];
}

export interface Captures {
  /** Captures what is due; milliseconds until something is due again, undefined: not before a change. */
  run(o: Observation, reach: ReachabilityState, mayBegin: boolean): Promise<Millis | undefined>;
  refused(): readonly RefusedPod[];
}

export function createCaptures(ports: Ports, settings: AgentSettings, held: Held): Captures {
  const tracks = new Map<string, CaptureTrack>();
  const refused = new Map<string, RefusedPod>();

  async function run(o: Observation, reach: ReachabilityState, mayBegin: boolean): Promise<Millis | undefined> {
    const pods = [...ports.watch.view().pods.values()];
    forgetGone(tracks, refused, pods);
    if (!o.watch.synced || !o.watch.healthy || reach.verdict !== 'reachable') return undefined;
    const dues: Millis[] = [];
    for (const pod of pods) {
      const due = await one(pod, o, mayBegin);
      if (due !== undefined) dues.push(due);
    }
    countRefused(ports, refused);
    return dues.length === 0 ? undefined : Math.min(...dues);
  }

  async function one(pod: RawPod, o: Observation, mayBegin: boolean): Promise<Millis | undefined> {
    const uid = pod.metadata?.uid ?? '';
    if (isSibling(pod, settings.policy.ownUid, ports.watch.view().pods)) return undefined;
    const selection = select(pod, settings.selection);
    if (selection.kind === 'ignored') return undefined;
    if (selection.kind === 'refused') {
      refuse(pod, selection.reasons);
      return undefined;
    }
    const now = ports.clock.now();
    const track = watchGoodness(tracks.get(uid), pod, now);
    tracks.set(uid, track);
    if (!mayCapture(held.ledger, pod, o.wall)) return undefined;
    const due = captureIn(track, selection.options.minReadyMs ?? settings.policy.minReadyMs, now);
    if (due === undefined || due > 0) return due;
    if (!mayBegin) return 1_000;
    tracks.set(uid, await attempt(pod, selection.options, track));
    return 0;
  }

  /** Nothing has changed, and what is stored is whole: nothing to do. Else a capture, which also mends. */
  async function attempt(pod: RawPod, options: PodOptions, track: CaptureTrack): Promise<CaptureTrack> {
    const now = ports.clock.now();
    try {
      const kubeletMinor = await ports.kubeletVersion.atLeast();
      const digest = inputsDigest(pod, await volumeVersions(ports, pod), kubeletMinor);
      const stored = held.checkpoints.get(keyOf(pod));
      if (digest === track.done && stored !== undefined && stored.problem === undefined) {
        await confirm(pod);
        return afterCapture(track, digest, now);
      }
      const full = limitReached(held, pod, settings);
      const result: CaptureResult =
        full ??
        (await capture(ports, pod, options, { ...settings, bytesPerPod: settings.limits.bytesPerPod, ...ownOf(settings) }, kubeletMinor));
      ports.meter.count('checkpointer_captures_total', { result: result.kind });
      await settle(pod, result);
      return afterCapture(track, digest, now);
    } catch (error) {
      ports.meter.count('checkpointer_captures_total', { result: 'failed' });
      if (track.failures === 0) {
        ports.log.warn('A capture failed and will be tried again', {
          checkpoint: nameOf(pod),
          error: error instanceof Error ? error.message : String(error),
        });
      }
      return afterFailedCapture(track, now);
    }
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
    await prune(checkpoint.key);
  }

  /** Old revisions go as soon as nothing mounts them; while the runtime cannot be asked they stay. */
  async function prune(key: string): Promise<void> {
    const placed = held.ledger.placed.find((entry) => entry.key === key);
    const view = await ports.runtime.view(2_000).catch(() => undefined);
    if (view === undefined) return;
    const mounted = view.sandboxes.map((sandbox) => sandbox.annotations[ANNOTATION_REVISION]).filter((revision) => revision !== undefined);
    await ports.store.prune(key, [...new Set([...(placed === undefined ? [] : [placed.revision]), ...mounted])]);
  }

  /** A checkpoint with a maximum age needs its confirmation on the disk; others cost no write. */
  async function confirm(pod: RawPod): Promise<void> {
    const key = keyOf(pod);
    const checkpoint = held.checkpoints.get(key);
    if (checkpoint === undefined || checkpoint.record.maxAgeMs === 0) return;
    const wall = ports.clock.wall();
    if (wall - parseTime(checkpoint.confirmedAt) < checkpoint.record.maxAgeMs / 8) return;
    const confirmedAt = formatTime(wall);
    await ports.store.confirm(key, confirmedAt);
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

  return { run, refused: () => [...refused.values()] };
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

function limitReached(held: Held, pod: RawPod, settings: AgentSettings): CaptureResult | undefined {
  if (held.checkpoints.has(keyOf(pod)) || pod.metadata?.uid === settings.policy.ownUid) return undefined;
  const kept = [...held.checkpoints.values()].filter(({ record }) => record.self !== true);
  const bytes = kept.reduce((sum, checkpoint) => sum + checkpoint.bytes, 0);
  const { checkpoints, bytesTotal } = settings.limits;
  if (kept.length >= checkpoints)
    return {
      kind: 'refused',
      reasons: [{ code: 'limit', message: `the node already keeps ${checkpoints} checkpoints; raise limits.checkpoints` }],
    };
  if (bytes >= bytesTotal)
    return {
      kind: 'refused',
      reasons: [{ code: 'limit', message: `the checkpoints of this node already take ${bytes} bytes; raise limits.bytesTotal` }],
    };
  return undefined;
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
