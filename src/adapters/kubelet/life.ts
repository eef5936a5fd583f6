/**
 * The life of the kubelet process: since when it serves, and whether it has ever reached an API server. Only reads.
 *
 * It makes the podresources socket anew at each start, so the age of the file is its own. From 1.37 on its PodsAPI
 * (`pkg/kubelet/apis/pods`) says FailedPrecondition to everything until it has seen an API server once. Afterwards it
 * tells of each pod how it stands, with no API server, too. Of a pod only that is decoded: its spec may hold secrets.
 */
import { readFileSync } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import type { PodWord } from '../../core/model/ended.ts';
import type { KubeletLife } from '../../core/turn/observation.ts';
import { type KubeletProcess, PortError } from '../../ports.ts';
import { createGrpcClient } from '../grpc/grpc.ts';
import { GRPC, statusOf } from '../grpc/grpc-status.ts';
import { createCodec } from '../grpc/messages.ts';

/** `k8s.io/kubelet/pkg/apis/pods/v1alpha1`. */
export const PODS_API_GET = '/v1alpha1.Pods/GetPod';
/** No pod has it: the answer is short whatever runs here. */
const NO_POD = '00000000-0000-0000-0000-000000000000';

export interface KubeletProcessOptions {
  readonly rootDir: string;
  readonly podResourcesSocket: string;
  /** When the node booted by the clock of now, milliseconds since 1970. Left out: that is not known. */
  readonly bootedAt?: () => Promise<number | undefined>;
}

/** As the kernel has it, in whole seconds: it moves only where the clock is set. */
export async function nodeBootedAt(): Promise<number | undefined> {
  try {
    // from memory: four trips through the thread pool would cost more
    const seconds = /^btime (\d+)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1];
    return seconds === undefined ? undefined : Number(seconds) * 1000;
  } catch {
    return undefined;
  }
}

export function createKubeletProcess({ rootDir, podResourcesSocket, bootedAt }: KubeletProcessOptions): KubeletProcess {
  const podsApi = join(rootDir, 'pods-api', 'pods-api.sock');
  const grpc = createGrpcClient({ socket: podsApi });
  const codec = createCodec();
  const request = codec.encode('GetPodRequest', { podUID: NO_POD });

  async function startedAt(): Promise<number | undefined> {
    const there = await lstat(podResourcesSocket).catch(() => undefined);
    // its inode changes with owner, mode and label; what it holds only when it is bound
    if (there?.isSocket() !== true) return undefined;
    // a node without a clock of its own: it was stamped before the time was set, and what an earlier boot left was not
    return Math.max(there.mtimeMs, (await bootedAt?.()) ?? 0);
  }

  async function reachedApi(deadlineMs: number): Promise<boolean | undefined> {
    const there = await lstat(podsApi).catch(() => undefined);
    if (there?.isSocket() !== true) return undefined;
    try {
      await grpc.unary(PODS_API_GET, request, deadlineMs);
      return true;
    } catch (error) {
      if (error instanceof PortError && error.kind === 'not-found') return true;
      return statusOf(error) === GRPC.failedPrecondition ? false : undefined;
    }
  }

  /** Throws PortError. */
  async function podOf(podUid: string, deadlineMs: number): Promise<PodWord> {
    const reply = await grpc.unary(PODS_API_GET, codec.encode('GetPodRequest', { podUID: podUid }), deadlineMs);
    const { metadata, status } = codec.decode('Pod', codec.decode('GetPodResponse', reply).pod);
    return { deleting: metadata?.deletionTimestamp != null, phase: status?.phase ?? '', reason: status?.reason ?? '' };
  }

  return {
    async podWord(podUid, deadlineMs): Promise<PodWord | undefined> {
      const there = await lstat(podsApi).catch(() => undefined);
      if (there?.isSocket() !== true || podUid === '') return undefined;
      return podOf(podUid, deadlineMs).catch((error: unknown) =>
        error instanceof PortError && error.kind === 'not-found' ? 'none' : undefined,
      );
    },
    async look(deadlineMs): Promise<KubeletLife> {
      const [since, reached] = await Promise.all([startedAt(), reachedApi(deadlineMs)]);
      return { ...(since === undefined ? {} : { startedAt: since }), ...(reached === undefined ? {} : { reachedApi: reached }) };
    },
    close: () => grpc.close(),
  };
}
