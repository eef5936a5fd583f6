/**
 * Hears what happens in the runtime, while that is of use. Events only wake others, which look for themselves; some
 * runtimes have none.
 *
 * With older runtimes all readers share one queue, so that what we hear the kubelet does not. Nobody listens for
 * nothing.
 */
import type { Millis } from '../core/model/model.ts';
import { PortError, type Ports, type RuntimeEvent } from '../ports.ts';

/** Before the stream is opened again; twice as long each time that it ends at once. */
const FIRST_PAUSE_MS: Millis = 2_000;
const LONGEST_PAUSE_MS: Millis = 60_000;
/** A stream that lived so long did not end at once. */
const LIVED_MS: Millis = 10_000;

export interface RuntimeEvents {
  /** Are they of use now? To be said after every turn. */
  need(now: boolean): void;
  /** Until the signal, or for good where the runtime has no event stream. */
  run(signal: AbortSignal): Promise<void>;
}

export function createRuntimeEvents(ports: Pick<Ports, 'runtime' | 'clock'>, heard: (event: RuntimeEvent) => void): RuntimeEvents {
  let needed = false;
  let changed = (): void => undefined;

  /** Aborted when the events are not needed any more. */
  function whileNeeded(signal: AbortSignal): AbortSignal {
    const over = new AbortController();
    changed = () => over.abort();
    return AbortSignal.any([signal, over.signal]);
  }

  async function untilNeeded(signal: AbortSignal): Promise<void> {
    const end = whileNeeded(signal);
    if (!end.aborted) await new Promise((resolve) => end.addEventListener('abort', resolve, { once: true }));
  }

  /** Opens the stream again and again while it is needed. False: there is none. */
  async function listen(signal: AbortSignal): Promise<boolean> {
    const end = whileNeeded(signal);
    for (let pause = FIRST_PAUSE_MS; !end.aborted; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      const from = ports.clock.now();
      const error = await ports.runtime.events(heard, end).catch((thrown: unknown) => thrown);
      if (error instanceof PortError && error.kind === 'unsupported') return false;
      if (ports.clock.now() - from >= LIVED_MS) pause = FIRST_PAUSE_MS;
      await ports.clock.sleep(pause, end).catch(() => undefined);
    }
    return true;
  }

  return {
    need(now) {
      if (now === needed) return;
      needed = now;
      changed();
    },
    async run(signal) {
      while (!signal.aborted) {
        if (!needed) await untilNeeded(signal);
        else if (!(await listen(signal))) return;
      }
    },
  };
}
