/**
 * What the picture says in words: its title, its figures, where they come from, and the whole story for those who do
 * not see it. Pure.
 */
import type { Gap, Outage } from './outage.ts';

export const TITLE = 'A power cut, and no API server: one outage, as it was measured';
export const ABOUT =
  'A pod, the parent, has a checkpoint on the disk of its node. The node boots with nobody to ask, so a copy serves instead. ' +
  'When an API server is back, the copy stays until the kubelet starts the parent.';

export function originOf(kubeletScale: number): string {
  const part = kubeletScale === 1 ? 'as long as the real ones' : `1/${Math.round(1 / kubeletScale)} of the real ones`;
  return (
    'Drawn by pod-checkpointer demo from what one run observed: answers at the port of the parent, asked for every 5 ms, the log of the agent, ' +
    `and the events of the node. API server and runtime are embedded, the kubelet is a stand-in whose own delays are ${part}.`
  );
}

/** The same in words, for those who do not see it. */
export function storyOf({ acts, moments, gaps, broken }: Outage): string {
  const told = [
    ...acts.map(({ at, title }) => ({ at, text: `${title}.` })),
    ...moments.map(({ at, lane, text }) => ({ at, text: `${seconds(at)}, ${lane}: ${text}.` })),
    ...toldGaps(gaps).map(({ gap, text }) => ({ at: gap.from, text: `From ${seconds(gap.from)}: ${text}.` })),
  ].sort((a, b) => a.at - b.at);
  const end = broken.length === 0 ? 'Every promise was kept.' : `Promises that were not kept: ${broken.join('; ')}.`;
  return [...told.map(({ text }) => text), end].join(' ');
}

export interface ToldGap {
  readonly gap: Gap;
  readonly text: string;
  /** It stands for others, too. */
  readonly several: boolean;
}

/** More silences than these, as on a machine with far too much to do, are told by the longest of them. */
const MOST_SILENCES = 2;

/** Every gap is drawn. Those that say something are told one by one: each hand-over, and what ended the story. */
export function toldGaps(gaps: readonly Gap[]): readonly ToldGap[] {
  const silences = gaps.filter(({ ends }) => ends === 'silence').sort((a, b) => b.to - b.from - (a.to - a.from));
  const [longest] = silences;
  if (longest === undefined || silences.length <= MOST_SILENCES) return gaps.map(toldGap);
  const others = gaps.filter(({ ends }) => ends !== 'silence').map(toldGap);
  return [...others, { gap: longest, text: `${silences.length} silences of up to ${amountOf(longest)}`, several: true }];
}

function toldGap(gap: Gap): ToldGap {
  return { gap, text: `no answer for ${amountOf(gap)}${gap.ends === 'open' ? ', to the end' : ''}`, several: false };
}

export function amountOf({ from, to }: Gap): string {
  return `${Math.round(to - from).toLocaleString('en-US')} ms`;
}

export function seconds(at: number): string {
  return `${(at / 1000).toFixed(2)} s`;
}
