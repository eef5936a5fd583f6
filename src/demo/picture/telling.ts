/**
 * What the picture says in words: its title, its figures, where they come from, and the whole story for those who do
 * not see it. Pure.
 */
import type { Gap, Outage } from './outage.ts';

export const TITLE = 'A power cut, and no API server: one outage, as it was measured';
export const ABOUT =
  'A pod of the node, the parent, has a checkpoint on its disk. The node boots with nobody to ask, so a copy serves instead. ' +
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
    ...gaps.map((gap) => ({ at: gap.from, text: `From ${seconds(gap.from)}: ${gapText(gap)}.` })),
  ].sort((a, b) => a.at - b.at);
  const end = broken.length === 0 ? 'Every promise was kept.' : `Promises that were not kept: ${broken.join('; ')}.`;
  return [...told.map(({ text }) => text), end].join(' ');
}

export function gapText(gap: Gap): string {
  return gap.open ? `no answer for ${amountOf(gap)}, to the end` : `no answer for ${amountOf(gap)}`;
}

export function amountOf({ from, to }: Gap): string {
  return `${Math.round(to - from).toLocaleString('en-US')} ms`;
}

export function seconds(at: number): string {
  return `${(at / 1000).toFixed(2)} s`;
}
