/** The demo is told by the built program itself, and no promise in it is broken; then it draws what happened. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { BUNDLE } from '../../deploy/bundle.ts';
import { all, collisions, parseXml } from '../demo/picture/drawn.ts';

let dir: string;
let told: { readonly code: number; readonly stdout: string; readonly stderr: string };
const picture = (): string => join(dir, 'outage.svg');

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'demo-'));
  told = await new Promise((resolve) => {
    execFile(process.execPath, [BUNDLE, 'demo', '--fast', '--timeline', picture()], { timeout: 60_000 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr }),
    );
  });
}, 90_000);
afterAll(() => rmSync(dir, { recursive: true, force: true }));

it('tells the whole story, breaks no promise and ends with 0', () => {
  expect(told.stderr).toBe('');
  // on a busy machine a promise of time may be missed by little, which the demo says; a broken one ends with another code
  expect(told.stdout).toMatch(
    told.stdout.includes('   ! ') ? /^Everything came back, .* of time w(?:as|ere) not kept: /m : /^Every promise was kept, /m,
  );
  expect(told.stdout).not.toContain('✗');
  expect(told.code).toBe(0);
});

it('draws the picture at the end and says where', () => {
  expect(told.stdout.endsWith(`\nTimeline: ${picture()}\n`)).toBe(true);
  const svg = parseXml(readFileSync(picture(), 'utf8'));
  expect(collisions(svg)).toEqual([]);
});

it('draws the key moments in the order in which they happened, and both hand-overs', () => {
  const desc = all(parseXml(readFileSync(picture(), 'utf8')), 'desc')[0]?.text ?? '';
  const moments = [...desc.matchAll(/([\d.]+) s, ([^:]+): ((?:[^.:]|: )+)\./g)].map(([, at, lane, text]) => ({
    at: Number(at),
    lane,
    text,
  }));
  expect(moments.map(({ lane, text }) => `${lane}: ${text}`)).toEqual([
    'agent: captured',
    'node: power cut',
    'node: boots',
    'agent: verdict: unreachable',
    'agent: manifest placed',
    'copy: copy serves',
    'API server: answers again',
    'agent: verdict: reachable',
    expect.stringMatching(/is gone|created/),
    expect.stringMatching(/is gone|created/),
  ]);
  const at = (text: string): number => moments.find((moment) => moment.text === text)?.at ?? Number.NaN;
  const gaps = [...desc.matchAll(/From ([\d.]+) s: no answer for ([\d,]+) ms/g)].map(([, from, ms]) => ({
    from: Number(from),
    ms: Number(ms?.replaceAll(',', '')),
  }));
  const outage = gaps.find(({ from }) => Math.abs(from - at('power cut')) < 0.5);
  expect(outage?.ms).toBeCloseTo((at('copy serves') - (outage?.from ?? 0)) * 1000, -2);
  const handBack = gaps.find(({ from }) => from > at('answers again'));
  const promised = Number(/hand-back: (\d+) ms/.exec(told.stdout)?.[1]);
  expect(handBack?.ms).toBeLessThanOrEqual(promised + 1);
});
