/** An API server, as far as helm's `lookup` and a server-side dry run need one: it shows what a cluster holds, and keeps nothing. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Json } from '../../src/core/model/model.ts';

export interface Cluster {
  readonly daemonSets?: readonly Json[];
  readonly nodes?: readonly Json[];
}

export interface Installed {
  readonly url: string;
  close(): Promise<void>;
}

/** Kinds that the chart's defaults render, by group. */
const KINDS: Readonly<Record<string, readonly string[]>> = {
  v1: ['ConfigMap', 'Node', 'ServiceAccount'],
  'apps/v1': ['DaemonSet'],
  'rbac.authorization.k8s.io/v1': ['ClusterRole', 'ClusterRoleBinding'],
};

const plural = (kind: string): string => `${kind.toLowerCase()}s`;

function discovery(): Record<string, unknown> {
  const groups = Object.keys(KINDS).filter((name) => name !== 'v1');
  const found: Record<string, unknown> = {
    '/version': { major: '1', minor: '37', gitVersion: 'v1.37.1' },
    '/api': { kind: 'APIVersions', versions: ['v1'] },
    '/apis': {
      kind: 'APIGroupList',
      apiVersion: 'v1',
      groups: groups.map((groupVersion) => {
        const version = { groupVersion, version: 'v1' };
        return { name: groupVersion.split('/')[0], versions: [version], preferredVersion: version };
      }),
    },
  };
  for (const [groupVersion, kinds] of Object.entries(KINDS)) {
    const resources = kinds.map((kind) => ({
      name: plural(kind),
      singularName: kind.toLowerCase(),
      namespaced: kind !== 'Node' && !kind.startsWith('Cluster'),
      kind,
      verbs: ['get', 'list'],
    }));
    found[groupVersion === 'v1' ? '/api/v1' : `/apis/${groupVersion}`] = {
      kind: 'APIResourceList',
      apiVersion: 'v1',
      groupVersion,
      resources,
    };
  }
  return found;
}

export async function serveInstalled({ daemonSets = [], nodes = [] }: Cluster): Promise<Installed> {
  const known = discovery();
  known['/apis/apps/v1/daemonsets'] = { kind: 'DaemonSetList', apiVersion: 'apps/v1', metadata: {}, items: daemonSets };
  known['/api/v1/nodes'] = { kind: 'NodeList', apiVersion: 'v1', metadata: {}, items: nodes };
  for (const object of daemonSets) {
    const { namespace, name } = object['metadata'] as { namespace: string; name: string };
    known[`/apis/apps/v1/namespaces/${namespace}/daemonsets/${name}`] = object;
  }
  const server = createServer((request, response) => {
    const found = known[request.url?.split('?')[0] ?? ''];
    response.writeHead(found === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(found ?? { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'NotFound', code: 404 }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** Runs `work` with such a server, and ends it. */
export async function withCluster<T>(cluster: Cluster, work: (url: string) => Promise<T>): Promise<T> {
  const server = await serveInstalled(cluster);
  try {
    return await work(server.url);
  } finally {
    await server.close();
  }
}
