/**
 * What the kernel says of this process, read from /proc when someone scrapes. No timer, and no failure: what cannot be
 * read keeps its last value.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { Metrics } from './metrics.ts';

/** Every Linux architecture reports times to user space in this unit (USER_HZ, proc(5)). */
const TICKS_PER_SECOND = 100;

export interface ProcessStats {
  readonly residentBytes?: number;
  readonly cpuSeconds?: number;
  readonly openFds?: number;
  /** Seconds since 1970. */
  readonly startTime?: number;
}

/** Sets the process gauges before every scrape. `proc` is where the proc file system is mounted. */
export function registerProcessGauges(metrics: Metrics, proc = '/proc'): void {
  metrics.beforeScrape(() => {
    const stats = readProcessStats(proc);
    if (stats.residentBytes !== undefined) metrics.gauge('process_resident_memory_bytes', stats.residentBytes);
    if (stats.cpuSeconds !== undefined) metrics.total('process_cpu_seconds_total', stats.cpuSeconds);
    if (stats.openFds !== undefined) metrics.gauge('process_open_fds', stats.openFds);
    if (stats.startTime !== undefined) metrics.gauge('process_start_time_seconds', stats.startTime);
  });
}

/** Each value on its own: a missing file costs only what stands in it. Synchronous, for these files are in memory. */
export function readProcessStats(proc: string): ProcessStats {
  const residentKb = /^VmRSS:\s+(\d+) kB$/m.exec(readText(`${proc}/self/status`))?.[1];
  const bootTime = /^btime (\d+)$/m.exec(readText(`${proc}/stat`))?.[1];
  // the second field is the program's name in brackets and may hold blanks and brackets itself
  const stat = readText(`${proc}/self/stat`);
  const fields = stat
    .slice(stat.lastIndexOf(')') + 1)
    .trim()
    .split(' ');
  const ticks = (position: number) => Number(fields[position - 3] ?? Number.NaN) / TICKS_PER_SECOND;
  const cpuSeconds = ticks(14) + ticks(15);
  const startTime = Number(bootTime ?? Number.NaN) + ticks(22);
  const openFds = countEntries(`${proc}/self/fd`);
  return {
    ...(residentKb === undefined ? {} : { residentBytes: Number(residentKb) * 1024 }),
    ...(Number.isFinite(cpuSeconds) ? { cpuSeconds } : {}),
    ...(Number.isFinite(startTime) ? { startTime } : {}),
    ...(openFds === undefined ? {} : { openFds }),
  };
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function countEntries(dir: string): number | undefined {
  try {
    return readdirSync(dir).length;
  } catch {
    return undefined;
  }
}
