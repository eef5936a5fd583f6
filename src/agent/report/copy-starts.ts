/** Tells how long a copy took to start. */
import type { CheckpointKey, Millis } from '../../core/model/model.ts';
import { copyRuns } from '../../core/turn/copy-here.ts';
import type { Observation } from '../../core/turn/observation.ts';
import type { Ports } from '../../ports.ts';
import type { Held } from '../held.ts';
import { nameOf } from './names.ts';

export interface CopyStarts {
  /** It was decided at this moment that the copy starts. */
  expect(key: CheckpointKey, since: Millis): void;
  /** Tells of those that run by now. */
  look(held: Held, o: Observation): void;
}

export function createCopyStarts(ports: Pick<Ports, 'log' | 'meter'>): CopyStarts {
  const expected = new Map<CheckpointKey, Millis>();
  return {
    expect(key, since) {
      expected.set(key, since);
    },
    look(held, o) {
      for (const [key, since] of expected) {
        const checkpoint = held.checkpoints.get(key);
        if (checkpoint === undefined || !held.ledger.placed.some((placed) => placed.key === key)) expected.delete(key);
        else if (copyRuns(checkpoint, o)) {
          expected.delete(key);
          ports.meter.observe('checkpointer_activation_duration_seconds', (o.now - since) / 1000);
          ports.meter.count('checkpointer_activations_total', { result: 'running' });
          ports.log.info('The copy runs', { checkpoint: nameOf(checkpoint), afterMs: Math.round(o.now - since) });
        }
      }
    },
  };
}
