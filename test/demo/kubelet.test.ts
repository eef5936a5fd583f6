/** The kubelet stand-in behaves as the real one where a checkpointer depends on it. */
import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createKubeletPods } from '../../src/adapters/kubelet/podresources.ts';
import { loseTmpfs } from '../../src/demo/kubelet/kubelet-volumes.ts';
import { createDemoNode, type DemoNode, podJson } from './demo-node.ts';

const soon = { timeout: 30_000, interval: 5 };
const PARENT = podJson('web', {}, { uid: 'uid-parent', annotations: { 'checkpointer/enabled': 'true' } });

describe('the kubelet stand-in', () => {
  let node: DemoNode;
  const runs = (name: string): Promise<void> => vi.waitFor(() => expect(node.running(name)).toBe(1), soon);
  const gone = (name: string): Promise<void> => vi.waitFor(() => expect(node.running(name)).toBe(0), soon);

  beforeEach(async () => {
    node = await createDemoNode();
  });
  afterEach(async () => {
    await node.dispose();
  });

  describe('with an API server that is away', () => {
    beforeEach(async () => {
      node.api.up = false;
      await node.kubelet.start();
    });

    it('runs a static pod that is placed by rename, named after the node and marked as from a file', async () => {
      await node.place('a.json', JSON.stringify(podJson('copy')));
      await runs('copy-node1');
      expect(node.runtime.sandboxes()[0]?.config.annotations).toMatchObject({ 'kubernetes.io/config.source': 'file' });
      expect(node.runtime.sandboxes()[0]?.config.uid).toMatch(/^[0-9a-f]{32}$/);
    });

    it('ignores dot-files', async () => {
      await node.place('.hidden.json', JSON.stringify(podJson('hidden')));
      await node.place('a.json', JSON.stringify(podJson('copy')));
      await runs('copy-node1');
      expect(node.kubelet.known()).toEqual(['kube-system/copy-node1']);
    });

    it.each([
      ['a service account', { serviceAccountName: 'sa' }, 'serviceaccounts'],
      ['an image pull secret', { imagePullSecrets: [{ name: 's' }] }, 'secrets'],
      ['a secret volume', { volumes: [{ name: 'v', secret: { secretName: 's', optional: true } }] }, 'secrets'],
      ['a configMap volume', { volumes: [{ name: 'v', configMap: { name: 'c' } }] }, 'configmaps'],
      [
        'a projected token',
        { volumes: [{ name: 'v', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } }] },
        'serviceaccounts',
      ],
      ['a claim', { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }] }, 'persistentvolumeclaims'],
      ['a CSI volume', { volumes: [{ name: 'v', csi: { driver: 'd' } }] }, 'csidrivers'],
      ['a volume kind it does not know', { volumes: [{ name: 'v', novelty: {} }] }, 'unknown volume type'],
      [
        'a secret in the environment',
        { containers: [{ name: 'c', env: [{ name: 'E', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }] }] },
        'secrets',
      ],
      ['a configMap in envFrom', { containers: [{ name: 'c', envFrom: [{ configMapRef: { name: 'c' } }] }] }, 'configmaps'],
    ])('refuses %s with nothing but a log line', async (_what, spec, resource) => {
      await node.place('bad.json', JSON.stringify(podJson('bad', spec)));
      await vi.waitFor(() => expect(node.log.join('\n')).toContain(`static pods may not reference ${resource}`), soon);
      expect(node.kubelet.known()).toEqual([]);
      expect(node.runtime.sandboxes()).toEqual([]);
      expect(node.reports).toEqual([]);
    });

    it('never runs a manifest that says it is a mirror pod', async () => {
      await node.place('bad.json', JSON.stringify(podJson('bad', {}, { annotations: { 'kubernetes.io/config.mirror': 'x' } })));
      await vi.waitFor(() => expect(node.log.join('\n')).toContain('mirror'), soon);
      expect(node.kubelet.known()).toEqual([]);
    });

    it('leaves the containers of a withdrawn manifest running, and does not list the pod', async () => {
      await node.place('a.json', JSON.stringify(podJson('copy')));
      await runs('copy-node1');
      await node.withdraw('a.json');
      await vi.waitFor(() => expect(node.kubelet.known()).toEqual([]), soon);
      await vi.waitFor(() => expect(node.log.join('\n')).toContain('skipping delete'), soon);
      expect(node.running('copy-node1')).toBe(1);
    });

    it('restarts a static container that died, but not one of a withdrawn manifest', async () => {
      await node.place('a.json', JSON.stringify(podJson('copy')));
      await runs('copy-node1');
      await node.runtime.crash(node.runtime.containers()[0]?.id ?? '', 1);
      await runs('copy-node1');
      expect(node.runtime.containers().at(-1)?.config.attempt).toBe(1);
    });

    it('terminates the withdrawn pod once it has seen the API server', async () => {
      await node.place('a.json', JSON.stringify(podJson('copy')));
      await runs('copy-node1');
      await node.withdraw('a.json');
      await vi.waitFor(() => expect(node.kubelet.known()).toEqual([]), soon);
      node.api.up = true;
      await gone('copy-node1');
    });

    it('tells the list that it cannot read a bad file, and takes the pod it defined away from its own list', async () => {
      await node.place('a.json', JSON.stringify(podJson('copy')));
      await runs('copy-node1');
      await node.place('a.json', '{ half a file');
      await vi.waitFor(() => expect(node.log.join('\n')).toContain('Could not process manifest file'), soon);
      await vi.waitFor(() => expect(node.kubelet.known()).toEqual([]), soon);
    });
  });

  describe('with parents from the API server', () => {
    it('materializes volumes in the layout of the real one and resolves the environment', async () => {
      node.api.data = { 'secret/s': { pass: 'sesame', key: 'k' }, 'configmap/c': { 'conf.ini': 'x=1' } };
      node.api.pods = [
        podJson(
          'web',
          {
            volumes: [
              { name: 'sec', secret: { secretName: 's', defaultMode: 0o400, items: [{ key: 'pass', path: 'sub/pass' }] } },
              { name: 'cfg', configMap: { name: 'c' } },
              { name: 'tok', projected: { sources: [{ serviceAccountToken: { path: 'token' } }, { configMap: { name: 'c' } }] } },
            ],
            containers: [
              {
                name: 'server',
                image: 'localhost/web:1',
                env: [
                  { name: 'PASS', valueFrom: { secretKeyRef: { name: 's', key: 'pass' } } },
                  { name: 'DOLLAR', value: '$$(X) $(PASS)' },
                ],
                volumeMounts: [{ name: 'sec', mountPath: '/sec', readOnly: true }],
              },
            ],
          },
          { uid: 'uid-1' },
        ),
      ];
      await node.kubelet.start();
      await runs('web');
      const volumes = join(node.dir, 'kubelet', 'pods', 'uid-1', 'volumes');
      expect(await readFile(join(volumes, 'kubernetes.io~secret', 'sec', 'sub', 'pass'), 'utf8')).toBe('sesame');
      expect(await readlink(join(volumes, 'kubernetes.io~secret', 'sec', 'sub'))).toBe('..data/sub');
      expect((await stat(join(volumes, 'kubernetes.io~secret', 'sec', 'sub', 'pass'))).mode & 0o7777).toBe(0o400);
      expect((await stat(join(volumes, 'kubernetes.io~secret', 'sec'))).mode & 0o7777).toBe(0o1777);
      expect((await stat(join(volumes, 'kubernetes.io~configmap', 'cfg'))).mode & 0o7777).toBe(0o777);
      expect((await readdir(join(volumes, 'kubernetes.io~projected', 'tok'))).filter((name) => !name.startsWith('..'))).toEqual([
        'conf.ini',
        'token',
      ]);
      const config = node.runtime.containers()[0]?.config;
      expect(Object.fromEntries(config?.envs.map(({ key, value }) => [key, value]) ?? [])).toMatchObject({
        PASS: 'sesame',
        DOLLAR: '$(X) sesame',
        KUBERNETES_SERVICE_HOST: '10.0.0.1',
      });
      expect(config?.mounts).toEqual([{ containerPath: '/sec', hostPath: join(volumes, 'kubernetes.io~secret', 'sec'), readonly: true }]);
    });

    it('makes the sandbox at once and the containers only when the services were read', async () => {
      node.api.pods = [PARENT];
      node.api.servicesUp = false;
      await node.kubelet.start();
      await vi.waitFor(() => expect(node.reports.at(-1)?.reason).toContain('services have not yet been read'), soon);
      expect(node.runtime.sandboxes().filter(({ ready }) => ready)).toHaveLength(1);
      expect(node.runtime.containers()).toEqual([]);
      node.api.servicesUp = true;
      await runs('web');
      await vi.waitFor(() => expect(node.reports.at(-1)).toMatchObject({ uid: 'uid-parent', phase: 'Running', ready: true }), soon);
    });

    it('keeps supervising them while the API server is away', async () => {
      node.api.pods = [PARENT];
      await node.kubelet.start();
      await runs('web');
      node.api.up = false;
      await node.runtime.crash(node.runtime.containers()[0]?.id ?? '', 1);
      await runs('web');
      expect(node.kubelet.known()).toEqual(['kube-system/web']);
    });

    it('forgets them when it restarts offline, and neither kills nor restarts their containers', async () => {
      node.api.pods = [PARENT];
      await node.kubelet.start();
      await runs('web');
      await node.kubelet.kill();
      node.api.up = false;
      await node.place('a.json', JSON.stringify(podJson('copy')));
      await node.kubelet.start();
      await runs('copy-node1');
      expect(node.kubelet.known()).toEqual(['kube-system/copy-node1']);
      expect(node.running('web')).toBe(1);
    });

    it('comes back after a power cut with static pods only, and with the parents when the API server is back', async () => {
      node.api.pods = [PARENT];
      await node.kubelet.start();
      await runs('web');
      await node.kubelet.kill();
      await node.runtime.powerCut();
      await loseTmpfs(join(node.dir, 'kubelet'));
      node.api.up = false;
      await node.place('a.json', JSON.stringify(podJson('copy')));
      await node.runtime.start();
      await node.kubelet.start();
      await runs('copy-node1');
      expect(node.running('web')).toBe(0);
      expect(node.runtime.containers().find(({ config }) => config.labels['io.kubernetes.pod.uid'] === 'uid-parent')).toMatchObject({
        state: 'exited',
        exitCode: 255,
      });
      node.api.up = true;
      await runs('web');
      await node.withdraw('a.json');
      await gone('copy-node1');
    });

    it('rejects for good a second pod with the same host port', async () => {
      const ports = { containers: [{ name: 'server', image: 'localhost/web:1', ports: [{ containerPort: 80 }] }] };
      node.api.pods = [
        podJson('web', ports, { uid: 'u1' }),
        podJson('late', ports, { uid: 'u2', creationTimestamp: '2026-01-01T00:00:00Z' }),
      ];
      await node.kubelet.start();
      await vi.waitFor(
        () => expect(node.reports).toContainEqual(expect.objectContaining({ uid: 'u2', phase: 'Failed', reason: 'NodePorts' })),
        soon,
      );
      await runs('web');
      expect(node.kubelet.known()).toEqual(['kube-system/web']);
    });

    it('stops a pod that is being deleted and says when it has ended', async () => {
      node.api.pods = [PARENT];
      await node.kubelet.start();
      await runs('web');
      node.api.pods = [{ ...PARENT, metadata: { ...PARENT.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } }];
      await vi.waitFor(
        () => expect(node.reports).toContainEqual(expect.objectContaining({ uid: 'uid-parent', reason: 'Terminated' })),
        soon,
      );
      expect(node.running('web')).toBe(0);
    });

    it('waits with a pod whose Secret is missing', async () => {
      node.api.pods = [podJson('web', { volumes: [{ name: 'v', secret: { secretName: 'none' } }] }, { uid: 'u' })];
      await node.kubelet.start();
      await vi.waitFor(() => expect(node.reports.at(-1)?.reason).toContain('not found'), soon);
      expect(node.runtime.sandboxes()).toEqual([]);
    });

    it('lists over podresources what it knows', async () => {
      node.api.pods = [PARENT];
      await node.kubelet.start();
      const pods = createKubeletPods({ socket: node.kubelet.podResourcesSocket });
      await vi.waitFor(async () => expect(await pods.list(1000)).toEqual([{ namespace: 'kube-system', name: 'web' }]), soon);
      pods.close();
    });
  });
});
