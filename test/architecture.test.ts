/** The house rules: each is shown an offender that it must find, then the whole tree, which must have none. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { circleOffences, importOffences } from './architecture/imports.ts';
import { codeOffences, MAX_LINES, purityOffences, type TreeFile, textOffences } from './architecture/rules.ts';
import { commentOffences, parameterOffences } from './architecture/shape.ts';
import { readSource } from './architecture/source.ts';

/** Not ours, or made by a command. */
const NOT_TRACKED = ['.git', 'node_modules', 'dist', '.cache', 'coverage'];

/** Every text file that is, or would be, under version control. */
function readTree(dir = '.'): readonly TreeFile[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const path = dir === '.' ? entry.name : `${dir}/${entry.name}`;
    if (entry.isDirectory()) return NOT_TRACKED.includes(entry.name) ? [] : readTree(path);
    if (!entry.isFile() || entry.name.endsWith('.log')) return [];
    const text = readFileSync(path, 'utf8');
    return text.includes('\0') ? [] : [{ path, text }];
  });
}

const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as { dependencies: Record<string, string> };
const DEPENDENCIES = Object.keys(dependencies);
const tree = readTree();

describe('the tree', () => {
  test('is really looked at', () => {
    expect(tree.filter(({ path }) => path.startsWith('src/core/')).length).toBeGreaterThan(10);
    expect(tree.flatMap(({ path, text }) => (path.startsWith('src/') ? readSource(text).imports : [])).length).toBeGreaterThan(100);
  });

  test.each<[string, (file: TreeFile) => readonly string[]]>([
    ['imports only what its room may know', (file) => importOffences(file, DEPENDENCIES)],
    ['keeps its core pure', purityOffences],
    ['takes few things by position', parameterOffences],
    ['has comments of a readable width', commentOffences],
    ['keeps to the form of a source file', codeOffences],
    ['names no machine and leaves nothing unfinished', textOffences],
  ])('%s', (_, offences) => {
    expect(tree.flatMap(offences)).toEqual([]);
  });

  test('has no circle of imports', () => {
    expect(circleOffences(tree)).toEqual([]);
  });
});

describe('an import', () => {
  test.each([
    ['src/core/turn/a.ts', "import { b } from './b.ts';"],
    ['src/core/model/a.ts', "import { createHash } from 'node:crypto';"],
    ['src/core/model/a.ts', "import type { V1Pod } from '@kubernetes/client-node';"],
    ['src/agent/a.ts', "import { PortError } from '../ports.ts';\nimport { b } from '../core/turn/b.ts';"],
    ['src/adapters/cri/a.ts', "import { readFile } from 'node:fs/promises';\nimport x from 'js-yaml';\nimport { b } from './b.ts';"],
    ['src/adapters/kubelet/a.ts', "import { b } from '../grpc/grpc.ts';"],
    ['src/telemetry/a.ts', "import { pino } from 'pino';"],
    ['src/cli/a.ts', "const { runDemo } = await import('../demo/demo.ts');"],
    ['src/main.ts', "import { runCli } from './cli/args.ts';"],
    ['src/core/self/a.ts', "import { b } from '../turn/b.ts';\nimport type { c } from '../model/c.ts';"],
    ['test/a.test.ts', "import { x } from 'whatever';"],
    ['src/core/model/a.ts', "export interface A {\n  readonly from: 'x' | 'agent';\n}"],
    ['src/core/model/a.ts', '// import { x } from "../agent/x.ts"\nconst text = "import { x } from \'../agent/x.ts\'";'],
  ])('in %s is fine: %s', (path, text) => {
    expect(importOffences({ path, text }, DEPENDENCIES)).toEqual([]);
  });

  test.each([
    ['src/core/model/a.ts', "import { b } from '../../ports.ts';", 'core may not know ports'],
    ['src/core/turn/a.ts', "import type { b } from '../copy/b.ts';", 'core/turn may not know core/copy'],
    ['src/core/model/a.ts', "export { b } from '../text/b.ts';", 'core/model may not know core/text'],
    ['src/core/turn/a.ts', "import { b } from '../b.ts';", 'core/turn may not know core/b.ts'],
    ['src/core/a.ts', "import { b } from './model/b.ts';", 'src/core has rooms only'],
    ['src/core/cellar/a.ts', "import { b } from '../model/b.ts';", 'core/cellar is no room'],
    ['src/core/a.ts', 'const a = 1;', 'src/core has rooms only'],
    ['src/cellar.ts', 'const a = 1;', 'cellar is no room'],
    ['src/core/turn/a.ts', "import type { Policé } from '../copy/b.ts';", 'core/turn may not know core/copy'],
    ['src/agent/a.ts', "import type { b } from './b.js';", 'name the file itself, with .ts'],
    ['src/core/model/a.ts', "import type { b } from '../../agent/b.ts';", 'core may not know agent'],
    ['src/core/model/a.ts', "import { readFile } from 'node:fs';", 'core may not know packages'],
    ['src/core/model/a.ts', "import { load } from 'js-yaml';", 'core may not know packages'],
    ['src/core/model/a.ts', "import {\n  type V1Pod,\n} from '@kubernetes/client-node';", 'its types only'],
    ['src/demo/a.ts', "import { KubeConfig } from '@kubernetes/client-node';", 'its types only'],
    ['src/core/model/a.ts', "export * from '../../cli/b.ts';", 'core may not know cli'],
    ['src/ports.ts', "import { b } from './adapters/clock.ts';", 'ports may not know adapters'],
    ['src/agent/a.ts', "import { b } from '../adapters/clock.ts';", 'agent may not know adapters'],
    ['src/agent/a.ts', "import { b } from '../telemetry/metrics.ts';", 'agent may not know telemetry'],
    ['src/agent/a.ts', "import { setTimeout } from 'node:timers';", 'agent may not know packages'],
    ['src/adapters/disk/a.ts', "import { b } from '../cri/grpc.ts';", 'adapters do not know each other'],
    ['src/adapters/kubelet/a.ts', "import { b } from '../cri/runtime.ts';", 'adapters do not know each other'],
    ['src/adapters/grpc/a.ts', "import { b } from '../cri/runtime.ts';", 'adapters do not know each other'],
    ['src/adapters/disk/a.ts', "import { b } from '../../agent/b.ts';", 'adapters may not know agent'],
    ['src/telemetry/a.ts', "import { b } from '../cli/b.ts';", 'telemetry may not know cli'],
    ['src/demo/a.ts', "import { b } from '../main.ts';", 'nothing imports main'],
    ['src/cli/a.ts', "const a = 1;\nconst b = await import('../main.ts');", 'nothing imports main'],
    ['src/cli/a.ts', "import { b } from '../../test/b.ts';", 'src knows nothing outside itself'],
    ['src/cli/a.ts', "import 'sonic-boom';", 'it is no dependency'],
    ['src/cli/a.ts', "import { join } from 'path';", 'it is no dependency'],
  ])('in %s is refused: %s', (path, text, why) => {
    const found = importOffences({ path, text }, DEPENDENCIES);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(why);
  });
});

describe('a circle', () => {
  test.each([
    [
      'of two',
      [
        ['src/a.ts', "import { b } from './b.ts';"],
        ['src/b.ts', "import { a } from './a.ts';"],
      ],
      'src/a.ts imports src/b.ts imports src/a.ts',
    ],
    [
      'of types',
      [
        ['src/a.ts', "import type { B } from './x/b.ts';"],
        ['src/x/b.ts', "export type { A } from '../a.ts';"],
      ],
      'src/a.ts imports src/x/b.ts imports src/a.ts',
    ],
    [
      'that is entered from outside',
      [
        ['src/a.ts', "import './b.ts';"],
        ['src/b.ts', "import './c.ts';"],
        ['src/c.ts', "const { b } = await import('./b.ts');"],
      ],
      'src/b.ts imports src/c.ts imports src/b.ts',
    ],
  ] as const)('%s is refused', (_, files, why) => {
    const found = circleOffences(files.map(([path, text]) => ({ path, text })));
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(why);
  });

  test('is not what two ways to one file make', () => {
    const files = [
      { path: 'src/a.ts', text: "import './b.ts';\nimport './c.ts';" },
      { path: 'src/b.ts', text: "import './d.ts';" },
      { path: 'src/c.ts', text: "import './d.ts';" },
      { path: 'src/d.ts', text: '' },
    ];
    expect(circleOffences(files)).toEqual([]);
  });
});

describe('a sixth positional parameter', () => {
  test.each([
    'function a(b: B, c: C, d: D, e: E, f: F, g: G): void {}',
    'export async function a(\n  b: B,\n  c: C,\n  d: D,\n  e: E,\n  f: F,\n  g = 1,\n): Promise<void> {\n}',
    'const a = (b: B, c: C, d: D, e: E, f: F, g: G) => 1;',
    'const a = { b(c, d, e, f, g, h) {} };',
    'type A = (b: B, c: C, d: D, e: E, f: F, g: G) => void;',
    'interface A {\n  b(c: C, d: D, e: E, f: F, g: G, ...h: H[]): void;\n}',
    'interface A {\n  m?(b: B, c: C, d: D, e: E, f: F, g: G): void;\n}',
    'interface A { readonly listen?: (b: B, c: C, d: D, e: E, f: F, g: G) => void }',
    'const a = b ? (c: C, d: D, e: E, f: F, g: G, h: H) => 1 : undefined;',
    'options?.on((a, b, c, d, e, f) => 1);',
    'const a = x ?? ((b, c, d, e, f, g) => 1);',
    'function a(b: B, c: C, d: D, e: E, f: F, g: G): (h?: number) => number {}',
    'class A {\n  constructor(b: B, c: C, d: D, e: E, f: F, g: G) {}\n}',
    'const a = async <T>(b: T, c: C, d: D, e: E, f: F, g: G): Promise<void> => {};',
  ])('is refused: %s', (text) => {
    const found = parameterOffences({ path: 'src/a.ts', text });
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(/^src\/a\.ts:[12]: 6 positional parameters/);
  });

  test.each([
    'function a(b: B, c: C, d: D, e: E, f: F): void {}',
    'function a({ b, c, d, e, f, g }: X): void {}',
    'function a(b: Map<string, B>, c: [C, C], d: { e: E; f: F }, g: (h: H, i: I) => J): void {}',
    'a(b, c, d, e, f, g);',
    'const a = b ? c(d, e, f, g, h, i) : { j: 1 };',
    'if (a(b, c, d, e, f, g)) {\n}',
    "const a = 'function a(b, c, d, e, f, g) {}';",
    'switch (a) {\n  case f(b, c, d, e, f, g): {\n  }\n}',
    'class A extends B(b, c, d, e, f, g) {\n}',
    'const a = b ? new C(c, d, e, f, g, h) : { j: 1 };',
    'const a = {\n  b: f(c, d, e, f, g, h),\n  g: 1,\n};',
  ])('is not: %s', (text) => {
    expect(parameterOffences({ path: 'src/a.ts', text })).toEqual([]);
  });
});

describe('a comment', () => {
  const wide = 'x'.repeat(120);
  test.each([`/** ${wide} */`, `/**\n * ${wide}\n */`, `  // ${wide}`, `const a = 1; // ${wide}`])(
    'is refused when it is wide: %s',
    (text) => {
      expect(commentOffences({ path: 'src/a.ts', text })).toHaveLength(1);
    },
  );

  test.each([`const a = '${wide}';`, `const a = 'https://${wide}';`, `const a = \`\n * ${wide}\`;`, `/** ${'x'.repeat(113)} */`])(
    'is not: %s',
    (text) => {
      expect(commentOffences({ path: 'src/a.ts', text })).toEqual([]);
    },
  );
});

describe('core', () => {
  test.each([
    'export async function a() {}',
    'const a = await b;',
    'const a = Date.now();',
    'const a = new Date(1);',
    'const a = Math.random();',
    'const a = process.env;',
    "console.log('a');",
    'setTimeout(a, 1);',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source code that is looked at
    'const a = `${Date.now()}`;',
    'const a = /x/.test(b) ? Date.now() : 0;',
  ])('must not say %s', (text) => {
    expect(purityOffences({ path: 'src/core/a.ts', text })).toHaveLength(1);
    expect(purityOffences({ path: 'src/agent/a.ts', text })).toEqual([]);
  });

  test.each([
    '/** the process awaits a Date: await Date.now() */',
    "const a = 'await Date.now()';",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source code that is looked at
    'const a = `await ${b} Date.now() ${`process.env`}`;',
    'const a = /await Date.now["`]/;',
    'type Raw<T> = T extends Date ? string : T;',
    'const process = 1;',
  ])('may say %s', (text) => {
    expect(purityOffences({ path: 'src/core/a.ts', text })).toEqual([]);
  });

  test('converts stamps in one file, which reads no clock either', () => {
    const path = 'src/core/model/time.ts';
    expect(purityOffences({ path, text: 'const a = Date.parse(b), c = new Date(a).toISOString();' })).toEqual([]);
    for (const text of ['Date.now()', 'new Date()', 'new Date', 'Date()']) expect(purityOffences({ path, text })).toHaveLength(1);
  });
});

describe('a source file', () => {
  test.each([
    ['src/a.ts', '\n'.repeat(MAX_LINES), '321 lines'],
    ['test/a.test.ts', '\n'.repeat(MAX_LINES), '321 lines'],
    ['src/a.ts', 'export default 1;', 'by default'],
    ['src/cli/a.ts', 'process.exit(1);', 'only src/main.ts ends the process'],
    ['src/a.ts', 'const here = import.meta.url;', 'import.meta'],
    ['src/a.ts', 'let count = 0;', 'no mutable state'],
    ['src/a.ts', 'export let count = 0;', 'no mutable state'],
    ['test/a.test.ts', ['test.sk', "ip('a');"].join(''), 'switched off'],
    ['test/a.test.ts', ['describe.on', "ly('a');"].join(''), 'switched off'],
    ['test/a.test.ts', ['test.to', "do('a');"].join(''), 'switched off'],
    ['test/a.test.ts', ['test.concurrent.sk', "ipIf(true)('a');"].join(''), 'switched off'],
    ['test/a.test.ts', ['xi', "t('a');"].join(''), 'switched off'],
  ])('%s is refused with %j', (path, text, why) => {
    const found = codeOffences({ path, text: `/** Job. */\n${text}` });
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(why);
  });

  test('is refused without a comment that says its job', () => {
    expect(codeOffences({ path: 'src/a.ts', text: 'const a = 1;\n' })).toEqual(['src/a.ts: begins with a comment that says its job']);
  });

  test.each([
    ['src/main.ts', 'process.exit(1);'],
    ['src/a.ts', 'process.exitCode = 1;'],
    ['src/a.ts', 'function a() {\n  let b = 0;\n}'],
    ['test/a.test.ts', 'cursor.skip(1); list.only;'],
    ['src/a.generated.ts', '\n'.repeat(1000)],
    ['vitest.config.ts', 'export default {};'],
    ['test/e2e/contracts/vitest.config.ts', 'export default {};'],
  ])('%s is fine with %j', (path, text) => {
    expect(codeOffences({ path, text: `/** Job. */ ${text}` })).toEqual([]);
  });
});

describe('any file', () => {
  test.each([
    ['README.md', ['TO', 'DO: later'].join('')],
    ['README.md', ['FIX', 'ME'].join('')],
    ['deploy/a.sh', ['cd /wo', 'rk/main'].join('')],
    ['deploy/a.sh', ['cd /ho', 'me/someone/x'].join('')],
    ['.npmrc', ['registry=https://registry.npm', 'js.org/'].join('')],
    ['package-lock.json', '{\n  "resolved": "x"\n}'],
  ])('%s is refused with %j', (path, text) => {
    expect(textOffences({ path, text })).toHaveLength(1);
  });

  test.each([
    ['pod.yaml', 'mountPath: /work/dir'],
    ['README.md', 'what is left to do'],
    ['package-lock.json', '{\n  "version": "1"\n}'],
  ])('%s is fine with %j', (path, text) => {
    expect(textOffences({ path, text })).toEqual([]);
  });
});
