/**
 * Looks whether the kubelet would give a copy its images (core/kubelet/pull-records.ts): after every capture and once a
 * minute, because after the next power cut it would be too late. Says every change once. A warning, never a refusal:
 * the checkpoint is kept, since records and policies change, and a registry may answer when the API server does not.
 */

import { judgePull, type PullVerdict } from '../../core/kubelet/pull-records.ts';
import { messageOf } from '../../core/model/errors.ts';
import { type Checkpoint, type CheckpointKey, type Millis, type Seen, seen, unseen } from '../../core/model/model.ts';
import { PortError, type Ports } from '../../ports.ts';

export interface ImageWarning {
  readonly key: CheckpointKey;
  readonly reason: 'image-denied';
  /** One sentence: which image, why, and what to do. */
  readonly message: string;
}

export interface ImageLooks {
  /** Looks if it is time to. Never throws. */
  look(checkpoints: readonly Checkpoint[]): Promise<void>;
  warnings(): readonly ImageWarning[];
}

const LOOK_EVERY_MS: Millis = 60_000;
const RUNTIME_DEADLINE_MS: Millis = 2_000;

export function createImageLooks(ports: Ports): ImageLooks {
  const warned = new Map<CheckpointKey, readonly string[]>();
  let looked: ReadonlySet<string> = new Set();
  let last: Millis | undefined;
  let trouble: string | undefined;

  async function look(checkpoints: readonly Checkpoint[]): Promise<void> {
    const revisions = new Set(checkpoints.map((checkpoint) => `${checkpoint.key} ${checkpoint.record.revision}`));
    const now = ports.clock.now();
    const fresh = [...revisions].every((revision) => looked.has(revision));
    if (fresh && last !== undefined && now - last < LOOK_EVERY_MS) return;
    last = now;
    looked = revisions;
    // all at once: a runtime that hangs costs one deadline, not one an image
    const images = [...new Set(checkpoints.flatMap(imagesOf))];
    const verdicts = new Map(await Promise.all(images.map(async (image) => [image, await judge(ports, image)] as const)));
    tellTrouble([...verdicts.values()].flatMap((verdict) => (verdict.known || verdict.why === '' ? [] : [verdict.why]))[0]);
    for (const key of warned.keys()) if (!checkpoints.some((checkpoint) => checkpoint.key === key)) warned.delete(key);
    for (const checkpoint of checkpoints) settle(checkpoint, verdicts);
    ports.meter.gauges(
      'checkpointer_image_denied',
      checkpoints.map(({ key, record }) => ({
        labels: { namespace: record.parent.namespace, pod: record.parent.name },
        value: warned.has(key) ? 1 : 0,
      })),
    );
  }

  function tellTrouble(why: string | undefined): void {
    if (why !== undefined && why !== trouble)
      ports.log.warn("The kubelet's image pull records cannot be read; whether copies get their images is unknown", { error: why });
    trouble = why;
  }

  /** What could not be judged now keeps the word it had. */
  function settle(checkpoint: Checkpoint, verdicts: ReadonlyMap<string, Seen<PullVerdict>>): void {
    const { key } = checkpoint;
    const before = warned.get(key);
    const own = imagesOf(checkpoint).flatMap((image) => verdicts.get(image) ?? []);
    const messages = own.flatMap((verdict) => (verdict.known && verdict.value.kind === 'denied' ? [verdict.value.message] : []));
    const name = `${checkpoint.record.parent.namespace}/${checkpoint.record.parent.name}`;
    if (messages.length > 0) {
      warned.set(key, messages);
      if (before?.join() === messages.join()) return;
      ports.log.warn('The kubelet would deny the copy an image; it could not start', { checkpoint: name, images: messages });
    } else if (before !== undefined && own.every((verdict) => verdict.known)) {
      warned.delete(key);
      ports.log.info('The kubelet would give the copy all its images again', { checkpoint: name });
    }
  }

  return {
    look,
    warnings: () =>
      [...warned].flatMap(([key, messages]) => messages.map((message) => ({ key, reason: 'image-denied' as const, message }))),
  };
}

/** An image that is not here is another matter, told elsewhere. */
async function judge(ports: Pick<Ports, 'runtime' | 'pulls'>, image: string): Promise<Seen<PullVerdict>> {
  try {
    const id = await ports.runtime.imageId(image, RUNTIME_DEADLINE_MS);
    if (id === undefined) return unseen('');
    return seen(judgePull(image, id, await ports.pulls.find(id), await ports.pulls.policy()));
  } catch (error) {
    // a runtime that does not answer is told as a source that is down
    const silent = error instanceof PortError && error.kind === 'unavailable';
    return unseen(silent ? '' : messageOf(error));
  }
}

/** Of an image volume, as of a container. */
function imagesOf(checkpoint: Checkpoint): readonly string[] {
  return [...new Set(checkpoint.record.images.map(({ image }) => image))];
}
