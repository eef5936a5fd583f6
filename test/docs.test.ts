/**
 * What the pages say is what the program has: generated pages whole, links, and every command shown. Each rule is shown an
 * offender that it must find, then the whole tree, which must have none.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../deploy/bundle.ts';
import { commands, generatedPages, withTable } from '../deploy/reference.ts';
import { COMMAND_NOTES } from '../src/cli/command-notes.ts';
import { configKeys } from '../src/core/config/config-keys.ts';
import { ANNOTATION_MEANINGS } from '../src/core/model/annotation-meanings.ts';
import { DECISION_REASONS } from '../src/core/model/decision-reasons.ts';
import { COPY_ANNOTATIONS, LABEL_COPY, PARENT_ANNOTATIONS } from '../src/core/model/keys.ts';
import { OBSTACLES } from '../src/core/model/obstacles.ts';
import { REFUSAL_CODES } from '../src/core/model/refusal.ts';
import { REFUSAL_REASONS } from '../src/core/model/refusal-reasons.ts';
import { metricsList } from '../src/telemetry/metrics-list.ts';
import { anchorOf, firstCells, parsePage } from './docs/markdown.ts';
import {
  commandOffences,
  type Known,
  linkOffences,
  MAX_FRONT_DOOR_LINES,
  nameOffences,
  type Schema,
  type Tree,
  widthOffences,
} from './docs/rules.ts';

const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const frontDoor = read('README.md');
const reference = existsSync(join(ROOT, 'deploy/REFERENCE.md')) ? read('deploy/REFERENCE.md') : '';

/** Not ours, or made by a command. */
const NOT_TRACKED = ['.git', 'node_modules', 'dist', '.cache', 'coverage'];

function pagesBelow(dir: string): readonly string[] {
  return readdirSync(join(ROOT, dir), { withFileTypes: true }).flatMap((entry) => {
    const path = dir === '.' ? entry.name : `${dir}/${entry.name}`;
    if (entry.isDirectory()) return NOT_TRACKED.includes(entry.name) ? [] : pagesBelow(path);
    return entry.isFile() && entry.name.endsWith('.md') ? [path] : [];
  });
}

const pages = pagesBelow('.').map((path) => parsePage(path, read(path)));
const tree: Tree = { pages, has: (path) => existsSync(join(ROOT, path)) };
const known: Known = {
  scripts: (JSON.parse(read('package.json')) as { scripts: Record<string, string> }).scripts,
  commands,
  schema: JSON.parse(read('charts/pod-checkpointer/values.schema.json')) as Schema,
};

describe('generated pages', () => {
  it.each([...generatedPages(frontDoor)])('%s is what the tables say; else run `npm run reference`', (path, content) => {
    expect(existsSync(join(ROOT, path)) ? read(path) : 'no such page').toBe(content);
  });

  it('would show a row that was changed by hand', () => {
    const changed = frontDoor.replace(/^\| `checkpointer\/order`.*$/m, '| `checkpointer/order` | any | none | order |');

    expect(changed).not.toBe(frontDoor);
    expect(generatedPages(changed).get('README.md')).not.toBe(changed);
  });

  it('leave everything around the table as it is', () => {
    const page = '# A\n\n## B\n\ntext\n\n| old | table |\n|---|---|\n| x | y |\n\nmore\n\n| other |\n|---|\n\n## C\n';

    expect(withTable(page, '## B', '| new |')).toBe('# A\n\n## B\n\ntext\n\n| new |\n\nmore\n\n| other |\n|---|\n\n## C\n');
    expect(() => withTable(page, '## C', '| new |')).toThrow('## C');
    expect(() => withTable(page, '## D', '| new |')).toThrow('## D');
  });
});

describe('deploy/REFERENCE.md', () => {
  it('lists every command, and no other', () => {
    const listed = [...reference.matchAll(/^### `(.+)`$/gm)].map((match) => match[1]);

    expect(listed).toEqual(commands.map((command) => command.name));
  });

  it.each<[string, readonly string[]]>([
    ['## Annotations', Object.keys(PARENT_ANNOTATIONS)],
    ['## Why a pod is refused', REFUSAL_CODES],
    ['## Metrics', metricsList.map((metric) => metric.name)],
    ['## Configuration', configKeys.map((key) => key.name)],
  ])('lists everything below "%s", and nothing else', (heading, names) => {
    expect([...firstCells(reference, heading)].sort()).toEqual([...names].sort());
  });

  it('lists every reason of a decision', () => {
    const listed = firstCells(reference, '## Why a checkpoint is in its state');

    expect(listed).toEqual(expect.arrayContaining([...Object.keys(DECISION_REASONS), ...Object.keys(OBSTACLES)]));
    expect(new Set(listed).size).toBe(listed.length);
  });

  it('is made of sentences', () => {
    const sentences = [
      ...Object.values(ANNOTATION_MEANINGS).map(({ means }) => means),
      ...Object.values(REFUSAL_REASONS).flatMap(({ why, todo }) => [why, todo]),
      ...[...Object.values(DECISION_REASONS), ...Object.values(OBSTACLES)].flatMap(({ means, todo }) => [means, todo ?? means]),
      ...Object.values(COMMAND_NOTES),
      ...commands.map((command) => command.summary),
      ...metricsList.map((metric) => metric.help),
    ];

    for (const sentence of sentences) expect(sentence).toMatch(/^[A-Z0-9`].*[.]$/);
  });

  it('has a note of no command that is not there', () => {
    expect(commands.map((command) => command.name)).toEqual(expect.arrayContaining(Object.keys(COMMAND_NOTES)));
  });
});

describe('README.md', () => {
  it('lists every annotation that people may write, and no other', () => {
    expect([...firstCells(frontDoor, '## Opt in')].sort()).toEqual(Object.keys(PARENT_ANNOTATIONS).sort());
  });

  it(`is a front door of at most ${MAX_FRONT_DOOR_LINES} lines`, () => {
    expect(frontDoor.trimEnd().split('\n').length).toBeLessThanOrEqual(MAX_FRONT_DOOR_LINES);
  });

  it('has no line too long to read', () => {
    const long = 'x'.repeat(161);

    expect(widthOffences(parsePage('a.md', long))).toEqual([expect.stringContaining('a.md: a line of 161 characters')]);
    expect(widthOffences(parsePage('a.md', `\`\`\`\n${long}\n\`\`\`\n| ${long} |\n${'x'.repeat(160)}`))).toEqual([]);
    expect(widthOffences(parsePage('README.md', frontDoor))).toEqual([]);
  });
});

describe('a link', () => {
  const world: Tree = {
    pages: [parsePage('src/b.md', '# What is *there*?\n\n## Twice\n\n## Twice\n\n<a id="by-hand"></a>\n')],
    has: (path) => ['a.md', 'src', 'src/b.md', 'src/c.ts'].includes(path),
  };
  const offences = (text: string, path = 'a.md'): readonly string[] => linkOffences(parsePage(path, text), world);

  it.each([
    ['[a file](src/c.ts), [a folder](src/), [a page](src/b.md)'],
    ['[a heading](src/b.md#what-is-there), [the second](src/b.md#twice-1), [by hand](src/b.md#by-hand)'],
    ['# Here\n\n[here](#here) and [elsewhere](https://example.com/#anything)'],
    ['`[no link](nowhere.md)`\n\n```\n[nor this](nowhere.md)\n```'],
    ['<picture><img src="src/c.ts" alt="x"></picture>\n\n[by name]: src/b.md#twice'],
  ])('is fine: %s', (text) => {
    expect(offences(text)).toEqual([]);
  });

  it.each([
    ['[x](src/d.md)', 'src/d.md leads to no file'],
    ['[`x`](src/d.md "title")', 'src/d.md leads to no file'],
    ['![x](src/d.svg)', 'src/d.svg leads to no file'],
    ['<img src="src/d.svg">', 'src/d.svg leads to no file'],
    ['[x]: src/d.md', 'src/d.md leads to no file'],
    ['[x](src/b.md#three-times)', 'src/b.md#three-times leads to no heading of src/b.md'],
    ['[x](src/b.md#twice-2)', 'src/b.md#twice-2 leads to no heading of src/b.md'],
    ['# Here\n\n[x](#there)', '#there leads to no heading of a.md'],
    ['```\n# Here\n```\n\n[x](#here)', '#here leads to no heading of a.md'],
    ['[x](../a.md)', '../a.md leads out of the repository'],
    ['[x](/a.md)', '/a.md leads out of the repository'],
  ])('is found out: %s', (text, why) => {
    expect(offences(text)).toEqual([`a.md: ${why}`]);
  });

  it('is taken from where its page lies', () => {
    expect(offences('[x](../a.md) [y](c.ts)', 'src/b.md')).toEqual([]);
    expect(offences('[x](a.md)', 'src/b.md')).toEqual(['src/b.md: a.md leads to no file']);
  });

  it('leads to a file and a heading that are there, on every page', () => {
    expect(pages.length).toBeGreaterThan(5);
    expect(pages.flatMap((page) => page.links).filter((link) => link.includes('#')).length).toBeGreaterThan(5);
    expect(pages.flatMap((page) => linkOffences(page, tree))).toEqual([]);
  });

  it('names a heading as GitHub does', () => {
    expect(anchorOf("The kubelet's version: `1.35`, and [more](x.md)")).toBe('the-kubelets-version-135-and-more');
    expect(anchorOf('What it may read – and write')).toBe('what-it-may-read--and-write');
  });
});

describe('a name that people copy', () => {
  const names = {
    keys: [...Object.keys(PARENT_ANNOTATIONS), ...COPY_ANNOTATIONS, LABEL_COPY],
    metrics: metricsList.map(({ name }) => name),
  };

  it.each([
    ['checkpointer/enable: "true"', 'checkpointer/enable: there is no such annotation'],
    ['`checkpointer/ordre`', 'checkpointer/ordre: there is no such annotation'],
    ['checkpointer_imgae_denied', 'checkpointer_imgae_denied: there is no such metric'],
  ])('is found out: %s', (text, why) => {
    expect(nameOffences('a.md', text, names)).toEqual([expect.stringContaining(why)]);
  });

  it('is fine in images, paths and sums', () => {
    const text = 'localhost/pod-checkpointer/x charts/pod-checkpointer/README.md checkpointer_activation_duration_seconds_sum';
    expect(nameOffences('a.md', text, names)).toEqual([]);
  });

  it('exists, on every page', () => {
    expect(pages.flatMap(({ path }) => nameOffences(path, read(path), names))).toEqual([]);
  });
});

describe('a command shown', () => {
  const block = (text: string): readonly string[] => commandOffences(parsePage('a.md', `\`\`\`\n${text}\n\`\`\``), known);

  it.each([
    ['npm ci && npm run demo -- --fast   # a comment with npm run nothing'],
    ['npm run --silent pod-checkpointer -- render -f pod.yaml --out DIR > pod.json'],
    ['npm run --silent pod-checkpointer -- <command> [flags]'],
    ['$ NODE_NAME=a pod-checkpointer status -o json | head'],
    ['kubectl -n kube-system exec daemonset/pod-checkpointer -- pod-checkpointer verify kube-system/web --min-ready=5s'],
    ['helm install pod-checkpointer charts/pod-checkpointer --set image.tag=1,config.minReady=30s \\\n  --set nodeSelector.zone=a'],
    ["helm upgrade x charts/pod-checkpointer --set 'tolerations[0].key=a' --set-string=podAnnotations.example\\.com/x=y"],
  ])('is fine: %s', (text) => {
    expect(block(text)).toEqual([]);
  });

  it.each([
    ['npm run dmeo', 'npm run dmeo: there is no such script'],
    ['true && npm run dmeo', 'npm run dmeo: there is no such script'],
    ['npm run demo -- --slow', 'pod-checkpointer demo: there is no flag --slow'],
    ['npm run --silent pod-checkpointer -- stauts', 'pod-checkpointer stauts: there is no such command'],
    ['pod-checkpointer status --wide', 'pod-checkpointer status: there is no flag --wide'],
    ['pod-checkpointer status -o xml', 'pod-checkpointer status: -o "xml" is not allowed'],
    ['kubectl exec x -- pod-checkpointer status now', 'pod-checkpointer status: "now" is one argument too many'],
    ['helm install x charts/pod-checkpointer --set image.name=a', 'helm --set image.name: the chart has no such value'],
    [
      'helm upgrade x charts/pod-checkpointer \\\n  --set hostPID=true,config.minready=5s',
      'helm --set config.minready: the chart has no such value',
    ],
    ['helm upgrade x charts/pod-checkpointer --set=config.nodeName=a', 'helm --set config.nodeName: the chart has no such value'],
  ])('is found out: %s', (text, why) => {
    expect(block(text)).toEqual([expect.stringContaining(`a.md: ${why}`)]);
  });

  it('is found out between back-quotes, and not in a block of another language', () => {
    expect(commandOffences(parsePage('a.md', 'Run `npm run dmeo`, or `npm run …`.'), known)).toHaveLength(1);
    expect(commandOffences(parsePage('a.md', '```yaml\nnpm run dmeo\n```'), known)).toEqual([]);
  });

  it('exists, on every page', () => {
    expect(pages.flatMap((page) => commandOffences(page, known))).toEqual([]);
  });
});

describe('the code map', () => {
  it('names files that are there', () => {
    const named = [...read('src/README.md').matchAll(/`((?:core|agent|adapters|telemetry|cli|demo|test)\/[\w/.-]+\.(?:ts|txt))`/g)].map(
      (match) => match[1] ?? '',
    );
    const missing = named.filter((file) => !existsSync(join(ROOT, file.startsWith('test/') ? file : join('src', file))));

    expect(named.length).toBeGreaterThan(15);
    expect(missing).toEqual([]);
  });
});
