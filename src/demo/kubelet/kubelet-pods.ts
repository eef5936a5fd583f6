/**
 * Which pods one kubelet process runs: the pod manager, admission by host port, and the two rules that decide over a
 * checkpointer: nothing is torn down before every source has delivered once, and a rejected pod is never tried again.
 */
import type { KubeletProcess, PodReport, SourcedPod } from './kubelet-types.ts';
import { removePodDir } from './kubelet-volumes.ts';
import { type PodWorker, startPodWorker } from './kubelet-worker.ts';

export interface PodManager {
  /** The complete set of one source. */
  update(source: SourcedPod['source'], pods: readonly SourcedPod[]): void;
  /** Terminates what belongs to no pod; does nothing before all sources have delivered. */
  housekeep(): Promise<void>;
  wake(): void;
  allReady(): boolean;
  /** Pods as podresources lists them. */
  known(): readonly SourcedPod[];
}

export function createPodManager(process: KubeletProcess): PodManager {
  const { runtime, rootDir, onReport } = process.options;
  const delivered = new Set<SourcedPod['source']>();
  const workers = new Map<string, PodWorker>();
  const rejected = new Set<string>();
  /** Their source has withdrawn them and they are being stopped, or cannot be yet. */
  const leaving = new Map<string, PodWorker>();
  const terminating = new Set<string>();
  const waiting = new Map<string, SourcedPod>();
  let listed: readonly SourcedPod[] = [];

  const allReady = (): boolean => delivered.has('file') && delivered.has('api');

  function update(source: SourcedPod['source'], pods: readonly SourcedPod[]): void {
    delivered.add(source);
    const wanted = pods.filter(({ pod }) => pod.metadata?.deletionTimestamp === undefined);
    const uids = new Set(wanted.map(({ uid }) => uid));
    for (const { pod } of [...workers.values()]) if (pod.source === source && !uids.has(pod.uid)) remove(pod);
    for (const [uid, pod] of waiting) if (pod.source === source && !uids.has(uid)) waiting.delete(uid);
    listed = [...listed.filter((pod) => pod.source !== source), ...wanted];
    for (const pod of [...wanted].sort(byCreation)) add(pod);
    // A pod the API server wants gone and that we do not run: say that it is gone.
    for (const pod of pods) if (!uids.has(pod.uid) && !workers.has(pod.uid) && !leaving.has(pod.uid)) onReport?.(ended(pod, 'Terminated'));
  }

  function add(pod: SourcedPod): void {
    if (workers.has(pod.uid) || leaving.has(pod.uid) || rejected.has(pod.uid)) return;
    // A static pod waits until its namesake has finished; if nothing may be torn down yet, it waits for that too.
    if (
      pod.source === 'file' &&
      [...leaving.values()].some((other) => other.pod.source === 'file' && fullName(other.pod) === fullName(pod))
    ) {
      waiting.set(pod.uid, pod);
      return;
    }
    waiting.delete(pod.uid);
    const ports = hostPorts(pod);
    if ([...workers.values()].some((worker) => hostPorts(worker.pod).some((port) => ports.includes(port)))) {
      rejected.add(pod.uid);
      process.log(`Pod admission denied: ${fullName(pod)}: NodePorts`);
      onReport?.(ended(pod, 'NodePorts'));
      return;
    }
    workers.set(pod.uid, startPodWorker(process, pod));
  }

  /** Out of the manager at once; terminated only if every source has delivered. */
  function remove(pod: SourcedPod): void {
    const worker = workers.get(pod.uid);
    if (worker === undefined) return;
    workers.delete(pod.uid);
    leaving.set(pod.uid, worker);
    if (allReady()) {
      void terminate(worker);
    } else {
      process.log(`Failed to delete pod ${fullName(pod)}: skipping delete because sources aren't ready yet`);
      void worker.abandon();
    }
  }

  async function terminate(worker: PodWorker): Promise<void> {
    const { pod } = worker;
    if (terminating.has(pod.uid)) return;
    terminating.add(pod.uid);
    await worker.terminate();
    leaving.delete(pod.uid);
    terminating.delete(pod.uid);
    if (process.signal.aborted) return;
    onReport?.(ended(pod, 'Terminated'));
    for (const next of [...waiting.values()]) add(next);
  }

  async function housekeep(): Promise<void> {
    if (!allReady()) return;
    for (const worker of leaving.values()) void terminate(worker);
    for (const sandbox of runtime.sandboxes()) {
      const { uid } = sandbox.config;
      const replaced = runtime.sandboxes().findLast(({ config }) => config.uid === uid) !== sandbox;
      if (leaving.has(uid) || (workers.has(uid) && (sandbox.ready || !replaced))) continue;
      await runtime.stopPodSandbox(sandbox.id, 1);
      await runtime.removePodSandbox(sandbox.id);
      if (!workers.has(uid) && !listed.some((pod) => pod.uid === uid)) await removePodDir(uid, rootDir);
    }
  }

  return {
    update,
    housekeep,
    allReady,
    wake: () => {
      for (const worker of workers.values()) worker.wake();
    },
    known: () => [...[...workers.values()].map(({ pod }) => pod), ...waiting.values()],
  };
}

function ended(pod: SourcedPod, reason: string): PodReport {
  const { uid, namespace, name, source } = pod;
  return { uid, namespace, name, source, phase: 'Failed', ready: false, reason, containers: [] };
}

function fullName(pod: SourcedPod): string {
  return `${pod.namespace}/${pod.name}`;
}

function byCreation(a: SourcedPod, b: SourcedPod): number {
  return (a.pod.metadata?.creationTimestamp ?? '').localeCompare(b.pod.metadata?.creationTimestamp ?? '');
}

/** Host ports that count at admission; with hostNetwork all listed ones do (`defaults.go`: defaultHostNetworkPorts). */
function hostPorts(pod: SourcedPod): readonly number[] {
  const hostNetwork = pod.pod.spec?.hostNetwork === true;
  return (pod.pod.spec?.containers ?? []).flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort, containerPort }) =>
      hostPort !== undefined && hostPort !== 0 ? [hostPort] : hostNetwork ? [containerPort] : [],
    ),
  );
}
