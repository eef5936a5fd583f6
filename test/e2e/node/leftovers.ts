/**
 * What a test node may have left on this computer: named by the node's id and state directory, so that nothing foreign
 * can be meant. Lists, and sweeps what runs that were killed could not remove themselves.
 */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { nodePaths } from './layout.ts';
import { cgroupsOf, removeCgroups } from './machine.ts';
import { pids, run } from './process.ts';

const PREFIX = 'podckpt-e2e';
/** Not /tmp: the chart refuses directories that a reboot empties, and the node is what it is installed on. */
const BASE = '/srv';
const ID = new RegExp(`^${PREFIX}-(\\d+)-[0-9a-f]{6}$`);

/** A name for a node that tells whose it is: our pid and six random hex digits. */
export function newNodeId(random: string): string {
  return `${PREFIX}-${process.pid}-${random}`;
}

export function stateDirOf(id: string): string {
  return join(BASE, id);
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** Everything of a node that is still here, in words; empty after a clean end. */
export function leftoversOf(id: string): string[] {
  const mark = `${stateDirOf(id)}/`;
  const left: string[] = [];
  for (const pid of pids()) {
    const command = textOf(`/proc/${pid}/cmdline`).replaceAll('\0', ' ');
    if (command.includes(mark)) left.push(`process ${pid}: ${command.slice(0, 120)}`);
  }
  const mounts = textOf('/proc/mounts').split('\n');
  left.push(...mounts.filter((line) => line.includes(mark) || line.includes(`/run/netns/${id} `)).map((line) => `mount ${line}`));
  if (existsSync(`/run/netns/${id}`)) left.push(`network namespace ${id}`);
  left.push(...cgroupsOf(id, nodePaths(stateDirOf(id)).containerdState).map((dir) => `control group ${dir}`));
  return left;
}

/** Removes what earlier runs left whose process is gone (SIGKILL, a crashed computer). */
export async function sweepDeadRuns(say: (line: string) => void): Promise<void> {
  const names = [...list('/run/netns'), ...list(BASE)].filter((name) => ID.test(name));
  for (const id of new Set(names)) {
    const owner = ID.exec(id)?.[1] ?? '';
    if (textOf(`/proc/${owner}/cmdline`).includes('run.ts')) continue;
    if (existsSync(`/run/netns/${id}`)) await run(['ip', 'netns', 'del', id]);
    await removeCgroups(id, nodePaths(stateDirOf(id)).containerdState);
    rmSync(stateDirOf(id), { recursive: true, force: true });
    say(`removed what an earlier run left: ${id}`);
  }
}

function list(dir: string): string[] {
  return existsSync(dir) ? readdirSync(dir) : [];
}
