/** The Kubernetes API contract against the embedded server, over HTTP/2 and over HTTP/1.1. */
import { createApiServer } from '../../src/demo/api-server/api-server.ts';
import { accessTo, accessToServer, NODE } from '../adapters/kubernetes/rig.ts';
import { type KubernetesStage, kubernetesContract } from './kubernetes-contract.ts';

async function embedded(http1Only: boolean, forgetOnStop: boolean): Promise<KubernetesStage> {
  const api = createApiServer({ http1Only, forgetOnStop });
  await api.start();
  const namespace = 'kube-system';
  return {
    access: await accessToServer(api),
    strangerAccess: await accessTo({ urls: [api.url], ca: api.ca, token: () => 'nobody' }),
    nodeName: NODE,
    namespace,
    keepsUnknownFields: true,
    create: async (name, { nodeName = NODE, unknownField } = {}) => {
      const spec = { nodeName, containers: [], ...(unknownField === undefined ? {} : { fieldOfTheFuture: unknownField }) };
      return api.createPod({ metadata: { name, namespace }, spec }).metadata?.uid ?? '';
    },
    label: async (name, key, value) => void api.updatePod({ namespace, name }, { metadata: { labels: { [key]: value } } }),
    remove: async (name) => api.deletePod({ namespace, name }),
    stop: () => api.stop(),
    start: () => api.start(),
    dispose: () => api.stop(),
  };
}

kubernetesContract('embedded server, HTTP/2', () => embedded(false, false));
kubernetesContract('embedded server, HTTP/1.1', () => embedded(true, false));
kubernetesContract('embedded server that forgets its history when it restarts', () => embedded(false, true));
