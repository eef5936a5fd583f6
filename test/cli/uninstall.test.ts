/** The uninstall's programs as processes: a pod that cleans its node, the two steps that helm waits for, and what is refused. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStore } from '../../src/adapters/disk/store.ts';
import { manifestFileName } from '../../src/core/model/keys.ts';
import { sha256 } from '../../src/core/model/manifest.ts';
import { kubeconfigText } from '../../src/demo/kubeconfig.ts';
import { aLedger, aPlaced } from '../fakes/builders.ts';
import { createObjectsServer, daemonSet, type ObjectsServer, pathOf } from '../fakes/objects-server.ts';
import { nodeDir } from './node-dir.ts';

const NAMES = ['--namespace=kube-system', '--agents=agents', '--cleaners=cleaners'];
let server: ObjectsServer;
const node = nodeDir('uninstall-', (path) => ({ kubeconfig: path('kubeconfig') }));
const { run, status, until } = node;
const at = node.path;

beforeEach(async () => {
  server = await createObjectsServer();
  await writeFile(at('kubeconfig'), kubeconfigText(server));
});
afterEach(() => server.close());

describe('a pod of the uninstall', () => {
  let said = '';
  function start(...flags: string[]): ChildProcess {
    said = '';
    return node.start(['cleanup', '--stay', ...NAMES, ...flags], (text) => {
      said += text;
    });
  }
  async function placeStandby(): Promise<void> {
    const store = await openStore({ dir: at('state'), mayWrite: () => true });
    const file = manifestFileName({ namespace: 'ckpt', name: 'agent' });
    await store.writeLedger(aLedger([aPlaced({ key: 'ckpt_agent', digest: sha256('standby'), file, self: true })]));
    await writeFile(at(`manifests/${file}`), 'standby');
    await writeFile(at('manifests/kube-proxy.yaml'), 'foreign');
  }

  it('cleans when the agents are gone, says so on /cleanz alone, and deletes its DaemonSet when all are clean', async () => {
    await placeStandby();
    server.objects.set(pathOf.daemonSet('cleaners'), daemonSet('cleaners'));
    const child = start('--purge');
    await until(async () => (await status('/cleanz')) === 200);

    expect(await readdir(at('manifests'))).toEqual(['kube-proxy.yaml']);
    expect(await readdir(at('state'))).toEqual([]);
    expect(await Promise.all(['/readyz', '/healthz'].map(status))).toEqual([503, 503]);
    expect(server.objects.size).toBe(1);

    server.objects.set(pathOf.daemonSet('cleaners'), daemonSet('cleaners', { ready: 1 }));
    await until(() => server.objects.size === 0);
    await until(() => said.includes('every node is clean: the cleanup ends\n'));
    expect(await status('/cleanz')).toBeUndefined();

    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    expect((await ended)[0]).toBe(0);
  });

  it('touches nothing while the agents are there, and leaves the lock and the port to them', async () => {
    await placeStandby();
    server.objects.set(pathOf.daemonSet('cleaners'), daemonSet('cleaners', { created: '2026-11-21T09:00:00Z' }));
    server.objects.set(pathOf.daemonSet('agents'), daemonSet('agents'));
    start();
    await until(() => said.includes('DaemonSet kube-system/agents is there: nothing is cleaned while it is\n'));

    expect(await readdir(at('manifests'))).toHaveLength(2);
    expect(await status('/cleanz')).toBeUndefined();
    expect((await run('cleanup')).code).toBe(0);
  });
});

describe('uninstall', () => {
  it("deletes the agents' DaemonSet, and then finds it gone", async () => {
    server.objects.set(pathOf.daemonSet('agents'), daemonSet('agents'));

    expect(await run('uninstall', '--step=agents', ...NAMES)).toEqual({
      code: 0,
      stdout: 'DaemonSet kube-system/agents is gone: its pods end\n',
      stderr: '',
    });
    expect(server.objects.size).toBe(0);
  });

  it('says which node is clean and which is down', async () => {
    const ready = (is: string) => ({ conditions: [{ type: 'Ready', status: is }] });
    const metadata = { labels: { 'app.kubernetes.io/component': 'cleanup' }, ownerReferences: [{ kind: 'DaemonSet', name: 'cleaners' }] };
    server.objects.set(pathOf.daemonSet('cleaners'), daemonSet('cleaners'));
    server.objects.set(pathOf.pod('x'), { metadata, spec: { nodeName: 'n1' }, status: ready('True') });
    server.objects.set(pathOf.pod('y'), { metadata, spec: { nodeName: 'n2' }, status: ready('False') });
    server.objects.set(pathOf.node('n1'), { metadata: { name: 'n1' }, status: ready('True') });
    server.objects.set(pathOf.node('n2'), { metadata: { name: 'n2' }, status: ready('Unknown') });

    const { code, stdout } = await run('uninstall', '--step=nodes', ...NAMES);

    expect(stdout).toMatch(/^1 node is clean: n1\n1 node is down: n2: cleaned as soon as the node comes back; /);
    expect(code).toBe(0);
  });

  it('ends with 1 when its time is over, and says why', async () => {
    server.faults.set('GET', { status: 403, body: '{}' });

    const { code, stdout } = await run('uninstall', '--step=nodes', '--limit=100ms', ...NAMES);

    expect(stdout).toMatch(/^reading \/apis\/apps\/v1\/.*\/cleaners: HTTP 403: the account may not do that\n$/);
    expect(code).toBe(1);
  });

  it.each([
    [['uninstall'], ['--step is missing; write agents or nodes', '--namespace, --agents and --cleaners are missing; name both DaemonSets']],
    [['uninstall', '--step=all', ...NAMES], ['--step "all" is not allowed; write agents or nodes']],
    [['uninstall', '--step=nodes', '--limit=soon', ...NAMES], ['--limit "soon": no duration; write it as 500ms, 10s, 2m or 1h30m']],
    [['cleanup', ...NAMES], ['--namespace, --agents and --cleaners need --stay; add it']],
    [
      ['cleanup', '--stay', '--agents=A b'],
      [
        '--namespace is missing; --namespace, --agents and --cleaners are given together',
        '--agents "A b" is no name of an object; write small letters, digits and -',
        '--cleaners is missing; --namespace, --agents and --cleaners are given together',
      ],
    ],
  ])('%j is refused with a sentence a mistake', async (args, problems) => {
    const { code, stdout, stderr } = await run(...args);

    expect(stderr.split('\n').filter((line) => line.startsWith('pod-checkpointer '))).toEqual(
      expect.arrayContaining(problems.map((problem) => `pod-checkpointer ${args[0]}: ${problem}`)),
    );
    expect(stdout).toBe('');
    expect(code).toBe(2);
    expect(server.requests).toEqual([]);
  });
});
