/** The command `cleanup` as a process: the lock, exit codes, what stays on the disk, and `--stay`. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { openStore } from '../../src/adapters/disk/store.ts';
import { manifestFileName } from '../../src/core/model/keys.ts';
import { sha256 } from '../../src/core/model/manifest.ts';
import { aLedger, aPlaced } from '../fakes/builders.ts';
import { nodeDir, type Outcome } from './node-dir.ts';

const node = nodeDir('cleanup-');
const { status, until } = node;
const at = node.path;
const cleanup = (...flags: string[]): Promise<Outcome> => node.run('cleanup', ...flags);

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
/** As an agent would hold it. */
async function lockHeld(): Promise<ChildProcess> {
  const holder = ['-F', '-x', at('state/lock'), '-c', 'echo held; exec sleep 60'];
  const child = node.owned(spawn('flock', holder, { stdio: ['ignore', 'pipe', 'inherit'] }));
  await once(child.stdout, 'data');
  return child;
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

  it('does nothing in a directory of others, which no agent would have taken', async () => {
    await writeFile(at('state/notes'), 'foreign');

    expect(await cleanup('--purge')).toMatchObject({ code: 0, stdout: expect.stringMatching(/nothing to do: nothing in .*state is ours/) });
    expect(await readdir(at('state'))).toEqual(['notes']);
  });

  it('does nothing where there has never been an agent', async () => {
    await rm(at('state'), { recursive: true });

    expect(await cleanup()).toMatchObject({ code: 0, stdout: expect.stringContaining('nothing to do') });
    expect((await readdir(at())).includes('state')).toBe(false);
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
    expect(stderr).toMatch(
      /^pod-checkpointer cleanup: an agent or its standby still holds \S+state\/lock, and nothing was changed: uninstall the chart, .*; if it is gone already, install it again with the same release name and namespace, on this node too, and uninstall it then\n$/,
    );
    expect(await readdir(at('manifests'))).toHaveLength(3);
  });

  it('with --stay waits for the agent to end, cleans, is ready, and ends with the signal', async () => {
    await placeAll();
    const agent = await lockHeld();
    const child = node.start(['cleanup', '--stay']);
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
