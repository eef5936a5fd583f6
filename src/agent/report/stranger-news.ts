/** Tells once of stored checkpoints that are another node's or another cluster's, and again when it is over. */
import type { Checkpoint } from '../../core/model/model.ts';
import type { Where } from '../../core/turn/observation.ts';
import { strangersIn } from '../../core/turn/strangers.ts';
import type { Ports } from '../../ports.ts';

export interface StrangerNews {
  note(checkpoints: readonly Checkpoint[], where: Where): void;
  /** One sentence while there are any. */
  sentence(): string | undefined;
}

export function createStrangerNews({ log }: Pick<Ports, 'log'>): StrangerNews {
  let sentence: string | undefined;
  let said: boolean | undefined;
  return {
    note(checkpoints, where) {
      const found = strangersIn(checkpoints, where);
      sentence = found?.sentence;
      // how many they are changes with every capture: that is no news
      if (found !== undefined && said !== found.machine) log.warn(`Stored here: ${found.sentence}`);
      if (found === undefined && said !== undefined) log.info('Every stored checkpoint is of this node and this cluster');
      said = found?.machine;
    },
    sentence: () => sentence,
  };
}
