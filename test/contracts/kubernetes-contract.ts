/**
 * What the agent relies on from a Kubernetes API server, as tests: for the embedded server and for a real one.
 *
 * A stage is one server with one node; each test makes pods with names of its own and removes what it made.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { ApiAccess } from '../../src/adapters/kubernetes/index.ts';
import type { PodName } from '../../src/core/model/model.ts';
import { type Client, type ClientOptions, clientOf, until } from '../adapters/kubernetes/rig.ts';

export interface KubernetesStage {
  readonly access: ApiAccess;
  /** The same server with a token it does not know. */
  readonly strangerAccess: ApiAccess;
  readonly nodeName: string;
  readonly namespace: string;
  /** Does the server store fields that no published type has? A real one prunes them. */
  readonly keepsUnknownFields: boolean;
  /** Creates a pod bound to the node; resolves with its uid. */
  create(name: string, options?: { nodeName?: string; unknownField?: string }): Promise<string>;
  label(name: string, key: string, value: string): Promise<void>;
  /** At once, without grace. */
  remove(name: string): Promise<void>;
  /** Connections are refused when it resolves. */
  stop(): Promise<void>;
  start(): Promise<void>;
  dispose(): Promise<void>;
}

export function kubernetesContract(name: string, setup: () => Promise<KubernetesStage>): void {
  describe(`Kubernetes API contract: ${name}`, () => {
    let stage: KubernetesStage;
    let made: string[] = [];
    let clients: Client[] = [];
    beforeAll(async () => {
      stage = await setup();
    });
    afterAll(() => stage.dispose());
    afterEach(async () => {
      await Promise.all(clients.map((client) => client.close()));
      await stage.start();
      for (const pod of made) await stage.remove(pod).catch(() => {});
      made = [];
      clients = [];
    });

    const create: KubernetesStage['create'] = async (pod, options) => {
      made.push(pod);
      return stage.create(pod, options);
    };
    const connect = (access: ApiAccess = stage.access, options: ClientOptions = {}) => {
      const client = clientOf(access, { nodeName: stage.nodeName, ...options });
      clients.push(client);
      return client;
    };
    const started = async (options: ClientOptions = {}) => {
      const client = connect(stage.access, options);
      client.watch.start(() => {});
      await until(() => client.watch.view().healthy && client.watch.view().synced);
      return client;
    };
    const named = (pod: string): PodName => ({ namespace: stage.namespace, name: pod });

    test('the first list shows the pods of this node and of no other', async () => {
      const uid = await create('first-here');
      await create('first-there', { nodeName: 'another-node' });
      const client = await started();
      expect(client.names()).toContain('first-here');
      expect(client.names()).not.toContain('first-there');
      expect(client.watch.view().pods.get(uid)?.metadata?.name).toBe('first-here');
      expect(client.watch.view().lastSuccess).toBeTypeOf('number');
    });

    test('the watch shows a pod that is created, changed and deleted', async () => {
      const client = await started();
      const uid = await create('life');
      await until(() => client.watch.view().pods.has(uid));
      await stage.label('life', 'step', 'two');
      await until(() => client.watch.view().pods.get(uid)?.metadata?.labels?.['step'] === 'two');
      await stage.remove('life');
      await until(() => !client.watch.view().pods.has(uid));
      expect(client.counters.requests).toEqual(['list 200', 'watch 200']);
    });

    test('a pod deleted and created again under its name has the new uid only', async () => {
      const client = await started();
      const old = await create('again');
      await stage.remove('again');
      const fresh = await create('again');
      await until(() => client.watch.view().pods.has(fresh));
      expect(client.watch.view().pods.has(old)).toBe(false);
    });

    test('a watch that ends in good order is resumed without reading the list again', async () => {
      const client = await started({ watch: { watchSeconds: [1, 1], backoffBaseMs: 10 } });
      await until(() => client.counters.requests.filter((each) => each === 'watch 200').length >= 2);
      const uid = await create('resumed');
      await until(() => client.watch.view().pods.has(uid));
      expect(client.counters.requests.filter((each) => each.startsWith('list'))).toEqual(['list 200']);
      expect(new Set(client.counters.restarts)).toEqual(new Set(['clean-end']));
      expect(client.watch.view().synced).toBe(true);
    });

    test('a server that was killed and started again is noticed, and no pod is lost or left over', async () => {
      const stays = await create('stays');
      const leaves = await create('leaves');
      const client = await started();
      await stage.stop();
      await until(() => !client.watch.view().healthy);
      expect(client.watch.view().pods.has(leaves)).toBe(true);
      await stage.start();
      await stage.remove('leaves');
      const comes = await create('comes');
      client.watch.retryNow();
      await until(
        () => client.watch.view().healthy && client.watch.view().pods.has(comes) && !client.watch.view().pods.has(leaves),
        20_000,
      );
      expect(client.watch.view().synced).toBe(true);
      expect(client.watch.view().pods.has(stays)).toBe(true);
    });

    test('a watch that is started while nobody answers is synced once the server is there', async () => {
      const uid = await create('waits');
      await stage.stop();
      const client = connect();
      client.watch.start(() => {});
      await until(() => client.counters.restarts.length >= 2);
      expect(client.watch.view()).toEqual({ synced: false, healthy: false, pods: new Map() });
      await stage.start();
      await until(() => client.watch.view().synced && client.watch.view().pods.has(uid), 20_000);
    });

    test('a token the server does not know is an answer, and no list', async () => {
      await create('hidden');
      const client = connect(stage.strangerAccess);
      client.watch.start(() => {});
      await until(() => client.watch.view().lastAnswer !== undefined);
      const view = client.watch.view();
      expect(view.synced).toBe(false);
      expect(view.healthy).toBe(false);
      expect(view.lastSuccess).toBeUndefined();
      expect(view.pods.size).toBe(0);
      await until(() => client.counters.restarts.includes('unauthorized'));
      expect(client.watch.view().denied).toBe('unauthorized');
      await expect(client.reader.readPod(named('hidden'), 5000)).rejects.toMatchObject({ kind: 'denied' });
      const [probe] = await client.probe.probe(5000);
      expect(['ok', 'answered']).toContain(probe?.outcome);
    });

    test('a pod is read by name, and one that does not exist is surely absent', async () => {
      const uid = await create('by-name');
      const client = connect();
      expect((await client.reader.readPod(named('by-name'), 5000))?.metadata?.uid).toBe(uid);
      expect(await client.reader.readPod(named('never-made'), 5000)).toBeUndefined();
      await stage.remove('by-name');
      expect(await client.reader.readPod(named('by-name'), 5000)).toBeUndefined();
    });

    test('nobody there is unavailable for a read and refused for a probe, and ok again afterwards', async () => {
      const client = connect();
      expect((await client.probe.probe(5000)).map((each) => each.outcome)).toContain('ok');
      await stage.stop();
      await expect(client.reader.readPod(named('any'), 3000)).rejects.toMatchObject({ kind: 'unavailable' });
      expect((await client.probe.probe(3000)).map((each) => each.outcome)).toEqual(stage.access.endpoints.map(() => 'refused'));
      await stage.start();
      const outcome = async () => (await client.probe.probe(5000))[0]?.outcome;
      expect(['ok', 'answered']).toContain(await outcome());
    });

    test('the fields of a pod come as the server stores them', async () => {
      const uid = await create('raw', { unknownField: 'kept' });
      const client = await started();
      const pod = client.watch.view().pods.get(uid);
      const read = await client.reader.readPod(named('raw'), 5000);
      expect(typeof pod?.metadata?.creationTimestamp).toBe('string');
      const unknown = (spec: unknown) => (spec as { fieldOfTheFuture?: string } | undefined)?.fieldOfTheFuture;
      expect(unknown(pod?.spec)).toBe(stage.keepsUnknownFields ? 'kept' : undefined);
      expect(unknown(read?.spec)).toBe(stage.keepsUnknownFields ? 'kept' : undefined);
    });

    test('the cluster is told by its CA alone', () => {
      const client = connect();
      expect(client.reader.clusterFingerprint()).toMatch(/^[0-9a-f]{64}$/);
      expect(connect(stage.strangerAccess).reader.clusterFingerprint()).toBe(client.reader.clusterFingerprint());
    });
  });
}
