/**
 * Kills a container's first process, without the runtime.
 *
 * The runtime does it by starting a program of its own (runc kill), which takes 20 ms on an idle node and over 100 on a
 * busy one: long enough for a parent's process to find the copy still on its port. This needs the host's pid namespace;
 * without it, or without the right to signal that process, the runtime's way is the only one.
 */
import { readFileSync } from 'node:fs';
import type { Processes } from '../ports.ts';

export interface ProcessesOptions {
  /** Where the process table is mounted. */
  readonly proc?: string;
  readonly send?: (pid: number) => void;
}

/** Synchronous on purpose: between the look and the signal nothing else of ours may run, and the table is memory. */
export function createProcesses({ proc = '/proc', send = sendKill }: ProcessesOptions = {}): Processes {
  return {
    kill(pid, containerId) {
      try {
        if (containerId === '' || !readFileSync(`${proc}/${pid}/cgroup`, 'utf8').includes(containerId)) return false;
        send(pid);
        return true;
      } catch {
        return false;
      }
    },
  };
}

function sendKill(pid: number): void {
  process.kill(pid, 'SIGKILL');
}
