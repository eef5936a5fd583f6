/** Tables, JSON and YAML: aligned, sorted, and safe to show in a terminal. */
import { expect, test } from 'vitest';
import { type Column, formatJson, formatListing, formatTable, formatYaml } from '../../src/cli/output.ts';

interface Row {
  readonly name: string;
  readonly size: number;
}
const columns: readonly Column<Row>[] = [
  { header: 'NAME', cell: (row) => row.name },
  { header: 'SIZE', cell: (row) => String(row.size), align: 'right' },
  { header: 'NOTE', cell: () => '' },
];
const rows: readonly Row[] = [
  { name: 'kube-system/web', size: 5 },
  { name: 'a', size: 1000 },
];

test('a table is as wide as its widest cells, with numbers to the right and no blanks at the end', () => {
  expect(formatTable(columns, rows)).toBe('NAME             SIZE  NOTE\nkube-system/web     5\na                1000\n');
});

test('text from elsewhere cannot move the cursor or start a row', () => {
  expect(formatTable(columns, [{ name: 'a\u001b[2J\nb\u009b', size: 1 }]).split('\n')[1]).toBe('a [2J b      1');
});

test('JSON has its keys sorted at every level and leaves out what is undefined', () => {
  const value = { b: [{ d: 1, c: undefined, a: null }], a: new Date(0) };
  expect(formatJson(value)).toBe('{\n  "a": "1970-01-01T00:00:00.000Z",\n  "b": [\n    {\n      "a": null,\n      "d": 1\n    }\n  ]\n}\n');
});

test('YAML repeats shared objects, breaks no long line, and has the order of the JSON', async () => {
  const shared = { text: 'word '.repeat(60).trim() };
  expect(await formatYaml({ z: shared, a: [shared, undefined], no: 'no' })).toBe(
    `a:\n  - text: ${shared.text}\n  - null\n'no': 'no'\nz:\n  text: ${shared.text}\n`,
  );
});

test('a listing is printed in the form asked for; a table without rows is a sentence', async () => {
  const listing = { columns, rows, empty: 'no checkpoints on this node' };
  expect(await formatListing('table', listing)).toContain('kube-system/web');
  expect(await formatListing('json', listing)).toBe(formatJson(rows));
  expect(await formatListing('yaml', { ...listing, data: { items: rows } })).toBe(await formatYaml({ items: rows }));
  expect(await formatListing('table', { ...listing, rows: [] })).toBe('no checkpoints on this node\n');
  expect(await formatListing('json', { ...listing, rows: [] })).toBe('[]\n');
});
