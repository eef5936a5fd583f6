/**
 * Names on the CRI wire: methods, enum numbers, and the labels the kubelet writes
 * (`pkg/kubelet/kuberuntime/labels.go`, `kubelet/pkg/types/labels.go`).
 */

const RUNTIME = '/runtime.v1.RuntimeService';
const IMAGES = '/runtime.v1.ImageService';

export const CRI_METHODS = {
  version: `${RUNTIME}/Version`,
  status: `${RUNTIME}/Status`,
  listPodSandbox: `${RUNTIME}/ListPodSandbox`,
  listContainers: `${RUNTIME}/ListContainers`,
  containerStatus: `${RUNTIME}/ContainerStatus`,
  stopContainer: `${RUNTIME}/StopContainer`,
  stopPodSandbox: `${RUNTIME}/StopPodSandbox`,
  events: `${RUNTIME}/GetContainerEvents`,
  imageStatus: `${IMAGES}/ImageStatus`,
  listImages: `${IMAGES}/ListImages`,
  imageFsInfo: `${IMAGES}/ImageFsInfo`,
} as const;

export const LABEL_POD_NAME = 'io.kubernetes.pod.name';
export const LABEL_POD_NAMESPACE = 'io.kubernetes.pod.namespace';
export const LABEL_POD_UID = 'io.kubernetes.pod.uid';
export const LABEL_CONTAINER_NAME = 'io.kubernetes.container.name';

/** The kubelet takes a condition that is missing for false (`pkg/kubelet/kubelet.go`: updateRuntimeUp). */
export const CONDITION_NETWORK = 'NetworkReady';

/** proto3 leaves a zero off the wire, so READY and CREATED are also what an absent field means. */
export const SANDBOX_READY = 0;
export const SANDBOX_NOTREADY = 1;
export const CONTAINER_STATES = ['created', 'running', 'exited', 'unknown'] as const;
export const EVENT_TYPES = ['created', 'started', 'stopped', 'deleted'] as const;
