/** The command verify: every stored byte against its digest. */
import { type Command, type Context, EXIT, UsageError } from '../command.ts';
import { formatListing } from '../output.ts';
import { problemsOf, readStore } from './checkpoints.ts';

export function verifyCommand(): Command {
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
    const todo = wanted.includes('/')
      ? 'pod-checkpointer status lists them'
      : 'write NAMESPACE/NAME, as pod-checkpointer status lists them';
    throw new UsageError([`there is no checkpoint of ${wanted} in ${config.stateDir}; ${todo}`]);
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
