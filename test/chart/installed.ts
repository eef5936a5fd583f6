/** An API server, as far as helm's `lookup` needs one: it knows the one DaemonSet of a release that is installed. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Json } from '../../src/core/model.ts';

export interface Installed {
  readonly url: string;
  close(): Promise<void>;
}

/** undefined: nothing is installed. */
export async function serveInstalled(daemonSet: Json | undefined): Promise<Installed> {
  const list = { kind: 'APIResourceList', apiVersion: 'v1' };
  const version = { groupVersion: 'apps/v1', version: 'v1' };
  const known: Readonly<Record<string, unknown>> = {
    '/version': { major: '1', minor: '37', gitVersion: 'v1.37.1' },
    '/api': { kind: 'APIVersions', versions: ['v1'] },
    '/apis': { kind: 'APIGroupList', apiVersion: 'v1', groups: [{ name: 'apps', versions: [version], preferredVersion: version }] },
    '/api/v1': { ...list, groupVersion: 'v1', resources: [] },
    '/apis/apps/v1': {
      ...list,
      groupVersion: 'apps/v1',
      resources: [{ name: 'daemonsets', singularName: 'daemonset', namespaced: true, kind: 'DaemonSet', verbs: ['get'] }],
    },
    '/apis/apps/v1/namespaces/kube-system/daemonsets/pod-checkpointer': daemonSet,
  };
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
