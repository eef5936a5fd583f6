/**
 * The process ids of copies that may have to go within milliseconds, asked for beforehand: then there is no time.
 * A pid is only a hint. Whether it still is that container's process is looked at when it is killed.
 */
import type { Millis } from '../../core/model/model.ts';
import type { WatchTarget } from '../../core/turn/watch-targets.ts';
import type { Ports } from '../../ports.ts';

const DETAILS_DEADLINE_MS: Millis = 2_000;
/** A runtime that did not tell is asked again after this, and then after twice as long each time. */
const FIRST_PAUSE_MS: Millis = 500;
const LONGEST_PAUSE_MS: Millis = 60_000;

export interface Pids {
  /** Learns the pids of every container that a prepared withdrawal would kill, and forgets all others. */
  learn(targets: readonly WatchTarget[]): void;
  /** True: its first process was sent SIGKILL. */
  kill(containerId: string): boolean;
}

interface Asked {
  readonly pid?: number;
  /** Without a pid: when to ask, and how long to wait after that. undefined: being asked for. */
  readonly again?: { readonly at: Millis; readonly pauseMs: Millis };
}

export function createPids(ports: Pick<Ports, 'runtime' | 'processes' | 'clock'>): Pids {
  const known = new Map<string, Asked>();

  /** Without a pid the runtime stops the container. Some never tell, and those are not asked in every turn. */
  async function ask(id: string, pauseMs: Millis): Promise<void> {
    const details = await ports.runtime.containerDetails(id, DETAILS_DEADLINE_MS).catch(() => undefined);
    if (!known.has(id)) return;
    const { pid } = details ?? {};
    const again = { at: ports.clock.now() + pauseMs, pauseMs: Math.min(2 * pauseMs, LONGEST_PAUSE_MS) };
    known.set(id, pid === undefined ? { again } : { pid });
  }

  return {
    learn(targets) {
      const atOnce = targets.flatMap(({ withdrawal }) => (withdrawal?.graceSeconds === 0 ? withdrawal.stop : []));
      for (const id of known.keys()) if (!atOnce.includes(id)) known.delete(id);
      for (const id of atOnce) {
        const before = known.get(id);
        if (before !== undefined && (before.again === undefined || before.again.at > ports.clock.now())) continue;
        known.set(id, {});
        void ask(id, before?.again?.pauseMs ?? FIRST_PAUSE_MS);
      }
    },
    kill(containerId) {
      const pid = known.get(containerId)?.pid;
      return pid !== undefined && ports.processes.kill(pid, containerId);
    },
  };
}
