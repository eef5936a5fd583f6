/** What a measurement prints: a row for each figure, beside what is promised. Pure. */

export interface Row {
  readonly what: string;
  readonly measured: string;
  /** '' where nothing is promised. */
  readonly promised: string;
  readonly holds: boolean;
}

export function rowsAsTable(rows: readonly Row[]): string {
  const verdict = ({ promised, holds }: Row): string => (promised === '' ? '' : holds ? 'holds' : 'BROKEN');
  const cells = [['what', 'measured', 'promised', ''], ...rows.map((row) => [row.what, row.measured, row.promised, verdict(row)])];
  const widths = [0, 1, 2, 3].map((at) => Math.max(...cells.map((row) => row[at]?.length ?? 0)));
  return cells
    .map(
      (row) =>
        `${row
          .map((cell, at) => cell.padEnd(widths[at] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
