/**
 * A stand-in for the kubelet that behaves as the real one where a checkpointer depends on it: static pods from files,
 * API pods that need the API server for their sandbox's volumes and the services for their containers, no teardown
 * before the API was seen once, a podresources list of what this very process knows.
 *
 * `start` makes a new process with an empty memory; containers outlive it. Not played: probes, eviction, resources,
 * PodsAPI, mirror pods (the reports of static pods stand for them).
 */
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createCodec } from '../../adapters/grpc/messages.ts';
import { POD_RESOURCES_LIST } from '../../adapters/kubelet/podresources.ts';
import { createGrpcServer, type GrpcServer } from '../runtime/grpc-server.ts';
import { followPods, followServices } from './kubelet-api.ts';
import { followFiles } from './kubelet-files.ts';
import { createPodManager, type PodManager } from './kubelet-pods.ts';
import type { DemoKubelet, DemoKubeletOptions, KubeletProcess } from './kubelet-types.ts';

const HOUSEKEEPING_MS = 2000;

interface Running {
  readonly manager: PodManager;
  readonly podResources: GrpcServer;
  /** Resolves when nothing of the process is left. */
  die(): Promise<void>;
}

export function createDemoKubelet(options: DemoKubeletOptions): DemoKubelet {
  const podResourcesSocket = join(options.rootDir, 'pod-resources', 'kubelet.sock');
  let running: Running | undefined;
  return {
    podResourcesSocket,
    start: async () => {
      if (running !== undefined) throw new Error('starting the kubelet: it runs already');
      running = await startProcess(options, podResourcesSocket);
    },
    kill: async () => {
      const dying = running;
      running = undefined;
      await dying?.die();
    },
    podResources: () => running?.podResources,
    known: () => running?.manager.known().map(({ namespace, name }) => `${namespace}/${name}`) ?? [],
    allReady: () => running?.manager.allReady() ?? false,
  };
}

async function startProcess(options: DemoKubeletOptions, socket: string): Promise<Running> {
  const life = new AbortController();
  const process = kubeletProcess(options, life.signal);
  const manager = createPodManager(process);
  const codec = createCodec();
  const podResources = createGrpcServer(socket, {
    unary: {
      [POD_RESOURCES_LIST]: () =>
        codec.encode('ListPodResourcesResponse', {
          podResources: manager.known().map(({ name, namespace, pod }) => ({
            name,
            namespace,
            containers: (pod.spec?.containers ?? []).map((container) => ({ name: container.name })),
          })),
        }),
    },
  });
  await mkdir(dirname(socket), { recursive: true });
  await mkdir(join(options.rootDir, 'pods'), { recursive: true });
  await podResources.start();
  const unsubscribe = options.runtime.onChange(() => manager.wake());
  const loops = [
    followFiles(process, (pods) => manager.update('file', pods)),
    followPods(process, (pods) => manager.update('api', pods)),
    followServices(process),
    housekeeping(process, manager),
  ].map((loop) => loop.catch((error: unknown) => diedOf(error, process)));
  return {
    manager,
    podResources,
    die: async () => {
      life.abort();
      unsubscribe();
      manager.wake();
      await Promise.all([...loops, podResources.stop()]);
    },
  };
}

function kubeletProcess(options: DemoKubeletOptions, signal: AbortSignal): KubeletProcess {
  const scale = options.scale ?? 1;
  const sleep = (ms: number, other?: AbortSignal): Promise<void> =>
    options.clock.sleep(ms, other === undefined ? signal : AbortSignal.any([signal, other]));
  return {
    options,
    signal,
    servicesRead: false,
    scaled: (ms) => ms * scale,
    sleep,
    wait: (ms) => sleep(ms * scale),
    log: (line) => options.log?.(line),
  };
}

async function housekeeping(process: KubeletProcess, manager: PodManager): Promise<void> {
  while (!process.signal.aborted) {
    await process.wait(HOUSEKEEPING_MS);
    await manager.housekeep();
  }
}

/** The end of the process ends every loop; anything else is a fault of the stand-in and shall be seen. */
function diedOf(error: unknown, process: KubeletProcess): void {
  if (!process.signal.aborted) throw error;
}
