/** Reads a hand-written decision table, and makes every combination of its columns. For tests that hold code against it. */
import { readFileSync } from 'node:fs';

export type Domains<C extends string> = Readonly<Record<C, readonly string[]>>;
export type Case<C extends string> = Record<C, string>;

export interface Row<C extends string> {
  readonly line: number;
  readonly match: Readonly<Record<C, ReadonlySet<string>>>;
  readonly next: string;
  readonly reason: string;
}

export function readTable<C extends string>(file: string, domains: Domains<C>): readonly Row<C>[] {
  return readFileSync(new URL(`tables/${file}`, import.meta.url), 'utf8')
    .split('\n')
    .map((text, index) => ({ text, line: index + 1 }))
    .filter(({ text }) => text.trim() !== '' && !text.startsWith('#'))
    .map(({ text, line }) => parseRow(text, line, domains));
}

function parseRow<C extends string>(text: string, line: number, domains: Domains<C>): Row<C> {
  const columns = Object.keys(domains) as C[];
  const cells = text.split(/\s\|\s/).map((cell) => cell.trim());
  const match = Object.fromEntries(columns.map((column, index) => [column, parseCell(cells[index] ?? '', domains[column], line)]));
  return { line, match: match as Row<C>['match'], next: cells[columns.length] ?? '', reason: cells[columns.length + 1] ?? '' };
}

function parseCell(cell: string, domain: readonly string[], line: number): ReadonlySet<string> {
  if (cell === '*') return new Set(domain);
  const values = cell.startsWith('!') ? domain.filter((value) => value !== cell.slice(1)) : cell.split('|');
  for (const value of values) if (!domain.includes(value)) throw new Error(`line ${line}: ${value} is none of ${domain.join(', ')}`);
  return new Set(values);
}

export function* allCases<C extends string>(domains: Domains<C>, columns: readonly C[] = Object.keys(domains) as C[]): Generator<Case<C>> {
  const [column, ...rest] = columns;
  if (column === undefined) {
    yield {} as Case<C>;
    return;
  }
  for (const value of domains[column]) for (const tail of allCases(domains, rest)) yield { ...tail, [column]: value };
}

/** Lines of the rows that a case is in. */
export function rowsOf<C extends string>(rows: readonly Row<C>[], one: Case<C>): readonly Row<C>[] {
  return rows.filter((row) => (Object.keys(row.match) as C[]).every((column) => row.match[column].has(one[column])));
}

/** A sentence for every case that is not in exactly one row, or that this row does not fit. */
export function misfits<C extends string>(
  rows: readonly Row<C>[],
  domains: Domains<C>,
  answer: (one: Case<C>) => string,
  asked: (row: Row<C>) => string,
): readonly string[] {
  return [...allCases(domains)].flatMap((one) => {
    const [hits, got] = [rowsOf(rows, one), answer(one)];
    if (hits.length === 1 && hits[0] !== undefined && asked(hits[0]) === got) return [];
    return [`${JSON.stringify(one)} -> ${got}, lines ${hits.map((row) => row.line).join(', ') || 'none'}`];
  });
}

/** Lines of the rows that no case is in. */
export function unreached<C extends string>(rows: readonly Row<C>[], domains: Domains<C>): readonly number[] {
  const reached = new Set([...allCases(domains)].flatMap((one) => rowsOf(rows, one).map((row) => row.line)));
  return rows.filter((row) => !reached.has(row.line)).map((row) => row.line);
}
