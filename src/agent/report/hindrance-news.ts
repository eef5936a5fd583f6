/**
 * Tells what would keep a copy from starting, and what keeps one down: each once, with what to do, and once when it is
 * over. What was told ahead is told once more when it comes true; in every outage anew.
 */
import type { Checkpoint, CheckpointKey, Reachability } from '../../core/model/model.ts';
import { type Hindering, meaningOf } from '../../core/model/obstacles.ts';
import { type Hindrance, type Outlook, sentenceOf } from '../../core/turn/outlook.ts';
import type { Ports } from '../../ports.ts';
import { nameOf } from './names.ts';

/** What is told of one checkpoint. */
export interface ToldHindrance {
  readonly key: CheckpointKey;
  /** `namespace/name` */
  readonly checkpoint: string;
  readonly reason: Hindering;
  /** It keeps the copy down now; else the copy would not start in an outage. */
  readonly down: boolean;
  /** What it means, and what to do. */
  readonly message: string;
  /** Since when it is so, milliseconds since 1970. */
  readonly sinceWall: number;
}

export interface HindranceNews {
  note(outlook: Outlook, checkpoints: readonly Checkpoint[], seen: { readonly wall: number; readonly api: Reachability }): void;
  all(): readonly ToldHindrance[];
}

interface Told {
  readonly hindrance: Hindrance;
  readonly name: string;
  readonly sinceWall: number;
  /** Told in this outage that it keeps the copy down. */
  readonly saidDown: boolean;
}

export function createHindranceNews({ log }: Pick<Ports, 'log'>): HindranceNews {
  const told = new Map<CheckpointKey, Told>();

  function warn({ reason, down, detail }: Hindrance, checkpoint: string): void {
    const { means, todo } = meaningOf(reason);
    log.warn(down ? 'Something keeps the copy down' : 'The copy would not start in an outage', {
      checkpoint,
      reason,
      ...(detail === undefined ? {} : { detail }),
      why: means,
      todo,
    });
  }

  /** One that is removed is not told to be free of anything. */
  function end(key: CheckpointKey, { hindrance, name }: Told, isThere: boolean): void {
    told.delete(key);
    if (isThere) log.info('Nothing keeps the copy down any more', { checkpoint: name, reason: hindrance.reason });
  }

  return {
    note({ hindrances }, checkpoints, { wall, api }) {
      const there = new Map(checkpoints.map((checkpoint) => [checkpoint.key, nameOf(checkpoint)]));
      for (const [key, before] of told) if (!hindrances.has(key)) end(key, before, there.has(key));
      for (const [key, hindrance] of hindrances) {
        const before = told.get(key);
        const name = there.get(key) ?? key;
        const same = before?.hindrance.reason === hindrance.reason ? before : undefined;
        const saidDown = same?.saidDown === true && api !== 'reachable';
        if (same === undefined || (hindrance.down && !saidDown)) warn(hindrance, name);
        told.set(key, { hindrance, name, sinceWall: same?.sinceWall ?? wall, saidDown: saidDown || hindrance.down });
      }
    },
    all: () =>
      [...told].map(([key, { hindrance, name, sinceWall }]) => {
        const { reason, down } = hindrance;
        return { key, checkpoint: name, reason, down, message: sentenceOf(hindrance), sinceWall };
      }),
  };
}
