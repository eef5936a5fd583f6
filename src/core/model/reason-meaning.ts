/** The form of a row that says what a reason means. Types only; the rows are in the tables that use it. */
import type { Millis, State } from './model.ts';

export interface ReasonMeaning {
  /** The states that it is given for. */
  readonly states: readonly State[];
  readonly means: string;
  /** Left out where there is nothing to do. */
  readonly todo?: string;
}

export interface ObstacleMeaning extends ReasonMeaning {
  /**
   * - `ahead`: in good times too. It is about the checkpoint itself, and would keep the next outage's copy down.
   * - `down`: only when it keeps a copy down. It is about the moment.
   * - `never`: it ends by itself, or is as people want it.
   */
  readonly told: 'ahead' | 'down' | 'never';
  /** Mostly over in a moment: it is told when it has lasted ten seconds, or these milliseconds. */
  readonly settles?: true | Millis;
}
