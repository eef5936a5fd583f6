/** Metrics and health on an address that may be taken: the agent goes on without them, says so, and tries again. */
import { codeOf } from '../../core/model/errors.ts';
import type { Millis } from '../../core/model/model.ts';
import { type Clock, type Log, PortError } from '../../ports.ts';
import type { TelemetryServer } from '../../telemetry/server.ts';

/** The first ones for a process that is just ending; the last one again and again. */
const PAUSES_MS: readonly Millis[] = [1_000, 2_000, 5_000, 10_000, 30_000];
/** Taken, or not there yet: an address may come up after the agent. */
const MAY_PASS = ['EADDRINUSE', 'EADDRNOTAVAIL'];

/** Throws PortError where no time will mend it. Goes on trying beside the agent, until the signal. */
export async function listen(
  server: Pick<TelemetryServer, 'start'>,
  { clock, log, signal }: { readonly clock: Clock; readonly log: Log; readonly signal: AbortSignal },
): Promise<void> {
  try {
    await server.start();
    return;
  } catch (error) {
    if (!(error instanceof PortError) || !MAY_PASS.includes(codeOf(error.cause) ?? '')) throw error;
    log.warn(
      `${error.message}; the agent goes on and tries again, every 30 s in the end; until then nothing answers on /healthz and /readyz, so that the chart's probes fail`,
    );
  }
  void tryAgain();

  async function tryAgain(): Promise<void> {
    for (let tries = 0; ; tries++) {
      await clock.sleep(PAUSES_MS[Math.min(tries, PAUSES_MS.length - 1)] ?? 0, signal).catch(() => undefined);
      if (signal.aborted) return;
      const served = await server.start().then(
        () => true,
        () => false,
      );
      if (!served) continue;
      log.info('Metrics and health are served now');
      return;
    }
  }
}
