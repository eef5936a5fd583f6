/** `uninstall`: joins its two steps with the API server. Touches nothing of the node that it runs on. */

import { createClock } from '../../adapters/clock.ts';
import { type ClosableUninstallApi, createUninstallApi } from '../../adapters/kubernetes/uninstall-api.ts';
import { awaitNodes, removeAgents } from '../../agent/uninstall/uninstall.ts';
import type { Millis } from '../../core/model/model.ts';
import type { Clock } from '../../ports.ts';
import { apiAccess } from '../connect.ts';
import type { AgentProcess } from '../program.ts';
import { sayOnce } from './cleanup.ts';
import type { UninstallNames } from './names.ts';

export interface UninstallProcess extends UninstallNames, Pick<AgentProcess, 'config' | 'env' | 'version' | 'signal'> {
  readonly step: 'agents' | 'nodes';
  readonly limitMs: Millis;
  readonly say: (sentence: string) => void;
}

/** True: the step is done. Throws PortError for what can never work. */
export async function runUninstall(process: UninstallProcess): Promise<boolean> {
  const clock = createClock();
  const api = await connectUninstallApi(process, clock);
  try {
    const step = process.step === 'agents' ? removeAgents : awaitNodes;
    return await step({ clock, api }, { ...process, say: sayOnce(process.say) });
  } finally {
    await api.close();
  }
}

/**
 * Connects where the configuration, or the pod's own account, says. Counts nothing: an uninstall has no metrics. Throws
 * PortError.
 */
export async function connectUninstallApi(
  { config, env, namespace, version }: Pick<UninstallProcess, 'config' | 'env' | 'namespace' | 'version'>,
  clock: Clock,
): Promise<ClosableUninstallApi> {
  const observer = { request: () => undefined, watchRestart: () => undefined, probe: () => undefined };
  return createUninstallApi(await apiAccess(config, env, clock), { namespace, version, clock, observer });
}
