/**
 * What is to be said of stored checkpoints that are another node's or another cluster's: they neither start nor retire
 * here, and the time to hear of it is while the API server answers. Pure.
 */
import type { Checkpoint } from '../model/model.ts';
import type { Where } from './observation.ts';
import { whose } from './whose.ts';

/** More names than these help nobody. */
const NAMED = 3;

export interface Strangers {
  /** Every checkpoint of a node of this name has another machine id: disk moved or cloned, or the id renewed. */
  readonly machine: boolean;
  /** One sentence, with what to do. */
  readonly sentence: string;
}

export function strangersIn(checkpoints: readonly Checkpoint[], where: Where): Strangers | undefined {
  // of one that cannot be read nobody knows whose it is
  const read = checkpoints.filter(({ record }) => record.parent.uid !== '');
  const strange = read.filter((checkpoint) => whose(checkpoint, where) !== 'ours');
  if (strange.length === 0) return undefined;
  const named = read.filter(({ record }) => record.node.name === where.node);
  const machine = named.length > 0 && named.every(({ record }) => record.node.machineId !== where.machineId);
  const remedy =
    'what runs here is captured anew while the API server answers; the rest stays until an uninstall with purgeOnUninstall, or `pod-checkpointer cleanup --purge`, removes all that is stored';
  const sentence = machine
    ? `no stored checkpoint of node ${where.node} has the id of this machine: none of them would start in an outage, and none is retired; restore the machine id if it was lost; else ${remedy}`
    : `${counted(strange)} of another node or another cluster (${namesOf(strange)}): nothing of that starts or retires here; ${remedy}`;
  return { machine, sentence };
}

function counted({ length }: readonly Checkpoint[]): string {
  return length === 1 ? 'one stored checkpoint is' : `${length} stored checkpoints are`;
}

function namesOf(checkpoints: readonly Checkpoint[]): string {
  const names = checkpoints.slice(0, NAMED).map(({ record }) => `${record.parent.namespace}/${record.parent.name}`);
  return `${names.join(', ')}${checkpoints.length > NAMED ? ', …' : ''}`;
}
