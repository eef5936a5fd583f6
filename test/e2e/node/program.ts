/** One long-running program of a test node, started again and again under the same name. */
import { type Daemon, isAlive } from './process.ts';

export interface Program {
  /** Starts it unless it runs. */
  start(): Promise<void>;
  /** Sends the signal and waits for the end; what it started itself lives on. */
  stop(name: NodeJS.Signals): Promise<void>;
  freeze(): void;
  thaw(): void;
}

export function createProgram(launch: () => Promise<Daemon>): Program {
  let daemon: Daemon | undefined;
  return {
    start: async () => {
      // by its identity: the end of a wrapper is noticed later, and after a power cut that is too late
      if (daemon === undefined || !isAlive(daemon.identity)) daemon = await launch();
    },
    stop: async (name) => await daemon?.stop(name),
    freeze: () => daemon?.freeze(),
    thaw: () => daemon?.thaw(),
  };
}
