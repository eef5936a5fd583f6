/** Which failures of a port are mistakes of whoever called us. */
import { PortError } from '../ports.ts';
import { UsageError } from './command.ts';

/** A path or a value that can never work is a mistake of the configuration, not a thing that may come back. */
export async function asUsage<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof PortError && (error.kind === 'invalid' || error.kind === 'denied')) throw new UsageError([error.message]);
    throw error;
  }
}
