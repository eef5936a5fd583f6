/**
 * How commands print: aligned tables for people, JSON with sorted keys for programs, YAML for both.
 * Formats only: decides nothing and reads nothing.
 */

export const OUTPUT_FORMATS = ['table', 'json', 'yaml'] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

export interface Column<Row> {
  readonly header: string;
  readonly cell: (row: Row) => string;
  /** Numbers stand better to the right. */
  readonly align?: 'left' | 'right';
}

export interface Listing<Row> {
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  /** What JSON and YAML show; the rows themselves where it is left out. */
  readonly data?: unknown;
  /** The sentence that stands for a table without rows. */
  readonly empty: string;
}

export async function formatListing<Row>(format: OutputFormat, listing: Listing<Row>): Promise<string> {
  switch (format) {
    case 'table':
      return listing.rows.length === 0 ? `${listing.empty}\n` : formatTable(listing.columns, listing.rows);
    case 'json':
      return formatJson(listing.data ?? listing.rows);
    case 'yaml':
      return formatYaml(listing.data ?? listing.rows);
  }
}

/** Columns two blanks apart, as wide as their widest cell; nothing is cut, no line ends in blanks. */
export function formatTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const cells = [columns.map((column) => column.header), ...rows.map((row) => columns.map((column) => printable(column.cell(row))))];
  const widths = columns.map((_, index) => Math.max(...cells.map((line) => line[index]?.length ?? 0)));
  const lines = cells.map((line) =>
    line
      .map((cell, index) => (columns[index]?.align === 'right' ? cell.padStart(widths[index] ?? 0) : cell.padEnd(widths[index] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}

/** Text from elsewhere must not move the cursor or start a new row. */
function printable(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ');
}

/** Keys sorted at every level, two blanks, a line break at the end: equal data gives equal bytes. */
export function formatJson(value: unknown): string {
  return `${JSON.stringify(sorted(value), undefined, 2)}\n`;
}

/** The same data and the same order as {@link formatJson}. */
export async function formatYaml(value: unknown): Promise<string> {
  const { dump } = await import('js-yaml');
  return dump(JSON.parse(formatJson(value)), { noRefs: true, lineWidth: -1 });
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null || 'toJSON' in value) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}
