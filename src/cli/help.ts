/**
 * Help texts, made from the commands and the table of configuration keys, so that they cannot disagree with either.
 * Text only; never prints.
 */
import { type ConfigKey, type ConfigKind, configKeys, flagName } from '../core/config/config-keys.ts';
import type { Command, Flag } from './command.ts';
import { OUTPUT_FORMATS } from './output.ts';

export const PROGRAM = 'pod-checkpointer';
const WIDTH = 100;
/** Names longer than this get a line of their own. */
const NAME_WIDTH = 34;

export const HELP_FLAG: Flag = { name: 'help', short: 'h', kind: 'switch', doc: 'Show this text.' };
export const OUTPUT_FLAG: Flag = {
  name: 'output',
  short: 'o',
  kind: 'text',
  choices: OUTPUT_FORMATS,
  default: 'table',
  doc: 'Form of the list; json is sorted and stable.',
};
export const CONFIG_FLAG: Flag = {
  name: 'config',
  kind: 'text',
  value: 'FILE',
  doc: 'YAML file with configuration keys; flags go before it.',
};

/** The flags of a command, with those that every such command has. */
export function flagsOf(command: Command): readonly Flag[] {
  return [
    ...command.flags,
    ...(command.lists === true ? [OUTPUT_FLAG] : []),
    ...(command.configured === true ? [CONFIG_FLAG, ...configFlags()] : []),
    HELP_FLAG,
  ];
}

/** One flag for each configuration key. */
export function configFlags(): readonly Flag[] {
  const keys: readonly ConfigKey[] = configKeys;
  return keys.map((key) => ({
    name: flagName(key.name),
    kind: key.kind === 'boolean' ? 'switch' : key.kind === 'endpoints' || key.kind === 'namespaces' ? 'texts' : 'text',
    value: PLACEHOLDERS[key.kind],
    ...(key.default === '' ? {} : { default: key.default }),
    doc: key.env === undefined ? key.doc : `${key.doc} Environment variable: ${key.env}.`,
  }));
}

const PLACEHOLDERS: Readonly<Record<ConfigKind, string>> = {
  'node-name': 'NAME',
  path: 'PATH',
  'optional-path': 'PATH',
  endpoints: 'URL,...',
  namespaces: 'NAME,...',
  duration: 'DURATION',
  count: 'NUMBER',
  bytes: 'BYTES',
  boolean: 'true|false',
  address: 'HOST:PORT',
  level: 'LEVEL',
  annotation: 'KEY',
  'kubelet-version': '1.NN',
  image: 'IMAGE',
};

export function formatProgramHelp(commands: readonly Command[]): string {
  const rows = commands.map(
    (command) => [command.name, command.summary + (command.needsApi === true ? ' Needs the API server.' : '')] as const,
  );
  return [
    'Keeps copies of annotated pods that come back after a reboot with no API server.',
    '',
    `Usage: ${PROGRAM} COMMAND [FLAGS]`,
    '',
    'Commands:',
    ...formatRows(rows),
    '',
    `${PROGRAM} COMMAND --help tells more about a command.`,
    '',
  ].join('\n');
}

export function formatCommandHelp(command: Command): string {
  const usage = [PROGRAM, command.name, command.usage, '[FLAGS]'].filter((part) => part !== undefined).join(' ');
  const own = flagsOf({ ...command, configured: false });
  const shown = command.configured === true ? [...own.slice(0, -1), CONFIG_FLAG, HELP_FLAG] : own;
  return [
    ...wrap(command.summary, WIDTH),
    ...(command.needsApi === true ? ['Needs the API server.'] : []),
    '',
    `Usage: ${usage}`,
    '',
    'Flags:',
    ...formatRows(shown.map(flagRow)),
    '',
    ...(command.configured === true
      ? ['Configuration (each also a key of the file given with --config):', ...formatRows(configFlags().map(flagRow)), '']
      : []),
  ].join('\n');
}

function flagRow(flag: Flag): readonly [string, string] {
  const short = flag.short === undefined ? '    ' : `-${flag.short}, `;
  const value = flag.choices?.join('|') ?? flag.value ?? 'VALUE';
  const shown = flag.kind === 'switch' ? (flag.value === undefined ? '' : `[=${flag.value}]`) : ` ${value}`;
  return [`${short}--${flag.name}${shown}`, flag.default === undefined ? flag.doc : `${flag.doc} Default: ${flag.default}.`];
}

function formatRows(rows: readonly (readonly [name: string, text: string])[]): readonly string[] {
  const width = Math.max(...rows.map(([name]) => name.length).filter((length) => length <= NAME_WIDTH), 0);
  return rows.flatMap(([name, text]) => {
    const indent = ' '.repeat(width + 4);
    const [first = '', ...rest] = wrap(text, WIDTH - indent.length);
    const others = rest.map((line) => indent + line);
    return name.length > width ? [`  ${name}`, indent + first, ...others] : [`  ${name.padEnd(width)}  ${first}`, ...others];
  });
}

function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
