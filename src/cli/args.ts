/**
 * From the words of a command line to one command that runs, and from whatever it throws to an exit code.
 *
 * Knows no command itself: they are given as data. Never exits the process, prints only to the streams it is given, and
 * tells all mistakes of a command line at once.
 */
import { parseArgs } from 'node:util';
import { configKeys, flagName } from '../core/config/config-keys.ts';
import { nearest } from '../core/text/nearest.ts';
import { PortError } from '../ports.ts';
import { type Command, type Context, EXIT, type Flag, type Io, UsageError } from './command.ts';
import { flagsOf, formatCommandHelp, formatProgramHelp, PROGRAM } from './help.ts';
import { loadConfig } from './load-config.ts';
import { OUTPUT_FORMATS } from './output.ts';
import { withRealPaths } from './real-paths.ts';

export interface Cli {
  readonly commands: readonly Command[];
  readonly io: Io;
}

/** The exit code. Throws only what no command should throw: a mistake of the program itself. */
export async function runCli(argv: readonly string[], cli: Cli): Promise<number> {
  const { commands, io } = cli;
  const [first, ...rest] = argv;
  if (first === undefined) {
    io.stderr.write(formatProgramHelp(commands));
    return EXIT.usage;
  }
  if (first === '--help' || first === '-h' || (first === 'help' && rest.length === 0)) {
    io.stdout.write(formatProgramHelp(commands));
    return EXIT.done;
  }
  const [name, args] = first === 'help' ? [rest[0] ?? '', ['--help']] : first === '--version' ? ['version', rest] : [first, rest];
  const command = commands.find((candidate) => candidate.name === name);
  if (command === undefined) return tell(io, PROGRAM, [unknownCommand(name, commands)], `${PROGRAM} --help lists the commands.`);
  return runCommand(command, args, io);
}

async function runCommand(command: Command, args: readonly string[], io: Io): Promise<number> {
  const who = `${PROGRAM} ${command.name}`;
  const parsed = parseCommand(command, args);
  if (parsed.values['help']?.at(-1) === 'true') {
    io.stdout.write(formatCommandHelp(command));
    return EXIT.done;
  }
  if (parsed.problems.length > 0) return tell(io, who, parsed.problems, `${who} --help shows what it takes.`);
  try {
    return await command.run(contextOf(command, parsed, io));
  } catch (error) {
    if (error instanceof UsageError) return tell(io, who, error.problems, undefined);
    if (!(error instanceof PortError)) throw error;
    io.stderr.write(`${who}: ${error.message}\n`);
    return EXIT.unreachable;
  }
}

function tell(io: Io, who: string, problems: readonly string[], hint: string | undefined): number {
  for (const problem of problems) io.stderr.write(`${who}: ${problem}\n`);
  if (hint !== undefined) io.stderr.write(`${hint}\n`);
  return EXIT.usage;
}

function unknownCommand(name: string, commands: readonly Command[]): string {
  if (name.startsWith('-')) return `flags stand after the command, and ${name} comes before any`;
  const names = commands.map((command) => command.name);
  const meant = nearest(name, names);
  return `there is no command ${JSON.stringify(name)}; ${meant === undefined ? `choose one of ${names.join(', ')}` : `did you mean ${meant}?`}`;
}

interface Parsed {
  /** By flag name, in the order given; switches as `true` and `false`. */
  readonly values: Readonly<Record<string, readonly string[]>>;
  readonly positionals: readonly string[];
  readonly problems: readonly string[];
}

/** Splits the words with `util.parseArgs`; the judgement is ours, because that one stops at the first mistake. */
export function parseCommand(command: Command, args: readonly string[]): Parsed {
  const flags = flagsOf(command);
  const options = Object.fromEntries(
    flags.map((flag) => [
      flag.name,
      {
        type: flag.kind === 'switch' ? ('boolean' as const) : ('string' as const),
        ...(flag.short === undefined ? {} : { short: flag.short }),
      },
    ]),
  );
  const { tokens } = parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true });
  const values: Record<string, string[]> = {};
  const positionals: string[] = [];
  const problems: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const read = readFlag(token, flags);
    if ('problem' in read) problems.push(read.problem);
    else values[read.name] = [...(values[read.name] ?? []), read.value];
  }
  problems.push(...repetitions(flags, values));
  const problem = positionalProblem(command, positionals);
  return { values, positionals, problems: problem === undefined ? problems : [...problems, problem] };
}

/** Of two values one would be passed over without a word. A switch may be set and taken back: the last one counts. */
function repetitions(flags: readonly Flag[], values: Parsed['values']): readonly string[] {
  return flags.flatMap(({ name, kind }) => {
    const times = values[name]?.length ?? 0;
    return kind !== 'text' || times < 2
      ? []
      : [`--${name} is given ${times === 2 ? 'twice' : `${times} times`} and takes one value; keep one of them`];
  });
}

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

function readFlag(
  token: OptionToken,
  flags: readonly Flag[],
): { readonly name: string; readonly value: string } | { readonly problem: string } {
  const { rawName, value } = token;
  const flag = flags.find((candidate) => candidate.name === token.name);
  if (flag === undefined) {
    const negated = flags.find((candidate) => candidate.kind === 'switch' && `no-${candidate.name}` === token.name);
    if (negated !== undefined && value === undefined) return { name: negated.name, value: 'false' };
    const meant = nearest(
      token.name,
      flags.map((candidate) => candidate.name),
    );
    return { problem: `there is no flag ${rawName}; ${meant === undefined ? 'leave it out' : `did you mean --${meant}?`}` };
  }
  if (flag.kind === 'switch') {
    if (value === undefined || value === 'true' || value === 'false') return { name: flag.name, value: value ?? 'true' };
    return { problem: `--${flag.name}=${value} is neither true nor false; write --${flag.name} or --${flag.name}=false` };
  }
  const wanted = flag.choices?.join(', ').replace(/, (?=[^,]*$)/, ' or ') ?? flag.value ?? 'a value';
  if (value === undefined)
    return { problem: `${rawName} needs a value; write --${flag.name}=${flag.value ?? flag.choices?.join('|') ?? 'VALUE'}` };
  if (value.startsWith('-') && value !== '-' && token.inlineValue !== true)
    return { problem: `${rawName} needs a value before ${value}; one that begins with a dash is written --${flag.name}=${value}` };
  if (flag.choices?.includes(value) === false) return { problem: `${rawName} ${JSON.stringify(value)} is not allowed; write ${wanted}` };
  return { name: flag.name, value };
}

function positionalProblem(command: Command, positionals: readonly string[]): string | undefined {
  const { min, max } = command.positionals ?? { min: 0, max: 0 };
  const extra = positionals[max];
  if (extra !== undefined)
    return `${JSON.stringify(extra)} is one argument too many; ${max === 0 ? 'it takes flags only' : `it takes ${command.usage ?? `${max} at most`}`}`;
  return positionals.length < min ? `an argument is missing; write ${PROGRAM} ${command.name} ${command.usage ?? 'ARGUMENT'}` : undefined;
}

function contextOf(command: Command, parsed: Parsed, io: Io): Context {
  const flags = flagsOf(command);
  const text = (name: string) => parsed.values[name]?.at(-1) ?? flags.find((flag) => flag.name === name)?.default;
  const configFlags = new Set<string>(configKeys.map((key) => flagName(key.name)));
  return {
    io,
    positionals: parsed.positionals,
    output: OUTPUT_FORMATS.find((format) => format === text('output')) ?? 'table',
    on: (name) => text(name) === 'true',
    text,
    texts: (name) => parsed.values[name] ?? [],
    config: async () => {
      const result = await loadConfig({
        file: parsed.values['config']?.at(-1),
        flags: Object.fromEntries(Object.entries(parsed.values).filter(([name]) => configFlags.has(name))),
        env: io.env,
        readFile: io.readFile,
        ...(command.required === undefined ? {} : { required: command.required }),
      });
      if (!result.ok) throw new UsageError(result.errors);
      return withRealPaths(result.config);
    },
  };
}
