/** The product's own word on its checkpoints: `status --output json`, and what lies on the disk. */
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Node } from './node/node.ts';

export interface CheckpointStatus {
  /** namespace/name */
  readonly checkpoint: string;
  readonly state: string;
  readonly reason: string;
}

/** Asks the command line. Takes a bare list or an object that holds one. */
export async function checkpointStatus(node: Node): Promise<readonly CheckpointStatus[]> {
  const result = await node.agent.command(['status', '--output', 'json']);
  if (result.code !== 0) throw new Error(`status: exit ${result.code}: ${result.stderr.trim()}`);
  const parsed = JSON.parse(result.stdout) as unknown;
  const list = Array.isArray(parsed) ? parsed : Object.values(parsed as Record<string, unknown>).find(Array.isArray);
  return ((list ?? []) as Record<string, unknown>[]).map((entry) => ({
    checkpoint: `${entry['namespace']}/${entry['name']}`,
    state: String(entry['state']),
    reason: String(entry['reason']),
  }));
}

export function checkpointDir(node: Node, checkpoint: string): string {
  return join(node.paths.agentState, 'checkpoints', checkpoint.replace('/', '_'));
}

/** uid of the pod of which the current revision was taken. */
export function storedUid(node: Node, checkpoint: string): string {
  const record = readFileSync(join(checkpointDir(node, checkpoint), 'current', 'record.json'), 'utf8');
  return (JSON.parse(record) as { body: { record: { parent: { uid: string } } } }).body.record.parent.uid;
}

/** The API servers' own addresses that the agent keeps for the time when it reaches none, as they stand on the disk. */
export function keptAddresses(node: Node): string {
  const file = join(node.paths.agentState, 'api-addresses.json');
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

/** What all pods of the node ask for by what the agent keeps for the time without an API server, in thousandths of a CPU. */
export function keptCpu(node: Node): number {
  const file = join(node.paths.agentState, 'requested.json');
  return existsSync(file) ? Number(/"cpu":\s*(\d+)/.exec(readFileSync(file, 'utf8'))?.[1] ?? Number.NaN) : Number.NaN;
}

/** What is missing or too open in a stored checkpoint; undefined when all is well. */
export function storedComplaint(node: Node, checkpoint: string): string | undefined {
  const current = join(checkpointDir(node, checkpoint), 'current');
  if (!existsSync(current)) return `${checkpoint}: nothing on disk`;
  const missing = ['record.json', 'pod.json', 'files'].filter((name) => !existsSync(join(current, name)));
  if (missing.length > 0) return `${checkpoint}: ${missing.join(', ')} missing in ${readlinkSync(current)}`;
  const mode = statSync(node.paths.agentState).mode & 0o777;
  return mode === 0o700 ? undefined : `the state directory has mode ${mode.toString(8)}, not 700`;
}

/** Our own files in staticPodPath; the scenarios' foreign files are named `foreign`, in whatever way. */
export function ownManifests(node: Node): readonly string[] {
  return readdirSync(node.paths.manifests).filter((name) => !name.includes('foreign'));
}
