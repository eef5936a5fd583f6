/** Whether the runtime's word may be believed. That it contradicts the API server's is told once, and so is the end. */
import type { Millis } from '../core/model/model.ts';
import { type Doubt, doubtAfter, doubted, NO_DOUBT } from '../core/turn/doubt.ts';
import type { Observation } from '../core/turn/observation.ts';
import type { Log } from '../ports.ts';

export interface Doubts {
  /** The observation as it may be believed. */
  weigh(o: Observation): Observation;
  /** One sentence while sources contradict each other. */
  says(): string | undefined;
}

/** `bootedAt`: when this node booted, on the monotonic clock. */
export function createDoubts(log: Log, bootedAt: Millis | undefined): Doubts {
  let doubt: Doubt = NO_DOUBT;
  return {
    weigh(o) {
      const before = doubt.says;
      doubt = doubtAfter(doubt, o, bootedAt);
      if (before === undefined && doubt.says !== undefined)
        log.error('The container runtime and the API server contradict each other', { error: doubt.says });
      if (before !== undefined && doubt.says === undefined)
        log.info('The container runtime and the API server do not contradict each other any more');
      return doubted(o, doubt, bootedAt);
    },
    says: () => doubt.says,
  };
}
