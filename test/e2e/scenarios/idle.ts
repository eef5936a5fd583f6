/** What the agent costs when there is nothing to do. */
import { readFileSync } from 'node:fs';
import type { Node } from '../node/node.ts';
import { type Answer, done, holds, notYet, until } from '../node/wait.ts';
import { check, expect, given, remembered, type Scenario, sameOnEveryKubelet, when } from '../scenario.ts';
import { parentsReady } from '../workload.ts';

/** Ticks per second of /proc/<pid>/stat: fixed at 100 on every Linux that Node.js runs on. */
const CLOCK_TICKS = 100;
const SETTLED_MS = 10_000;
const MEMORY_LIMIT_MIB = 128;
/** The open watch may be renewed now and then; a request per minute is more than that needs. */
const REQUESTS_PER_MINUTE = 1;

interface Cost {
  readonly at: number;
  readonly residentMiB: number;
  readonly cpuSeconds: number;
  readonly switches: number;
  readonly writtenBytes: number;
  readonly requests: number;
  readonly diskWrites: number;
}

function numberIn(text: string, pattern: RegExp): number {
  return Number(pattern.exec(text)?.[1] ?? Number.NaN);
}

/** Sum of a metric's series; 0 when it has none yet. */
function metricSum(text: string, name: string): number {
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

async function costNow(node: Node): Promise<Cost> {
  const proc = (file: string) => readFileSync(`/proc/${node.agent.pid()}/${file}`, 'utf8');
  const stat = proc('stat');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const metrics = await node.agent.metrics();
  return {
    at: performance.now(),
    residentMiB: numberIn(proc('status'), /^VmRSS:\s+(\d+)/m) / 1024,
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS,
    switches: numberIn(proc('status'), /^voluntary_ctxt_switches:\s+(\d+)/m),
    writtenBytes: numberIn(proc('io'), /^write_bytes: (\d+)/m),
    requests: metricSum(metrics, 'checkpointer_api_requests_total'),
    diskWrites: metricSum(metrics, 'checkpointer_disk_writes_total'),
  };
}

/** Done when the agent asked and wrote nothing for so long: what an earlier scenario caused is over. */
async function restingFor(node: Node, ms: number): Promise<Answer<void>> {
  const from = await costNow(node);
  await holds('the agent lives', () => (node.agent.alive() ? undefined : 'it ended'), ms, 1_000);
  const to = await costNow(node);
  const busy = to.requests - from.requests + to.diskWrites - from.diskWrites;
  return busy === 0 ? done() : notYet(`${busy} requests and writes within ${ms / 1000} s`);
}

export const idle: Scenario = {
  id: 'idle',
  title: 'The idle agent is quiet and small',
  needs: ['capture'],
  kubelet: sameOnEveryKubelet('what the agent costs by itself; its watch is held against every API server in `contracts`'),
  steps: ({ idleMs }) => {
    let before: Cost | undefined;
    let after: Cost | undefined;
    return [
      given('both parents are Ready and nothing is going on', async ({ node, memory }) => {
        memory.parents = await parentsReady(node, 60_000);
        await until('the agent at rest', () => restingFor(node, SETTLED_MS), 120_000, 0);
      }),
      when(`nothing happens for ${idleMs / 1000} s`, async ({ node }) => {
        before = await costNow(node);
        await holds('the agent lives', () => (node.agent.alive() ? undefined : 'it ended'), idleMs, 1_000);
        after = await costNow(node);
      }),
      check('it made no API requests but for its watch, wrote nothing to the disk, and stayed small', async (world) => {
        const [from, to] = [remembered(before, 'a first reading'), remembered(after, 'a second reading')];
        const seconds = (to.at - from.at) / 1000;
        const requests = to.requests - from.requests;
        world.figure('idle: resident memory', to.residentMiB, 'MiB');
        world.figure('idle: CPU', (100 * (to.cpuSeconds - from.cpuSeconds)) / seconds, '%');
        world.figure('idle: voluntary switches per second', (to.switches - from.switches) / seconds, 'count');
        world.figure('idle: API requests', requests, 'count');
        world.figure('idle: disk writes', to.diskWrites - from.diskWrites, 'count');
        world.figure('idle: bytes written', to.writtenBytes - from.writtenBytes, 'bytes');
        expect(requests <= Math.ceil((REQUESTS_PER_MINUTE * seconds) / 60), `${requests} API requests in ${seconds.toFixed(0)} s`);
        expect(to.diskWrites === from.diskWrites, `${to.diskWrites - from.diskWrites} disk writes`);
        expect(to.residentMiB <= MEMORY_LIMIT_MIB, `resident memory is ${to.residentMiB.toFixed(0)} MiB`);
      }),
    ];
  },
};
