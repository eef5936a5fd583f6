/**
 * Carries out the ordered uninstall of one node, with the host lock held: copies, then the standby, then, if asked for,
 * the stored checkpoints. Can be repeated, and goes on where it was cut short. Contains no rules.
 */

import type { Ledger, Millis, Placed, RuntimeView } from '../../core/model/model.ts';
import { CLEANUP_ORDER, type CleanupPart, cleanupStep, doubtfulFiles } from '../../core/uninstall/cleanup.ts';
import { PortError, type Ports } from '../../ports.ts';
import { readLedger } from '../ledger.ts';

export type CleanupPorts = Pick<Ports, 'clock' | 'store' | 'manifests' | 'runtime' | 'log'>;

export interface CleanupOptions {
  /** Stored checkpoints too. */
  readonly purge: boolean;
  /** How long the kubelet may take to end what was withdrawn, for copies and standby each. */
  readonly patienceMs: Millis;
  /** One sentence for each thing that was done or could not be. */
  readonly say: (sentence: string) => void;
  readonly signal: AbortSignal;
}

const LOOK_EVERY_MS: Millis = 250;
const RUNTIME_DEADLINE_MS: Millis = 5_000;

/** True: nothing of ours is left that was to go. Throws PortError when disk or runtime cannot be asked. */
export async function cleanUp(ports: CleanupPorts, options: CleanupOptions): Promise<boolean> {
  const { say } = options;
  const checkpoints = await ports.store.load();
  let ledger = await readLedger(ports, checkpoints);
  let clean = true;

  async function write(next: Ledger): Promise<void> {
    await ports.store.writeLedger(next);
    ledger = next;
  }
  const without = (gone: readonly Placed[]): Ledger => ({ ...ledger, placed: ledger.placed.filter((placed) => !gone.includes(placed)) });

  /** False: something of this part still runs. */
  async function part(which: CleanupPart): Promise<boolean> {
    const until = ports.clock.now() + options.patienceMs;
    for (;;) {
      const step = cleanupStep(which, ledger, await ports.manifests.list(), await viewFor(ports, ledger));
      for (const { placed, digest } of step.withdraw) {
        await ports.manifests.remove(placed.file, digest);
        say(`removed ${placed.file} from staticPodPath: the ${which === 'standby' ? 'standby' : `copy of ${nameOf(placed)}`} ends`);
      }
      for (const { file } of step.changed) {
        clean = false;
        say(`${file} is not what was placed: it was left alone; look at it, and remove it by hand`);
      }
      for (const placed of step.gone) say(`the ${which === 'standby' ? 'standby' : `copy of ${nameOf(placed)}`} is gone`);
      if (step.gone.length + step.changed.length > 0) await write(without([...step.gone, ...step.changed]));
      if (step.withdraw.length + step.running.length === 0) return true;
      if (options.signal.aborted || ports.clock.now() >= until) {
        for (const placed of step.running)
          say(`${nameOf(placed)} still runs although its manifest is gone: the kubelet has not ended it yet`);
        return false;
      }
      await ports.clock.sleep(LOOK_EVERY_MS, options.signal).catch(() => undefined);
    }
  }

  for (const which of CLEANUP_ORDER) if (!(await part(which))) return false;
  for (const file of doubtfulFiles(ledger, await ports.manifests.list())) {
    clean = false;
    say(`${file} has a name like ours and nothing proves that it is: it was left alone; look at it, and remove it by hand`);
  }
  if (!options.purge) return clean;
  for (const { key } of checkpoints) {
    try {
      await ports.store.remove(key);
      say(`removed the checkpoint of ${key.replace('_', '/')}`);
    } catch (error) {
      clean = false;
      say(error instanceof PortError ? error.message : String(error));
    }
  }
  return clean;
}

/** Where nothing was placed there is nobody to ask about. */
async function viewFor(ports: CleanupPorts, ledger: Ledger): Promise<RuntimeView> {
  return ledger.placed.length === 0 ? { sandboxes: [], containers: [] } : ports.runtime.view(RUNTIME_DEADLINE_MS);
}

function nameOf({ key }: Placed): string {
  return key.replace('_', '/');
}
