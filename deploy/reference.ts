/**
 * Writes deploy/REFERENCE.md, and the rows of the table of annotations in README.md, from the tables that hold the
 * sentences. Only the introductions between the tables are written here.
 *
 * Usage: node deploy/reference.ts. A test fails when the pages and the tables disagree.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, EXIT, EXIT_MEANINGS, type Flag } from '../src/cli/command.ts';
import { COMMAND_NOTES } from '../src/cli/command-notes.ts';
import { createCommands } from '../src/cli/commands.ts';
import { CONFIG_FLAG, flagsOf, HELP_FLAG, PROGRAM } from '../src/cli/help.ts';
import { STATUS_REASONS } from '../src/cli/inspect/status-reasons.ts';
import { allowedForm, type ConfigKey, configKeys, flagName } from '../src/core/config/config-keys.ts';
import { ANNOTATION_MEANINGS } from '../src/core/model/annotation-meanings.ts';
import { DECISION_REASONS } from '../src/core/model/decision-reasons.ts';
import { PARENT_ANNOTATIONS, type ParentAnnotation } from '../src/core/model/keys.ts';
import { OBSTACLES, type ReasonMeaning } from '../src/core/model/obstacles.ts';
import { REFUSAL_CODES } from '../src/core/model/refusal.ts';
import { REFUSAL_REASONS } from '../src/core/model/refusal-reasons.ts';
import { metricsList } from '../src/telemetry/metrics-list.ts';
import { ROOT } from './bundle.ts';
import { chartValues, freeConfigKeys } from './chart-values.ts';

const REFERENCE = 'deploy/REFERENCE.md';
const FRONT_DOOR = 'README.md';
const OPT_IN = '## Opt in';
const NONE = '–';

/** Every command, for looking at: none of them may run. */
export const commands: readonly Command[] = createCommands({
  version: '',
  nodeVersion: '',
  uid: 0,
  random: () => 0,
  signal: new AbortController().signal,
  bundle: '',
  execPath: '',
});

/** The generated pages: path, content. Of the front door only the table of annotations is. */
export function generatedPages(frontDoor: string): ReadonlyMap<string, string> {
  return new Map([
    [REFERENCE, reference()],
    [FRONT_DOOR, withTable(frontDoor, OPT_IN, annotationTable())],
  ]);
}

/** The page with another first table below a heading. Throws where there is none. */
export function withTable(page: string, heading: string, rows: string): string {
  const from = page.indexOf(`\n${heading}\n`) + 1;
  const section = page.slice(from).split(/\n(?=## )/)[0] ?? '';
  const old = /(?:^\|.*\n)+/m.exec(section);
  if (from === 0 || old === null) throw new Error(`there is no table below "${heading}"`);
  const start = from + old.index;
  return `${page.slice(0, start)}${rows}\n${page.slice(start + old[0].length)}`;
}

interface Section {
  readonly title: string;
  readonly text: string;
}

function reference(): string {
  const sections: readonly Section[] = [
    { title: 'Annotations', text: annotations() },
    { title: 'Why a pod is refused', text: refusals() },
    { title: 'Why a checkpoint is in its state', text: reasons() },
    { title: 'Commands', text: commandPages() },
    { title: 'Exit codes', text: exitCodes() },
    { title: 'Configuration', text: configuration() },
    { title: 'Metrics', text: metrics() },
  ];
  const contents = sections.map(({ title }) => `* [${title}](#${title.toLowerCase().replaceAll(' ', '-')})`);
  return `<!-- Made by \`npm run reference\` from the tables in the code; change it there. -->
# Reference

Everything that can be looked up, from the tables that the program itself is made of.
This page is generated: change a table, then run \`npm run reference\`.

${contents.join('\n')}
${sections.map(({ title, text }) => `\n## ${title}\n\n${text}\n`).join('')}`;
}

/** Cells are Markdown; a bar in one is escaped. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${head.map(() => '---|').join('')}`, ...rows.map(line)].join('\n');
}

const code = (text: string): string => `\`${text}\``;
const orNone = (text: string): string => (text === '' ? NONE : text);

function annotations(): string {
  return `They go on the pod template. An unknown key or value under \`checkpointer/\` refuses the pod.

${annotationTable()}`;
}

function annotationTable(): string {
  const rows = Object.entries(ANNOTATION_MEANINGS).map(([key, meaning]) => {
    const values = PARENT_ANNOTATIONS[key as ParentAnnotation] ?? '';
    return [code(key), values.replaceAll(/"[^"]*"/g, code('$&')), orNone(meaning.default), meaning.means];
  });
  return table(['key', 'values', 'default', 'meaning'], rows);
}

function refusals(): string {
  const rows = REFUSAL_CODES.map((key) => {
    const { pod, why, todo } = REFUSAL_REASONS[key];
    return [code(key), pod, why, todo];
  });
  return `A pod that cannot be kept whole is not kept at all. \`status\` lists it with the reasons, its log line has a sentence for each that names the
field, and \`render\` tells them before the pod is made. It is judged anew as soon as something changes.

${table(['reason', 'the pod', 'why not', 'what to do'], rows)}`;
}

function reasons(): string {
  const rowsOf = (meanings: Readonly<Record<string, ReasonMeaning>>): string =>
    table(
      ['reason', 'state', 'meaning', 'what to do'],
      Object.entries(meanings).map(([key, { states, means, todo }]) => [code(key), states.map(code).join(', '), means, todo ?? NONE]),
    );
  const ofStatus = Object.entries(STATUS_REASONS).map(([key, { means, todo }]) => [code(key), means, todo]);
  return `A checkpoint is \`inactive\` (stored, no copy), \`active\` (the copy's manifest is placed), \`handing-back\` (the manifest is taken away, the copy is
ending) or \`retired\` (the pod is gone, all of it is being removed). The same reason is in \`status\`, in the log and in
\`checkpointer_checkpoint_info\`.

${rowsOf(DECISION_REASONS)}

These keep a copy from starting that should start; the last two are of a copy that is placed:

${rowsOf(OBSTACLES)}

In good times, when no copy has to start, these are shown as \`would-not-start: <reason>\`, for the next outage would find the copy down:
${aheadReasons()}.
The log warns of each once, with what to do, and once more in an outage in which it keeps the copy down.

\`status\` also shows the states \`damaged\` and \`unread\` (the reason is then a sentence), and \`refused\` with the
[reasons above](#why-a-pod-is-refused). These reasons are its own:

${table(['reason', 'meaning', 'what to do'], ofStatus)}`;
}

function aheadReasons(): string {
  const names = Object.entries(OBSTACLES).filter(([, { told }]) => told === 'ahead');
  return names.map(([name]) => code(name)).join(', ');
}

function commandPages(): string {
  const own = (command: Command): readonly Flag[] => flagsOf({ ...command, configured: false }).filter((flag) => flag !== HELP_FLAG);
  const pages = commands.map((command) => {
    const usage = [PROGRAM, command.name, command.usage, '[FLAGS]'].filter((part) => part !== undefined).join(' ');
    const flags = [...own(command), ...(command.configured === true ? [CONFIG_FLAG] : [])];
    const keys = command.configured === true ? 'Every configuration key is a flag as well.' : '';
    const parts = [
      `### \`${command.name}\``,
      command.summary,
      COMMAND_NOTES[command.name] ?? '',
      `\`\`\`\n${usage}\n\`\`\``,
      flags.length === 0 ? '' : table(['flag', 'default', 'meaning'], flags.map(flagRow)),
      keys,
    ];
    return parts.filter((part) => part !== '').join('\n\n');
  });
  return `The program is in the image, and in a checkout it is \`npm run --silent pod-checkpointer -- COMMAND\`. In a cluster, in the pod of
one of the agents:

\`\`\`
kubectl --namespace kube-system exec daemonset/pod-checkpointer -- pod-checkpointer status --config /etc/pod-checkpointer/config.yaml
\`\`\`

Lists come as \`table\`, \`json\` or \`yaml\`. \`--help\` after any command shows every flag of it.

${pages.join('\n\n')}`;
}

function flagRow(flag: Flag): readonly string[] {
  const short = flag.short === undefined ? '' : `-${flag.short}, `;
  const value = flag.kind === 'switch' ? '' : ` ${flag.choices?.join('|') ?? flag.value ?? 'VALUE'}`;
  return [code(`${short}--${flag.name}${value}`), flag.default === undefined ? NONE : code(flag.default), flag.doc];
}

function exitCodes(): string {
  const rows = Object.entries(EXIT_MEANINGS).map(([name, meaning]) => [code(String(EXIT[name as keyof typeof EXIT])), meaning]);
  return table(['code', 'meaning'], rows);
}

function configuration(): string {
  const keys: readonly ConfigKey[] = configKeys;
  const rowOf = (key: ConfigKey): readonly string[] => [
    code(key.name),
    key.default === '' ? NONE : code(key.default),
    [key.doc, ...(key.env === undefined ? [] : [`Environment variable: ${code(key.env)}.`])].join(' ').replaceAll(' * ', ` ${code('*')} `),
    allowedForm(key),
    inChart(key),
  ];
  const tableOf = (special: boolean): string =>
    table(['key', 'default', 'meaning', 'takes', 'in the chart'], keys.filter((key) => (key.special === true) === special).map(rowOf));
  return `One YAML file, named with \`--config\`; a dot is one level of nesting. Every key is also a flag in kebab case, such as
\`--${flagName('unreachable.probes')}\`. Flag goes before file, file before default; all mistakes are told at once. The chart
writes the file: the last column names the value that a key comes from. \`metrics.address\` follows from the chart's own \`metrics\`, \`agentImage\` from
\`image\`; what else has no value there is set by the chart, or of no use in a cluster.

${tableOf(false)}

For tests and odd hosts:

${tableOf(true)}`;
}

/** Under which value the chart's user sets a key; most of the rest the chart sets itself. */
function inChart({ name }: ConfigKey): string {
  if (freeConfigKeys().some((key) => key.name === name)) return code(`config.${name}`);
  return chartValues.some((value) => value.name === name) ? code(name) : NONE;
}

function metrics(): string {
  const rows = metricsList.map(({ name, type, labels, help }) => {
    const shown = Object.entries(labels).map(([label, values]) => (values === null ? code(label) : `${code(label)}: ${values.join(', ')}`));
    return [code(name), type, orNone(shown.join('; ')), help];
  });
  return `The agent serves \`/metrics\`, \`/healthz\`, \`/readyz\` and \`/status\` (JSON, with a sentence for everything that is wrong) at \`metrics.address\`.
No label holds anything of a Secret or ConfigMap.

${table(['name', 'type', 'labels', 'meaning'], rows)}`;
}

function main(): void {
  const frontDoor = readFileSync(join(ROOT, FRONT_DOOR), 'utf8');
  for (const [path, content] of generatedPages(frontDoor)) writeFileSync(join(ROOT, path), content);
}

if (import.meta.main) main();
