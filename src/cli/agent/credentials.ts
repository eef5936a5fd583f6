/**
 * How the agent reaches the API server: with its credentials, or, where they are missing and checkpoints are stored,
 * without. What is stored must be able to start after a reboot on which a token's file was lost.
 */
import { openStore } from '../../adapters/disk/store.ts';
import { type ApiAccess, caFingerprint, loadBareAccess } from '../../adapters/kubernetes/index.ts';
import type { Config } from '../../core/config/config.ts';
import type { Millis } from '../../core/model/model.ts';
import type { Role } from '../../core/turn/policy.ts';
import { type Clock, PortError } from '../../ports.ts';
import { accessOptions, checkApiAccess, type Environment } from '../connect.ts';

const LOOK_EVERY_MS: Millis = 30_000;

export interface Seeking {
  readonly config: Config;
  readonly env: Environment;
  readonly clock: Clock;
  readonly role: Role;
}

export interface FoundAccess {
  readonly access: ApiAccess;
  /** One sentence where it is without credentials although it should have some. */
  readonly lacking?: string;
}

/** Throws PortError where credentials are missing and nothing is stored that could be started. */
export async function findApiAccess(seeking: Seeking): Promise<FoundAccess> {
  const { config, env, clock, role } = seeking;
  try {
    return { access: await checkApiAccess(config, env, clock, role) };
  } catch (error) {
    if (!(error instanceof PortError) || role === 'standby' || !(await isAnythingStored(config))) throw error;
    const bare = await loadBareAccess(accessOptions(config, env, clock));
    const access = isCa(bare.ca) ? bare : { ...bare, ca: '' };
    return { access, lacking: lackingSentence(error.message, access) };
  }
}

function isCa(bundle: string): boolean {
  try {
    caFingerprint(bundle);
    return true;
  } catch {
    return false;
  }
}

function lackingSentence(problem: string, { endpoints, ca }: ApiAccess): string {
  const outage =
    endpoints.length === 0
      ? 'and as no server is known, no outage can be told, so that no copy starts'
      : ca === ''
        ? 'and what is stored starts in an outage, which only a server that nobody hears proves: without the CA no answer can be verified'
        : 'and what is stored starts in an outage as ever';
  return `the agent has no credentials for the API server (${problem}): nothing is captured or retired until it has, ${outage}; they are looked for every 30 s`;
}

/** Resolves when there are credentials, or with the signal. */
export async function credentialsCome(seeking: Seeking, signal: AbortSignal): Promise<void> {
  const { config, env, clock, role } = seeking;
  while (!signal.aborted) {
    await clock.sleep(LOOK_EVERY_MS, signal).catch(() => undefined);
    const found = await checkApiAccess(config, env, clock, role).then(
      () => true,
      () => false,
    );
    if (found) return;
  }
}

async function isAnythingStored({ stateDir }: Config): Promise<boolean> {
  try {
    const store = await openStore({ dir: stateDir, mayWrite: () => false });
    return (await store.load()).length > 0;
  } catch {
    return false;
  }
}
