/** `.ci/run` itself, with stand-ins for what it runs: what it counts, what it says at its end, and that nothing of it stays. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ROOT } from '../deploy/bundle.ts';
import { doneUnless, until } from './e2e/node/wait.ts';

/** npm: says what it was asked for in two lines, and leaves the result that the part's file in `results` holds. */
const NPM = `#!/bin/sh
echo "begin $*"
case " $*" in *" test -- "*) part=unit ;; *" e2e -- --build"*) part=build ;; *" e2e "*) part=e2e ;; *test:chart*) part=chart ;;
  *test:image*) part=image; echo "image from $IMAGE_ARCHIVE" ;; *) part=other ;; esac
for word in "$@"; do
  case $word in --outputFile.json=*) file=\${word#*=} ;; esac
  [ "$before" != --output ] || file=$word
  before=$word
done
if [ -e "results/$part.hangs" ]; then touch "results/$part.runs"; sleep 600; fi
[ -z "$file" ] || [ ! -e "results/$part.json" ] || cp "results/$part.json" "$file"
sleep 0.2
echo "end $*"
[ ! -e "results/$part.fails" ]
`;
const GOOD = { numPassedTests: 3, numFailedTests: 0, numPendingTests: 0, testResults: [] };
const GOOD_E2E = { passed: 2, failed: 0, results: [] };
/** Of debian, npm ci, bundle, check, unit, demo, e2e, image; and beside: components, image build, chart, judgement. */
const PARTS = 12;

let dir = '';
let running: ChildProcess | undefined;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'podckpt-ci-'));
  cpSync(join(ROOT, '.ci'), join(dir, '.ci'), { recursive: true });
  program('bin/npm', NPM);
  program('test/e2e/install.sh', '#!/bin/sh\necho installed\n');
  program('node_modules/.bin/node', '#!/bin/sh\n[ ! -e results/archive.fails ]\n');
  for (const part of ['unit', 'chart', 'image']) result(part, GOOD);
  result('e2e', GOOD_E2E);
});
afterEach(() => {
  running?.kill('SIGKILL');
  rmSync(dir, { recursive: true, force: true });
});

function program(path: string, text: string): void {
  const file = join(dir, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  chmodSync(file, 0o755);
}
function result(part: string, value: unknown): void {
  mkdirSync(join(dir, 'results'), { recursive: true });
  writeFileSync(join(dir, 'results', `${part}.json`), JSON.stringify(value));
}
const mark = (name: string) => writeFileSync(join(dir, 'results', name), '');

function start(): { readonly child: ChildProcess; readonly text: () => string } {
  const path = `${join(dir, 'bin')}:${dirname(process.execPath)}:/usr/bin:/bin`;
  const child = spawn(join(dir, '.ci/run'), [], { cwd: dir, env: { PATH: path, TMPDIR: dir }, stdio: ['ignore', 'pipe', 'pipe'] });
  running = child;
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
  }
  return { child, text: () => text };
}
async function run(): Promise<{ readonly code: unknown; readonly lines: readonly string[] }> {
  const { child, text } = start();
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, lines: text().trimEnd().split('\n') };
}

test('counts every part and every test, and ends with the durations and one line', async () => {
  const { code, lines } = await run();

  expect(lines.at(-1)).toBe(`${PARTS + 3 * 3 + 2} passed, 0 failed`);
  expect(code).toBe(0);
  const from = lines.findIndex((line) => line.startsWith('=== how long each part took'));
  const durations = lines.slice(from + 1, -1);
  expect(durations).toHaveLength(PARTS);
  expect(durations.every((line) => /^ *\d+ s {2}\S/.test(line))).toBe(true);
  expect(durations.map((line) => Number.parseInt(line, 10))).toEqual(
    durations.map((line) => Number.parseInt(line, 10)).toSorted((a, b) => b - a),
  );
  expect(lines.find((line) => line.startsWith('image from '))).toMatch(/^image from .*image\.tar$/);
});

test('shows what ran beside the others in one piece', async () => {
  const { lines } = await run();
  const begins = lines.flatMap((line, index) => (line.startsWith('begin ') ? [index] : []));

  expect(begins.length).toBeGreaterThan(8);
  for (const index of begins) {
    const end = lines[index]?.includes('test:image') ? index + 2 : index + 1;
    expect(lines[end]).toBe(lines[index]?.replace('begin', 'end'));
  }
});

test('names in its last 20 lines every step that failed, and tests of them', async () => {
  const assertionResults = Array.from({ length: 30 }, (_, index) => ({ status: 'failed', fullName: `does thing ${index}` }));
  const broken = { name: join(dir, 'test/b.test.ts'), status: 'failed', message: 'Cannot find\n module', assertionResults: [] };
  const failing = { name: join(dir, 'test/a.test.ts'), status: 'failed', message: '', assertionResults };
  result('unit', { numPassedTests: 1, numFailedTests: 30, numPendingTests: 1, testResults: [broken, failing] });
  result('e2e', { passed: 1, failed: 1, results: [{ kubelet: '1.37.1', id: 'x', outcome: 'not run', problem: 'it needs y' }] });
  for (const part of ['unit', 'e2e', 'build', 'archive']) mark(`${part}.fails`);
  rmSync(join(dir, 'results/image.json'));

  const { code, lines } = await run();
  const last = lines.slice(-20);

  expect(lines.at(-1)).toBe(`${PARTS - 4 + 1 + 3 + 1} passed, ${4 + 31 + 1 + 1} failed`);
  expect(code).toBe(1);
  const failed = last.find((line) => line.startsWith('=== failed: '))?.slice('=== failed: '.length);
  expect(failed?.split(', ').sort()).toEqual(['components', 'e2e', 'image build', 'unit tests']);
  expect(last).toContain('  unit tests: test/b.test.ts: Cannot find module');
  expect(last).toContain('  unit tests: test/a.test.ts: does thing 0 (failed)');
});

/** Process groups whose leader is a child of this process. */
function groupsBelow(pid: number): readonly number[] {
  const { stdout } = spawnSync('ps', ['-eo', 'pid=,ppid=,pgid='], { encoding: 'utf8' });
  const rows = stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  return rows.filter(([own, parent, group]) => parent === pid && own === group).map(([own]) => own ?? 0);
}

test('a lane that dies has failed, with every part that it did not end', async () => {
  mark('chart.hangs');
  const { child, text } = start();
  await until('the chart under test', () => doneUnless(existsSync(join(dir, 'results/chart.runs')) ? '' : 'not yet'), 30_000);
  const [lane = 0] = groupsBelow(child.pid ?? 0);
  expect(lane).toBeGreaterThan(1);
  process.kill(-lane, 'SIGKILL');
  const [code] = (await once(child, 'close')) as [number | null];
  const lines = text().trimEnd().split('\n');

  expect(code).toBe(1);
  // chart, what it left, and the judgement
  expect(lines.at(-1)).toBe(`${PARTS - 2 + 2 * 3 + 2} passed, 3 failed`);
  expect(lines.find((line) => line.startsWith('=== failed: '))).toBe("=== failed: chart, the kubelet's own judgement");
});

test('ended by a signal in the middle of a step it ends at once', async () => {
  mark('unit.hangs');
  const { child } = start();
  await until('the unit tests running', () => doneUnless(existsSync(join(dir, 'results/unit.runs')) ? '' : 'not yet'), 30_000);
  const from = performance.now();
  child.kill('SIGTERM');
  const [code] = (await once(child, 'close')) as [number | null];

  expect(code).toBe(130);
  // the stand-in hangs for 600 s
  expect(performance.now() - from).toBeLessThan(60_000);
});

test('ended by a signal it leaves nothing running, beside or not', async () => {
  mark('build.hangs');
  const { child } = start();
  await until('the builds running', () => doneUnless(existsSync(join(dir, 'results/build.runs')) ? '' : 'not yet'), 30_000);
  child.kill('SIGTERM');
  const [code] = (await once(child, 'close')) as [number | null];

  // its pipes are closed, so nobody holds them any more
  expect(code).toBe(130);
});
