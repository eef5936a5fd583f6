/** The podresources contract against the kubelet stand-in. */
import { expect, vi } from 'vitest';
import { createDemoNode, podJson } from '../demo/demo-node.ts';
import { podResourcesContract } from './podresources-contract.ts';

podResourcesContract('the kubelet stand-in', async () => {
  const node = await createDemoNode();
  node.api.up = false;
  await node.place('a.json', JSON.stringify(podJson('copy')));
  await node.kubelet.start();
  await vi.waitFor(() => expect(node.kubelet.known()).toHaveLength(1), { timeout: 30_000 });
  return {
    socket: node.kubelet.podResourcesSocket,
    pods: [{ namespace: 'kube-system', name: 'copy-node1' }],
    kill: () => node.kubelet.kill(),
    restart: () => node.kubelet.start(),
    freeze: async () => node.kubelet.podResources()?.fault('*', { do: 'hang' }),
    thaw: async () => node.kubelet.podResources()?.clearFaults(),
    dispose: () => node.dispose(),
  };
});
