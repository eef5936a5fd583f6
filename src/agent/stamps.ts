/**
 * Keeps written down, beside each checkpoint, which CA certificates the cluster has: else a rotation would make every
 * one of them another cluster's. Only while the API server answers, and only what changed. When that is: `whose.ts`.
 */
import { messageOf } from '../core/model/errors.ts';
import type { Millis } from '../core/model/model.ts';
import type { Observation } from '../core/turn/observation.ts';
import { wantsStamp } from '../core/turn/whose.ts';
import type { Ports } from '../ports.ts';
import type { Held } from './held.ts';

/** Writes of one turn end after this long, and go on in the next: a slow disk must not hold up the turns. */
const WRITES_MS: Millis = 1_000;
/** After one that failed. */
const RETRY_MS: Millis = 60_000;

export interface Stamps {
  /** Not while anything else is written, or waited for. Never throws. */
  run(o: Observation): Promise<void>;
}

export function createStamps(ports: Pick<Ports, 'clock' | 'store' | 'log'>, held: Held): Stamps {
  let notBefore: Millis = Number.NEGATIVE_INFINITY;

  return {
    async run(o) {
      const from = ports.clock.now();
      const { cas = [] } = o.where;
      if (o.api.verdict !== 'reachable' || !o.watch.synced || !o.watch.healthy || from < notBefore) return;
      for (const checkpoint of [...held.checkpoints.values()]) {
        if (!wantsStamp(checkpoint, o.where)) continue;
        if (ports.clock.now() - from >= WRITES_MS) return;
        try {
          await ports.store.stamp(checkpoint.key, cas);
          held.checkpoints.set(checkpoint.key, { ...checkpoint, cas });
        } catch (error) {
          notBefore = from + RETRY_MS;
          const { namespace, name } = checkpoint.record.parent;
          ports.log.warn("The cluster's CA certificates could not be written down", {
            checkpoint: `${namespace}/${name}`,
            error: messageOf(error),
          });
          return;
        }
      }
    },
  };
}
