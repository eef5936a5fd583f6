/** What the kubelet's configuration file says of the resources that it gives to pods, as written there. Pure. */
import { field, textField } from '../model/json.ts';
import type { Json } from '../model/model.ts';
import { hardThresholdsOf } from './eviction.ts';

export interface KubeletResources {
  /** Kept from pods, by resource: `kubeReserved`, then `systemReserved`. Quantities. */
  readonly reserved: readonly Readonly<Record<string, string>>[];
  /** Number of CPUs in `reservedSystemCPUs`, which goes before both (cmd/kubelet/app/server.go). */
  readonly reservedCpus?: number;
  /** Below which the node evicts, by signal; quantities or percentages. */
  readonly evictionHard: Readonly<Record<string, string>>;
  readonly maxPods: number;
  /** 0: no such limit. */
  readonly podsPerCore: number;
  readonly cpuManagerPolicy: string;
}

/** pkg/kubelet/apis/config/v1beta1/defaults.go. */
const DEFAULT_MAX_PODS = 110;

/** `content`: the file, parsed. */
export function kubeletResources(content: Json): KubeletResources {
  const reservedCpus = cpusIn(textField(content, 'reservedSystemCPUs') ?? '');
  return {
    reserved: [quantities(field(content, 'kubeReserved')), quantities(field(content, 'systemReserved'))],
    ...(reservedCpus === 0 ? {} : { reservedCpus }),
    evictionHard: Object.fromEntries(hardThresholdsOf(content).map(({ signal, below }) => [signal, below])),
    maxPods: whole(field(content, 'maxPods')) || DEFAULT_MAX_PODS,
    podsPerCore: whole(field(content, 'podsPerCore')),
    cpuManagerPolicy: textField(content, 'cpuManagerPolicy') || 'none',
  };
}

/** YAML reads a bare `1` as a number. */
function quantities(value: unknown): Readonly<Record<string, string>> {
  const entries = Object.entries(typeof value === 'object' && value !== null ? value : {});
  return Object.fromEntries(entries.map(([name, quantity]) => [name, String(quantity)]));
}

function whole(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0;
}

/** `0-3,8`: five CPUs. What makes no sense counts as none: the kubelet would not start with it. */
function cpusIn(list: string): number {
  const found = new Set<number>();
  for (const part of list.split(',')) {
    const [, first, last = first] = /^\s*(\d{1,4})(?:-(\d{1,4}))?\s*$/.exec(part) ?? [];
    if (first === undefined) continue;
    for (let cpu = Number(first); cpu <= Number(last); cpu += 1) found.add(cpu);
  }
  return found.size;
}
