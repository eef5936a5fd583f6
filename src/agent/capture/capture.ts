/**
 * Captures one parent: the files from the kubelet's own volume directories, the environment and the images from the
 * runtime's record; then the pure sanitizer; then one save. A complete revision, or nothing.
 *
 * Reads no Secret and no ConfigMap through the API. Contains no rule about what may be kept: those are in
 * `core/select/select.ts` and `core/copy/sanitize.ts`.
 */

import { neededInputs } from '../../core/copy/references.ts';
import { type CaptureInputs, type Sanitized, sanitize } from '../../core/copy/sanitize.ts';
import { asStandby } from '../../core/copy/standby-copy.ts';
import { earliestTokenExpiry } from '../../core/copy/token.ts';
import { checkpointKey } from '../../core/model/keys.ts';
import type { CapturedFile, Checkpoint, Millis, RawPod, RevisionDraft } from '../../core/model/model.ts';
import { type Refusal, refusal } from '../../core/model/refusal.ts';
import { formatTime } from '../../core/model/time.ts';
import { type Limits, tooLargeForPod, tooLargeForTotal } from '../../core/select/limits.ts';
import type { PodOptions } from '../../core/select/select.ts';
import { pinnedImage } from '../../core/text/image.ts';
import type { Where } from '../../core/turn/observation.ts';
import { PortError, type PortErrorKind, type Ports } from '../../ports.ts';

export interface CaptureSettings {
  readonly where: Where;
  readonly limits: Limits;
  /** Bytes that the node's other checkpoints leave. */
  readonly bytesLeft: number;
  readonly maxAgeMs: Millis;
  /** '' = none. */
  readonly agentImage: string;
  readonly literalHostIp?: boolean;
  /** The agent's own pod: its copy is the standby. */
  readonly ownUid?: string;
}

export type CaptureResult =
  | { readonly kind: 'saved'; readonly checkpoint: Checkpoint }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'refused'; readonly reasons: readonly Refusal[] };

const RUNTIME_DEADLINE_MS: Millis = 5_000;

/** Versions of all volumes a revision would hold: cheap, and enough to see that nothing has changed. */
export async function volumeVersions(ports: Ports, pod: RawPod): Promise<Record<string, string>> {
  const uid = pod.metadata?.uid ?? '';
  const versions: Record<string, string> = {};
  for (const { name, plugin } of neededInputs(pod).volumes) {
    versions[name] = (await ports.volumes.version(uid, plugin, name)) ?? 'absent';
  }
  return versions;
}

/** Throws PortError when an input cannot be read now, or nothing can be stored; the caller tries again later. */
export async function capture(
  ports: Ports,
  pod: RawPod,
  options: PodOptions,
  settings: CaptureSettings,
  kubeletMinor: number | undefined,
): Promise<CaptureResult> {
  const read = await readVolumes(ports, pod, settings.limits);
  if ('refused' in read) return { kind: 'refused', reasons: [read.refused] };
  const inputs = { volumes: read.files, containers: await readContainers(ports, pod) };
  const target = {
    nodeName: settings.where.node,
    ...(kubeletMinor === undefined ? {} : { kubeletMinor }),
    ...(settings.agentImage === '' ? {} : { agentImage: settings.agentImage }),
    ...(settings.literalHostIp === true ? { literalHostIp: true } : {}),
  };
  const sanitized = sanitize(pod, inputs, target, options);
  if (!sanitized.ok) return { kind: 'refused', reasons: sanitized.reasons };
  const self = settings.ownUid !== undefined && pod.metadata?.uid === settings.ownUid;
  const draft = draftOf(pod, self ? asStandby(pod, sanitized) : sanitized, { self, options, settings, wall: ports.clock.wall() });
  try {
    const saved = await ports.store.save(draft, self ? undefined : settings.bytesLeft);
    return saved === undefined ? { kind: 'unchanged' } : { kind: 'saved', checkpoint: saved };
  } catch (error) {
    if (!isKind(error, 'too-large')) throw error;
    return { kind: 'refused', reasons: [tooLargeForTotal(settings.limits)] };
  }
}

/** All files, or why they will not be had however often one tries. */
async function readVolumes(
  ports: Ports,
  pod: RawPod,
  limits: Limits,
): Promise<{ readonly files: CaptureInputs['volumes'] } | { readonly refused: Refusal }> {
  const uid = pod.metadata?.uid ?? '';
  const volumes: Record<string, readonly CapturedFile[]> = {};
  let left = limits.bytesPerPod;
  for (const { name, plugin } of neededInputs(pod).volumes) {
    try {
      const files = await ports.volumes.read(uid, plugin, name, left);
      volumes[name] = files;
      left -= files.reduce((sum, file) => sum + file.content.length, 0);
    } catch (error) {
      if (isKind(error, 'too-large')) return { refused: tooLargeForPod(limits) };
      if (isKind(error, 'invalid')) return { refused: refusal('volume-not-captured', `${error.message}; recreate the pod`) };
      throw error;
    }
  }
  return { files: volumes };
}

function isKind(error: unknown, kind: PortErrorKind): error is PortError {
  return error instanceof PortError && error.kind === kind;
}

/** The environment each container really got. A container the runtime has forgotten (an init container) is left out. */
async function readContainers(ports: Ports, pod: RawPod): Promise<CaptureInputs['containers']> {
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  const asked = new Map([...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].map(({ name, image }) => [name, image]));
  const containers: Record<string, CaptureInputs['containers'][string]> = {};
  for (const status of statuses) {
    const id = status.containerID?.replace(/^[a-z0-9-]+:\/\//, '');
    if (!id) continue;
    const details = await ports.runtime.containerDetails(id, RUNTIME_DEADLINE_MS).catch((error: unknown) => {
      if (!isKind(error, 'not-found')) throw error;
      if (status.state?.running === undefined) return undefined;
      // what runs is known to the kubelet's runtime: this is another one, or the container is just being replaced
      throw new PortError('not-found', `the runtime that criSocket names does not know container ${status.name}, which runs`, {
        cause: error,
      });
    });
    if (details === undefined) continue;
    const { env, image, imageRef } = details;
    const pinned = pinnedImage(asked.get(status.name) ?? '', imageRef);
    const imagePinnable = pinned !== undefined && (await ports.runtime.imageId(pinned, RUNTIME_DEADLINE_MS)) !== undefined;
    containers[status.name] = { env, image, imageRef, imagePinnable };
  }
  return containers;
}

interface Circumstances {
  /** It is the agent's own pod. */
  readonly self: boolean;
  readonly options: PodOptions;
  readonly settings: CaptureSettings;
  readonly wall: number;
}

function draftOf(pod: RawPod, sanitized: Extract<Sanitized, { ok: true }>, circumstances: Circumstances): RevisionDraft {
  const { self, options, settings, wall } = circumstances;
  const { metadata } = pod;
  const name = { namespace: metadata?.namespace ?? '', name: metadata?.name ?? '' };
  const controller = metadata?.ownerReferences?.find((owner) => owner.controller === true);
  const expiry = earliestTokenExpiry(Object.values(sanitized.volumes).flat());
  return {
    key: checkpointKey(name),
    manifest: sanitized.manifest,
    volumes: sanitized.volumes,
    record: {
      parent: {
        ...name,
        uid: metadata?.uid ?? '',
        resourceVersion: metadata?.resourceVersion ?? '',
        ...(controller === undefined ? {} : { controller: { kind: controller.kind, name: controller.name, uid: controller.uid } }),
      },
      node: { name: settings.where.node, machineId: settings.where.machineId },
      cluster: settings.where.cluster,
      capturedAt: formatTime(wall),
      bootId: settings.where.bootId,
      images: sanitized.images,
      ...(expiry === undefined ? {} : { tokenExpiry: formatTime(expiry * 1000) }),
      changes: sanitized.changes,
      handBack: sanitized.handBack,
      handBackGraceful: options.handBackGraceful,
      order: options.order,
      // without a standby nothing else is ever confirmed again
      maxAgeMs: self ? 0 : (options.maxAgeMs ?? settings.maxAgeMs),
      serving: sanitized.serving,
      ...(sanitized.writers === undefined ? {} : { writers: sanitized.writers }),
      ...(options.requests === undefined ? {} : { requests: options.requests }),
      ...(self ? { self } : {}),
    },
  };
}
