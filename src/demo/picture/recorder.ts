/** Notes down what the story sees, each with its time, until the picture is drawn. Knows nothing of drawing. */
import type { Clock } from '../../ports.ts';
import type { Answer } from '../prober.ts';
import { type Act, type Lane, type Moment, type Outage, type ServingNames, type Span, servingOf } from './outage.ts';

export interface Recorder {
  /** Milliseconds since the start. */
  now(): number;
  /** When something happened that bears a stamp of the wall clock; ask soon after, as that clock may be set. */
  stamped(wall: number): number;
  /** It came up, or it ended, just now. */
  life(lane: Lane, up: boolean): void;
  moment(lane: Lane, text: string, at: number): void;
  act(title: string, at: number): void;
  /** All of it up to now; what is still up ends with the picture. */
  outage(rest: RecordedRest): Outage;
}

export interface RecordedRest extends Pick<Outage, 'kubeletScale' | 'broken'> {
  /** Of the prober, in the clock's own milliseconds. */
  readonly answers: readonly Answer[];
  readonly names: ServingNames;
}

export function createRecorder(clock: Pick<Clock, 'now' | 'wall'>): Recorder {
  const startedAt = clock.now();
  const acts: Act[] = [];
  const moments: Moment[] = [];
  const ended: Span[] = [];
  const up = new Map<Lane, number>();
  const now = (): number => clock.now() - startedAt;
  return {
    now,
    stamped: (wall) => now() - (clock.wall() - wall),
    life(lane, isUp) {
      const from = up.get(lane);
      if (isUp) up.set(lane, from ?? now());
      else if (from !== undefined) {
        ended.push({ lane, from, to: now() });
        up.delete(lane);
      }
    },
    moment: (lane, text, at) => void moments.push({ lane, text, at }),
    act: (title, at) => void acts.push({ title, at }),
    outage({ answers, names, kubeletScale, broken }) {
      const end = now();
      const serving = servingOf(
        answers.map(({ at, who }) => ({ at: at - startedAt, who })),
        names,
        end,
      );
      const running = [...up].map(([lane, from]) => ({ lane, from, to: end }));
      return {
        end,
        names,
        acts: [...acts],
        moments: [...moments],
        spans: [...ended, ...running, ...serving.spans],
        gaps: serving.gaps,
        kubeletScale,
        broken,
      };
    },
  };
}
