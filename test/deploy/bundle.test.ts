/** When the bundle counts as stale, and that the packages in it work as CommonJS in one file. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bundle, isStale, ROOT } from '../../deploy/bundle.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'build-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

describe('a bundle', () => {
  /** Writes a file whose time is so many seconds after 1970. */
  function write(path: string, seconds: number): void {
    writeFileSync(join(dir, path), '');
    utimesSync(join(dir, path), seconds, seconds);
  }

  beforeEach(() => {
    mkdirSync(join(dir, 'src/core'), { recursive: true });
    write('src/main.ts', 10);
    write('src/core/a.ts', 10);
    write('package-lock.json', 10);
    for (const path of ['src/core', 'src']) utimesSync(join(dir, path), 10, 10);
    write('bundle.cjs', 20);
  });

  test('newer than everything it is made of is fresh', () => {
    expect(isStale(dir, join(dir, 'bundle.cjs'))).toBe(false);
  });

  test('that is missing is stale', () => {
    expect(isStale(dir, join(dir, 'absent.cjs'))).toBe(true);
  });

  test.each(['src/main.ts', 'src/core/a.ts', 'package-lock.json', 'package.json'])('older than %s is stale', (path) => {
    write(path, 30);
    expect(isStale(dir, join(dir, 'bundle.cjs'))).toBe(true);
  });

  test('older than the removal of a file is stale', () => {
    rmSync(join(dir, 'src/core/a.ts'));
    expect(isStale(dir, join(dir, 'bundle.cjs'))).toBe(true);
  });
});

test('log, metrics and YAML work in one file without node_modules, and leave no half-made file behind', async () => {
  const entry = join(dir, 'entry.ts');
  const from = (path: string) => JSON.stringify(join(ROOT, 'src', path));
  writeFileSync(
    entry,
    `import { createLog } from ${from('telemetry/log.ts')};
    import { createMetrics } from ${from('telemetry/metrics.ts')};
    import { formatYaml } from ${from('cli/output.ts')};
    createLog({ level: 'info', to: 1, wall: () => 1 }).info('Here', { token: 'hunter2' });
    createMetrics({ version: POD_CHECKPOINTER_VERSION, nodeVersion: 'x', onError: () => undefined }).render()
      .then(async ({ body }) => process.stdout.write(body.split('\\n')[2] + '\\n' + (await formatYaml({ a: [1] }))));`,
  );
  const out = join(dir, 'out/bundle.cjs');
  const { bytes } = await bundle(entry, out);
  const printed = execFileSync(process.execPath, [out], { cwd: dir, encoding: 'utf8' });
  expect(printed).toMatch(
    /^\{"level":"info","time":1,"token":"\[redacted\]","msg":"Here"\}\ncheckpointer_build_info\{version="\d+\.\d+\.\d+",node_version="x"\} 1\na:\n {2}- 1\n$/,
  );
  expect(bytes).toBeLessThan(1_000_000);
  expect(readdirSync(join(dir, 'out'))).toEqual(['bundle.cjs']);
});

test('the program is plain ASCII, and loads no part of Node.js that only unused parts of packages want', async () => {
  const out = join(dir, 'out/program.cjs');
  await bundle('src/main.ts', out);
  const text = readFileSync(out, 'utf8');
  const required = [...text.matchAll(/\brequire\("(?:node:)?([\w/]+)"\)/g)].map(([, name]) => name);

  // one letter beyond Latin-1, and V8 keeps the whole text at two bytes a letter
  expect([...text].find((letter) => letter > '\x7f')).toBeUndefined();
  expect(required).toContain('http2');
  for (const unwanted of ['cluster', 'module', 'perf_hooks', 'v8', 'worker_threads', 'zlib']) expect(required).not.toContain(unwanted);
});
