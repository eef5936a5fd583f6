/**
 * What is the node short of, and since when has it been well? Asked only in an outage in which the kubelet has ended a
 * parent, and no more often than the kubelet looks itself. Pure.
 */
import type { Millis, Seen } from '../model/model.ts';
import { since } from '../model/since.ts';
import type { Observation } from './observation.ts';

/** Between two looks of the kubelet at its thresholds (`pkg/kubelet/kubelet.go`: evictionMonitoringPeriod). */
export const PRESSURE_LOOK_MS: Millis = 10_000;

export interface Pressure {
  readonly askedAt: Millis;
  /** By the last look: what the node is short of, in words. */
  readonly short: Seen<readonly string[]>;
  /** Last moment at which it was seen to be short of something. */
  readonly lastShort?: Millis;
  /** Since when, without a break, nobody can tell. */
  readonly unknownSince?: Millis;
}

/** With what this turn has seen. `matters`: a copy may wait for it; else it is forgotten, because it grows old. */
export function pressureAfter(before: Pressure | undefined, matters: boolean, { now, short }: Observation): Pressure | undefined {
  if (!matters) return undefined;
  if (short === undefined) return before;
  const lastShort = short.known && short.value.length > 0 ? now : before?.lastShort;
  const unknownSince = since(before?.unknownSince, !short.known, now);
  return {
    askedAt: now,
    short,
    ...(lastShort === undefined ? {} : { lastShort }),
    ...(unknownSince === undefined ? {} : { unknownSince }),
  };
}

export function pressureDue(pressure: Pressure | undefined, now: Millis): boolean {
  return pressure === undefined || now - pressure.askedAt >= PRESSURE_LOOK_MS;
}
