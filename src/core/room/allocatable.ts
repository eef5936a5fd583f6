/**
 * What the kubelet gives to pods: the machine less what it keeps (pkg/kubelet/nodestatus/setters.go: MachineInfo,
 * pkg/kubelet/cm/node_container_manager_linux.go: GetNodeAllocatableReservation). Pure.
 */
import type { KubeletResources } from '../kubelet/kubelet-resources.ts';
import type { Amounts, Resource } from '../model/reservation.ts';
import { amountIn, amountOf } from './amounts.ts';

/** What the machine has; what could not be found out is left out. Whole numbers. */
export interface MachineSize {
  readonly cpus?: number;
  /** Bytes. */
  readonly memory?: number;
  /** Bytes of its memory that are huge pages, of all sizes. */
  readonly hugePages?: number;
  /** Bytes of the file system that the kubelet's root directory is on. */
  readonly rootDirSize?: number;
}

/** Where the kubelet's configuration is not to be had: a quarter may well be what it keeps for itself. */
const MARGIN = 0.25;

/** The signal of each resource's eviction threshold (pkg/kubelet/cm/helpers.go: hardEvictionReservation). */
const SIGNALS: Readonly<Partial<Record<Resource, string>>> = { memory: 'memory.available', 'ephemeral-storage': 'nodefs.available' };

/** `kubelet`: undefined where there is no file to read, so that all may stand in flags. */
export function allocatable(machine: MachineSize, kubelet: KubeletResources | undefined): Partial<Amounts> {
  const { cpus, memory, hugePages, rootDirSize } = machine;
  const found: Partial<Record<Resource, number>> = {};
  const give = (resource: Resource, capacity: number | undefined): void => {
    const kept = capacity === undefined ? undefined : keptOf(resource, capacity, kubelet);
    if (capacity !== undefined && kept !== undefined) found[resource] = Math.max(0, Math.floor(capacity - kept));
  };
  give('cpu', cpus === undefined ? undefined : cpus * 1000);
  give('memory', memory);
  give('ephemeral-storage', rootDirSize);
  // huge pages are a resource of their own, and no memory for anybody else
  if (hugePages === undefined) delete found.memory;
  else if (found.memory !== undefined) found.memory = Math.max(0, found.memory - hugePages);
  return found;
}

/** How many pods the kubelet takes; undefined where its configuration is not known. */
export function podLimit({ cpus }: MachineSize, kubelet: KubeletResources | undefined): number | undefined {
  if (kubelet === undefined) return undefined;
  const { maxPods, podsPerCore } = kubelet;
  return podsPerCore === 0 || cpus === undefined ? maxPods : Math.min(maxPods, cpus * podsPerCore);
}

/** undefined: it is written in a way that we do not understand. */
function keptOf(resource: Resource, capacity: number, kubelet: KubeletResources | undefined): number | undefined {
  if (kubelet === undefined) return capacity * MARGIN;
  const threshold = evictionOf(resource, capacity, kubelet);
  const reserved = kubelet.reserved.map((list) => (Object.hasOwn(list, resource) ? amountIn(list, resource) : 0));
  const parts = resource === 'cpu' && kubelet.reservedCpus !== undefined ? [kubelet.reservedCpus * 1000] : [...reserved, threshold];
  let kept = 0;
  for (const part of parts) {
    if (part === undefined) return undefined;
    kept += part;
  }
  return kept;
}

function evictionOf(resource: Resource, capacity: number, { evictionHard }: KubeletResources): number | undefined {
  const signal = SIGNALS[resource];
  const written = signal !== undefined && Object.hasOwn(evictionHard, signal) ? evictionHard[signal] : undefined;
  if (written === undefined) return 0;
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(written)?.[1];
  // of single precision, as the kubelet has it (pkg/kubelet/eviction/helpers.go: parsePercentage)
  return percent === undefined ? amountOf(written, resource) : Math.ceil(capacity * Math.fround(Math.fround(Number(percent)) / 100));
}
