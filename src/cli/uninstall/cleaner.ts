/**
 * `cleanup --stay` in a pod of the chart's uninstall: joins the cleanup of this node with the API server. Loaded only
 * there.
 */

import { createClock } from '../../adapters/clock.ts';
import { createHostLock } from '../../adapters/disk/lock.ts';
import { runCleaner } from '../../agent/uninstall/cleaner.ts';
import type { TelemetryServer } from '../../telemetry/server.ts';
import { checkHost } from '../agent/host-checks.ts';
import type { AgentProcess } from '../program.ts';
import { type CleanupProcess, cleanOnce, neverOurs, nobodysLock, sayOnce, serve } from './cleanup.ts';
import type { UninstallNames } from './names.ts';
import { connectUninstallApi } from './uninstall.ts';

export interface CleanerProcess extends CleanupProcess, UninstallNames, Pick<AgentProcess, 'env' | 'random'> {}

/** Until the signal. True: the node is clean. Throws PortError for what can never work; nothing is changed then. */
export async function runCleanerPod(process: CleanerProcess): Promise<boolean> {
  const { config } = process;
  const say = sayOnce(process.say);
  const clock = createClock();
  const foreign = await neverOurs(config.stateDir);
  if (!foreign) await checkHost(config, process.uid);
  const lock = foreign ? nobodysLock : createHostLock({ stateDir: config.stateDir });
  const api = await connectUninstallApi(process, clock);
  let clean = false;
  let server: TelemetryServer | undefined;
  const stopServing = async (): Promise<void> => {
    await server?.close();
    server = undefined;
  };
  try {
    return await runCleaner(
      { clock, random: process.random, api, lock },
      {
        ...process,
        say,
        cleanNode: async () => {
          server ??= await serve(process, () => clean, true);
          if (foreign) say(`nothing in ${config.stateDir} is ours: there is nothing to clean`);
          clean = foreign || (await cleanOnce({ ...process, say }, lock));
          return clean;
        },
        leave: stopServing,
      },
    );
  } finally {
    await stopServing();
    await api.close();
  }
}
