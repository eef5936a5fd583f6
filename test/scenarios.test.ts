/** Which scenarios a node runs: all that depend on its kubelet, each with its reason, which README.md lists. */
import { readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { parseOptions } from './e2e/options.ts';
import { groupsOf } from './e2e/runner.ts';
import { SCENARIOS } from './e2e/scenarios/index.ts';

const defaults = parseOptions([], SCENARIOS);
const settings = defaults.settingsOn('1.37');
const idsOn = (line: '1.37' | '1.34', args: readonly string[] = []) =>
  parseOptions(args, SCENARIOS)
    .scenariosOn(line)
    .map(({ id }) => id);

describe('a run of all nodes', () => {
  it('has every scenario on the newest, but those on request', () => {
    expect(idsOn('1.37')).toEqual(SCENARIOS.filter(({ onRequest }) => onRequest !== true).map(({ id }) => id));
  });

  it('has on the oldest what depends on the kubelet, and no more', () => {
    const depending = SCENARIOS.filter(({ kubelet, onRequest }) => kubelet.matters && onRequest !== true).map(({ id }) => id);
    expect(idsOn('1.34')).toEqual(depending);
    expect(depending.length).toBeLessThan(idsOn('1.37').length);
  });

  it('has on no node a scenario without what it needs', () => {
    for (const line of ['1.37', '1.34'] as const) {
      const ids = idsOn(line);
      for (const { needs } of SCENARIOS.filter(({ id }) => ids.includes(id))) expect(ids).toEqual(expect.arrayContaining([...needs]));
    }
  });
});

test('a node by itself, or --only, has whatever is asked for', () => {
  expect(idsOn('1.34', ['--kubelet', '1.34'])).toEqual(idsOn('1.37'));
  expect(idsOn('1.34', ['--only', 'idle'])).toEqual(['capture', 'idle']);
});

test('README.md lists every scenario, whether it depends on the kubelet, and why', () => {
  const readme = readFileSync('test/e2e/README.md', 'utf8');
  const rows = SCENARIOS.map(({ id, onRequest, kubelet }) => {
    const where = `${kubelet.matters ? 'every' : 'newest'}${onRequest === true ? ', with `--only`' : ''}`;
    return `| \`${id}\` | ${where} | ${kubelet.why} |`;
  });
  expect(readme.split('\n').filter((line) => /^\| `[\w/-]+` \| (?:every|newest)/.test(line))).toEqual(rows);
});

test('neighbours share a power cut, and none of them builds on another', () => {
  const shared = groupsOf(SCENARIOS, settings).filter((group) => group.length > 1);
  expect(shared.map((group) => group.map(({ id }) => id))).toEqual([
    ['env-file', 'pull-secret', 'power-cut'],
    ['late-directory', 'full-node', 'two-writers'],
  ]);
  for (const group of shared) {
    for (const { needs } of group) expect(needs.filter((need) => group.some(({ id }) => id === need))).toEqual([]);
  }
});

test('the first node may have other rounds and another outage than the others', () => {
  const { settingsOn } = parseOptions(['--rounds', '8,3', '--outage', '3m,1m'], SCENARIOS);
  expect([settingsOn('1.37').rounds, settingsOn('1.34').rounds]).toEqual([8, 3]);
  expect([settingsOn('1.37').outageMs, settingsOn('1.34').outageMs]).toEqual([180_000, 60_000]);
  expect(defaults.settingsOn('1.34')).toEqual(settings);
  expect(() => parseOptions(['--outage', '3m,1m,1m'], SCENARIOS)).toThrow('--outage 3m,1m,1m: write one value, or two');
});
