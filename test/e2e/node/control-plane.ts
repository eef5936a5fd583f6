/**
 * etcd, API server, controller manager and scheduler of a test cluster. They stand for a control plane elsewhere: they
 * run in the node's network but not on its machine, so a power cut of the node does not touch them by itself.
 */
import { join } from 'node:path';
import type { Components } from '../components.ts';
import { ADDRESSES, type NodePaths } from './layout.ts';
import type { Machine } from './machine.ts';
import type { Daemon } from './process.ts';

export interface ControlPlane {
  /** Starts the API server, and etcd where it does not run; does not wait until it answers. */
  startApi(): Promise<Daemon>;
  /** Scheduler and controller manager. They end at once if the API server is not ready with its bootstrap roles. */
  startControllers(): Promise<void>;
  /** SIGKILL, as a crash. */
  stopApi(): Promise<void>;
  apiRuns(): boolean;
}

function etcdArguments(paths: NodePaths): string[] {
  return [
    `--data-dir=${paths.etcd}`,
    `--listen-client-urls=${ADDRESSES.etcd}`,
    `--advertise-client-urls=${ADDRESSES.etcd}`,
    `--listen-peer-urls=${ADDRESSES.etcdPeer}`,
    `--initial-advertise-peer-urls=${ADDRESSES.etcdPeer}`,
    `--initial-cluster=default=${ADDRESSES.etcdPeer}`,
  ];
}

function apiArguments(paths: NodePaths): string[] {
  const pki = (file: string) => join(paths.pki, file);
  return [
    `--etcd-servers=${ADDRESSES.etcd}`,
    `--bind-address=${ADDRESSES.node}`,
    `--advertise-address=${ADDRESSES.node}`,
    `--secure-port=${ADDRESSES.apiPort}`,
    `--cert-dir=${paths.run}`,
    `--tls-cert-file=${pki('kube-apiserver.crt')}`,
    `--tls-private-key-file=${pki('kube-apiserver.key')}`,
    `--client-ca-file=${pki('ca.crt')}`,
    `--kubelet-certificate-authority=${pki('ca.crt')}`,
    `--kubelet-client-certificate=${pki('admin.crt')}`,
    `--kubelet-client-key=${pki('admin.key')}`,
    '--kubelet-preferred-address-types=InternalIP',
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${pki('sa.key')}`,
    `--service-account-signing-key-file=${pki('sa.key')}`,
    `--service-cluster-ip-range=${ADDRESSES.services}`,
  ];
}

function controllerArguments(paths: NodePaths, name: string): string[] {
  const config = join(paths.state, `${name}.kubeconfig`);
  return [
    `--kubeconfig=${config}`,
    `--authentication-kubeconfig=${config}`,
    `--authorization-kubeconfig=${config}`,
    '--bind-address=127.0.0.1',
    `--cert-dir=${paths.run}`,
    '--leader-elect=false',
  ];
}

function controllerManagerArguments(paths: NodePaths): string[] {
  const pki = (file: string) => join(paths.pki, file);
  return [
    ...controllerArguments(paths, 'kube-controller-manager'),
    '--use-service-account-credentials',
    `--service-account-private-key-file=${pki('sa.key')}`,
    `--root-ca-file=${pki('ca.crt')}`,
    '--allocate-node-cidrs',
    `--cluster-cidr=${ADDRESSES.cluster}`,
    `--cluster-signing-cert-file=${pki('ca.crt')}`,
    `--cluster-signing-key-file=${pki('ca.key')}`,
  ];
}

export function createControlPlane(components: Components, paths: NodePaths, machine: Machine): ControlPlane {
  const running = new Map<string, Daemon>();
  const alive = (name: string) => running.get(name)?.alive() === true;

  async function start(name: string, program: string, args: readonly string[]): Promise<Daemon> {
    const old = running.get(name);
    if (old?.alive() === true) return old;
    const daemon = await machine.daemon('network', { name, argv: [program, ...args] });
    running.set(name, daemon);
    return daemon;
  }
  const kubernetes = (name: string) => join(components.kubernetes, name);

  return {
    startApi: async () => {
      await start('etcd', components.etcd, etcdArguments(paths));
      return await start('kube-apiserver', kubernetes('kube-apiserver'), apiArguments(paths));
    },
    startControllers: async () => {
      await start('kube-scheduler', kubernetes('kube-scheduler'), controllerArguments(paths, 'kube-scheduler'));
      await start('kube-controller-manager', kubernetes('kube-controller-manager'), controllerManagerArguments(paths));
    },
    stopApi: async () => {
      await running.get('kube-apiserver')?.stop('SIGKILL');
    },
    apiRuns: () => alive('kube-apiserver'),
  };
}
