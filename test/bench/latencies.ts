/** How long the turns between two looks at an agent's metrics took, by their histogram. Pure. */

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
