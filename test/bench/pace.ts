/**
 * What does a long outage cost a node, and its end the API servers of a whole site? See {@link PACE_HELP}. The node is
 * measured as it runs (`pace-node.ts`), the site is simulated (`herd.ts`).
 */
import { setTimeout as delay } from 'node:timers/promises';
import { SLOWEST_PACE_MS } from '../../src/core/api/probe-schedule.ts';
import { messageOf } from '../../src/core/model/errors.ts';
import { doneUnless, never, until } from '../e2e/node/wait.ts';
import { herd, seeded } from './herd.ts';
import type { Counters } from './pace-agent.ts';
import { createPaceNode, type PaceNode } from './pace-node.ts';
import { PACE_HELP, type PaceOptions, paceOptions } from './pace-options.ts';
import { type Row, rowsAsTable } from './rows.ts';

const TURNS_A_SECOND = 2;
const CALLS_A_SECOND = 5;
const CPU_SHARE = 0.01;
const HANDSHAKES_A_SECOND = 400;
const VERDICT_MS = 3_000;
/** The schedule is at its slowest after three minutes, and all that is quick for two minutes after a sign is over. */
const SKIPPED_MS = 600_000;
const EARLY_MS = 10_000;
/** The round that has come due by that, with its turns, and the half minute without news after which an outage is calm. */
const SETTLES_MS = 45_000;
const LIMIT_MS = 180_000;
/** After the nodes' power, the API servers': the first figure is told, and promises nothing. */
const SERVERS_UP_MS = [60_000, 180_000, 300_000] as const;
const HERD_LASTS_MS = 600_000;
const SEED = 1;

export async function pace(args: readonly string[]): Promise<number> {
  const options = paceOptions(args);
  if (options === 'help') {
    process.stdout.write(PACE_HELP);
    return 0;
  }
  if ('problem' in options) {
    process.stderr.write(`bench pace: ${options.problem}\n`);
    return 2;
  }
  const rows = [...(await ofNode(options)), ...ofSite(options)];
  process.stdout.write(rowsAsTable(rows));
  return rows.every(({ holds }) => holds) ? 0 : 1;
}

async function ofNode({ copies, seconds }: PaceOptions): Promise<readonly Row[]> {
  const node = await createPaceNode(copies);
  try {
    node.startAgent();
    const captured = () =>
      node.ask().then(
        ({ captured: found }) => lacks(found, copies),
        (error: unknown) => never(messageOf(error)),
      );
    await until('every pod captured', captured, LIMIT_MS, 500);
    await node.powerCut();
    await node.boot();
    await until('every copy placed', async () => lacks(await node.manifests(), copies), LIMIT_MS, 500);
    // the worst that a kubelet can do: parents that it lists are looked for all the time
    node.listParents();
    const early = await measure(node, EARLY_MS);
    await node.ask({ skipMs: SKIPPED_MS });
    await delay(SETTLES_MS);
    return rowsOf(early, await measure(node, seconds * 1_000));
  } finally {
    await node.dispose();
  }
}

function lacks(found: number, wanted: number) {
  return doneUnless(found >= wanted ? undefined : `${found} of ${wanted}`);
}

interface Measured {
  readonly turns: number;
  readonly calls: number;
  readonly cpu: number;
  readonly probes: number;
  /** The shortest time between the ends of two probes; Infinity where there were not two. */
  readonly closestMs: number;
}

/** Turns and calls a second, the share of a core, and the probes. */
async function measure(node: PaceNode, ms: number): Promise<Measured> {
  const [from, callsBefore] = [await node.ask(), node.calls()];
  await delay(ms);
  const [to, calls] = [await node.ask(), node.calls() - callsBefore];
  const took = to.atMs - from.atMs;
  // the last one before, too: the time since it counts
  const probes = to.probes.slice(Math.max(0, from.probes.length - 1));
  return {
    turns: ((to.turns - from.turns) * 1_000) / took,
    calls: (calls * 1_000) / took,
    cpu: (to.cpuMs - from.cpuMs) / took,
    probes: newProbes(from, to),
    closestMs: Math.min(...probes.slice(1).map((at, index) => at - (probes[index] ?? at))),
  };
}

function newProbes(from: Counters, to: Counters): number {
  return to.probes.length - from.probes.length;
}

function rowsOf(early: Measured, late: Measured): readonly Row[] {
  const percent = (share: number): string => `${(share * 100).toFixed(2)} %`;
  const told = ({ turns, calls, cpu }: Measured): string => `${turns.toFixed(1)} turns/s, ${calls.toFixed(1)} calls/s, CPU ${percent(cpu)}`;
  const closest = Number.isFinite(late.closestMs)
    ? `${late.probes}, ${(late.closestMs / 1_000).toFixed(1)} s apart at least`
    : `${late.probes}`;
  return [
    { what: 'outage begins, ten seconds of it', measured: told(early), promised: '', holds: true },
    row('long outage: turns a second', late.turns.toFixed(2), `at most ${TURNS_A_SECOND}`, late.turns <= TURNS_A_SECOND),
    row('long outage: calls to the runtime a second', late.calls.toFixed(2), `at most ${CALLS_A_SECOND}`, late.calls <= CALLS_A_SECOND),
    row('long outage: share of a core', percent(late.cpu), `below ${percent(CPU_SHARE)}`, late.cpu < CPU_SHARE),
    // a round ends up to its deadline after it began, so two ends may be a little closer than two begins
    row('long outage: probes of the endpoint', closest, 'one in 15 s', !(late.closestMs < SLOWEST_PACE_MS - 100)),
  ];
}

function ofSite({ nodes }: PaceOptions): readonly Row[] {
  return SERVERS_UP_MS.flatMap((serverUpAt, index) => {
    const found = herd({ nodes, serverUpAt, lastsMs: HERD_LASTS_MS, random: seeded(SEED + index) });
    const most = Math.max(...found.handshakes);
    const all = Math.max(...found.handshakes.map((count, second) => count + (found.watches[second] ?? 0)));
    const name = `${nodes} nodes, servers up after ${serverUpAt / 1_000} s`;
    const promised = index === 0 ? '' : `at most ${HANDSHAKES_A_SECOND}`;
    return [
      row(`${name}: handshakes a second`, `${most} (${all} with the watches')`, promised, index === 0 || most <= HANDSHAKES_A_SECOND),
      row(`${name}: slowest verdict`, `${found.slowestVerdictMs} ms`, `at most ${VERDICT_MS} ms`, found.slowestVerdictMs <= VERDICT_MS),
      { what: `${name}: slowest first answer`, measured: `${(found.slowestAnswerMs / 1_000).toFixed(1)} s`, promised: '', holds: true },
    ];
  });
}

function row(what: string, measured: string, promised: string, holds: boolean): Row {
  return { what, measured, promised, holds };
}
