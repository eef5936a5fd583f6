/** What the READMEs say is what the program has: commands, annotations, metrics, configuration keys, files. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../deploy/bundle.ts';
import { createCommands } from '../src/cli/commands.ts';
import { configKeys } from '../src/core/config/config-keys.ts';
import { PARENT_ANNOTATIONS } from '../src/core/model/keys.ts';
import { REFUSAL_CODES } from '../src/core/model/refusal.ts';
import { metricsList } from '../src/telemetry/metrics-list.ts';

const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const readme = read('README.md');

/** First cells of the rows of the table below a heading, without back-quotes. */
function firstCells(text: string, heading: string): string[] {
  const from = text.indexOf(`\n## ${heading}\n`);
  expect(from, `README.md has a heading ${heading}`).toBeGreaterThan(-1);
  const to = text.indexOf('\n## ', from + 4);
  return text
    .slice(from, to < 0 ? undefined : to)
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => /^\| `([^`]+)`/.exec(line)?.[1] ?? '');
}

describe('README.md', () => {
  it('lists every command, and no other', () => {
    const program = {
      version: '',
      nodeVersion: '',
      uid: 0,
      random: () => 0,
      signal: new AbortController().signal,
      bundle: '',
      execPath: '',
    };

    const listed = firstCells(readme, 'Commands').map((cell) => cell.split(' ')[0]);

    expect(listed.sort()).toEqual(
      createCommands(program)
        .map((command) => command.name)
        .sort(),
    );
  });

  it('lists every annotation that people may write, and no other', () => {
    expect(firstCells(readme, 'Opt in').sort()).toEqual(Object.keys(PARENT_ANNOTATIONS).sort());
  });

  it('lists every reason for a refusal, and no other', () => {
    expect(firstCells(readme, 'What can be checkpointed').sort()).toEqual([...REFUSAL_CODES].sort());
  });

  it('lists every metric, and no other', () => {
    expect(firstCells(readme, 'Metrics').sort()).toEqual(metricsList.map((metric) => metric.name).sort());
  });

  it('lists every configuration key, and no other', () => {
    expect(firstCells(readme, 'Configuration').sort()).toEqual(configKeys.map((key) => key.name as string).sort());
  });
});

describe('links and paths', () => {
  it.each(['README.md', 'src/README.md', 'test/README.md', 'test/e2e/README.md'])('of %s lead to files that are there', (file) => {
    const text = read(file);
    const links = [...text.matchAll(/\]\(([^)#:]+)\)/g)].map((match) => join(dirname(file), match[1] ?? ''));
    const missing = links.filter((link) => !existsSync(join(ROOT, link)));

    expect(missing).toEqual([]);
  });

  it('of the code map lead to files that are there', () => {
    const named = [...read('src/README.md').matchAll(/`((?:core|agent|adapters|telemetry|cli|demo|test)\/[\w/.-]+\.(?:ts|txt))`/g)].map(
      (match) => match[1] ?? '',
    );
    const missing = named.filter((file) => !existsSync(join(ROOT, file.startsWith('test/') ? file : join('src', file))));

    expect(named.length).toBeGreaterThan(15);
    expect(missing).toEqual([]);
  });
});
