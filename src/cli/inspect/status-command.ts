/** The command status: every checkpoint of this node. */
import { createClock } from '../../adapters/clock.ts';
import { type Command, EXIT } from '../command.ts';
import { formatListing } from '../output.ts';
import type { Program } from '../program.ts';
import { askAgent, readManifests, readStore } from './checkpoints.ts';
import { rowNotes, statusColumns, statusNotes, statusRows } from './status.ts';

export function statusCommand(program: Program): Command {
  return {
    name: 'status',
    summary: 'List every checkpoint of this node: state, reason, since when, revision, age, size, and what its copy reserves.',
    flags: [],
    configured: true,
    lists: true,
    run: async (context) => {
      const config = await context.config();
      const [stored, agent] = await Promise.all([readStore(config), askAgent(config)]);
      const manifests = await readManifests(config, program.uid).catch(() => undefined);
      const rows = statusRows(stored, manifests, agent, createClock().wall());
      context.io.stdout.write(
        await formatListing(context.output, { columns: statusColumns, rows, empty: `no checkpoint is stored in ${config.stateDir}` }),
      );
      for (const note of [...statusNotes(agent), ...rowNotes(rows)]) context.io.stderr.write(`${note}\n`);
      return EXIT.done;
    },
  };
}
