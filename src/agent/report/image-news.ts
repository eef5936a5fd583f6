/** Tells when an image that a copy would need goes from this node: after the next power cut it would be too late. */
import type { Checkpoint, CheckpointKey } from '../../core/model/model.ts';
import type { Observation } from '../../core/turn/observation.ts';
import type { Ports } from '../../ports.ts';
import { labelsOf, nameOf } from './names.ts';

/** Said once, when an image goes and when it is back. */
export function createImageNews(ports: Pick<Ports, 'log' | 'meter'>): (checkpoints: readonly Checkpoint[], o: Observation) => void {
  /** Checkpoints with an image that is not on this node. */
  const missing = new Set<CheckpointKey>();

  function tell(checkpoint: Checkpoint, o: Observation): void {
    const { images } = checkpoint.record;
    const absent = images.filter(({ image }) => seenAs(o, image) === false).map(({ image }) => image);
    const present = images.every(({ image }) => seenAs(o, image) === true);
    if (absent.length > 0 && !missing.has(checkpoint.key)) {
      missing.add(checkpoint.key);
      ports.log.warn('An image of the checkpoint is not on this node; its copy could not start', {
        checkpoint: nameOf(checkpoint),
        images: absent,
      });
    } else if (present && missing.delete(checkpoint.key)) {
      ports.log.info('All images of the checkpoint are on this node again', { checkpoint: nameOf(checkpoint) });
    }
  }

  return (checkpoints, o) => {
    for (const checkpoint of checkpoints) tell(checkpoint, o);
    ports.meter.gauges(
      'checkpointer_image_missing',
      checkpoints.map((checkpoint) => ({ labels: labelsOf(checkpoint), value: missing.has(checkpoint.key) ? 1 : 0 })),
    );
  };
}

function seenAs(o: Observation, image: string): boolean | undefined {
  const present = o.images.get(image);
  return present?.known === true ? present.value : undefined;
}
