/** The files from which an agent of an embedded node starts: its configuration, kubeconfig, boot id and machine id. */
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { kubeconfigText, type ServerAccess } from './kubeconfig.ts';

export interface NodeFiles {
  /** Of the node; it has `state`, `manifests`, `kubelet` and `run`. */
  readonly dir: string;
  readonly api: ServerAccess;
  readonly nodeName: string;
  readonly machineId: string;
  readonly podResourcesSocket: string;
  /** The agent's. */
  readonly metricsPort: number;
  /** More of the configuration, or otherwise. */
  readonly more?: object;
}

/** Writes them; the configuration is `agent.yaml`. */
export async function writeNodeFiles({ dir, api, nodeName, machineId, podResourcesSocket, metricsPort, more }: NodeFiles): Promise<void> {
  const at = (name: string): string => join(dir, name);
  await writeFile(at('boot-id'), `${randomUUID()}\n`);
  await writeFile(at('machine-id'), `${machineId}\n`);
  await writeFile(at('kubeconfig'), kubeconfigText(api), { mode: 0o600 });
  const configuration = {
    nodeName,
    stateDir: at('state'),
    staticPodPath: at('manifests'),
    kubeletRootDir: at('kubelet'),
    criSocket: at('run/runtime.sock'),
    podResourcesSocket,
    kubeconfig: at('kubeconfig'),
    bootIdFile: at('boot-id'),
    machineIdFile: at('machine-id'),
    minReady: '1s',
    allowTmpfs: true,
    metrics: { address: `127.0.0.1:${metricsPort}` },
    ...more,
  };
  await writeFile(at('agent.yaml'), `${JSON.stringify(configuration, undefined, 2)}\n`);
}
