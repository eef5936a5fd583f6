/** `demo`: the whole story in one terminal. The embedded servers are loaded only here. */

import { createClock } from '../adapters/clock.ts';
import { type Command, EXIT } from './command.ts';
import type { Program } from './program.ts';
import { requireTimelineFile, writeTimeline } from './timeline-file.ts';

export function demoCommand(program: Program): Command {
  return {
    name: 'demo',
    summary: 'Tell the whole story on an embedded API server, runtime and kubelet stand-in: no root, no network, no cluster.',
    flags: [
      { name: 'fast', kind: 'switch', doc: 'Shorter pauses and a quicker kubelet stand-in.' },
      { name: 'keep', kind: 'switch', doc: "Keep the node's directory to look at the files afterwards." },
      {
        name: 'timeline',
        kind: 'text',
        value: 'FILE.svg',
        doc: 'Afterwards draw what happened, with its gaps in milliseconds, as a picture.',
      },
    ],
    run: async ({ io, on, text }) => {
      const file = text('timeline');
      if (file !== undefined) await requireTimelineFile(file);
      const [{ tellStory }, { createTimeline }] = await Promise.all([import('../demo/story.ts'), import('../demo/timeline.ts')]);
      const colours = 'isTTY' in io.stdout && io.stdout.isTTY === true && io.env['NO_COLOR'] === undefined;
      const timeline = createTimeline((words) => void io.stdout.write(words), colours);
      const clock = createClock();
      const picture = file !== undefined;
      const outage = await tellStory({ ...program, clock, fast: on('fast'), keep: on('keep'), picture, timeline });
      const broken = timeline.broken().length;
      io.stdout.write(`\n${lastWords(broken, timeline.lateSoFar().length, clock.now() / 1000)}\n`);
      if (file !== undefined) {
        const { drawOutage } = await import('../demo/picture/draw.ts');
        await writeTimeline(file, drawOutage(outage));
        io.stdout.write(`Timeline: ${file}\n`);
      }
      return broken === 0 ? EXIT.done : EXIT.problem;
    },
  };
}

/** What the demo ends with: promises broken, and promises of time that were not kept by little. */
export function lastWords(broken: number, late: number, seconds: number): string {
  if (broken > 0) return `${broken + late} promises were not kept.`;
  if (late === 0) return `Every promise was kept, in ${seconds.toFixed(0)} s.`;
  const which = late === 1 ? 'One promise of time was' : `${late} promises of time were`;
  return `Everything came back, in ${seconds.toFixed(0)} s. ${which} not kept: a computer busy with other things does that, an idle one should not.`;
}
