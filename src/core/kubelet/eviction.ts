/**
 * Is the node short of what the kubelet evicts pods for? Its thresholds, from its configuration, against what the
 * machine has, counted as the kubelet counts. Pure.
 *
 * By `pkg/kubelet/eviction`: helpers.go (parseThresholdStatement, makeSignalObservations, thresholdsMet),
 * defaults_linux.go, and cmd/kubelet/app/server.go for when the defaults hold. A soft threshold counts from its first
 * moment, as in the node's conditions; its grace is about evicting. Left out: `pid.available`, and what the kubelet may
 * still want to reclaim (evictionMinimumReclaim).
 */
import { field, isObject } from '../model/json.ts';
import { type Seen, seen, unseen } from '../model/model.ts';
import { parseQuantity } from '../text/quantity.ts';

/** What is watched of the machine. */
export const SIGNALS = ['memory.available', 'nodefs.available', 'nodefs.inodesFree', 'imagefs.available', 'imagefs.inodesFree'] as const;
export type Signal = (typeof SIGNALS)[number];

/** `below` as it is written: a quantity, or a share of the capacity such as 10%. */
export interface Threshold {
  readonly signal: Signal;
  readonly below: string;
}

/** The kubelet's defaults for evictionHard. */
export const DEFAULT_THRESHOLDS: readonly Threshold[] = [
  { signal: 'memory.available', below: '100Mi' },
  { signal: 'nodefs.available', below: '10%' },
  { signal: 'nodefs.inodesFree', below: '5%' },
  { signal: 'imagefs.available', below: '15%' },
  { signal: 'imagefs.inodesFree', below: '5%' },
];

/** Hard and soft ones, of a kubelet's configuration file, parsed. */
export function thresholdsOf(content: Readonly<Record<string, unknown>>): readonly Threshold[] {
  return [...hardThresholdsOf(content), ...statements(field(content, 'evictionSoft'))];
}

/**
 * An evictionHard that is there, even an empty one, stands without the defaults, unless mergeDefaultEvictionSettings
 * (1.32 and newer) says otherwise.
 */
export function hardThresholdsOf(content: Readonly<Record<string, unknown>>): readonly Threshold[] {
  const hard = field(content, 'evictionHard');
  if (!isObject(hard)) return DEFAULT_THRESHOLDS;
  const own = statements(hard);
  const merged = field(content, 'mergeDefaultEvictionSettings') === true;
  const rest = merged ? DEFAULT_THRESHOLDS.filter(({ signal }) => field(hard, signal) === undefined) : [];
  return [...own, ...rest];
}

function statements(value: unknown): readonly Threshold[] {
  if (!isObject(value)) return [];
  return SIGNALS.flatMap((signal) => {
    const below = field(value, signal);
    // a quantity may be written without quotes
    return typeof below === 'string' || typeof below === 'number' ? [{ signal, below: String(below) }] : [];
  });
}

/** Bytes, or inodes. */
export interface Amount {
  readonly available: number;
  readonly capacity: number;
}

/** What was read of the machine; each part may have failed. */
export interface MachineLook {
  readonly thresholds: Seen<readonly Threshold[]>;
  readonly amounts: Readonly<Record<Signal, Seen<Amount>>>;
}

/**
 * What the node is short of, in words, none where it has enough of everything. One shortage is enough to know; for
 * "none" every signal that has a threshold must have been read.
 */
export function shortages({ thresholds, amounts }: MachineLook): Seen<readonly string[]> {
  if (!thresholds.known) return thresholds;
  const short: string[] = [];
  const missing: string[] = [];
  for (const { signal, below } of thresholds.value) {
    const amount = amounts[signal];
    const least = amount.known ? leastOf(below, amount.value.capacity) : undefined;
    if (!amount.known) missing.push(`${signal}: ${amount.why}`);
    else if (least !== undefined && amount.value.available < least) short.push(`${signal} ${shareOf(amount.value)} is below ${below}`);
  }
  if (short.length > 0) return seen([...new Set(short)]);
  return missing.length > 0 ? unseen([...new Set(missing)].join(', ')) : seen([]);
}

/** What must be available; undefined: the kubelet ignores the threshold, or would not start with it. */
function leastOf(below: string, capacity: number): number | undefined {
  if (below.endsWith('%')) {
    const percent = Number(below.slice(0, -1));
    return below === '0%' || below === '100%' || !(percent > 0 && percent <= 100) ? undefined : (percent / 100) * capacity;
  }
  const billionths = parseQuantity(below);
  return billionths === undefined || billionths <= 0n ? undefined : Number(billionths / 1_000_000_000n);
}

function shareOf({ available, capacity }: Amount): string {
  return capacity > 0 ? `(${((100 * available) / capacity).toFixed(1)}% of what there is)` : `(${available})`;
}

/**
 * memory.available as the kubelet computes it on a node: capacity less the working set of the root cgroup, which is
 * anonymous memory and the page cache without its inactive part (opencontainers/cgroups, fs2/memory.go:
 * rootStatsFromMeminfo; cadvisor, container/libcontainer/handler.go). `text`: /proc/meminfo. undefined: it is none.
 */
export function memoryIn(text: string): Amount | undefined {
  const bytes = (name: string): number | undefined => {
    const kib = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1];
    return kib === undefined ? undefined : Number(kib) * 1024;
  };
  const capacity = bytes('MemTotal');
  const anon = bytes('AnonPages');
  const cached = bytes('Cached');
  const inactive = bytes('Inactive\\(file\\)');
  if (capacity === undefined || anon === undefined || cached === undefined || inactive === undefined) return undefined;
  const used = anon + cached + (bytes('Buffers') ?? 0) + (bytes('SwapCached') ?? 0);
  return { available: capacity - Math.max(0, used - inactive), capacity };
}
