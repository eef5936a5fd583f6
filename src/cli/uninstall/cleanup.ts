/**
 * `cleanup`: the ordered uninstall of this node. Takes the host lock first, so no agent and no standby acts meanwhile.
 * With `--stay` it keeps the lock afterwards and says on /readyz that the node is clean, until it is told to stop.
 */

import { lstat } from 'node:fs/promises';
import { createClock } from '../../adapters/clock.ts';
import { createHostLock, type WaitingLock } from '../../adapters/disk/lock.ts';
import { openManifestDir } from '../../adapters/disk/manifest-dir.ts';
import { purgeStateDir } from '../../adapters/disk/purge.ts';
import { foreignNames } from '../../adapters/disk/state-dir.ts';
import { openStore } from '../../adapters/disk/store.ts';
import { type CleanupPorts, cleanUp } from '../../agent/uninstall/cleanup.ts';
import type { Config } from '../../core/config/config.ts';
import { codeOf } from '../../core/model/errors.ts';
import { PortError } from '../../ports.ts';
import { createLog } from '../../telemetry/log.ts';
import { createMetrics } from '../../telemetry/metrics.ts';
import { createTelemetryServer, type TelemetryServer } from '../../telemetry/server.ts';
import { checkHost } from '../agent/host-checks.ts';
import { connectRuntime } from '../connect.ts';
import type { AgentProcess } from '../program.ts';

export interface CleanupProcess extends Omit<AgentProcess, 'env' | 'random'> {
  readonly purge: boolean;
  readonly stay: boolean;
  readonly say: (sentence: string) => void;
}

/** An agent that was just stopped needs no longer to end; one that goes on is a matter for whoever started it. */
const LOCK_PATIENCE_MS = 10_000;
/** Longer than most pods' termination grace; what takes longer is waited for by asking again. */
const PATIENCE_MS = 120_000;
const TRY_AGAIN_MS = 10_000;

/** True: the node is clean. Throws PortError; nothing is changed before the lock is held. */
export async function runCleanup(process: CleanupProcess): Promise<boolean> {
  const { config, stay } = process;
  const say = sayOnce(process.say);
  if (!stay && (await isAbsent(config.stateDir))) {
    say(`nothing to do: there is no ${config.stateDir}`);
    return true;
  }
  const foreign = await neverOurs(config.stateDir);
  if (foreign) say(`nothing to do: nothing in ${config.stateDir} is ours, so no agent has ever started with it`);
  if (foreign && !stay) return true;
  if (!foreign) await checkHost(config, process.uid);
  const lock = foreign ? nobodysLock : createHostLock({ stateDir: config.stateDir });
  if (!(await hold(lock, { ...process, say }))) return false;
  let clean = false;
  const server = stay ? await serve(process, () => clean) : undefined;
  try {
    clean = foreign || (await cleanOnce({ ...process, say }, lock));
    while (stay && !process.signal.aborted) {
      await pause(clean ? undefined : TRY_AGAIN_MS, process.signal);
      if (!clean && !process.signal.aborted) clean = await cleanOnce({ ...process, say }, lock).catch((error: unknown) => tell(error, say));
    }
  } finally {
    await server?.close();
  }
  return clean;
}

/** A directory of others, which the agent refuses: there is no lock in it to contend for, and nothing to clean. */
export async function neverOurs(stateDir: Config['stateDir']): Promise<boolean> {
  return (await foreignNames(stateDir)).length > 0;
}

export const nobodysLock: WaitingLock = {
  tryAcquire: async () => true,
  acquire: async () => true,
  held: () => true,
  release: () => undefined,
};

/** Trying again and again, it says what is new. */
export function sayOnce(say: CleanupProcess['say']): CleanupProcess['say'] {
  const said = new Set<string>();
  return (sentence) => {
    if (!said.has(sentence)) say(sentence);
    said.add(sentence);
  };
}

async function hold(lock: WaitingLock, { stay, say, signal, config }: CleanupProcess): Promise<boolean> {
  if (await lock.tryAcquire()) return true;
  say('an agent of this node holds the lock: waiting until it ends');
  if (await lock.acquire(stay ? signal : AbortSignal.any([signal, AbortSignal.timeout(LOCK_PATIENCE_MS)]))) return true;
  if (signal.aborted) return false;
  throw new PortError(
    'unavailable',
    `an agent or its standby still holds ${config.stateDir}/lock, and nothing was changed: uninstall the chart, which ends both in order; if it is gone already, install it again with the same release name and namespace, on this node too, and uninstall it then`,
  );
}

/** With the lock held, from the copies to the store. True: the node is clean. */
export async function cleanOnce(process: CleanupProcess, lock: WaitingLock): Promise<boolean> {
  const { config, say, purge, signal } = process;
  const mayWrite = (): boolean => lock.held();
  const clock = createClock();
  const runtime = await connectRuntime(config);
  try {
    const ports: CleanupPorts = {
      clock,
      runtime,
      store: await openStore({ dir: config.stateDir, mayWrite }),
      manifests: await openManifestDir({ dir: config.staticPodPath, mayWrite, uid: process.uid }),
      log: createLog({ level: 'error', to: process.logTo, wall: clock.wall, fields: { node: config.nodeName } }),
    };
    const clean = await cleanUp(ports, { purge, patienceMs: PATIENCE_MS, say, signal });
    if (!clean || !purge) {
      say(clean ? 'done: nothing of ours runs on this node' : 'not done yet: run it again when the above is settled');
      return clean;
    }
    const left = await purgeStateDir({ dir: config.stateDir, mayWrite });
    for (const name of left) say(`${config.stateDir}/${name} is not ours: it was left alone`);
    say('done: nothing of ours runs on this node, and nothing is stored here any more');
    return true;
  } finally {
    runtime.close();
  }
}

/**
 * The port is free: whoever served on it held the lock. A pod of the uninstall answers nothing but /cleanz with yes,
 * because an agent that was installed again would take it for its own.
 */
export async function serve(process: CleanupProcess, isClean: () => boolean, beside = false): Promise<TelemetryServer | undefined> {
  const { address } = process.config.metrics;
  if (address === undefined) return undefined;
  const metrics = createMetrics({ version: process.version, nodeVersion: process.nodeVersion, onError: () => undefined });
  const verdict = () => (isClean() ? { ok: true, detail: 'this node is clean' } : { ok: false, detail: 'cleaning up' });
  const server = createTelemetryServer({
    address,
    metrics: () => metrics.render(),
    health: () => ({ ok: !beside, detail: 'cleaning up' }),
    ready: () => (beside ? { ok: false, detail: '/cleanz says whether this node is clean' } : verdict()),
    ...(beside ? { clean: verdict } : {}),
    status: () => ({ clean: isClean() }),
    onError: () => undefined,
  });
  await server.start();
  return server;
}

function tell(error: unknown, say: CleanupProcess['say']): false {
  if (!(error instanceof PortError)) throw error;
  say(error.message);
  return false;
}

/** Until the signal, or the time is over. Keeps the process alive, which a server of ours does not. */
async function pause(ms: number | undefined, signal: AbortSignal): Promise<void> {
  await createClock()
    .sleep(ms ?? 2 ** 31 - 1, signal)
    .catch(() => undefined);
}

async function isAbsent(path: Config['stateDir']): Promise<boolean> {
  return lstat(path).then(
    () => false,
    (error: unknown) => codeOf(error) === 'ENOENT',
  );
}
