/** Every command there is, in the order of the help. */
import { createClock } from '../adapters/clock.ts';
import { type AgentProcess, runAgent } from './agent/agent.ts';
import { asUsage } from './as-usage.ts';
import { type Command, type Context, EXIT, UsageError } from './command.ts';
import { demoCommand } from './demo.ts';
import { askAgent, problemsOf, readManifests, readStore } from './inspect/checkpoints.ts';
import { statusColumns, statusNotes, statusRows } from './inspect/status.ts';
import { formatJson, formatListing, formatYaml } from './output.ts';
import { renderCommand } from './render/render.ts';
import { cleanupCommand, uninstallCommand } from './uninstall/cleanup-commands.ts';

/** What the commands may know of the process; `main.ts` gives it. */
export interface Program extends Omit<AgentProcess, 'config' | 'env' | 'logTo'> {
  /** Path of the running bundle, and of the Node.js that runs it: the demo starts the agent as a process of its own. */
  readonly bundle: string;
  readonly execPath: string;
}

export function createCommands(program: Program): readonly Command[] {
  return [
    agentCommand(program),
    statusCommand(program),
    renderCommand(),
    verifyCommand(),
    cleanupCommand(program),
    uninstallCommand(program),
    demoCommand(program),
    versionCommand(program),
  ];
}

function agentCommand(program: Program): Command {
  return {
    name: 'agent',
    summary: 'Run the node agent: keep checkpoints, start copies when the API server is gone, hand back when it returns.',
    flags: [],
    configured: true,
    required: ['nodeName'],
    run: async (context) => {
      const config = await context.config();
      await asUsage(() => runAgent({ ...program, config, env: context.io.env, logTo: 1 }));
      return EXIT.done;
    },
  };
}

function statusCommand(program: Program): Command {
  return {
    name: 'status',
    summary: 'List every checkpoint of this node: state, reason, since when, revision, age and size.',
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
      for (const note of statusNotes(agent)) context.io.stderr.write(`${note}\n`);
      return EXIT.done;
    },
  };
}

function verifyCommand(): Command {
  return {
    name: 'verify',
    summary: 'Check stored checkpoints: digests, format, completeness, and whether a kubelet would accept the manifest.',
    usage: '[NAMESPACE/NAME]',
    positionals: { min: 0, max: 1 },
    flags: [],
    configured: true,
    lists: true,
    run: verify,
  };
}

interface VerifyRow {
  readonly namespace: string;
  readonly name: string;
  readonly revision: string;
  readonly ok: boolean;
  readonly problems: readonly string[];
}

async function verify(context: Context): Promise<number> {
  const config = await context.config();
  const wanted = context.positionals[0];
  const { checkpoints } = await readStore(config);
  const chosen = checkpoints.filter(({ record }) => wanted === undefined || wanted === `${record.parent.namespace}/${record.parent.name}`);
  if (wanted !== undefined && chosen.length === 0) {
    throw new UsageError([`there is no checkpoint of ${wanted} in ${config.stateDir}; pod-checkpointer status lists them`]);
  }
  const rows: VerifyRow[] = chosen.map((checkpoint) => {
    const problems = problemsOf(checkpoint);
    const { parent, revision } = checkpoint.record;
    return { namespace: parent.namespace, name: parent.name, revision, ok: problems.length === 0, problems };
  });
  context.io.stdout.write(
    await formatListing(context.output, {
      columns: [
        { header: 'NAMESPACE', cell: (row) => row.namespace },
        { header: 'NAME', cell: (row) => row.name },
        { header: 'REVISION', cell: (row) => row.revision.slice(0, 12) },
        { header: 'RESULT', cell: (row) => (row.ok ? 'ok' : row.problems.join('; ')) },
      ],
      rows,
      empty: `no checkpoint is stored in ${config.stateDir}`,
    }),
  );
  return rows.every((row) => row.ok) ? EXIT.done : EXIT.problem;
}

/** The on-disk format this program writes; a newer one is refused untouched. */
const FORMAT = 1;

function versionCommand(program: Program): Command {
  return {
    name: 'version',
    summary: 'Print the version of the program, of its on-disk format and of Node.js.',
    flags: [],
    lists: true,
    run: async (context) => {
      const data = { version: program.version, formatVersion: FORMAT, nodeVersion: program.nodeVersion };
      const text =
        context.output === 'json'
          ? formatJson(data)
          : context.output === 'yaml'
            ? await formatYaml(data)
            : `pod-checkpointer ${data.version} (on-disk format ${data.formatVersion}, Node.js ${data.nodeVersion})\n`;
      context.io.stdout.write(text);
      return EXIT.done;
    },
  };
}
