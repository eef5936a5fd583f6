/** The command line of the end-to-end tests. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { KUBELETS, type KubeletLine } from './components.ts';
import { DEFAULT_BUNDLE } from './node/agent.ts';
import type { Scenario, Settings } from './scenario.ts';

export const HELP = `End-to-end tests of pod-checkpointer on real nodes. Needs root and Go; see test/e2e/README.md.

  node test/e2e/run.ts [options]

  --kubelet 1.37|1.34|all   which kubelet (and container runtime); default all
  --only ID,ID              these scenarios, and the ones they need; with ID also all that are named ID/…
                            (default: all but those on request, which --list marks with a plus, and but those
                            marked 1 on every node after the first: they do not depend on the kubelet's version)
  --list                    names the scenarios and ends
  --build                   builds what nodes, oracle and the chart's tests are made of, and ends; needs no root
  --rounds N[,M]            power cuts of the scenario hand-back, M on every node after the first; default 10
  --self-hosted-rounds N    power cuts of the scenario self-hosted/power-cut; default 10
  --outage DURATION[,D]     how long the API server is away in the scenario outage, D on every node after the first;
                            default 3m
  --idle DURATION           how long the idle agent is watched; default 60s
  --output FILE             results and figures as JSON
  --bundle FILE             the program under test; default dist/pod-checkpointer.cjs
  --logs DIR                keeps all logs there (else only a failed run's, in the temporary directory)
  --keep                    leaves the node running after the scenarios, until Ctrl-C
  --help                    this text

Ends with "N passed, N failed"; exit code 0, 1 when a scenario failed, 2 for wrong usage, 4 when something needed is missing.
`;

export interface Options {
  readonly kubelets: readonly KubeletLine[];
  /** What runs on one of the nodes. */
  readonly scenariosOn: (line: KubeletLine) => readonly Scenario[];
  /** On one of the nodes. */
  readonly settingsOn: (line: KubeletLine) => Settings;
  readonly keep: boolean;
  readonly bundle: string;
  readonly output?: string;
  readonly logs?: string;
  readonly help: boolean;
  readonly list: boolean;
  readonly build: boolean;
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const RETIRE_GRACE_MS = 20_000;

/** `90s`, `3m`: one number and one unit, in milliseconds. */
function durationOf(flag: string, text: string): number {
  const match = /^(\d+)(ms|s|m|h)$/.exec(text);
  const unit = UNITS[match?.[2] ?? ''];
  if (match?.[1] === undefined || unit === undefined) throw new Error(`--${flag} ${text}: write a number and ms, s, m or h, like 90s`);
  return Number(match[1]) * unit;
}

function count(flag: string, text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`--${flag} ${text}: must be a number from 1`);
  return Number(text);
}

/** `10` or `10,5`: for the first node, and for the others where they differ. */
function firstAndOthers(flag: string, text: string, read: (flag: string, text: string) => number) {
  const [first = 0, others = first, ...more] = text.split(',').map((one) => read(flag, one));
  if (more.length > 0) throw new Error(`--${flag} ${text}: write one value, or two`);
  return { first, others };
}

/** The wanted scenarios and everything they need, in the order of the whole list. */
function selected(all: readonly Scenario[], only: string | undefined): readonly Scenario[] {
  if (only === undefined) return all.filter((scenario) => scenario.onRequest !== true);
  const wanted = new Set<string>();
  const want = (id: string): void => {
    const scenario = all.find((one) => one.id === id);
    if (scenario === undefined) throw new Error(`--only ${id}: no such scenario; there are ${all.map((one) => one.id).join(', ')}`);
    wanted.add(id);
    for (const need of scenario.needs) want(need);
  };
  for (const id of only.split(',').map((text) => text.trim())) {
    want(id);
    for (const scenario of all.filter((one) => one.id.startsWith(`${id}/`))) want(scenario.id);
  }
  return all.filter((scenario) => wanted.has(scenario.id));
}

/** Throws a sentence for wrong usage. */
export function parseOptions(args: readonly string[], all: readonly Scenario[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      kubelet: { type: 'string', default: 'all' },
      only: { type: 'string' },
      list: { type: 'boolean', default: false },
      build: { type: 'boolean', default: false },
      rounds: { type: 'string', default: '10' },
      'self-hosted-rounds': { type: 'string', default: '10' },
      outage: { type: 'string', default: '3m' },
      idle: { type: 'string', default: '60s' },
      output: { type: 'string' },
      bundle: { type: 'string', default: DEFAULT_BUNDLE },
      logs: { type: 'string' },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const kubelets = KUBELETS.filter((line) => values.kubelet === 'all' || values.kubelet === line);
  if (kubelets.length === 0) throw new Error(`--kubelet ${values.kubelet}: must be one of ${[...KUBELETS, 'all'].join(', ')}`);
  const selfHostedRounds = count('self-hosted-rounds', values['self-hosted-rounds']);
  const rounds = firstAndOthers('rounds', values.rounds, count);
  const outage = firstAndOthers('outage', values.outage, durationOf);
  const idleMs = durationOf('idle', values.idle);
  if (values.keep && kubelets.length > 1) throw new Error('--keep: choose one node with --kubelet');
  const first = (line: KubeletLine): boolean => line === kubelets[0];
  return {
    kubelets,
    scenariosOn: (line) => selected(all, values.only).filter(({ kubelet }) => kubelet.matters || values.only !== undefined || first(line)),
    settingsOn: (line) => ({
      rounds: first(line) ? rounds.first : rounds.others,
      selfHostedRounds,
      outageMs: first(line) ? outage.first : outage.others,
      idleMs,
      retireGraceMs: RETIRE_GRACE_MS,
    }),
    keep: values.keep,
    bundle: resolve(values.bundle),
    help: values.help,
    list: values.list,
    build: values.build,
    ...(values.output === undefined ? {} : { output: values.output }),
    ...(values.logs === undefined ? {} : { logs: values.logs }),
  };
}
