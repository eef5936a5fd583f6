/** A process is killed only while its control group names the container. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createProcesses } from '../../src/adapters/processes.ts';

const ID = 'b'.repeat(64);
let proc: string;
let sent: number[];

beforeEach(() => {
  proc = mkdtempSync(join(tmpdir(), 'proc-'));
  sent = [];
});
afterEach(() => rmSync(proc, { recursive: true }));

function aProcess(pid: number, cgroup: string): void {
  mkdirSync(join(proc, String(pid)));
  writeFileSync(join(proc, String(pid), 'cgroup'), cgroup);
}
const kill = (pid: number, id: string, send = (to: number) => void sent.push(to)) => createProcesses({ proc, send }).kill(pid, id);

describe('killing a container', () => {
  it.each([
    ['systemd names', `0::/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod1.slice/cri-containerd-${ID}.scope`],
    ['plain names', `12:pids:/kubepods/pod1/${ID}\n0::/\n`],
    ['a namespace of its own', `0::/../../pod1/${ID}`],
  ])('works with control groups of %s', (_, cgroup) => {
    aProcess(42, cgroup);

    expect(kill(42, ID)).toBe(true);
    expect(sent).toEqual([42]);
  });

  it('leaves alone a pid that now belongs to something else, or to nothing', () => {
    aProcess(42, `0::/kubepods/pod1/${'c'.repeat(64)}`);

    expect(kill(42, ID)).toBe(false);
    expect(kill(43, ID)).toBe(false);
    expect(kill(42, '')).toBe(false);
    expect(sent).toEqual([]);
  });

  it('says so when the signal is not allowed', () => {
    aProcess(42, ID);

    expect(
      kill(42, ID, () => {
        throw new Error('EPERM');
      }),
    ).toBe(false);
  });
});
