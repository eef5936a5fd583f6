/** What this node has for pods: the kubelet's configuration and the machine together, and the sum kept on the disk. */
import type { Primitives } from '../../adapters/disk/primitives.ts';
import { createRequestedFile } from '../../adapters/disk/requested-file.ts';
import { readKubeletFile } from '../../adapters/kubelet/config-file.ts';
import { readMachine } from '../../adapters/machine-size.ts';
import { type Config, kubeletConfigFile } from '../../core/config/config.ts';
import { type KubeletResources, kubeletResources } from '../../core/kubelet/kubelet-resources.ts';
import { allocatable, podLimit } from '../../core/room/allocatable.ts';
import type { NodeCapacity, NodeResources } from '../../ports/room.ts';
import { PortError } from '../../ports.ts';

export interface RoomOptions {
  readonly config: Pick<Config, 'stateDir' | 'kubeletConfig' | 'kubeletRootDir'>;
  readonly mayWrite: () => boolean;
  readonly primitives: Primitives;
}

export function joinRoom({ config, mayWrite, primitives }: RoomOptions): NodeResources {
  return {
    ...createRequestedFile({ dir: config.stateDir, mayWrite, primitives }),
    capacity: () => capacityOf(config),
  };
}

async function capacityOf(config: RoomOptions['config']): Promise<NodeCapacity | undefined> {
  const kubelet = await kubeletOf(config);
  if (kubelet === 'unknown') return undefined;
  const machine = await readMachine({ rootDir: config.kubeletRootDir });
  const limit = podLimit(machine, kubelet);
  return {
    allocatable: allocatable(machine, kubelet),
    ...(limit === undefined ? {} : { podLimit: limit }),
    exclusiveCpus: kubelet?.cpuManagerPolicy === 'static',
  };
}

/** undefined: there is no file, so that all may stand in flags. */
async function kubeletOf(config: RoomOptions['config']): Promise<KubeletResources | 'unknown' | undefined> {
  const file = kubeletConfigFile(config);
  if (file === undefined) return undefined;
  try {
    return kubeletResources((await readKubeletFile(file.path)).content);
  } catch (error) {
    return !file.sure && error instanceof PortError && error.kind === 'not-found' ? undefined : 'unknown';
  }
}
