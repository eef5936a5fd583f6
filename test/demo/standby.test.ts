/**
 * The agent's own survival, with the built program and the stand-ins: captured in its pod, its copy alone brings the node
 * back without credentials, hands back, and makes way for the pod.
 */
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { BUNDLE } from '../../deploy/bundle.ts';
import { createClock } from '../../src/adapters/clock.ts';
import type { Json } from '../../src/core/model/model.ts';
import { createDemoNode, type DemoNode } from '../../src/demo/node.ts';
import { NODE } from '../../src/demo/parents.ts';

const NAME = 'pod-checkpointer-x7x7x';
const LABELS = { 'app.kubernetes.io/name': 'pod-checkpointer', 'app.kubernetes.io/instance': 'demo' };
const IMAGE = 'registry.example/pod-checkpointer:1';
const fieldRef = (name: string, fieldPath: string): Json => ({ name, valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath } } });
const POD: Json = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    namespace: 'ckpt',
    name: NAME,
    labels: LABELS,
    annotations: { 'checkpointer/enabled': 'true' },
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'pod-checkpointer', uid: 'ds-agent', controller: true }],
  },
  spec: {
    nodeName: NODE,
    // on the host network the stand-in would serve the other parent's port
    containers: [
      {
        name: 'agent',
        image: IMAGE,
        args: ['agent'],
        env: [fieldRef('POD_NAME', 'metadata.name'), fieldRef('POD_NAMESPACE', 'metadata.namespace'), fieldRef('POD_UID', 'metadata.uid')],
        volumeMounts: [{ name: 'api-access', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true }],
      },
    ],
    volumes: [
      {
        name: 'api-access',
        projected: {
          sources: [
            { serviceAccountToken: { path: 'token', expirationSeconds: 3607 } },
            { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
            { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } },
          ],
        },
      },
    ],
  },
};

let node: DemoNode;
afterEach(async () => node.dispose(false));

async function until(what: string, condition: () => boolean | Promise<boolean>, limitMs = 30_000): Promise<void> {
  const limit = Date.now() + limitMs;
  while (!(await condition())) {
    if (Date.now() > limit)
      throw new Error(
        `${what}: not within ${limitMs} ms; ${node.lines
          .slice(-4)
          .map((line) => JSON.stringify(line.fields))
          .join('\n')}`,
      );
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
const said = (message: string, from = 0): number => node.lines.slice(from).filter((line) => line.msg === message).length;
/** Environment of a process in the pod with this uid; the stand-in's containers are none. */
const inPod = (uid: string, role?: string): Record<string, string | undefined> => ({
  PATH: process.env['PATH'],
  POD_NAMESPACE: 'ckpt',
  POD_NAME: NAME,
  POD_UID: uid,
  ...(role === undefined ? {} : { POD_CHECKPOINTER_ROLE: role }),
});
const standbySandbox = () =>
  node.runtime.sandboxes().find(({ config, ready }) => ready && config.annotations['checkpointer/copy-of'] === `ckpt/${NAME}`);
const agentRuns = (uid: string): boolean =>
  node.runtime
    .containers()
    .some(
      (container) =>
        container.state === 'running' &&
        node.runtime.sandboxes().some(({ id, config }) => id === container.sandboxId && config.uid === uid),
    );

it('brings the node back by the standby alone, which then makes way', async () => {
  node = await createDemoNode({ clock: createClock(), random: Math.random, scale: 0.02, execPath: process.execPath, bundle: BUNDLE });
  node.runtime.addImage({ reference: IMAGE });
  const uid = node.api.createPod(POD).metadata?.uid ?? '';
  await until('the pod of the agent', () => agentRuns(uid));
  node.startAgent(inPod(uid));

  await until('all captures', () => said('Captured the parent') === 3);
  await until('the standby', () => standbySandbox() !== undefined);
  const files = join(node.dir, 'state', 'checkpoints', `ckpt_${NAME}`, 'current', 'files', 'api-access');
  expect((await readdir(files)).filter((name) => !name.startsWith('..')).sort()).toEqual(['ca.crt', 'namespace']);
  const [manifest = ''] = await node.manifests();
  expect(JSON.parse(await readFile(join(node.dir, 'manifests', manifest), 'utf8')).spec.containers[0].env).toContainEqual({
    name: 'POD_CHECKPOINTER_ROLE',
    value: 'standby',
  });

  await node.powerCut();
  await node.boot();
  await until('the standby alone', () => standbySandbox() !== undefined);
  const static_ = standbySandbox()?.config.uid ?? '';
  let from = node.lines.length;
  const standby = node.startAgent(inPod(static_, 'standby'));
  await until('both copies', async () => (await node.manifests()).length === 3);
  await until('both copies running', () => said('The copy runs', from) === 2);

  from = node.lines.length;
  const ended = once(standby, 'exit');
  const requests = node.api.requests.length;
  await node.api.start();
  expect((await ended)[0]).toBe(0);
  expect(said('Handed back to the parent', from)).toBe(2);
  expect(said("The standby makes way for the DaemonSet's pod", from)).toBe(1);
  expect(await node.manifests()).toEqual([manifest]);
  const asked = new Set(node.api.requests.slice(requests).map(({ path }) => path.split('?')[0]));
  expect([...asked]).toEqual(['/readyz']);

  from = node.lines.length;
  node.startAgent(inPod(uid));
  await until('the agent in charge', () => said('Judged the API server', from) > 0);
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  expect(await node.manifests()).toEqual([manifest]);
  expect(standbySandbox()?.config.uid).toBe(static_);
}, 90_000);
