/**
 * etcd, API server, controller manager and scheduler of a test cluster. They stand for a control plane elsewhere: they
 * run in the node's network but not on its machine, so a power cut of the node does not touch them by itself. All but
 * etcd may give their places to pods of the node (self-hosted/).
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
  /** SIGKILL. */
  stopControllers(): Promise<void>;
  /** SIGKILL, as a crash. */
  stopApi(): Promise<void>;
  /** Ends the API server for good: from now on `startApi` only keeps etcd running. */
  handOver(): Promise<void>;
  /** Undoes `handOver`: the next `startApi` starts one again. */
  takeBack(): void;
  /** False after `handOver`: whether an API server runs is then a matter of the node's pods. */
  apiIsOurs(): boolean;
  apiRuns(): boolean;
}

/** Where the programs find their files: on this computer, or in a container. */
export interface ControlPlaneFiles {
  /** A certificate or key. */
  pki(file: string): string;
  kubeconfig(program: string): string;
  /** A directory that may be written to. */
  readonly scratch: string;
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

export function apiArguments({ pki, scratch }: ControlPlaneFiles): string[] {
  return [
    `--etcd-servers=${ADDRESSES.etcd}`,
    `--bind-address=${ADDRESSES.node}`,
    `--advertise-address=${ADDRESSES.node}`,
    `--secure-port=${ADDRESSES.apiPort}`,
    `--cert-dir=${scratch}`,
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

/** Alone they need no election; on the node two of them may run at once, and must not meet on a port. */
export function schedulerArguments(files: ControlPlaneFiles, alone: boolean, name = 'kube-scheduler'): string[] {
  const config = files.kubeconfig(name);
  return [
    `--kubeconfig=${config}`,
    `--authentication-kubeconfig=${config}`,
    `--authorization-kubeconfig=${config}`,
    ...(alone ? ['--bind-address=127.0.0.1', `--cert-dir=${files.scratch}`] : ['--secure-port=0']),
    `--leader-elect=${!alone}`,
  ];
}

export function controllerManagerArguments(files: ControlPlaneFiles, alone: boolean): string[] {
  const { pki } = files;
  return [
    ...schedulerArguments(files, alone, 'kube-controller-manager'),
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
  let ours = true;
  const files: ControlPlaneFiles = {
    pki: (file) => join(paths.pki, file),
    kubeconfig: (name) => join(paths.state, `${name}.kubeconfig`),
    scratch: paths.run,
  };
  const alive = (name: string) => running.get(name)?.alive() === true;

  async function start(name: string, program: string, args: readonly string[]): Promise<Daemon> {
    const old = running.get(name);
    if (old?.alive() === true) return old;
    const daemon = await machine.daemon('network', { name, argv: [program, ...args] });
    running.set(name, daemon);
    return daemon;
  }
  const kubernetes = (name: string) => join(components.kubernetes, name);

  const stop = async (name: string) => await running.get(name)?.stop('SIGKILL');

  return {
    startApi: async () => {
      const etcd = await start('etcd', components.etcd, etcdArguments(paths));
      return ours ? await start('kube-apiserver', kubernetes('kube-apiserver'), apiArguments(files)) : etcd;
    },
    startControllers: async () => {
      await start('kube-scheduler', kubernetes('kube-scheduler'), schedulerArguments(files, true));
      await start('kube-controller-manager', kubernetes('kube-controller-manager'), controllerManagerArguments(files, true));
    },
    stopControllers: async () => {
      await Promise.all(['kube-scheduler', 'kube-controller-manager'].map(stop));
    },
    stopApi: async () => await stop('kube-apiserver'),
    handOver: async () => {
      ours = false;
      await stop('kube-apiserver');
    },
    takeBack: () => {
      ours = true;
    },
    apiIsOurs: () => ours,
    apiRuns: () => alive('kube-apiserver'),
  };
}
