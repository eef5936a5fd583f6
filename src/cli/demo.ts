/** `demo`: the whole story in one terminal. The embedded servers are loaded only here. */

import { createClock } from '../adapters/clock.ts';
import { type Command, EXIT } from './command.ts';
import type { Program } from './program.ts';

export function demoCommand(program: Program): Command {
  return {
    name: 'demo',
    summary: 'Tell the whole story on an embedded API server, runtime and kubelet stand-in: no root, no network, no cluster.',
    flags: [
      { name: 'fast', kind: 'switch', doc: 'Shorter pauses and a quicker kubelet stand-in.' },
      { name: 'keep', kind: 'switch', doc: "Keep the node's directory to look at the files afterwards." },
    ],
    run: async ({ io, on }) => {
      const [{ tellStory }, { createTimeline }] = await Promise.all([import('../demo/story.ts'), import('../demo/timeline.ts')]);
      const colours = 'isTTY' in io.stdout && io.stdout.isTTY === true && io.env['NO_COLOR'] === undefined;
      const timeline = createTimeline((text) => void io.stdout.write(text), colours);
      const clock = createClock();
      const kept = await tellStory({ ...program, clock, fast: on('fast'), keep: on('keep'), timeline });
      const seconds = (clock.now() / 1000).toFixed(0);
      io.stdout.write(kept ? `\nEvery promise was kept, in ${seconds} s.\n` : `\n${timeline.broken()} promises were not kept.\n`);
      return kept ? EXIT.done : EXIT.problem;
    },
  };
}
