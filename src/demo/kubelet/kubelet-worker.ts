/**
 * One pod in the kubelet stand-in: its volumes, then its sandbox, then its containers in order, restarted with a
 * growing pause. Knows no other pod, and decides nothing about which pods there are.
 */
import { LABEL_CONTAINER_NAME, LABEL_POD_NAME, LABEL_POD_NAMESPACE, LABEL_POD_UID } from '../../adapters/cri/names.ts';
import type { RawContainer } from '../../core/model/model.ts';
import type { DemoContainer, DemoSandbox } from '../runtime/runtime-types.ts';
import { environmentOf } from './kubelet-payload.ts';
import type { KubeletProcess, PodReport, SourcedPod } from './kubelet-types.ts';
import { mountsOf, mountVolumes, noteAttempt } from './kubelet-volumes.ts';

/** Crash back-off: none, 10 s, doubling to 300 s; forgotten after a run of ten minutes. */
const BACKOFF_FIRST_MS = 10_000;
const BACKOFF_MAX_MS = 300_000;
const BACKOFF_FORGET_MS = 600_000;
const RETRY_FIRST_MS = 700;
const RETRY_MS = 10_000;

export interface PodWorker {
  readonly pod: SourcedPod;
  /** Look again: something in the runtime has changed. */
  wake(): void;
  report(): PodReport;
  /** No more restarts; what runs goes on running. Resolves when nothing is under way any more. */
  abandon(): Promise<void>;
  /** Stops everything with the pod's grace period, or `graceSeconds`. */
  terminate(graceSeconds?: number): Promise<void>;
}

export function startPodWorker(process: KubeletProcess, pod: SourcedPod): PodWorker {
  const { runtime, clock, random, onReport } = process.options;
  const backoff = new Map<string, number>();
  const specs = containersOf(pod);
  let stopped = false;
  let reason = 'ContainerCreating';
  let failures = 0;
  let notBefore = 0;
  let woken = new AbortController();

  const sandboxes = (): readonly DemoSandbox[] => runtime.sandboxes().filter(({ config }) => config.uid === pod.uid);
  const latest = (name: string): DemoContainer | undefined =>
    runtime.containers().findLast(({ config }) => config.labels[LABEL_POD_UID] === pod.uid && config.name === name);

  /** Milliseconds until this dead container may start again; 0: now. */
  function pause(previous: DemoContainer | undefined): number {
    if (previous?.state !== 'exited') return 0;
    if (previous.finishedAtMs - previous.startedAtMs > process.scaled(BACKOFF_FORGET_MS)) backoff.delete(previous.config.name);
    const delay = backoff.get(previous.config.name);
    return delay === undefined ? 0 : Math.max(0, previous.finishedAtMs + process.scaled(delay) - clock.wall());
  }

  function advanceBackoff(previous: DemoContainer | undefined): void {
    if (previous?.state !== 'exited') return;
    const delay = backoff.get(previous.config.name);
    backoff.set(previous.config.name, delay === undefined ? BACKOFF_FIRST_MS : Math.min(BACKOFF_MAX_MS, delay * 2));
  }

  async function sandbox(): Promise<DemoSandbox | undefined> {
    const ready = sandboxes().findLast((found) => found.ready);
    if (ready !== undefined) return ready;
    await process.wait(70 + 60 * random());
    if (stopped) return undefined;
    const { name, namespace, uid } = pod;
    const labels = { ...pod.pod.metadata?.labels, [LABEL_POD_NAME]: name, [LABEL_POD_NAMESPACE]: namespace, [LABEL_POD_UID]: uid };
    const annotations = { ...pod.pod.metadata?.annotations, 'kubernetes.io/config.source': pod.source };
    return runtime.runPodSandbox({
      name,
      namespace,
      uid,
      attempt: sandboxes().length,
      labels,
      annotations,
      hostNetwork: pod.pod.spec?.hostNetwork ?? false,
    });
  }

  /** Attempted, created 15 to 55 ms later, running 60 to 145 ms after that: the window in which a copy makes way. */
  async function startContainer(spec: PodContainer, inSandbox: DemoSandbox): Promise<void> {
    const { container } = spec;
    const previous = latest(container.name);
    advanceBackoff(previous);
    if (pod.source === 'api' && !process.servicesRead) {
      throw new Error('CreateContainerConfigError: services have not yet been read at least once, cannot construct envvars');
    }
    const env = await environmentOf(container, pod, process.options.api, process.servicesRead);
    if (stopped) return;
    await noteAttempt(pod, container.name, process.options);
    // the runtime's own time as well
    await process.sleep(15 + 40 * random());
    if (stopped) return;
    const created = runtime.createContainer(inSandbox.id, {
      name: container.name,
      attempt: previous === undefined ? 0 : previous.config.attempt + 1,
      image: container.image ?? '',
      envs: [...env].map(([key, value]) => ({ key, value })),
      mounts: mountsOf(container, pod, process.options.rootDir),
      labels: {
        [LABEL_POD_NAME]: pod.name,
        [LABEL_POD_NAMESPACE]: pod.namespace,
        [LABEL_POD_UID]: pod.uid,
        [LABEL_CONTAINER_NAME]: container.name,
      },
      annotations: {},
      completes: spec.role === 'init',
    });
    // never scaled: it is the runtime's own time, and what a hand-back races against
    await process.sleep(60 + 85 * random());
    // Stopped meanwhile by someone else, or by our own termination: it stays dead.
    if (!stopped && created.state === 'created') runtime.startContainer(created.id);
  }

  /** One pass; the milliseconds until the next, or undefined: when something changes. */
  async function sync(): Promise<number | undefined> {
    if (notBefore > clock.now()) return notBefore - clock.now();
    const waiting = specs.filter((spec) => needsStart(spec, latest(spec.container.name), sandboxes()));
    if (waiting.length === 0) {
      failures = 0;
      reason = '';
      // The periodic refresh of volumes; without the API server they stay as they are.
      if (pod.source === 'api') await mountVolumes(pod, process.options).catch(() => undefined);
      return undefined;
    }
    const due = waiting.filter((spec) => pause(latest(spec.container.name)) === 0);
    const next = Math.min(...waiting.map((spec) => pause(latest(spec.container.name)) || Number.POSITIVE_INFINITY));
    if (due.length === 0) {
      reason = 'CrashLoopBackOff';
      return next;
    }
    await mountVolumes(pod, process.options);
    const ready = stopped ? undefined : await sandbox();
    for (const spec of ready === undefined ? [] : due) {
      if (stopped) break;
      if (ready !== undefined) await startContainer(spec, ready);
    }
    return 0;
  }

  async function run(): Promise<void> {
    while (!stopped && !process.signal.aborted) {
      woken = new AbortController();
      const pauseMs = await sync().catch((error: unknown) => failed(error));
      if (stopped || process.signal.aborted) return;
      onReport?.(report());
      await process.sleep(pauseMs ?? process.scaled(60_000), woken.signal).catch(() => undefined);
    }
  }

  function failed(error: unknown): number {
    reason = error instanceof Error ? error.message : 'failed';
    process.log(`Error syncing pod ${pod.namespace}/${pod.name}: ${reason}`);
    failures += 1;
    const retry = process.scaled(failures === 1 ? RETRY_FIRST_MS : RETRY_MS + 5000 * random());
    notBefore = clock.now() + retry;
    return retry;
  }

  function report(): PodReport {
    const containers = specs
      .filter(({ role }) => role !== 'init')
      .map(({ container: { name } }) => {
        const found = latest(name);
        return { name, id: found?.id ?? '', running: found?.state === 'running', restarts: found?.config.attempt ?? 0 };
      });
    const ready = containers.every(({ running }) => running);
    const { uid, namespace, name, source } = pod;
    return { uid, namespace, name, source, phase: ready ? 'Running' : 'Pending', ready, reason: ready ? '' : reason, containers };
  }

  async function abandon(): Promise<void> {
    stopped = true;
    woken.abort();
    await running;
  }

  const running = run();
  return {
    pod,
    wake: () => woken.abort(),
    report,
    abandon,
    terminate: async (graceSeconds) => {
      await abandon();
      const grace = graceSeconds ?? Math.max(1, pod.pod.spec?.terminationGracePeriodSeconds ?? 30);
      for (const found of sandboxes()) await runtime.stopPodSandbox(found.id, grace);
    },
  };
}

interface PodContainer {
  readonly container: RawContainer;
  readonly role: 'init' | 'serving';
}

function containersOf(pod: SourcedPod): readonly PodContainer[] {
  const init = (pod.pod.spec?.initContainers ?? []).map((container) => ({
    container,
    role: container.restartPolicy === 'Always' ? ('serving' as const) : ('init' as const),
  }));
  return [...init, ...(pod.pod.spec?.containers ?? []).map((container) => ({ container, role: 'serving' as const }))];
}

/** An init container has done its work once it ended well in the sandbox of today; the others must run, there. */
function needsStart(spec: PodContainer, found: DemoContainer | undefined, sandboxes: readonly DemoSandbox[]): boolean {
  const current = sandboxes.findLast(({ ready }) => ready);
  if (found === undefined || current === undefined || found.sandboxId !== current.id) return true;
  return spec.role === 'init' ? !(found.state === 'exited' && found.exitCode === 0) : found.state !== 'running';
}
