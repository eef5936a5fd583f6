/**
 * Looks whether the kubelet would give a copy its images (core/kubelet/pull-records.ts): after every capture those of
 * the new revision, and once a minute all of them, a few in each turn, because after the next power cut it would be too
 * late. Says every change once. A warning, never a refusal: the checkpoint is kept, since records and policies change,
 * and a registry may answer when the API server does not.
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
/** At once; the others wait for the next turn, which they must not hold up. */
const IMAGES_A_LOOK = 20;
const RUNTIME_DEADLINE_MS: Millis = 2_000;

export function createImageLooks(ports: Ports): ImageLooks {
  const warned = new Map<CheckpointKey, readonly string[]>();
  /** Revisions that were looked at. */
  let looked: ReadonlyMap<CheckpointKey, string> = new Map();
  /** By image, as it was judged last. */
  let verdicts: ReadonlyMap<string, Seen<PullVerdict>> = new Map();
  /** Images to be judged, in this order. */
  let waiting: readonly string[] = [];
  let last: Millis | undefined;
  let trouble: string | undefined;

  async function look(checkpoints: readonly Checkpoint[]): Promise<void> {
    const now = ports.clock.now();
    const isDue = last === undefined || now - last >= LOOK_EVERY_MS;
    const fresh = checkpoints.filter(({ key, record }) => looked.get(key) !== record.revision);
    if (!isDue && fresh.length === 0 && waiting.length === 0) return;
    if (fresh.length > 0) looked = new Map(checkpoints.map(({ key, record }) => [key, record.revision]));
    if (isDue) last = now;
    const due = [...new Set([...fresh.flatMap(imagesOf), ...waiting, ...(isDue ? checkpoints.flatMap(imagesOf) : [])])];
    waiting = due.slice(IMAGES_A_LOOK);
    // all at once: a runtime that hangs costs one deadline, not one an image
    const images = due.slice(0, IMAGES_A_LOOK);
    const judged = await Promise.all(images.map(async (image) => [image, await judge(ports, image)] as const));
    const needed = new Set(checkpoints.flatMap(imagesOf));
    verdicts = new Map([...verdicts, ...judged].filter(([image]) => needed.has(image)));
    tellTrouble([...verdicts.values()].flatMap((verdict) => (verdict.known || verdict.why === '' ? [] : [verdict.why]))[0]);
    for (const key of warned.keys()) if (!checkpoints.some((checkpoint) => checkpoint.key === key)) warned.delete(key);
    for (const checkpoint of checkpoints) settle(checkpoint);
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
  function settle(checkpoint: Checkpoint): void {
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
