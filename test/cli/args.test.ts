/** The command line: which command runs with what, and what people are told when they slip. */
import { describe, expect, test } from 'vitest';
import { runCli } from '../../src/cli/args.ts';
import { type Command, type Context, UsageError } from '../../src/cli/command.ts';
import { configKeys, flagName } from '../../src/core/config/config-keys.ts';
import { PortError } from '../../src/ports.ts';

function program(overrides: Partial<Command> = {}, files: Readonly<Record<string, string>> = {}) {
  const out: string[] = [];
  const err: string[] = [];
  const ran: Context[] = [];
  const command: Command = {
    name: 'render',
    summary: 'Renders a pod.',
    usage: '[NAMESPACE/NAME]',
    positionals: { min: 0, max: 1 },
    lists: true,
    configured: true,
    flags: [
      { name: 'file', short: 'f', kind: 'texts', value: 'FILE', doc: 'File to read.' },
      { name: 'all', kind: 'switch', doc: 'Everything.' },
      { name: 'out', kind: 'text', value: 'DIR', default: '.', doc: 'Where to.' },
    ],
    run: (context) => {
      ran.push(context);
      return Promise.resolve(0);
    },
    ...overrides,
  };
  const status: Command = { name: 'status', summary: 'Shows checkpoints.', flags: [], needsApi: true, run: () => Promise.resolve(1) };
  const io = {
    stdout: { write: (text: string) => out.push(text) },
    stderr: { write: (text: string) => err.push(text) },
    env: { NODE_NAME: 'worker-1' },
    readFile: (path: string) => {
      const text = files[path];
      return text === undefined ? Promise.reject(Object.assign(new Error('gone'), { code: 'ENOENT' })) : Promise.resolve(text);
    },
  };
  const run = async (...argv: string[]) => {
    const code = await runCli(argv, { commands: [command, status], io });
    return { code, out: out.join(''), err: err.join(''), context: ran[0] };
  };
  return run;
}

describe('a command', () => {
  test('runs with its arguments, flags and their defaults', async () => {
    const { code, context } = await program()('render', 'kube-system/web', '-f', 'a.yaml', '--file=b.yaml', '-f', '-', '--all');
    expect(code).toBe(0);
    expect(context?.positionals).toEqual(['kube-system/web']);
    expect(context?.texts('file')).toEqual(['a.yaml', 'b.yaml', '-']);
    expect(context?.text('out')).toBe('.');
    expect(context?.on('all')).toBe(true);
    expect(context?.output).toBe('table');
  });

  test.each([
    [['--all'], true],
    [['--all=true'], true],
    [['--all=false'], false],
    [['--no-all'], false],
    [['--all', '--no-all'], false],
    [[], false],
  ])('with %j has its switch at %j', async (args, on) => {
    expect((await program()('render', ...args)).context?.on('all')).toBe(on);
  });

  test('takes lists as often as they are given', async () => {
    const { code, context } = await program()('render', '--namespaces=a', '--namespaces', 'b,c', '--node-name=n');
    expect({ code, namespaces: (await context?.config())?.namespaces }).toEqual({ code: 0, namespaces: ['a', 'b', 'c'] });
  });

  test.each(['json', 'yaml', 'table'])('lists as %s when asked to', async (format) => {
    expect((await program()('render', '-o', format)).context?.output).toBe(format);
  });

  test('gives its own exit code', async () => {
    expect((await program()('status')).code).toBe(1);
  });

  test('takes what follows two dashes as arguments', async () => {
    expect((await program()('render', '--', '-f')).context?.positionals).toEqual(['-f']);
  });
});

describe('configuration', () => {
  const file = 'minReady: 1m\nunreachable:\n  probes: 7\n';

  test('comes from file, flags and environment', async () => {
    const { context } = await program({}, { '/c.yaml': file })('render', '--config', '/c.yaml', '--min-ready=5s', '--no-boot-fast-path');
    expect(await context?.config()).toMatchObject({
      nodeName: 'worker-1',
      minReadyMs: 5000,
      unreachable: { probes: 7 },
      bootFastPath: false,
    });
  });

  test('that is wrong ends with exit code 2 and every mistake on a line of its own', async () => {
    const run = program({ run: async (context) => (await context.config()).limits.active }, { '/c.yaml': 'minReady: x\nodd: 1\n' });
    const { code, err } = await run('render', '--config', '/c.yaml', '--unreachable-probes', 'many');
    expect(code).toBe(2);
    expect(err.split('\n')).toEqual([
      'pod-checkpointer render: /c.yaml: odd: no such key; see the list of keys in deploy/REFERENCE.md',
      'pod-checkpointer render: /c.yaml: minReady: "x" is not allowed; write a duration such as 500ms, 10s or 2m, 1h at most',
      'pod-checkpointer render: --unreachable-probes: "many" is not allowed; write a whole number, from 1 to 100',
      '',
    ]);
  });

  test('flags are unknown to a command that has none', async () => {
    const { code, err } = await program()('status', '--min-ready', '1s');
    expect(code).toBe(2);
    expect(err).toContain('there is no flag --min-ready');
  });
});

describe('a slip', () => {
  test.each<[string, readonly string[], string]>([
    ['an unknown command', ['rendr'], 'pod-checkpointer: there is no command "rendr"; did you mean render?'],
    ['a command like no other', ['frobnicate'], 'pod-checkpointer: there is no command "frobnicate"; choose one of render, status'],
    ['a flag before the command', ['--all', 'render'], 'pod-checkpointer: flags stand after the command, and --all comes before any'],
    ['help for an unknown command', ['help', 'rendr'], 'did you mean render?'],
    ['a mistyped flag', ['render', '--outt', 'x'], 'pod-checkpointer render: there is no flag --outt; did you mean --out?'],
    ['a flag like no other', ['render', '--frobnicate'], 'there is no flag --frobnicate; leave it out'],
    ['an unknown short flag', ['render', '-z'], 'there is no flag -z'],
    ['a flag without its value', ['render', '--out'], '--out needs a value; write --out=DIR'],
    [
      'a flag where a value belongs',
      ['render', '--out', '--all'],
      '--out needs a value before --all; one that begins with a dash is written --out=--all',
    ],
    ['a format that is none', ['render', '-o', 'xml'], '-o "xml" is not allowed; write table, json or yaml'],
    ['a format left out', ['render', '--output'], '--output needs a value; write --output=table|json|yaml'],
    ['a switch with a strange value', ['render', '--all=maybe'], '--all=maybe is neither true nor false; write --all or --all=false'],
    ['a value given twice', ['render', '--out', 'a', '--out=b'], '--out is given twice and takes one value; keep one of them'],
    ['a form given three times', ['render', '-o', 'json', '-o', 'yaml', '--output=json'], '--output is given 3 times and takes one value'],
    ['a configuration twice', ['render', '--config', 'a', '--config', 'b'], '--config is given twice and takes one value'],
    ['a key of it twice', ['render', '--min-ready=1s', '--min-ready=1s'], '--min-ready is given twice and takes one value'],
    ['an argument too many', ['render', 'a', 'b'], '"b" is one argument too many; it takes [NAMESPACE/NAME]'],
    ['an argument where none belongs', ['status', 'a'], '"a" is one argument too many; it takes flags only'],
  ])('such as %s is explained, with exit code 2 and nothing done', async (_, argv, words) => {
    const { code, out, err, context } = await program()(...argv);
    expect(code).toBe(2);
    expect(err).toContain(words);
    expect(err.trimEnd().split('\n').at(-1)).toMatch(/ --help (lists the commands|shows what it takes)\.$/);
    expect(out).toBe('');
    expect(context).toBeUndefined();
  });

  test('does not hide the next one', async () => {
    const { err } = await program({ positionals: { min: 1, max: 1 } })('render', '--outt=x', '-o', 'xml', '--all=1');
    expect(err.trimEnd().split('\n')).toHaveLength(5);
    expect(err).toContain('an argument is missing; write pod-checkpointer render [NAMESPACE/NAME]');
  });
});

describe('what a command throws', () => {
  test.each([
    [
      new UsageError(['--file a: no pod in it', '--file b: empty']),
      2,
      'pod-checkpointer render: --file a: no pod in it\npod-checkpointer render: --file b: empty\n',
    ],
    [new PortError('unavailable', 'asking the runtime: refused'), 4, 'pod-checkpointer render: asking the runtime: refused\n'],
  ])('%s becomes an exit code and sentences', async (error, code, err) => {
    expect(await program({ run: () => Promise.reject(error) })('render')).toMatchObject({ code, err });
  });

  test('and should not have thrown is not hidden', async () => {
    await expect(program({ run: () => Promise.reject(new TypeError('bug')) })('render')).rejects.toThrow('bug');
  });
});

describe('help', () => {
  test.each([['--help'], ['-h'], ['help']])('of the program is asked for with %s', async (word) => {
    const { code, out, err } = await program()(word);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('  render  Renders a pod.\n');
    expect(out).toContain('  status  Shows checkpoints. Needs the API server.\n');
  });

  test('is what a call without any word gets, as an error', async () => {
    expect(await program()()).toMatchObject({ code: 2, out: '' });
  });

  test.each([[['render', '--help']], [['render', 'a', 'b', '--odd', '-h']], [['help', 'render']]])(
    'of a command is asked for with %j',
    async (argv) => {
      const { code, out, context } = await program()(...argv);
      expect(code).toBe(0);
      expect(context).toBeUndefined();
      expect(out).toContain('Usage: pod-checkpointer render [NAMESPACE/NAME] [FLAGS]');
      expect(out).toMatch(/^ {2}-f, --file FILE {2,}File to read\.$/m);
      expect(out).toMatch(/^ {6}--out DIR {2,}Where to\. Default: \.\.$/m);
      expect(out).toMatch(/^ {2}-o, --output table\|json\|yaml {2,}Form of the list/m);
    },
  );

  test('of a configured command has every key with its default, and fits into 100 columns', async () => {
    const { out } = await program({ summary: `Renders ${'very '.repeat(30)}well.` })('render', '--help');
    for (const key of configKeys) {
      expect(out).toContain(`--${flagName(key.name)}`);
      if (key.default !== '') expect(out.replaceAll(/\s+/g, ' ')).toContain(`Default: ${key.default}.`);
    }
    expect(out.split('\n').filter((line) => line.length > 100)).toEqual([]);
  });

  test('of a command without configuration does not speak of it', async () => {
    const { out } = await program()('status', '--help');
    expect(out).not.toContain('--config');
    expect(out).not.toContain('--output');
    expect(out).toContain('Needs the API server.');
  });
});

test('--version is the command version', async () => {
  expect((await program({ name: 'version' })('--version')).code).toBe(0);
});
