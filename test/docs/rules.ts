/**
 * What must be true of every page, as functions: a page in, its offences out. `docs.test.ts` shows each of them an
 * offender first and then the whole tree.
 */
import { posix } from 'node:path';
import { parseCommand } from '../../src/cli/args.ts';
import type { Command } from '../../src/cli/command.ts';
import { PROGRAM } from '../../src/cli/help.ts';
import type { Page } from './markdown.ts';

export const MAX_FRONT_DOOR_LINES = 180;
const MAX_WIDTH = 160;

export interface Tree {
  readonly pages: readonly Page[];
  /** Is there such a file or directory? Paths are from the root of the repository. */
  readonly has: (path: string) => boolean;
}

/** Links into the tree that lead to no file, or to no heading of it. Addresses in the network are not looked at. */
export function linkOffences(page: Page, tree: Tree): readonly string[] {
  return page.links.flatMap((link) => {
    if (/^[a-z][a-z+.-]*:/i.test(link)) return [];
    const [file = '', anchor] = link.split('#');
    const path = file === '' ? page.path : posix.join(posix.dirname(page.path), file).replace(/\/$/, '');
    if (path.startsWith('..') || link.startsWith('/')) return [`${page.path}: ${link} leads out of the repository`];
    if (!tree.has(path)) return [`${page.path}: ${link} leads to no file`];
    const target = path === page.path ? page : tree.pages.find((candidate) => candidate.path === path);
    if (anchor === undefined || target?.anchors.has(anchor) === true) return [];
    return [`${page.path}: ${link} leads to no heading of ${path}`];
  });
}

/** Names that people copy: keys under our prefix and metrics, wherever they stand, also in blocks. */
export function nameOffences(
  path: string,
  text: string,
  names: { readonly keys: readonly string[]; readonly metrics: readonly string[] },
): readonly string[] {
  // behind a letter, a point or a slash it is part of an image, a path or a host
  const keys = [...text.matchAll(/(?<![\w./-])checkpointer\/[a-z][\w-]*/g)].map(([key]) => key);
  const metrics = [...text.matchAll(/\bcheckpointer_[a-z_]+[a-z]/g)].map(([metric]) => metric);
  return [
    ...keys.filter((key) => !names.keys.includes(key)).map((key) => `${path}: ${key}: there is no such annotation or label`),
    ...metrics
      .filter((metric) => !names.metrics.some((name) => metric === name || metric.replace(/_(?:bucket|sum|count)$/, '') === name))
      .map((metric) => `${path}: ${metric}: there is no such metric`),
  ];
}

/** Longer lines cannot be read in a terminal, nor in a diff. */
export function widthOffences(page: Page): readonly string[] {
  const long = page.prose.filter((line) => [...line].length > MAX_WIDTH);
  return long.map((line) => `${page.path}: a line of ${[...line].length} characters: ${line.slice(0, 60)}…`);
}

/** What the commands that pages show are held against. */
export interface Known {
  /** Scripts of package.json: name, what it runs. */
  readonly scripts: Readonly<Record<string, string>>;
  readonly commands: readonly Command[];
  /** values.schema.json of the chart. */
  readonly schema: Schema;
}

export interface Schema {
  readonly type?: unknown;
  readonly enum?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
}

/** Commands in blocks and between back-quotes that nobody could run: an unknown script, command, flag or value. */
export function commandOffences(page: Page, known: Known): readonly string[] {
  const shell = page.blocks.filter(({ language }) => ['', 'sh', 'bash', 'shell', 'console'].includes(language));
  const shown = [...shell.flatMap(({ lines }) => commandLines(lines)), ...page.codes];
  return shown
    .flatMap((line) => shellWords(line))
    .flatMap((words) => offencesOf(words, known).map((problem) => `${page.path}: ${problem}`));
}

/** A line that ends with a backslash goes on in the next. */
function commandLines(lines: readonly string[]): readonly string[] {
  return lines
    .join('\n')
    .replaceAll(/\\\n\s*/g, ' ')
    .split('\n');
}

/** The words of each command of a line, without prompt, comment and redirection. */
function shellWords(line: string): readonly (readonly string[])[] {
  const commands: string[][] = [[]];
  for (const [, quoted, double, plain = ''] of line.matchAll(/'([^']*)'|"([^"]*)"|((?:[^\s'"]|'[^']*')+)/g)) {
    if (quoted === undefined && double === undefined) {
      if (plain.startsWith('#')) break;
      if (['&&', '||', '|', ';', '--'].includes(plain) && !(plain === '--' && commands.at(-1)?.[0] !== 'kubectl')) {
        commands.push([]);
        continue;
      }
      if (plain === '$' && commands.at(-1)?.length === 0) continue;
    }
    commands.at(-1)?.push((quoted ?? double ?? plain).replaceAll("'", ''));
  }
  return commands
    .map((words) => words.slice(0, words.findIndex((word) => /^\d?>/.test(word)) >>> 0))
    .map((words) => words.slice(words.findIndex((word) => !/^[A-Z_]+=/.test(word)) >>> 0))
    .filter((words) => words.length > 0);
}

function offencesOf(words: readonly string[], known: Known): readonly string[] {
  const [program, ...rest] = words;
  if (program === 'npm') return npmOffences(rest, known);
  if (program === PROGRAM) return programOffences(rest, known);
  if (program === 'helm' && ['install', 'upgrade', 'template'].includes(rest[0] ?? '')) return valueOffences(rest, known.schema);
  return [];
}

const PLACEHOLDER = /^(?:<.*>|…|\.\.\.|\[.*\]|COMMAND)$/;

function npmOffences(words: readonly string[], known: Known): readonly string[] {
  const cut = words.indexOf('--');
  const own = (cut < 0 ? words : words.slice(0, cut)).filter((word) => !word.startsWith('-'));
  const args = cut < 0 ? [] : words.slice(cut + 1);
  const [verb, name] = own[0] === 'test' ? ['run', 'test'] : own;
  if (verb !== 'run' || name === undefined || PLACEHOLDER.test(name)) return [];
  const script = known.scripts[name];
  if (script === undefined) return [`npm run ${name}: there is no such script`];
  if (name === PROGRAM) return programOffences(args, known);
  // a script that only runs a command of the program
  const runs = new RegExp(` ${PROGRAM} -- (\\S+)$`).exec(script)?.[1];
  return runs === undefined ? [] : programOffences([runs, ...args], known);
}

function programOffences(words: readonly string[], known: Known): readonly string[] {
  const [name, ...args] = words;
  if (name === undefined || name.startsWith('-') || PLACEHOLDER.test(name)) return [];
  const command = known.commands.find((candidate) => candidate.name === name);
  if (command === undefined) return [`${PROGRAM} ${name}: there is no such command`];
  const concrete = args.filter((word) => !PLACEHOLDER.test(word)).map((word) => word.replace(/…$/, ''));
  return parseCommand(command, concrete).problems.map((problem) => `${PROGRAM} ${name}: ${problem}`);
}

function valueOffences(words: readonly string[], schema: Schema): readonly string[] {
  const given = words.flatMap((word, index) => {
    const inline = /^--set(?:-string|-json|-file)?=(.*)$/.exec(word)?.[1];
    return inline ?? (/^--set(?:-string|-json|-file)?$/.test(word) ? (words[index + 1] ?? '') : []);
  });
  const names = given.flatMap((text) => text.split(/,(?=[\w.[\]-]+=)/)).map((pair) => pair.split('=')[0] ?? '');
  return names.filter((name) => !isValue(name, schema)).map((name) => `helm --set ${name}: the chart has no such value`);
}

function isValue(name: string, schema: Schema): boolean {
  // a dot of a key itself is written \.
  const steps = name.replaceAll(/\[(\d+)\]/g, '.$1').split(/(?<!\\)\./);
  let at: Schema | undefined = schema;
  for (const step of steps) {
    if (at === undefined) return false;
    const { properties, additionalProperties, items }: Schema = at;
    at = items !== undefined && /^\d+$/.test(step) ? items : (properties?.[step] ?? openSchema(additionalProperties));
  }
  // what the schema knows only to have it refused with a sentence has no type
  return at?.type !== undefined || at?.enum !== undefined;
}

function openSchema(more: boolean | Schema | undefined): Schema | undefined {
  return typeof more === 'object' ? more : undefined;
}
