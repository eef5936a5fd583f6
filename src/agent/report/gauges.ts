/** The gauges that say how things stand after a turn. */
import type { ReachabilityState } from '../../core/api/reachability.ts';
import type { Checkpoint, State } from '../../core/model/model.ts';
import { parseTime } from '../../core/model/time.ts';
import { missingImages, type Outlook } from '../../core/turn/outlook.ts';
import type { Ports } from '../../ports.ts';
import { labelsOf } from './names.ts';

export interface Standing {
  readonly state: State;
  /** As people are shown it. */
  readonly reason: string;
}

export function gaugeApi({ meter, watch }: Pick<Ports, 'meter' | 'watch'>, reach: ReachabilityState): void {
  meter.gauge('checkpointer_source_up', watch.view().healthy ? 1 : 0, { source: 'api' });
  for (const state of ['reachable', 'unreachable', 'unsure'])
    meter.gauge('checkpointer_api_reachability', reach.verdict === state ? 1 : 0, { state });
}

export function gaugeCheckpoints(
  { meter, clock }: Pick<Ports, 'meter' | 'clock'>,
  checkpoints: readonly Checkpoint[],
  known: ReadonlyMap<string, Standing>,
): void {
  const parents = checkpoints.filter(({ record }) => record.self !== true);
  const count = (state: State): number => parents.filter((checkpoint) => known.get(checkpoint.key)?.state === state).length;
  for (const state of ['inactive', 'active', 'handing-back', 'retired'] as const)
    meter.gauge('checkpointer_checkpoints', count(state), { state });
  meter.gauges(
    'checkpointer_checkpoint_info',
    checkpoints.map((c) => ({
      labels: { ...labelsOf(c), state: known.get(c.key)?.state ?? 'inactive', reason: known.get(c.key)?.reason ?? '' },
      value: 1,
    })),
  );
  const wall = clock.wall();
  meter.gauges(
    'checkpointer_checkpoint_age_seconds',
    checkpoints.map((c) => ({ labels: labelsOf(c), value: Math.max(0, Math.round((wall - parseTime(c.confirmedAt)) / 1000)) })),
  );
  meter.gauges(
    'checkpointer_token_expiry_timestamp_seconds',
    checkpoints.flatMap((c) =>
      c.record.tokenExpiry === undefined ? [] : [{ labels: labelsOf(c), value: parseTime(c.record.tokenExpiry) / 1000 }],
    ),
  );
  meter.gauge(
    'checkpointer_store_bytes',
    checkpoints.reduce((sum, checkpoint) => sum + checkpoint.bytes, 0),
  );
}

/** By the last answer about each image: it is not asked for in every turn. */
export function gaugeImages({ meter }: Pick<Ports, 'meter'>, checkpoints: readonly Checkpoint[], { images }: Outlook): void {
  meter.gauges(
    'checkpointer_image_missing',
    checkpoints.map((c) => ({ labels: labelsOf(c), value: missingImages(c, images).length > 0 ? 1 : 0 })),
  );
}
