/**
 * Faults for ports and for the disk's primitives: fail the n-th call, once or for ever, and record every call.
 */
import type { Primitives } from '../../src/adapters/disk/primitives.ts';

/** What a call did or would do: its name and its arguments, without content. */
export interface Call {
  readonly name: keyof Primitives;
  readonly args: readonly unknown[];
}

export interface Faults {
  readonly calls: Call[];
  /** Only this primitive counts; default: all. */
  only?: keyof Primitives;
  /** Number of calls from now that still succeed; undefined: all of them. */
  healthyFor?: number;
  /** `crash`: every later call fails too, as in a process that is dead. `once`: only this one. */
  mode: 'crash' | 'once';
  code: string;
}

export function faultyPrimitives(real: Primitives): { primitives: Primitives; faults: Faults } {
  const faults: Faults = { calls: [], mode: 'crash', code: 'EIO' };
  function wrap<A extends unknown[], R>(name: keyof Primitives, call: (...args: A) => Promise<R>): (...args: A) => Promise<R> {
    return async (...args) => {
      faults.calls.push({ name, args });
      if (faults.healthyFor !== undefined && (faults.only === undefined || faults.only === name)) {
        if (faults.healthyFor <= 0) {
          if (faults.mode === 'once') delete faults.healthyFor;
          throw Object.assign(new Error(`${faults.code}: injected, ${name}`), { code: faults.code });
        }
        faults.healthyFor--;
      }
      return call(...args);
    };
  }
  const primitives: Primitives = {
    createFile: wrap('createFile', real.createFile),
    openDirectory: wrap('openDirectory', real.openDirectory),
    write: wrap('write', real.write),
    chmod: wrap('chmod', real.chmod),
    chown: wrap('chown', real.chown),
    fsync: wrap('fsync', real.fsync),
    close: async (fd) => {
      // a dead process' descriptors are closed by the kernel
      const injected = wrap('close', async (_fd: number) => undefined);
      try {
        await injected(fd);
      } finally {
        await real.close(fd);
      }
    },
    mkdir: wrap('mkdir', real.mkdir),
    symlink: wrap('symlink', real.symlink),
    rename: wrap('rename', real.rename),
    unlink: wrap('unlink', real.unlink),
    rmdir: wrap('rmdir', real.rmdir),
  };
  return { primitives, faults };
}

/** For in-memory ports: `failOnNthCall` lets the n-th call from now (1 = the next) of a method, or of any, fail. */
export interface PortFaults {
  failOnNthCall(n: number, error: Error, method?: string): void;
  /** Methods called so far, in order. */
  readonly calls: string[];
}

export function portFaults(): PortFaults & { enter(method: string): void } {
  const calls: string[] = [];
  let planned: { left: number; error: Error; method: string | undefined } | undefined;
  return {
    calls,
    failOnNthCall(n, error, method) {
      planned = { left: n, error, method };
    },
    enter(method) {
      calls.push(method);
      if (planned === undefined || (planned.method !== undefined && planned.method !== method)) return;
      planned.left--;
      if (planned.left > 0) return;
      const { error } = planned;
      planned = undefined;
      throw error;
    },
  };
}
