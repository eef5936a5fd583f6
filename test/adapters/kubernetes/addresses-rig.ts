/**
 * What the tests of the servers' own addresses share: a memory without a disk, a client that learns, and a clock whose
 * hours pass when told. No assertion here.
 */
import { caFingerprints } from '../../../src/adapters/kubernetes/ca-identity.ts';
import { createKubernetes, type Kubernetes } from '../../../src/adapters/kubernetes/index.ts';
import type { PodWatchTimings } from '../../../src/adapters/kubernetes/watch-policy.ts';
import type { OwnAddress } from '../../../src/core/api/own-addresses.ts';
import type { AddressMemory, Clock } from '../../../src/ports.ts';
import { type AccessOf, accessTo, counters, FAST_WATCH, NODE, realClock } from './rig.ts';

export interface Memory extends AddressMemory {
  kept: readonly OwnAddress[];
  writes: number;
}
export function memoryOf(...kept: OwnAddress[]): Memory {
  return {
    kept,
    writes: 0,
    async read() {
      return this.kept;
    },
    async write(addresses) {
      this.kept = addresses;
      this.writes += 1;
    },
  };
}

export const seen = (url: string, ca: string): OwnAddress => ({
  url,
  lastSeen: new Date().toISOString(),
  authorities: caFingerprints(ca),
});

export interface Learner extends Kubernetes {
  readonly requests: readonly string[];
}

export interface LearnerOptions {
  readonly memory?: AddressMemory | undefined;
  readonly clock?: Clock;
  readonly watch?: Partial<PodWatchTimings> | undefined;
}

/** No watch is taken for silent because a clock was told to skip a day. */
const NEVER_SILENT_MS = 1_000_000_000;

export async function learner(of: AccessOf, { memory, clock = realClock, watch }: LearnerOptions): Promise<Learner> {
  const observer = counters();
  const made = createKubernetes(await accessTo(of), {
    nodeName: NODE,
    version: '0.0.0-test',
    clock,
    random: () => 0.5,
    observer,
    ...(memory === undefined ? {} : { addresses: memory }),
    watchTimings: { ...FAST_WATCH, silentMs: NEVER_SILENT_MS, ...watch },
  });
  return { ...made, requests: observer.requests };
}

export interface HastyClock extends Clock {
  /** The monotonic clock and the node's are so much later from now on. */
  skip(ms: number): void;
}

/** Waits a hundredth of what it is told. */
export function hastyClock(): HastyClock {
  let ahead = 0;
  return {
    now: () => realClock.now() + ahead,
    wall: () => realClock.wall() + ahead,
    sleep: (ms, signal) => realClock.sleep(ms / 100, signal),
    skip(ms) {
      ahead += ms;
    },
  };
}
