/**
 * What the uninstall relies on from a Kubernetes API server, as tests: for the stand-in and for a real one. Each test removes
 * the objects that it made.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { ApiAccess } from '../../src/adapters/kubernetes/index.ts';
import { type ClosableUninstallApi, createUninstallApi } from '../../src/adapters/kubernetes/uninstall-api.ts';
import { fieldAt } from '../../src/core/model/json.ts';
import type { Json } from '../../src/core/model/model.ts';
import { counters, FAST_TRANSPORT, realClock } from '../adapters/kubernetes/rig.ts';

export interface UninstallStage {
  readonly access: ApiAccess;
  /** The same server with a token it does not know. */
  readonly strangerAccess: ApiAccess;
  readonly namespace: string;
  readonly nodeName: string;
  /** Its path is the collection's and its name. */
  create(collection: string, object: Json): Promise<void>;
  /** undefined: there is none. */
  read(path: string): Promise<Json | undefined>;
  /** Fine as well where it is gone. */
  remove(path: string): Promise<void>;
  /** Of a pod on this node, that becomes Ready by itself. */
  readonly podSpec: Json;
  dispose(): Promise<void>;
}

const NAME = 'contract-cleaners';
const RBAC = '/apis/rbac.authorization.k8s.io/v1';

export function uninstallContract(name: string, setup: () => Promise<UninstallStage>): void {
  describe(`uninstall contract: ${name}`, () => {
    let stage: UninstallStage;
    let api: ClosableUninstallApi;
    let made: string[] = [];
    const opened: ClosableUninstallApi[] = [];
    const connect = (access: ApiAccess): ClosableUninstallApi => {
      const options = { namespace: stage.namespace, version: '0.0.0-test', clock: realClock, observer: counters() };
      const client = createUninstallApi(access, { ...options, transportTimings: FAST_TRANSPORT });
      opened.push(client);
      return client;
    };
    beforeAll(async () => {
      stage = await setup();
      api = connect(stage.access);
    });
    afterEach(async () => {
      for (const path of made) await stage.remove(path);
      made = [];
    });
    afterAll(async () => {
      for (const client of opened) await client.close();
      await stage.dispose();
    });

    const inNamespace = (group: string, resource: string): string => `${group}/namespaces/${stage.namespace}/${resource}`;
    async function create(collection: string, object: Json): Promise<string> {
      const path = `${collection}/${fieldAt(object, 'metadata', 'name')}`;
      made.push(path);
      await stage.create(collection, object);
      return path;
    }
    /** For no node, so that nothing runs. */
    async function createDaemonSet(annotations: Json = {}): Promise<string> {
      const labels = { app: NAME };
      const template = {
        metadata: { labels },
        spec: { nodeSelector: { no: 'node' }, containers: [{ name: 'main', image: 'localhost/none:1' }] },
      };
      return await create(inNamespace('/apis/apps/v1', 'daemonsets'), {
        apiVersion: 'apps/v1',
        kind: 'DaemonSet',
        metadata: { name: NAME, namespace: stage.namespace, annotations },
        spec: { selector: { matchLabels: labels }, template },
      });
    }
    async function uidOf(path: string): Promise<string> {
      return String(fieldAt(await stage.read(path), 'metadata', 'uid'));
    }
    async function createBelongings(): Promise<readonly string[]> {
      const metadata = { name: NAME, namespace: stage.namespace, labels: { keep: 'me' } };
      const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: NAME };
      return [
        await create(inNamespace('/api/v1', 'configmaps'), { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { a: 'b' } }),
        await create(inNamespace('/api/v1', 'serviceaccounts'), { apiVersion: 'v1', kind: 'ServiceAccount', metadata }),
        await create(inNamespace(RBAC, 'roles'), { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata, rules: [] }),
        await create(inNamespace(RBAC, 'rolebindings'), {
          apiVersion: 'rbac.authorization.k8s.io/v1',
          kind: 'RoleBinding',
          metadata,
          roleRef,
        }),
      ];
    }

    test('a DaemonSet that is not there is gone, and not unknown', async () => {
      expect(await api.daemonSet(NAME)).toBeUndefined();
      await api.deleteDaemonSet(NAME, 'any');
    });

    test('one that is there has a uid, a time, and a status as soon as the controller has looked', async () => {
      const path = await createDaemonSet({ 'meta.helm.sh/release-name': 'r' });
      await expect.poll(async () => (await api.daemonSet(NAME))?.observed, { timeout: 30_000 }).toBe(true);
      const view = await api.daemonSet(NAME);

      expect(view).toMatchObject({ uid: await uidOf(path), deleting: false, ofHelm: true, desired: 0, updated: 0, ready: 0 });
      expect(Math.abs(Date.now() - (view?.createdAt ?? 0))).toBeLessThan(60_000);
    });

    test('one that helm did not install says so', async () => {
      await createDaemonSet();
      expect(await api.daemonSet(NAME)).toMatchObject({ ofHelm: false });
    });

    test('it is deleted by its uid, and left alone by any other', async () => {
      const path = await createDaemonSet();
      await api.deleteDaemonSet(NAME, '00000000-0000-4000-8000-000000000000');
      expect(await stage.read(path)).toBeDefined();

      await api.deleteDaemonSet(NAME, await uidOf(path));
      await expect.poll(() => api.daemonSet(NAME)).toBeUndefined();
    });

    test('what belongs to it gets it as its owner, and keeps all else', async () => {
      const uid = await uidOf(await createDaemonSet());
      const paths = await createBelongings();
      await api.tieToCleaners(NAME, uid);

      for (const path of paths) {
        expect(fieldAt(await stage.read(path), 'metadata'), path).toMatchObject({
          labels: { keep: 'me' },
          ownerReferences: [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: NAME, uid }],
        });
      }
      expect(fieldAt(await stage.read(paths[0] ?? ''), 'data')).toEqual({ a: 'b' });
    });

    test('what belongs to it is removed, and may be gone already', async () => {
      const paths = await createBelongings();
      await api.removeBelongings(NAME);
      await api.removeBelongings(NAME);
      await api.tieToCleaners(NAME, 'any');

      for (const path of paths) expect(await stage.read(path), path).toBeUndefined();
    });

    test('the pods that it owns are seen with their node, and become ready', async () => {
      const uid = await uidOf(await createDaemonSet());
      const owner = { apiVersion: 'apps/v1', kind: 'DaemonSet', name: NAME, uid };
      const pod = (own: string, metadata: Json): Json => ({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: own, namespace: stage.namespace, ...metadata },
        spec: stage.podSpec,
      });
      const labels = { 'app.kubernetes.io/component': 'cleanup' };
      await create(inNamespace('/api/v1', 'pods'), pod('contract-owned', { labels, ownerReferences: [owner] }));
      await create(inNamespace('/api/v1', 'pods'), pod('contract-free', { labels }));

      await expect.poll(() => api.cleanerPods(NAME), { timeout: 30_000 }).toEqual([{ node: stage.nodeName, ready: true, waiting: '' }]);
    });

    test('the node is there and ready', async () => {
      expect(await api.nodes()).toContainEqual({ name: stage.nodeName, ready: true });
    });

    test('a stranger is told nothing', async () => {
      const stranger = connect(stage.strangerAccess);
      await expect(stranger.daemonSet(NAME)).rejects.toMatchObject({ kind: 'denied' });
      await expect(stranger.deleteDaemonSet(NAME, 'any')).rejects.toMatchObject({ kind: 'denied' });
      await expect(stranger.nodes()).rejects.toMatchObject({ kind: 'denied' });
    });
  });
}
