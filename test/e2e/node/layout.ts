/**
 * Where everything of one test node lies, and its addresses. Data only. Every node has its own network namespace, so
 * the addresses and ports may be the same for all.
 */
import { join } from 'node:path';

export const ADDRESSES = {
  node: '10.100.254.1',
  pods: '10.100.0.0/24',
  cluster: '10.100.0.0/16',
  services: '10.100.255.0/24',
  /** The kubernetes service; a DNAT rule stands in for kube-proxy. */
  apiService: '10.100.255.1',
  apiPort: 6443,
  api: 'https://10.100.254.1:6443',
  etcd: 'http://127.0.0.1:2379',
  etcdPeer: 'http://127.0.0.1:2380',
  agentMetrics: '127.0.0.1:9464',
  registry: '127.0.0.1:5000',
} as const;

export const PAUSE_IMAGE = 'localhost/pause:1';
/** Stands for the agent's own image: what copies need of it is /bin/sh. */
export const AGENT_IMAGE = 'localhost/pod-checkpointer:1';
export const TESTSERVER_IMAGE = 'localhost/testserver:1';

export type NodePaths = ReturnType<typeof nodePaths>;

/** All paths of a node below its state directory. */
export function nodePaths(state: string) {
  const at = (...parts: string[]) => join(state, ...parts);
  return {
    state,
    logs: at('log'),
    run: at('run'),
    pki: at('pki'),
    etcd: at('etcd'),
    images: at('images'),
    adminKubeconfig: at('admin.kubeconfig'),
    /** staticPodPath */
    manifests: at('manifests'),
    kubelet: at('kubelet'),
    kubeletConfig: at('kubelet.json'),
    podLogs: at('pod-logs'),
    podResourcesSocket: at('kubelet', 'pod-resources', 'kubelet.sock'),
    containerd: at('containerd'),
    /** Lost in a power cut, like /run. */
    containerdState: at('containerd-state'),
    criSocket: at('cri', 'containerd.sock'),
    cni: at('cni'),
    cniIpam: at('cni-ipam'),
    /** Stands for /var/lib inside the node: what programs keep there without being asked. */
    varLib: at('var-lib'),
    bootId: at('boot-id'),
    agentConfig: at('agent.yaml'),
    agentState: at('checkpointer'),
    agentKubeconfig: at('agent.kubeconfig'),
    agentLog: at('log', 'agent.log'),
  };
}
