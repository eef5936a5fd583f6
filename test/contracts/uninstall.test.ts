/** The uninstall's contract against its stand-in, over HTTP/2 and over HTTP/1.1. */
import { randomUUID } from 'node:crypto';
import { fieldAt } from '../../src/core/model/json.ts';
import type { Json } from '../../src/core/model/model.ts';
import { accessTo } from '../adapters/kubernetes/rig.ts';
import { createObjectsServer, pathOf } from '../fakes/objects-server.ts';
import { type UninstallStage, uninstallContract } from './uninstall-contract.ts';

const NODE = 'node-1';
const READY = { conditions: [{ type: 'Ready', status: 'True' }] };

async function standIn(protocol: 'h2' | 'http/1.1'): Promise<UninstallStage> {
  const server = await createObjectsServer(protocol);
  server.objects.set(pathOf.node(NODE), { metadata: { name: NODE }, status: READY });
  const reach = (token: string) => accessTo({ urls: [server.url], ca: server.ca, token: () => token });
  return {
    access: await reach(server.token),
    strangerAccess: await reach('nobody'),
    namespace: 'kube-system',
    nodeName: NODE,
    create: async (collection, object) => {
      // what API server and controllers would add
      const added = { uid: randomUUID(), creationTimestamp: new Date().toISOString(), generation: 1 };
      const metadata = { ...(object['metadata'] as Json), ...added };
      const status = object['kind'] === 'Pod' ? READY : { observedGeneration: 1, desiredNumberScheduled: 0 };
      server.objects.set(`${collection}/${fieldAt(object, 'metadata', 'name')}`, { ...object, metadata, status });
    },
    read: async (path) => server.objects.get(path),
    remove: async (path) => void server.objects.delete(path),
    podSpec: { nodeName: NODE },
    dispose: () => server.close(),
  };
}

uninstallContract('stand-in, HTTP/2', () => standIn('h2'));
uninstallContract('stand-in, HTTP/1.1', () => standIn('http/1.1'));
