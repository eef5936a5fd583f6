/**
 * The kubelet of a test node: its configuration and start. Settings that look odd are what a machine with control groups
 * v1 and without CAP_SYS_RESOURCE needs.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Components } from '../components.ts';
import { ADDRESSES, type NodePaths } from './layout.ts';
import type { Machine } from './machine.ts';
import type { Daemon } from './process.ts';

/** Keys of the kubelet's configuration that a scenario wants otherwise. */
export type KubeletKeys = Readonly<Record<string, unknown>>;

function kubeletConfig(paths: NodePaths, cgroup: string): KubeletKeys {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: ADDRESSES.node,
    healthzBindAddress: '127.0.0.1',
    authentication: { anonymous: { enabled: false }, webhook: { enabled: true }, x509: { clientCAFile: join(paths.pki, 'ca.crt') } },
    authorization: { mode: 'Webhook' },
    tlsCertFile: join(paths.pki, 'kubelet-server.crt'),
    tlsPrivateKeyFile: join(paths.pki, 'kubelet-server.key'),
    containerRuntimeEndpoint: `unix://${paths.criSocket}`,
    staticPodPath: paths.manifests,
    podLogsDir: paths.podLogs,
    volumePluginDir: join(paths.state, 'volume-plugins'),
    resolvConf: join(paths.state, 'resolv.conf'),
    failCgroupV1: false,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${cgroup}`,
    cgroupsPerQOS: false,
    enforceNodeAllocatable: [],
    failSwapOn: false,
    evictionHard: { 'memory.available': '100Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
    imageGCHighThresholdPercent: 99,
    imageGCLowThresholdPercent: 98,
  };
}

/** Starts the kubelet on the machine; does not wait for anything. */
export async function startKubelet(
  components: Components,
  paths: NodePaths,
  machine: Machine,
  nodeName: string,
  otherwise: KubeletKeys,
): Promise<Daemon> {
  writeFileSync(paths.kubeletConfig, JSON.stringify({ ...kubeletConfig(paths, machine.id), ...otherwise }));
  writeFileSync(join(paths.state, 'resolv.conf'), '');
  return await machine.daemon('machine', {
    name: 'kubelet',
    argv: [
      join(components.kubernetes, 'kubelet'),
      `--config=${paths.kubeletConfig}`,
      `--kubeconfig=${join(paths.state, 'kubelet.kubeconfig')}`,
      `--root-dir=${paths.kubelet}`,
      `--cert-dir=${paths.run}`,
      `--hostname-override=${nodeName}`,
      `--node-ip=${ADDRESSES.node}`,
      '--v=2',
    ],
  });
}
