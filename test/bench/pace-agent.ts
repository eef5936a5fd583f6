/**
 * The agent of `pace.ts`, as a process of its own: every part as in production, but a clock that can be put forward, and
 * counters. Run with one argument, the configuration file; asked over the channel to the process that started it.
 */
import { readFile } from 'node:fs/promises';
import { createClock } from '../../src/adapters/clock.ts';
import { createHostLock } from '../../src/adapters/disk/lock.ts';
import { createAgent } from '../../src/agent/agent.ts';
import { joinPorts } from '../../src/cli/agent/join-ports.ts';
import { loadConfig } from '../../src/cli/load-config.ts';
import { messageOf } from '../../src/core/model/errors.ts';
import type { Clock, Meter } from '../../src/ports.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { createApiObserver, createMetrics } from '../../src/telemetry/metrics.ts';

/** `skipMs`: this much time passes at once. Every question is answered by the counters. */
export interface Question {
  readonly skipMs?: number;
}

export interface Counters {
  readonly turns: number;
  readonly captured: number;
  /** When each probe ended, in milliseconds of the real clock. */
  readonly probes: readonly number[];
  /** CPU time so far. */
  readonly cpuMs: number;
  readonly atMs: number;
}

const VERSION = 'bench';

async function main(configFile: string): Promise<void> {
  const read = await loadConfig({ file: configFile, flags: {}, env: {}, readFile: (path) => readFile(path, 'utf8') });
  if (!read.ok) throw new Error(read.errors.join('; '));
  const { config } = read;
  const real = createClock();
  let skipped = 0;
  const clock: Clock = { now: () => real.now() + skipped, wall: () => real.wall() + skipped, sleep: real.sleep };
  const metrics = createMetrics({ version: VERSION, nodeVersion: process.version, onError: () => undefined });
  const counters = { turns: 0, captured: 0, probes: [] as number[] };
  const meter: Meter = {
    ...metrics,
    count(name, labels, by) {
      if (name === 'checkpointer_captures_total' && labels?.['result'] === 'saved') counters.captured += 1;
      metrics.count(name, labels, by);
    },
    observe(name, value, labels) {
      if (name === 'checkpointer_tick_duration_seconds') counters.turns += 1;
      metrics.observe(name, value, labels);
    },
  };
  const observer = createApiObserver(metrics);
  const lock = createHostLock({ stateDir: config.stateDir });
  if (!(await lock.tryAcquire())) throw new Error('another agent holds the lock');
  const joined = await joinPorts({
    config,
    clock,
    meter,
    lock,
    observer: {
      ...observer,
      probe(outcome) {
        counters.probes.push(real.now());
        observer.probe(outcome);
      },
    },
    log: createLog({ level: 'info', to: { write: () => true }, wall: clock.wall, fields: {} }),
    place: { role: 'process' },
    version: VERSION,
    env: {},
    uid: process.getuid?.() ?? 0,
    random: Math.random,
  });
  const stop = new AbortController();
  process.on('disconnect', () => stop.abort());
  process.on('message', ({ skipMs = 0 }: Question) => {
    skipped += skipMs;
    const { user, system } = process.cpuUsage();
    const told: Counters = { ...counters, cpuMs: (user + system) / 1_000, atMs: real.now() };
    process.send?.(told);
  });
  await createAgent(joined.ports, joined.settings).run(stop.signal);
  await joined.close();
  process.exit(0);
}

main(process.argv[2] ?? '').catch((error: unknown) => {
  process.stderr.write(`the agent of the bench: ${messageOf(error)}\n`);
  process.exit(1);
});
