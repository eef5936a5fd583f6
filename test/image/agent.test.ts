/** The agent in containers with the chart's restrictions, one and two of them on a node: who runs, who waits, and what that costs. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { START_LINE } from '../../deploy/start-line.ts';
import { done, doneUnless, never, notYet, until } from '../e2e/node/wait.ts';
import { TIMES_PROMISED } from '../e2e/scenario.ts';
import {
  type Agent,
  type AgentHost,
  argumentsOf,
  exitCodeWithin,
  logOf,
  makeAgentHost,
  memoryOf,
  type PidNamespace,
  processesOf,
  signalAgent,
  startAgent,
  useEngine,
} from './containers.ts';

useEngine();

const NODE_LINE = ['/usr/bin/node', ...START_LINE.flags, '/usr/lib/pod-checkpointer/pod-checkpointer.cjs', 'agent'];

let host: AgentHost;
let agents: Agent[] = [];
beforeEach(async () => {
  host = await makeAgentHost();
  agents = [];
});
afterEach(async () => {
  for (const { container } of agents) await container.stop({ timeout: 0 });
  host.remove();
});

async function start(pids: PidNamespace = "the node's"): Promise<Agent> {
  const agent = await startAgent(host, pids);
  agents.push(agent);
  return agent;
}

function runsNode(pid: number): boolean {
  return argumentsOf(pid)[0] === '/usr/bin/node';
}

/** Once it has turned; throws at once when its container ends. */
async function metrics(of: Agent): Promise<string> {
  return await until(
    'the metrics',
    async () => {
      if (processesOf(of.pid).length === 0) return never(`the container ended: ${await logOf(of)}`);
      const response = await fetch(host.metricsUrl);
      const text = await response.text();
      return text.includes('checkpointer_last_tick_timestamp_seconds') ? done(text) : notYet(text.slice(0, 200));
    },
    20_000,
  );
}

/** The first runs and serves, the second waits. */
async function startTwo(pids: PidNamespace): Promise<{ readonly holder: Agent; readonly waiter: Agent }> {
  const holder = await start(pids);
  await metrics(holder);
  const waiter = await start(pids);
  await until(
    'a second agent that waits',
    () => {
      const programs = processesOf(waiter.pid).map(argumentsOf);
      // its first try (-n) ends at once and is no waiting
      const waits = programs.some(([program, ...flags]) => program === 'flock' && !flags.includes('-n'));
      return doneUnless(waits ? undefined : `it runs ${programs.map(([program]) => program).join(', ')}`);
    },
    10_000,
    20,
  );
  return { holder, waiter };
}

function milliseconds(from: number): number {
  return performance.now() - from;
}

function figure(name: string, value: string): void {
  process.stdout.write(`${name}: ${value}\n`);
}

describe('one agent', () => {
  test('works with a read-only root, two capabilities and no new privileges, on the start line, and answers', async () => {
    const agent = await start();
    const { pid, container } = agent;
    const text = await metrics(agent);
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    const root = readFileSync(`/proc/${pid}/mountinfo`, 'utf8')
      .split('\n')
      .find((line) => line.split(' ')[4] === '/');

    expect(text).toMatch(/^checkpointer_lock_held 1$/m);
    expect(text).toMatch(/^checkpointer_build_info\{version="[\d.]+",node_version="v24\.21\.0"\} 1$/m);
    expect(argumentsOf(pid).slice(0, NODE_LINE.length)).toEqual(NODE_LINE);
    expect(environment).toEqual(expect.arrayContaining(Object.entries(START_LINE.env).map(([name, value]) => `${name}=${value}`)));
    // capabilities(7): CHOWN is bit 0, DAC_READ_SEARCH bit 2
    expect(status).toMatch(/^CapEff:\t0000000000000005$/m);
    expect(status).toMatch(/^CapBnd:\t0000000000000005$/m);
    expect(status).toMatch(/^NoNewPrivs:\t1$/m);
    expect(root?.split(' ')[5]).toMatch(/^ro\b/);
    figure(
      'agent without checkpoints',
      `${(memoryOf(pid, 'Rss') / 1024).toFixed(0)} MiB resident, ${(memoryOf(pid, 'Pss') / 1024).toFixed(0)} MiB PSS`,
    );

    // what people run beside it shares its 128 MiB
    const shown = await container.exec(['pod-checkpointer', 'status', '--config', '/etc/pod-checkpointer/config.yaml']);
    expect(shown.exitCode).toBe(0);
    expect(shown.output).toContain('no checkpoint is stored');
    expect(runsNode(pid)).toBe(true);
  });

  test('makes the lock for root alone, and never truncates it', async () => {
    const lock = join(host.stateDir, 'lock');
    writeFileSync(lock, 'kept', { mode: 0o600 });
    await metrics(await start());

    expect(readFileSync(lock, 'utf8')).toBe('kept');
    expect(readFileSync(`/proc/locks`, 'utf8')).toMatch(new RegExp(`FLOCK +ADVISORY +WRITE .*:${statSync(lock).ino} `));
  });

  test('makes a lock that is not there with mode 0600', async () => {
    await metrics(await start());

    expect(statSync(join(host.stateDir, 'lock')).mode & 0o7777).toBe(0o600);
  });

  test('ends by itself at SIGTERM (promised: 2 s)', async () => {
    const agent = await start();
    await metrics(agent);
    const from = performance.now();
    await signalAgent(agent, 'SIGTERM');

    expect(await exitCodeWithin(agent, TIMES_PROMISED * 2_000)).toBe(0);
    figure('SIGTERM to the end, running', `${milliseconds(from).toFixed(0)} ms`);
  });
});

describe.each([
  // flock is then process 1's child: process 1 must have a handler for SIGTERM
  { pids: 'its own', programs: ['/bin/sh', 'flock'], terminated: 0 },
  { pids: "the node's", programs: ['flock'], terminated: 143 },
] as const)('two agents, each with $pids processes', ({ pids, programs, terminated }) => {
  test('share a lock: one runs Node.js, the other waits in under 2 MiB and says so', async () => {
    const { holder, waiter } = await startTwo(pids);
    const waiting = processesOf(waiter.pid);

    expect(runsNode(holder.pid)).toBe(true);
    expect(waiting.map((pid) => argumentsOf(pid)[0])).toEqual(programs);
    const sum = (field: 'Rss' | 'Pss' | 'Private_Dirty') => waiting.reduce((total, pid) => total + memoryOf(pid, field), 0);
    figure(
      'waiting agent',
      `${sum('Pss')} KiB PSS, of it ${sum('Private_Dirty')} KiB its own; RSS ${sum('Rss')} KiB, libraries counted twice`,
    );
    expect(sum('Pss')).toBeGreaterThan(0);
    expect(sum('Pss')).toBeLessThan(2_048);
    expect(await logOf(waiter)).toContain('{"level":"info","msg":"Another agent on this node holds the lock; waiting"}');
  });

  test('the waiting one ends at SIGTERM (promised: 2 s), and the other does not notice', async () => {
    const { holder, waiter } = await startTwo(pids);
    const from = performance.now();
    await signalAgent(waiter, 'SIGTERM');

    expect(await exitCodeWithin(waiter, TIMES_PROMISED * 2_000)).toBe(terminated);
    figure('SIGTERM to the end, waiting', `${milliseconds(from).toFixed(0)} ms`);
    expect(runsNode(holder.pid)).toBe(true);
    expect(await metrics(holder)).toMatch(/^checkpointer_lock_held 1$/m);
  });

  test.each(['SIGKILL', 'SIGTERM'] as const)('%s of the one that runs hands the lock over at its end (promised: 1 s)', async (signal) => {
    const { holder, waiter } = await startTwo(pids);
    const ended = exitCodeWithin(holder, TIMES_PROMISED * 2_000);
    const from = performance.now();
    await signalAgent(holder, signal);
    // SIGKILL promises the second from the signal itself; an orderly end may first take its two
    if (signal === 'SIGTERM') await ended;
    const left = signal === 'SIGTERM' ? performance.now() : from;
    await until('the other runs Node.js', () => doneUnless(runsNode(waiter.pid) ? undefined : 'it waits'), 60_000, 2);
    const took = milliseconds(left);

    expect(took).toBeLessThan(TIMES_PROMISED * 1_000);
    expect(await metrics(waiter)).toMatch(/^checkpointer_lock_held 1$/m);
    figure(`${signal} to the other's Node.js`, `${took.toFixed(0)} ms; to its metrics ${milliseconds(from).toFixed(0)} ms`);
    expect(processesOf(waiter.pid)).toEqual([waiter.pid]);
    await ended;
  });
});
