/**
 * What a run of the demo showed, as data for its picture: who was up, who answered, what happened when. Made from
 * observations only; what nobody saw is not in it. Pure.
 */
import type { Answer } from '../prober.ts';

/** From top to bottom. */
export const LANES = ['node', 'API server', 'kubelet', 'parent', 'copy', 'agent'] as const;
export type Lane = (typeof LANES)[number];

/** All times are milliseconds since the start of the story. */
export interface Span {
  readonly lane: Lane;
  readonly from: number;
  readonly to: number;
}

export interface Moment {
  readonly lane: Lane;
  readonly at: number;
  readonly text: string;
}

/** A part of the story; it lasts until the next one begins. */
export interface Act {
  readonly at: number;
  readonly title: string;
}

/** Neither parent nor copy answered. */
export interface Gap {
  readonly from: number;
  readonly to: number;
  /** Another one answered after it; the same one; or nobody, up to the end. */
  readonly ends: 'hand-over' | 'silence' | 'open';
}

export interface Outage {
  readonly end: number;
  readonly names: ServingNames;
  readonly acts: readonly Act[];
  readonly spans: readonly Span[];
  readonly moments: readonly Moment[];
  readonly gaps: readonly Gap[];
  /** Factor on the kubelet stand-in's own delays. */
  readonly kubeletScale: number;
  /** Promises that were not kept, as the demo told them. */
  readonly broken: readonly string[];
}

/** Who may answer at the port of the parent. */
export interface ServingNames {
  readonly parent: string;
  readonly copy: string;
}

/** The prober's own deadline: a shorter silence of one who answers before and after it may be the prober's. */
export const SILENCE_MS = 200;

/** Who served from when to when, and the gaps: at every change of who answers, and in every long silence. */
export function servingOf(answers: readonly Answer[], names: ServingNames, end: number): Pick<Outage, 'spans' | 'gaps'> {
  const spans: Span[] = [];
  const gaps: Gap[] = [];
  for (const { at, who } of answers) {
    const lane = who === names.parent ? 'parent' : who === names.copy ? 'copy' : undefined;
    if (lane === undefined) continue;
    const last = spans.at(-1);
    if (last !== undefined && last.lane === lane && at - last.to < SILENCE_MS) spans[spans.length - 1] = { ...last, to: at };
    else {
      if (last !== undefined) gaps.push({ from: last.to, to: at, ends: last.lane === lane ? 'silence' : 'hand-over' });
      spans.push({ lane, from: at, to: at });
    }
  }
  const last = spans.at(-1);
  if (last !== undefined && end - last.to >= SILENCE_MS) gaps.push({ from: last.to, to: end, ends: 'open' });
  return { spans, gaps };
}
