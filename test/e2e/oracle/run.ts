/**
 * Has thousands of our copies judged by the kubelet's own code. The only file here that exits the process; it leaves
 * nothing behind. The same seed judges the same pods.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Json } from '../../../src/core/model/model.ts';
import { KUBELETS, prepareOracle } from '../components.ts';
import { say } from '../report.ts';
import { apiFieldsProblem, writeApiFields } from './api-fields.ts';
import { createCoverage } from './coverage.ts';
import { judgeParents, type Oracles, type Parent, randomOf, type Verdict } from './judge.ts';
import { judgeMutants, judgeTable, type Slips } from './mutants.ts';
import { createOracle } from './oracle.ts';
import { bind, randomPod } from './pods.ts';
import { type StorePods, shrink } from './shrink.ts';

const HELP = `Usage: npm run oracle -- [options]

Makes random pods over every field, lets the API server's own code accept them, sanitizes them, and asks the kubelet's own
code (1.34 and 1.37) whether it would run the copies. Of pods with one mistake in them it asks what render says. Needs Go; the first run builds the two programs.

  --pods N       stop after so many pods that an API server accepts (20000)
  --seed N       another seed, other pods (1)
  --only INDEX   one pod of that seed only, and show it with its copy
  --rows         say how often each field was there
  --write-fields write the list of a pod's fields that npm test holds the tables against, and do nothing else
  --output FILE  write {passed, failed} as JSON
  --help         this text
`;
const BATCH = 2000;
/** So many pods reach every row, whatever the seed; a run of fewer is not asked to. */
const ENOUGH_FOR_ROWS = 10_000;
const SHOWN = 5;
const NODES = ['node-1', 'ip-10-0-0-1.eu-central-1.compute.internal', `n${'-long'.repeat(12)}.example.com`] as const;

interface Batch {
  readonly parents: readonly Parent[];
  readonly verdicts: readonly Verdict[];
  /** Why the API server would not have had the others; with how many. */
  readonly invalid: readonly string[];
  readonly slips: Slips;
}

const nodeOf = (batch: number): string => NODES[batch % NODES.length] ?? NODES[0];
/** The API servers that store the pods of a batch: each version, with and without what is not on by default. */
function apiOf(batch: number, oracles: Oracles): StorePods {
  const line = KUBELETS[batch % KUBELETS.length] ?? '1.37';
  const features = Math.floor(batch / KUBELETS.length) % 2 === 0 ? 'all' : 'default';
  return (pods) => oracles[line].store(pods, features);
}

async function judgeBatch(oracles: Oracles, seed: number, indexes: readonly number[]): Promise<Batch> {
  const number = Math.floor((indexes[0] ?? 0) / BATCH);
  const node = nodeOf(number);
  const chances = indexes.map((index) => randomOf(seed, index));
  const made = chances.map((r, place) => randomPod(r, indexes[place] ?? 0));
  const stored = await apiOf(number, oracles)(made as readonly Json[]);
  const fresh = stored.flatMap((answer, place) =>
    'problem' in answer ? [] : [{ index: indexes[place] ?? 0, node, pod: structuredClone(answer.pod) }],
  );
  const invalid = stored.flatMap((answer) => ('problem' in answer ? [answer.problem] : []));
  const parents = stored.flatMap((answer, place) => {
    const [r, index] = [chances[place], indexes[place]];
    return 'problem' in answer || r === undefined || index === undefined ? [] : [{ index, node, pod: bind(answer.pod, r, node) }];
  });
  return {
    parents,
    invalid,
    verdicts: await judgeParents(parents, oracles, seed),
    slips: await judgeMutants(fresh, oracles, seed),
  };
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      pods: { type: 'string', default: '20000' },
      seed: { type: 'string', default: '1' },
      only: { type: 'string' },
      rows: { type: 'boolean', default: false },
      'write-fields': { type: 'boolean', default: false },
      output: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const [wanted, seed] = [wholeNumber('pods', values.pods), wholeNumber('seed', values.seed)];
  const work = mkdtempSync(join(tmpdir(), 'podckpt-oracle-'));
  process.once('exit', () => rmSync(work, { recursive: true, force: true }));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
  const oracles: Oracles = {
    '1.37': createOracle(await prepareOracle('1.37', say), work),
    '1.34': createOracle(await prepareOracle('1.34', say), work),
  };
  if (values['write-fields']) {
    say(`wrote ${writeApiFields(await oracles['1.37'].fields())}`);
    return 0;
  }
  if (values.only !== undefined) return showOne(await judgeBatch(oracles, seed, [wholeNumber('only', values.only)]));

  return judgeAll(oracles, { wanted, seed, rows: values.rows, output: values.output });
}

interface Wish {
  readonly wanted: number;
  readonly seed: number;
  readonly rows: boolean;
  readonly output: string | undefined;
}

async function judgeAll(oracles: Oracles, { wanted, seed, rows, output }: Wish): Promise<number> {
  const started = performance.now();
  const seconds = (): number => Math.round((performance.now() - started) / 1000);
  say(`seed ${seed}: judging ${wanted} pods`);
  const coverage = createCoverage();
  const refusals = new Map<string, number>();
  const notStored = new Map<string, number>();
  const failed: Verdict[] = [];
  const table = await judgeTable(oracles);
  const slips = [...table.problems];
  let [judged, placed, asked] = [0, 0, table.asked];
  for (let from = 0; judged < wanted; from += BATCH) {
    const indexes = Array.from({ length: BATCH }, (_, offset) => from + offset);
    const { invalid, verdicts, slips: more } = await judgeBatch(oracles, seed, indexes);
    slips.push(...more.problems);
    asked += more.asked;
    for (const problem of invalid) count(notStored, shortened(problem));
    for (const verdict of verdicts.slice(0, wanted - judged)) {
      coverage.add(verdict.parent.pod, verdict.manifest !== undefined);
      for (const code of verdict.refused) count(refusals, code);
      if (verdict.manifest !== undefined) placed += 1;
      if (verdict.problems.length > 0) failed.push(verdict);
    }
    judged = Math.min(wanted, judged + verdicts.length);
    say(`${judged} judged, ${placed} copies, ${failed.length} wrong (${seconds()} s)`);
    if (verdicts.length === 0) throw new Error(`none of ${BATCH} pods is one that an API server would store: ${invalid[0]}`);
  }
  if (rows) {
    for (const { row, placed: kept, refused } of coverage.rows()) say(`row ${row}: ${kept} placed, ${refused} refused`);
    for (const [problem, times] of ranked(notStored).slice(0, 40)) say(`not stored, ${times} times: ${problem}`);
  }
  for (const [code, times] of ranked(refusals)) say(`refused ${times} times: ${code}`);
  const missing = judged < ENOUGH_FOR_ROWS ? [] : coverage.missing();
  for (const row of missing) say(`NO  no pod reached the row ${row}`);
  for (const problem of slips.slice(0, SHOWN)) say(`NO  ${problem}`);
  if (slips.length > SHOWN) say(`NO  and ${slips.length - SHOWN} more that render judges otherwise`);
  await showFailures(failed, oracles, seed);
  const stale = apiFieldsProblem(await oracles['1.37'].fields());
  if (stale !== undefined) say(`NO  ${stale}`);
  const wrong = failed.length + missing.length + slips.length + (stale === undefined ? 0 : 1);
  // one check a pod, one a row, one for whatever was asked beside, and one of the list of fields
  const right = judged + coverage.rows().length + asked + 1 - wrong;
  if (output !== undefined) writeFileSync(output, JSON.stringify({ passed: right, failed: wrong }));
  say(`seed ${seed}: ${judged} pods, ${placed} copies, ${coverage.rows().length} rows, ${asked} judged as render does, in ${seconds()} s`);
  process.stdout.write(`${right} passed, ${wrong} failed\n`);
  return wrong === 0 ? 0 : 1;
}

/** One pod of each kind of problem, made small. */
async function showFailures(failed: readonly Verdict[], oracles: Oracles, seed: number): Promise<void> {
  const kinds = new Map<string, Verdict[]>();
  for (const verdict of failed) {
    const kind = shortened(verdict.problems[0] ?? '');
    kinds.set(kind, [...(kinds.get(kind) ?? []), verdict]);
  }
  for (const [kind, verdicts] of [...kinds].slice(0, SHOWN)) {
    const verdict = verdicts[0];
    if (verdict === undefined) continue;
    say(`NO  ${verdicts.length} times: ${kind}`);
    say(`    one of them: npm run oracle -- --seed ${seed} --only ${verdict.parent.index}`);
    const small = await shrink(verdict, oracles, apiOf(Math.floor(verdict.parent.index / BATCH), oracles), seed);
    say(`    made small: ${JSON.stringify(small.parent.pod).slice(0, 8000)}\n    ${small.problems.join('\n    ')}`);
  }
  if (kinds.size > SHOWN) say(`NO  and ${kinds.size - SHOWN} more kinds of problems`);
}

function showOne({ parents, verdicts, invalid, slips }: Batch): number {
  for (const problem of invalid) say(`no API server would have stored it: ${problem}`);
  for (const [index, { refused, manifest, problems }] of verdicts.entries()) {
    process.stdout.write(`${JSON.stringify(parents[index]?.pod, undefined, 2)}\n`);
    if (manifest !== undefined) process.stdout.write(`${JSON.stringify(JSON.parse(manifest), undefined, 2)}\n`);
    say(refused.length > 0 ? `refused: ${refused.join(', ')}` : 'a copy was made');
    for (const problem of problems) say(`NO  ${problem}`);
  }
  for (const problem of slips.problems) say(`NO  ${problem}`);
  return slips.problems.length > 0 || verdicts.some((verdict) => verdict.problems.length > 0) ? 1 : 0;
}

function count(map: Map<string, number>, key: string): void {
  map.set(key, (map.get(key) ?? 0) + 1);
}

const ranked = (map: ReadonlyMap<string, number>): readonly (readonly [string, number])[] => [...map].sort(([, a], [, b]) => b - a);

/** Without what differs from pod to pod: names, places, values. */
function shortened(problem: string): string {
  return problem
    .replace(/"[^"]*"/g, '"…"')
    .replace(/\[\d+\]/g, '[…]')
    .replace(/v-\d|c-\d/g, '…')
    .slice(0, 240);
}

function wholeNumber(name: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new Error(`--${name} must be a whole number, not ${JSON.stringify(text)}`);
  return Number(text);
}

try {
  process.exitCode = await main();
} catch (error) {
  for (let cause: unknown = error; cause !== undefined; cause = cause instanceof Error ? cause.cause : undefined)
    process.stderr.write(`${cause instanceof Error ? cause.message : String(cause)}\n`);
  process.exitCode = 2;
}
