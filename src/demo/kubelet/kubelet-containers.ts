/**
 * The containers of one pod in the kubelet stand-in: which must start, with which configuration, and after which pause.
 */
import { LABEL_CONTAINER_NAME, LABEL_POD_NAME, LABEL_POD_NAMESPACE, LABEL_POD_UID } from '../../adapters/cri/names.ts';
import type { RawContainer } from '../../core/model/model.ts';
import type { DemoContainer, DemoContainerConfig, DemoSandbox, DemoSandboxConfig } from '../runtime/runtime-types.ts';
import type { KubeletProcess, SourcedPod } from './kubelet-types.ts';
import { mountsOf } from './kubelet-volumes.ts';

/** Crash back-off: none, 10 s, doubling to 300 s; forgotten after a run of ten minutes. */
const BACKOFF_FIRST_MS = 10_000;
const BACKOFF_MAX_MS = 300_000;
const BACKOFF_FORGET_MS = 600_000;

export interface CrashBackoff {
  /** Milliseconds until this dead container may start again; 0: now. */
  left(previous: DemoContainer | undefined): number;
  /** It starts again; the next pause will be longer. */
  advance(previous: DemoContainer | undefined): void;
}

export function createCrashBackoff({ options, scaled }: KubeletProcess): CrashBackoff {
  const delays = new Map<string, number>();
  return {
    left(previous) {
      if (previous?.state !== 'exited') return 0;
      if (previous.finishedAtMs - previous.startedAtMs > scaled(BACKOFF_FORGET_MS)) delays.delete(previous.config.name);
      const delay = delays.get(previous.config.name);
      return delay === undefined ? 0 : Math.max(0, previous.finishedAtMs + scaled(delay) - options.clock.wall());
    },
    advance(previous) {
      if (previous?.state !== 'exited') return;
      const delay = delays.get(previous.config.name);
      delays.set(previous.config.name, delay === undefined ? BACKOFF_FIRST_MS : Math.min(BACKOFF_MAX_MS, delay * 2));
    },
  };
}

export function sandboxConfig(pod: SourcedPod, attempt: number): DemoSandboxConfig {
  const { name, namespace, uid } = pod;
  const { labels, annotations } = pod.pod.metadata ?? {};
  return {
    name,
    namespace,
    uid,
    attempt,
    labels: { ...labels, [LABEL_POD_NAME]: name, [LABEL_POD_NAMESPACE]: namespace, [LABEL_POD_UID]: uid },
    annotations: { ...annotations, 'kubernetes.io/config.source': pod.source },
    hostNetwork: pod.pod.spec?.hostNetwork ?? false,
  };
}

/** All but what differs from one attempt to the next. */
export function containerConfig(
  { container, role }: PodContainer,
  pod: SourcedPod,
  rootDir: string,
): Omit<DemoContainerConfig, 'attempt' | 'envs'> {
  return {
    name: container.name,
    image: container.image ?? '',
    mounts: mountsOf(container, pod, rootDir),
    labels: {
      [LABEL_POD_NAME]: pod.name,
      [LABEL_POD_NAMESPACE]: pod.namespace,
      [LABEL_POD_UID]: pod.uid,
      [LABEL_CONTAINER_NAME]: container.name,
    },
    annotations: {},
    completes: role === 'init',
  };
}

export interface PodContainer {
  readonly container: RawContainer;
  readonly role: 'init' | 'serving';
}

export function podContainers(pod: SourcedPod): readonly PodContainer[] {
  const init = (pod.pod.spec?.initContainers ?? []).map((container) => ({
    container,
    role: container.restartPolicy === 'Always' ? ('serving' as const) : ('init' as const),
  }));
  return [...init, ...(pod.pod.spec?.containers ?? []).map((container) => ({ container, role: 'serving' as const }))];
}

/** An init container has done its work once it ended well in the sandbox of today; the others must run, there. */
export function needsStart(spec: PodContainer, found: DemoContainer | undefined, sandboxes: readonly DemoSandbox[]): boolean {
  const current = sandboxes.findLast(({ ready }) => ready);
  if (found === undefined || current === undefined || found.sandboxId !== current.id) return true;
  return spec.role === 'init' ? !(found.state === 'exited' && found.exitCode === 0) : found.state !== 'running';
}
