/**
 * The process ids of copies that may have to go within milliseconds, asked for beforehand: then there is no time.
 * A pid is only a hint. Whether it still is that container's process is looked at when it is killed.
 */
import type { Millis } from '../../core/model/model.ts';
import type { WatchTarget } from '../../core/turn/watch-targets.ts';
import type { Ports } from '../../ports.ts';

const DETAILS_DEADLINE_MS: Millis = 2_000;

export interface Pids {
  /** Learns the pids of every container that a prepared withdrawal would kill, and forgets all others. */
  learn(targets: readonly WatchTarget[]): void;
  /** True: its first process was sent SIGKILL. */
  kill(containerId: string): boolean;
}

export function createPids(ports: Pick<Ports, 'runtime' | 'processes'>): Pids {
  /** undefined: being asked for. */
  const known = new Map<string, number | undefined>();

  async function ask(id: string): Promise<void> {
    try {
      const { pid } = await ports.runtime.containerDetails(id, DETAILS_DEADLINE_MS);
      if (pid === undefined) known.delete(id);
      else if (known.has(id)) known.set(id, pid);
    } catch {
      known.delete(id); // asked again in the next turn; without a pid the runtime stops it
    }
  }

  return {
    learn(targets) {
      const atOnce = targets.flatMap(({ withdrawal }) => (withdrawal?.graceSeconds === 0 ? withdrawal.stop : []));
      for (const id of known.keys()) if (!atOnce.includes(id)) known.delete(id);
      for (const id of atOnce) {
        if (known.has(id)) continue;
        known.set(id, undefined);
        void ask(id);
      }
    },
    kill(containerId) {
      const pid = known.get(containerId);
      return pid !== undefined && ports.processes.kill(pid, containerId);
    },
  };
}
