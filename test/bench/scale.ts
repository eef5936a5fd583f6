/** How much does one node take? See {@link SCALE_HELP}. Prints a table. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { doneUnless, until } from '../e2e/node/wait.ts';
import { latencies } from './latencies.ts';
import { type Row, rowsAsTable } from './rows.ts';
import { createScaleNode, type ScaleNode } from './scale-node.ts';
import { LOST, SCALE_HELP, scaleOptions } from './scale-options.ts';
import { NAMESPACE, nameOf, orderOf } from './scale-pods.ts';

const RESIDENT_MIB = 90;
const TURN_MS = 50;
const WAIT_MS = 100;
/** Changes of pods, one at a time, each a turn. */
const CHANGES = 300;
const CHANGE_EVERY_MS = 200;
const LIMIT_MS = 600_000;

export async function scale(args: readonly string[]): Promise<number> {
  const pods = scaleOptions(args);
  if (pods === 'help') {
    process.stdout.write(SCALE_HELP);
    return 0;
  }
  if (typeof pods !== 'number') {
    process.stderr.write(`bench scale: ${pods.problem}\n`);
    return 2;
  }
  const node = await createScaleNode(pods, { limits: { checkpoints: pods, active: pods } });
  const sampling = setInterval(() => node.memory(), 100);
  const rows: Row[] = [];
  const add = (row: Row): void => {
    rows.push(row);
    process.stdout.write(`${row.what}: ${row.measured}\n`);
  };
  try {
    add(await capture(node, pods));
    for (const row of await turns(node, pods)) add(row);
    add(await damage(node, pods));
    for (const row of await activation(node, pods)) add(row);
    for (const row of await powerCut(node, pods)) add(row);
    const { resident, anonymous } = node.memory();
    const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
    add({
      what: 'memory at most',
      measured: `${mib(resident)} resident, ${mib(anonymous)} anonymous`,
      promised: `${RESIDENT_MIB} MiB resident`,
      holds: resident <= RESIDENT_MIB * 2 ** 20,
    });
  } finally {
    clearInterval(sampling);
    await node.dispose();
  }
  process.stdout.write(`\n${rowsAsTable(rows)}`);
  return rows.every(({ holds }) => holds) ? 0 : 1;
}

async function capture(node: ScaleNode, pods: number): Promise<Row> {
  const from = performance.now();
  node.startAgent();
  const captured = (): number => new Set(saidOf(node, 'Captured the parent')).size;
  await until('every pod captured', () => doneUnless(captured() === pods ? undefined : `${captured()} of ${pods}`), LIMIT_MS);
  const seconds = (performance.now() - from) / 1000;
  return {
    what: `${pods} pods captured`,
    measured: `${seconds.toFixed(1)} s, CPU ${node.cpu().toFixed(1)} s`,
    promised: 'all',
    holds: true,
  };
}

/** At rest for two rounds of verification, then under a stream of changes; the last ones stay as they are, for `damage`. */
async function turns(node: ScaleNode, pods: number): Promise<readonly Row[]> {
  await delay(5_000);
  const start = { page: await node.metrics(), cpu: node.cpu(), at: performance.now() };
  await delay(125_000);
  const rest = { page: await node.metrics(), cpu: node.cpu(), at: performance.now() };
  for (let index = 0; index < CHANGES; index += 1) {
    node.api.updatePod(
      { namespace: NAMESPACE, name: nameOf(index % Math.min(100, pods - 10)) },
      { metadata: { labels: { change: String(index) } } },
    );
    await delay(CHANGE_EVERY_MS);
  }
  const end = await node.metrics();
  const quiet = latencies(start.page, rest.page);
  const busy = latencies(rest.page, end);
  const share = ((rest.cpu - start.cpu) / (rest.at - start.at)) * 100_000;
  return [
    {
      what: 'turns at rest',
      measured: `${quiet.count} in 125 s, slowest ${quiet.slowest}, CPU ${share.toFixed(2)} %`,
      promised: `none waits over ${WAIT_MS} ms for verification`,
      holds: quiet.within(WAIT_MS) === quiet.count,
    },
    {
      what: `turns while ${CHANGES} pods change`,
      measured: `${busy.count}, 99 % within ${busy.p99}, slowest ${busy.slowest}`,
      promised: `99 % within ${TURN_MS} ms`,
      holds: busy.within(TURN_MS) >= busy.count * 0.99,
    },
  ];
}

/** The last one of all: every checkpoint is read in its turn. */
async function damage(node: ScaleNode, pods: number): Promise<Row> {
  const key = `${NAMESPACE}_${nameOf(pods - 2)}`;
  const files = join(node.dir, 'state/checkpoints', key, 'current/files');
  const path = readdirSync(files, { recursive: true, withFileTypes: true }).find((entry) => entry.isFile() && entry.name === 'app.conf');
  if (path === undefined) throw new Error(`${files} holds no app.conf`);
  writeFileSync(join(path.parentPath, path.name), 'damaged');
  const from = performance.now();
  const found = (): boolean => saidOf(node, 'A stored checkpoint cannot be used').length > 0;
  await until('the damage is told', () => doneUnless(found() ? undefined : 'not yet'), LIMIT_MS);
  const seconds = (performance.now() - from) / 1000;
  return { what: 'damage to one file told after', measured: `${seconds.toFixed(1)} s`, promised: '90 s', holds: seconds <= 90 };
}

/** The API server goes, and with it a hundred parents. */
async function activation(node: ScaleNode, pods: number): Promise<readonly Row[]> {
  const lost = Array.from({ length: Math.min(LOST, pods / 2) }, (_, index) => index);
  const before = await node.metrics();
  const from = performance.now();
  await node.api.stop();
  await node.lose(new Set(lost.map(nameOf)));
  const order = await placed(node, lost.length, from);
  const { count, slowest, p99 } = latencies(before, await node.metrics());
  return [
    orderRow(`${lost.length} copies placed at once`, order, 30),
    { what: 'turns meanwhile', measured: `${count}, 99 % within ${p99}, slowest ${slowest}`, promised: '–', holds: true },
  ];
}

async function powerCut(node: ScaleNode, pods: number): Promise<readonly Row[]> {
  await node.powerCut();
  const already = (await node.manifests()).length;
  await node.boot();
  const from = performance.now();
  node.startAgent();
  const order = await placed(node, pods - already, from);
  return [orderRow(`power cut: ${order.length} more copies placed`, order, 120)];
}

interface Placed {
  readonly index: number;
  readonly afterMs: number;
}

/** In the order in which they appear. */
async function placed(node: ScaleNode, wanted: number, from: number): Promise<readonly Placed[]> {
  const seen = new Set(await node.manifests());
  const order: Placed[] = [];
  await until(
    'every copy placed',
    async () => {
      for (const name of await node.manifests()) {
        if (seen.has(name)) continue;
        seen.add(name);
        order.push({ index: Number(/app-(\d+)-/.exec(name)?.[1]), afterMs: performance.now() - from });
      }
      return doneUnless(order.length >= wanted ? undefined : `${order.length} of ${wanted}`);
    },
    LIMIT_MS,
    20,
  );
  return order;
}

function orderRow(what: string, order: readonly Placed[], seconds: number): Row {
  const first = order[0]?.afterMs ?? 0;
  const last = order.at(-1)?.afterMs ?? 0;
  const until = new Map<number, number>();
  for (const { index, afterMs } of order) until.set(orderOf(index), Math.max(until.get(orderOf(index)) ?? 0, afterMs));
  const inOrder = order.every(({ index, afterMs }) => [...until].every(([other, end]) => other >= orderOf(index) || end <= afterMs));
  return {
    what,
    measured: `first after ${(first / 1000).toFixed(1)} s, last after ${(last / 1000).toFixed(1)} s, ${inOrder ? 'in order' : 'out of order'}`,
    promised: `in order, all within ${seconds} s`,
    holds: inOrder && last <= seconds * 1000,
  };
}

function saidOf(node: ScaleNode, msg: string): readonly string[] {
  return node.lines.filter((line) => line.msg === msg).map(({ fields }) => String(fields['checkpoint']));
}
