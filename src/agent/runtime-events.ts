/** Hears what happens in the runtime. Events only wake others, which look for themselves; some runtimes have none. */
import { PortError, type Ports, type RuntimeEvent } from '../ports.ts';

/** Opened again after this long when the stream has ended, and when it could not be opened. */
const ENDED_PAUSE_MS = 2_000;
const FAILED_PAUSE_MS = 5_000;

/** Until the signal, or for good where the runtime has no event stream. */
export async function hearEvents(
  ports: Pick<Ports, 'runtime' | 'clock'>,
  heard: (event: RuntimeEvent) => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const pause = await ports.runtime
      .events(heard, signal)
      .then(() => ENDED_PAUSE_MS)
      .catch((error: unknown) => (isUnsupported(error) ? undefined : FAILED_PAUSE_MS));
    if (pause === undefined) return;
    await ports.clock.sleep(pause, signal).catch(() => undefined);
  }
}

function isUnsupported(error: unknown): boolean {
  return error instanceof PortError && error.kind === 'unsupported';
}
