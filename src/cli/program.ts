/** The process that the commands run in: what main.ts alone reads of it. */
import type { Config } from '../core/config/config.ts';

export interface AgentProcess {
  readonly config: Config;
  readonly version: string;
  readonly nodeVersion: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly uid: number;
  readonly random: () => number;
  /** Descriptor the log goes to. */
  readonly logTo: number;
  /** Aborted by SIGTERM or SIGINT. */
  readonly signal: AbortSignal;
}

/** What the commands may know of the process; `main.ts` gives it. */
export interface Program extends Omit<AgentProcess, 'config' | 'env' | 'logTo'> {
  /** Path of the running bundle, and of the Node.js that runs it: the demo starts the agent as a process of its own. */
  readonly bundle: string;
  readonly execPath: string;
}
