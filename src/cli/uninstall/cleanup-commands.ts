/**
 * The commands that take the product away: `cleanup` from this node, `uninstall` from the whole cluster, as the chart's
 * hooks run it.
 */

import { parseDuration } from '../../core/model/duration.ts';
import { isDnsSubdomain } from '../../core/model/json.ts';
import { asUsage } from '../as-usage.ts';
import { type Command, type Context, EXIT, type Flag, UsageError } from '../command.ts';
import type { Program } from '../program.ts';
import { runCleanup } from './cleanup.ts';
import type { UninstallNames } from './names.ts';

const NAMES: readonly Flag[] = [
  { name: 'namespace', kind: 'text', value: 'NAME', doc: 'Namespace of both DaemonSets.' },
  { name: 'agents', kind: 'text', value: 'NAME', doc: "The agents' DaemonSet, which is uninstalled." },
  { name: 'cleaners', kind: 'text', value: 'NAME', doc: 'The DaemonSet whose pods clean the nodes.' },
];
/** As a pod of the chart's uninstall takes them. */
const NAMES_IN_A_POD: readonly Flag[] = NAMES.map((flag, index) =>
  index > 0
    ? flag
    : {
        ...flag,
        doc: "Namespace of the two DaemonSets of an uninstall. --stay then waits until the agents' is gone, and deletes the cleaners' when every node is clean.",
      },
);

export function cleanupCommand(program: Program): Command {
  return {
    name: 'cleanup',
    summary: 'Uninstall from this node in order: end every copy, then the standby. Files of others are left alone.',
    flags: [
      { name: 'purge', kind: 'switch', doc: 'Remove the stored checkpoints as well.' },
      {
        name: 'stay',
        kind: 'switch',
        doc: 'Wait for the lock as long as it takes, keep it when done, and answer on /readyz; until a signal.',
      },
      ...NAMES_IN_A_POD,
    ],
    configured: true,
    run: async (context) => {
      const names = namesIn(context);
      if (names !== undefined && !context.on('stay')) throw new UsageError(['--namespace, --agents and --cleaners need --stay; add it']);
      const config = await context.config();
      const say = (sentence: string): void => void context.io.stdout.write(`${sentence}\n`);
      const process = { ...program, config, logTo: 2, purge: context.on('purge'), stay: context.on('stay'), say };
      const clean = await asUsage(async () => {
        if (names === undefined) return runCleanup(process);
        const { runCleanerPod } = await import('./cleaner.ts');
        return runCleanerPod({ ...process, ...names, env: context.io.env, random: program.random });
      });
      return clean ? EXIT.done : EXIT.problem;
    },
  };
}

const STEPS = ['agents', 'nodes'] as const;

export function uninstallCommand(program: Program): Command {
  return {
    name: 'uninstall',
    summary: "Uninstall from the cluster, as the chart's hooks do: delete the agents' DaemonSet, or wait for the nodes to be clean.",
    flags: [
      {
        name: 'step',
        kind: 'text',
        choices: STEPS,
        doc: 'agents: delete their DaemonSet, which helm installed. nodes: wait until every node that is up is clean.',
      },
      ...NAMES,
      { name: 'limit', kind: 'text', value: 'DURATION', default: '4m', doc: 'How long to try before it ends with 1.' },
    ],
    configured: true,
    needsApi: true,
    run: async (context) => {
      const step = STEPS.find((one) => one === context.text('step'));
      const names = namesIn(context);
      const limit = parseDuration(context.text('limit') ?? '');
      const problems = [
        ...(step === undefined ? [`--step is missing; write ${STEPS.join(' or ')}`] : []),
        ...(names === undefined ? ['--namespace, --agents and --cleaners are missing; name both DaemonSets'] : []),
        ...(limit.ok ? [] : [`--limit ${JSON.stringify(context.text('limit'))}: ${limit.problem}`]),
      ];
      if (step === undefined || names === undefined || !limit.ok) throw new UsageError(problems);
      const config = await context.config();
      const { runUninstall } = await import('./uninstall.ts');
      const say = (sentence: string): void => void context.io.stdout.write(`${sentence}\n`);
      const done = await asUsage(() => runUninstall({ ...program, ...names, config, env: context.io.env, step, limitMs: limit.ms, say }));
      return done ? EXIT.done : EXIT.problem;
    },
  };
}

/** undefined: none is given. Throws UsageError where some are, or one is no name. */
function namesIn(context: Context): UninstallNames | undefined {
  const given = NAMES.map(({ name }) => ({ name, value: context.text(name) }));
  if (given.every(({ value }) => value === undefined)) return undefined;
  const problems = given.flatMap(({ name, value }) => {
    if (value === undefined) return [`--${name} is missing; --namespace, --agents and --cleaners are given together`];
    return isDnsSubdomain(value) ? [] : [`--${name} ${JSON.stringify(value)} is no name of an object; write small letters, digits and -`];
  });
  if (problems.length > 0) throw new UsageError(problems);
  const [namespace = '', agents = '', cleaners = ''] = given.map(({ value }) => value);
  return { namespace, agents, cleaners };
}
