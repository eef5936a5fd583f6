/**
 * Finds the runtime's socket in the usual places. Looks only; never connects.
 * An explicit setting, or the kubelet's `containerRuntimeEndpoint`, goes before this list.
 */
import { stat } from 'node:fs/promises';

/** In order of precedence; kubeadm's `constants_unix.go` for the first three, the distributions for the rest. */
export const CRI_SOCKETS: readonly string[] = [
  '/run/containerd/containerd.sock',
  '/var/run/crio/crio.sock',
  '/var/run/cri-dockerd.sock',
  '/run/k3s/containerd/containerd.sock',
  '/var/snap/microk8s/common/run/containerd.sock',
  '/run/k0s/containerd.sock',
];

/**
 * The first path of `candidates` that is a socket, or undefined. `root` is put before each: where the host's files are
 * seen. Whatever cannot be looked at counts as absent.
 */
export async function findCriSocket(
  options: { readonly root?: string; readonly candidates?: readonly string[] } = {},
): Promise<string | undefined> {
  for (const candidate of options.candidates ?? CRI_SOCKETS) {
    const path = `${options.root ?? ''}${candidate}`;
    if (await isSocket(path)) return path;
  }
  return undefined;
}

async function isSocket(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isSocket();
  } catch {
    return false;
  }
}
