/** The command `cleanup` as a process: the lock, exit codes, what stays on the disk, and `--stay`. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BUNDLE } from '../../deploy/bundle.ts';
import { createClock } from '../../src/adapters/clock.ts';
import { openStore } from '../../src/adapters/disk/store.ts';
import { manifestFileName } from '../../src/core/keys.ts';
import { sha256 } from '../../src/core/manifest.ts';
import { freePort } from '../../src/demo/free-port.ts';
import { createDemoRuntime } from '../../src/demo/runtime.ts';
import type { DemoRuntime } from '../../src/demo/runtime-types.ts';
import { aLedger, aPlaced } from '../fakes/builders.ts';

let dir: string;
let runtime: DemoRuntime;
let port: number;
const children: ChildProcess[] = [];
const at = (name: string): string => join(dir, name);

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'cleanup-'));
  await mkdir(at('manifests'));
  await mkdir(at('state'), { mode: 0o700 });
  runtime = createDemoRuntime({ socket: at('runtime.sock'), clock: createClock(), random: () => 0.5 });
  await runtime.start();
  port = await freePort();
  const config = {
    nodeName: 'n1',
    stateDir: at('state'),
    staticPodPath: at('manifests'),
    criSocket: at('runtime.sock'),
    allowTmpfs: true,
    metrics: { address: `127.0.0.1:${port}` },
  };
  await writeFile(at('agent.yaml'), JSON.stringify(config));
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await runtime.stop();
  await rm(dir, { recursive: true, force: true });
});

/** A copy and the standby are placed, and a file of somebody else lies beside them. */
async function placeAll(): Promise<void> {
  const store = await openStore({ dir: at('state'), mayWrite: () => true });
  const placed = [
    aPlaced({ key: 'kube-system_web-1', digest: sha256('copy'), file: manifestFileName({ namespace: 'kube-system', name: 'web-1' }) }),
    aPlaced({ key: 'ckpt_agent', digest: sha256('standby'), file: manifestFileName({ namespace: 'ckpt', name: 'agent' }), self: true }),
  ];
  await store.writeLedger(aLedger(placed));
  await writeFile(at(`manifests/${placed[0]?.file}`), 'copy');
  await writeFile(at(`manifests/${placed[1]?.file}`), 'standby');
  await writeFile(at('manifests/kube-proxy.yaml'), 'foreign');
  await writeFile(at('state/notes'), 'foreign');
}
function cleanup(...flags: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [BUNDLE, 'cleanup', '--config', at('agent.yaml'), ...flags],
      { timeout: 18_000 },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
      },
    );
  });
}
/** As an agent would hold it. */
async function lockHeld(): Promise<ChildProcess> {
  const child = spawn('flock', ['-F', '-x', at('state/lock'), '-c', 'echo held; exec sleep 60'], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  await once(child.stdout, 'data');
  return child;
}
function status(path: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const call = request({ host: '127.0.0.1', port, path }, (reply) => {
      reply.resume();
      resolve(reply.statusCode);
    });
    call.on('error', () => resolve(undefined));
    call.end();
  });
}
async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 50));
}

describe('cleanup', () => {
  it('removes what was placed and keeps the store; --purge removes that too; foreign files stay', async () => {
    await placeAll();

    const first = await cleanup();
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(await readdir(at('manifests'))).toEqual(['kube-proxy.yaml']);
    expect((await readdir(at('state'))).sort()).toEqual(['active.json', 'checkpoints', 'format', 'lock', 'notes', 'tmp']);

    const second = await cleanup('--purge');
    expect(second.code).toBe(0);
    expect(second.stdout).toMatch(/notes is not ours/);
    expect(await readdir(at('state'))).toEqual(['notes']);
    expect((await cleanup('--purge')).code).toBe(0);
  });

  it('does nothing where there has never been an agent', async () => {
    await rm(at('state'), { recursive: true });

    expect(await cleanup()).toMatchObject({ code: 0, stdout: expect.stringContaining('nothing to do') });
    expect((await readdir(dir)).includes('state')).toBe(false);
  });

  it('ends with 1 when a file that bears our name is not ours', async () => {
    await placeAll();
    await writeFile(at('manifests/podckpt-a-b-0a1b2c3d.json'), 'whose?');

    const { code, stdout } = await cleanup();

    expect(code).toBe(1);
    expect(stdout).toMatch(/podckpt-a-b-0a1b2c3d\.json has a name like ours/);
    expect((await readdir(at('manifests'))).sort()).toEqual(['kube-proxy.yaml', 'podckpt-a-b-0a1b2c3d.json']);
  });

  it('changes nothing while an agent runs, and says what to do', async () => {
    await placeAll();
    await lockHeld();

    const { code, stderr } = await cleanup();

    expect(code).toBe(4);
    expect(stderr).toMatch(/an agent still holds .*state\/lock, and nothing was changed: uninstall the chart/);
    expect(await readdir(at('manifests'))).toHaveLength(3);
  });

  it('with --stay waits for the agent to end, cleans, is ready, and ends with the signal', async () => {
    await placeAll();
    const agent = await lockHeld();
    const child = spawn(process.execPath, [BUNDLE, 'cleanup', '--stay', '--config', at('agent.yaml')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    await once(child.stdout, 'data');
    expect(await status('/readyz')).toBeUndefined();
    expect(await readdir(at('manifests'))).toHaveLength(3);

    agent.kill('SIGKILL');
    await until(async () => (await status('/readyz')) === 200);
    expect(await readdir(at('manifests'))).toEqual(['kube-proxy.yaml']);
    expect((await cleanup()).code).toBe(4);

    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    expect((await ended)[0]).toBe(0);
  });
});
