/**
 * One pod in the kubelet stand-in: its volumes, then its sandbox, then its containers in order, restarted with a
 * growing pause. Knows no other pod, and decides nothing about which pods there are.
 */
import { LABEL_POD_UID } from '../../adapters/cri/names.ts';
import type { DemoContainer, DemoSandbox } from '../runtime/runtime-types.ts';
import { containerConfig, createCrashBackoff, needsStart, type PodContainer, podContainers, sandboxConfig } from './kubelet-containers.ts';
import { environmentOf } from './kubelet-payload.ts';
import { CONTAINERD_LATENCY, type KubeletProcess, type PodReport, type SourcedPod } from './kubelet-types.ts';
import { mountVolumes, noteAttempt } from './kubelet-volumes.ts';

/** Before a pod whose sync failed is synced again. */
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
  const { runtime, clock, random, onReport, latency = CONTAINERD_LATENCY } = process.options;
  const between = ([least, most]: readonly [number, number]): number => least + (most - least) * random();
  const backoff = createCrashBackoff(process);
  const specs = podContainers(pod);
  let stopped = false;
  let reason = 'ContainerCreating';
  let failures = 0;
  let notBefore = 0;
  let woken = new AbortController();

  const sandboxes = (): readonly DemoSandbox[] => runtime.sandboxes().filter(({ config }) => config.uid === pod.uid);
  const latest = (name: string): DemoContainer | undefined =>
    runtime.containers().findLast(({ config }) => config.labels[LABEL_POD_UID] === pod.uid && config.name === name);

  async function sandbox(): Promise<DemoSandbox | undefined> {
    const ready = sandboxes().findLast((found) => found.ready);
    if (ready !== undefined) return ready;
    await process.wait(70 + 60 * random());
    if (stopped) return undefined;
    return runtime.runPodSandbox(sandboxConfig(pod, sandboxes().length));
  }

  /** Attempted, then created, then running: the window in which a copy makes way. */
  async function startContainer(spec: PodContainer, inSandbox: DemoSandbox): Promise<void> {
    const { container } = spec;
    const previous = latest(container.name);
    backoff.advance(previous);
    if (pod.source === 'api' && !process.servicesRead) {
      throw new Error('CreateContainerConfigError: services have not yet been read at least once, cannot construct envvars');
    }
    const env = await environmentOf(container, pod, process.options.api, process.servicesRead);
    if (stopped) return;
    await noteAttempt(pod, container.name, process.options);
    await process.sleep(between(latency.createMs));
    if (stopped) return;
    const attempt = previous === undefined ? 0 : previous.config.attempt + 1;
    const created = runtime.createContainer(inSandbox.id, {
      ...containerConfig(spec, pod, process.options.rootDir),
      attempt,
      envs: [...env].map(([key, value]) => ({ key, value })),
    });
    await process.sleep(between(latency.startMs));
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
    const due = waiting.filter((spec) => backoff.left(latest(spec.container.name)) === 0);
    const next = Math.min(...waiting.map((spec) => backoff.left(latest(spec.container.name)) || Number.POSITIVE_INFINITY));
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

  const report = (): PodReport => reportOf(pod, specs, latest, reason);

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

function reportOf(
  pod: SourcedPod,
  specs: readonly PodContainer[],
  latest: (name: string) => DemoContainer | undefined,
  reason: string,
): PodReport {
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
