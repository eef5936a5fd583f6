/** What /proc says of a process, and what is left when a part of it cannot be read. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { readProcessStats, registerProcessGauges } from '../../src/telemetry/process-gauges.ts';

let proc = '';
beforeEach(() => {
  proc = mkdtempSync(join(tmpdir(), 'proc-'));
  mkdirSync(join(proc, 'self/fd'), { recursive: true });
});
afterEach(() => rmSync(proc, { recursive: true }));

/** proc(5): field 14 utime, 15 stime, 22 starttime; the name holds a blank and a bracket. */
const STAT = `42 (a ) b) S ${Array.from({ length: 10 }, (_, index) => index + 4).join(' ')} 150 50 16 17 18 19 20 21 1234 23 24\n`;

function writeProc(files: Readonly<Record<string, string>>): void {
  for (const [name, content] of Object.entries(files)) writeFileSync(join(proc, name), content);
}

test('memory, processor time, open files and start are read in their units', () => {
  writeProc({
    stat: 'cpu 1 2\nbtime 1000\n',
    'self/stat': STAT,
    'self/status': 'Name:\tx\nVmRSS:\t    2048 kB\n',
    'self/fd/0': '',
    'self/fd/1': '',
  });
  expect(readProcessStats(proc)).toEqual({ residentBytes: 2_097_152, cpuSeconds: 2, startTime: 1012.34, openFds: 2 });
});

test.each([
  ['nothing at all', {}, { openFds: 0 }],
  ['no boot time', { 'self/stat': STAT }, { cpuSeconds: 2, openFds: 0 }],
  ['garbage', { 'self/stat': 'x', 'self/status': 'VmRSS: none', stat: 'btime' }, { openFds: 0 }],
])('with %s the rest is still told', (_, files, expected) => {
  writeProc(files);
  expect(readProcessStats(proc)).toEqual(expected);
});

test('where there is no proc file system, nothing is told and nothing thrown', () => {
  expect(readProcessStats(join(proc, 'absent'))).toEqual({});
});

test('a scrape of this very process gives all four gauges', async () => {
  const metrics = createMetrics({ version: '1', nodeVersion: '1', onError: () => undefined });
  registerProcessGauges(metrics);
  const { body } = await metrics.render();
  const value = (name: string) => Number(new RegExp(`^${name} (.*)$`, 'm').exec(body)?.[1]);
  expect(value('process_resident_memory_bytes')).toBeGreaterThan(1_000_000);
  expect(value('process_cpu_seconds_total')).toBeGreaterThan(0);
  expect(value('process_open_fds')).toBeGreaterThan(2);
  expect(Math.abs(value('process_start_time_seconds') - (Date.now() / 1000 - process.uptime()))).toBeLessThan(60);
});
