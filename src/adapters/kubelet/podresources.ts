/**
 * The kubelet's own list of pods, over the podresources socket (`<root-dir>/pod-resources/kubelet.sock`).
 *
 * It answers "does this kubelet process know the parent?" while the API server is away: API pods stay listed as long
 * as the kubelet keeps running, and only static pods remain after it restarted offline. Finished and rejected pods are
 * not listed from 1.34 on. Before, and with the gate KubeletPodResourcesListUseActivePods off, every pod is that was
 * loaded (`pkg/kubelet/apis/podresources/server_v1.go`). No uids. Only reads.
 */
import type { PodName } from '../../core/model/model.ts';
import { type KubeletPods, PortError } from '../../ports.ts';
import { createEntries } from '../grpc/entries.ts';
import { createGrpcClient } from '../grpc/grpc.ts';
import { createCodec } from '../grpc/messages.ts';

/** `k8s.io/kubelet/pkg/apis/podresources/v1`. */
export const POD_RESOURCES_LIST = '/v1.PodResourcesLister/List';

export interface KubeletPodsOptions {
  /** Absolute path of the socket. */
  readonly socket: string;
  readonly maxReceiveBytes?: number;
}

export function createKubeletPods(options: KubeletPodsOptions): KubeletPods {
  const grpc = createGrpcClient(options);
  const codec = createCodec();
  const request = codec.encode('ListPodResourcesRequest', {});
  // field 3: the containers, with what the kubelet has given them
  const podsOf = createEntries<PodName>({
    reply: 'ListPodResourcesResponse',
    make(bytes) {
      const { namespace, name } = codec.decode('PodResources', bytes);
      return { namespace, name };
    },
    unorderedFrom: 3,
  });

  async function list(deadlineMs: number): Promise<readonly PodName[]> {
    try {
      return podsOf(await grpc.unary(POD_RESOURCES_LIST, request, deadlineMs));
    } catch (error) {
      if (!(error instanceof PortError) || error.kind !== 'unsupported') throw error;
      throw new PortError('unsupported', `the kubelet at ${options.socket} does not know podresources v1 List`, { cause: error });
    }
  }

  return { list, close: () => grpc.close() };
}
