/** What the measurements print, and how they read the turns' histogram. Pure. */

export interface Row {
  readonly what: string;
  readonly measured: string;
  readonly promised: string;
  readonly holds: boolean;
}

export function table(rows: readonly Row[]): string {
  const cells = [
    ['what', 'measured', 'promised', ''],
    ...rows.map((row) => [row.what, row.measured, row.promised, row.holds ? 'holds' : 'BROKEN']),
  ];
  const width = (at: number): number => Math.max(...cells.map((row) => (row[at] ?? '').length));
  return cells
    .map(
      (row) =>
        `${row
          .map((cell, at) => cell.padEnd(width(at)))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

export interface Latencies {
  readonly count: number;
  /** How many took no longer; `ms` is a bound of the histogram. */
  within(ms: number): number;
  /** The smallest bound within which 99 of 100 ended, and all: in words. */
  readonly p99: string;
  readonly slowest: string;
}

/** Of the turns between two metrics pages of one agent. */
export function latencies(before: string, after: string): Latencies {
  const [from, to] = [buckets(before), buckets(after)];
  const counts = [...to].map(([bound, count]) => [bound, count - (from.get(bound) ?? 0)] as const);
  const count = counts.at(-1)?.[1] ?? 0;
  const bound = (share: number): string => {
    const [seconds = Infinity] = counts.find(([, within]) => within >= count * share) ?? [];
    return seconds === Infinity ? 'more than 10 s' : `${seconds * 1000} ms`;
  };
  return { count, within: (ms) => counts.find(([seconds]) => seconds * 1000 === ms)?.[1] ?? 0, p99: bound(0.99), slowest: bound(1) };
}

function buckets(page: string): ReadonlyMap<number, number> {
  const found = page.matchAll(/^checkpointer_tick_duration_seconds_bucket\{le="([^"]+)"\} (\d+)$/gm);
  return new Map([...found].map(([, bound, count]) => [bound === '+Inf' ? Infinity : Number(bound), Number(count)]));
}
