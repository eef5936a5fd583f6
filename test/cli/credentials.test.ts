/** The agent as a process that lacks what it needs for the API server, or whose port is taken: it starts all the same. */
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { openStore } from '../../src/adapters/disk/store.ts';
import { createCodec } from '../../src/adapters/grpc/messages.ts';
import { POD_RESOURCES_LIST } from '../../src/adapters/kubelet/podresources.ts';
import { caFingerprint } from '../../src/adapters/kubernetes/index.ts';
import { createApiServer } from '../../src/demo/api-server/api-server.ts';
import { createAuthority } from '../../src/demo/api-server/certificates.ts';
import { kubeconfigText } from '../../src/demo/kubeconfig.ts';
import { createGrpcServer } from '../../src/demo/runtime/grpc-server.ts';
import { draft } from '../fakes/disk-draft.ts';
import { nodeDir } from './node-dir.ts';

const node = nodeDir('credentials-', (path) => ({
  kubeconfig: path('kubeconfig'),
  kubeletConfig: '/dev/null',
  machineIdFile: path('machine-id'),
  podResourcesSocket: path('kubelet.sock'),
  bootFastPath: false,
  namespaces: ['default'],
}));
const at = node.path;
const VALID = { notBefore: Date.now() - 60_000, notAfter: Date.now() + 3_600_000 };
const { cert } = createAuthority('lost', VALID);

/** One checkpoint of this node, of the cluster of this CA. */
async function stored(): Promise<void> {
  await writeFile(at('machine-id'), 'm1\n');
  const store = await openStore({ dir: at('state'), mayWrite: () => true });
  const one = draft();
  await store.save({
    ...one,
    record: { ...one.record, node: { name: 'n1', machineId: 'm1' }, cluster: caFingerprint(cert), images: [], maxAgeMs: 0 },
  });
}
/** A server that nobody hears, and a token's file that is not there. */
async function withoutToken(): Promise<void> {
  const text = kubeconfigText({ url: 'https://127.0.0.1:1', ca: cert, token: 't' });
  await writeFile(at('kubeconfig'), text.replace('"token":"t"', '"tokenFile":"no-such-token"'));
}

describe('an agent without credentials', () => {
  it.each<[string, () => Promise<void>, RegExp]>([
    ['its kubeconfig', async () => undefined, /no credentials.*kubeconfig.*ENOENT.*no server is known/],
    ['its token', withoutToken, /no credentials.*no-such-token.*ENOENT.*starts in an outage as ever/],
  ])(
    'does not start without %s where nothing is stored, and starts where something is: not Ready, and said',
    async (_name, arrange, sentence) => {
      await arrange();
      await writeFile(at('machine-id'), 'm1\n');
      expect((await node.run('agent')).code).toBe(4);

      await stored();
      let said = '';
      node.start(['agent'], (text) => {
        said += text;
      });
      await node.until(async () => (await node.status('/healthz')) === 200);
      expect(await node.status('/readyz')).toBe(503);
      expect(said).toMatch(sentence);
      expect((await node.run('status')).stderr).toMatch(sentence);
    },
  );

  it('starts what is stored in an outage, as the standby does', async () => {
    await withoutToken();
    await stored();
    const codec = createCodec();
    const kubelet = createGrpcServer(at('kubelet.sock'), {
      unary: { [POD_RESOURCES_LIST]: () => codec.encode('ListPodResourcesResponse', { podResources: [] }) },
    });
    await kubelet.start();
    try {
      node.start(['agent']);
      await node.until(async () => (await readdir(at('manifests'))).some((name) => name.startsWith('podckpt-default-web-')));
    } finally {
      await kubelet.stop();
    }
  });

  it('takes up those that come later', async () => {
    await stored();
    node.start(['agent']);
    await node.until(async () => (await node.status('/readyz')) === 503);
    const api = createApiServer();
    await api.start();
    try {
      await writeFile(at('kubeconfig'), kubeconfigText({ url: api.url, ca: api.ca, token: api.token }));
      await node.until(async () => (await node.status('/readyz')) === 200);
      // its CA is another: what is stored is another cluster's, and stays
      expect((await node.run('status')).stdout).toContain('web');
    } finally {
      await api.stop();
    }
  });
});

it('an agent whose port is taken runs, says so, and serves as soon as it is free', async () => {
  await stored();
  const { metrics } = JSON.parse(await readFile(at('agent.yaml'), 'utf8')) as { metrics: { address: string } };
  const { port } = new URL(`http://${metrics.address}`);
  const other = createServer().listen(Number(port), '127.0.0.1');
  await once(other, 'listening');
  let said = '';
  const agent = node.start(['agent'], (text) => {
    said += text;
  });
  await node.until(() => /another process listens there.*chart's probes fail/.test(said) && said.includes('Agent starts'));
  expect(agent.exitCode).toBeNull();

  other.close();
  await node.until(async () => (await node.status('/healthz')) === 200);
});
