/** The process's clocks. Durations come from the monotonic one; a wall-clock step never shortens or stretches them. */
import { uptime } from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../ports.ts';

export function createClock(): Clock {
  return {
    now: () => uptime() * 1000,
    wall: () => Date.now(),
    sleep: async (ms, signal) => {
      await sleep(ms, undefined, signal === undefined ? {} : { signal });
    },
  };
}
