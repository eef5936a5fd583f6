/**
 * A node in memory around a real agent: API server, runtime and kubelet as plain state that a test changes by hand.
 * It does nothing by itself; the embedded servers of the demo are what behaves like the real thing.
 */

import { createAgent } from '../../src/agent/agent.ts';
import type { AgentSettings } from '../../src/agent/settings.ts';
import { DEFAULT_THRESHOLDS, type MachineLook } from '../../src/core/kubelet/eviction.ts';
import { DEFAULT_PULL_POLICY } from '../../src/core/kubelet/kubelet-config.ts';
import { type Probe, seen } from '../../src/core/model/model.ts';
import { type ContainerDetails, PortError, type Ports } from '../../src/ports.ts';
import { policy, where } from './builders.ts';
import { createFakeClock } from './clock.ts';
import { createFakeManifestDir } from './manifest-dir.ts';
import { createFakeStore } from './store.ts';
import type { World } from './world-state.ts';

export type { World } from './world-state.ts';

export const settings: AgentSettings = {
  where,
  optIn: ['checkpointer/enabled'],
  policy,
  reachability: { probes: 3, windowMs: 6_000, bootFastPath: true, deadlineMs: 2_000 },
  selection: { namespaces: ['*'], nodeName: where.node },
  staticPodPath: '/etc/kubernetes/manifests',
  maxAgeMs: 0,
  agentImage: '',
  limits: { checkpoints: 10, bytesPerPod: 1_000_000, bytesTotal: 10_000_000 },
};

/** Half of everything is free, but for what is given. */
export function aMachine(amounts: Partial<MachineLook['amounts']> = {}): MachineLook {
  const half = seen({ available: 50_000_000_000, capacity: 100_000_000_000 });
  return {
    thresholds: seen(DEFAULT_THRESHOLDS),
    amounts: {
      'memory.available': half,
      'nodefs.available': half,
      'nodefs.inodesFree': half,
      'imagefs.available': half,
      'imagefs.inodesFree': half,
      ...amounts,
    },
  };
}

export function createWorld(change: Partial<AgentSettings> = {}): World {
  const clock = createFakeClock();
  const store = createFakeStore();
  const manifests = createFakeManifestDir();
  let wakeAgent = (): void => undefined;
  const abort = new AbortController();
  let running: Promise<void> = Promise.resolve();

  const ports: Ports = {
    clock,
    store,
    manifests,
    resources: {
      capacity: async () => world.capacity,
      readRequested: async () => world.requested.stored,
      writeRequested: async (stored) => {
        world.requested = { stored, writes: world.requested.writes + 1 };
      },
    },
    lock: { tryAcquire: async () => true, held: () => true },
    processes: {
      kill: (pid, id) => {
        if (world.pids.get(id) !== pid) return false;
        world.killed.push(id);
        return true;
      },
    },
    watch: {
      start: (wake) => {
        wakeAgent = wake;
      },
      view: () => {
        const { healthy, pods, denied } = world.api;
        // a list that was read once stays in view
        return denied === undefined ? { synced: healthy, healthy, pods } : { synced: true, healthy: false, pods, denied };
      },
      retryNow: () => {
        if (world.api.outcome === 'ok') world.api.healthy = true;
      },
      stop: async () => undefined,
    },
    probe: {
      probe: async () => {
        const probe: Probe = { endpoint: 'https://api', outcome: world.api.outcome, at: clock.now(), detail: '', direct: true };
        return [probe];
      },
    },
    reader: {
      readPod: async (name) => {
        if (world.api.denied !== undefined) throw new PortError('denied', 'HTTP 401');
        if (!world.api.healthy) throw new PortError('unavailable', 'refused');
        return [...world.api.pods.values()].find((pod) => pod.metadata?.name === name.name && pod.metadata.namespace === name.namespace);
      },
      clusterFingerprint: () => where.cluster,
      clusterCas: () => where.cas ?? [],
    },
    runtime: {
      version: async () => ({ runtimeName: world.runtimeName, runtimeVersion: '1', runtimeApiVersion: 'v1' }),
      view: async () => structuredClone(runtimeOr()),
      network: async () => {
        runtimeOr();
        return world.network;
      },
      containers: async () => {
        world.glances += 1;
        return structuredClone(runtimeOr().containers);
      },
      containersOf: async (uids) => {
        world.looks += 1;
        return runtimeOr().containers.filter((container) => uids.includes(container.podUid));
      },
      containerDetails: async (id) => {
        world.details.push(id);
        return details(id);
      },
      imageFs: async () => '/',
      imageId: async (reference) => (world.images.has(reference) ? `id of ${reference}` : undefined),
      imageNames: async () => new Set(world.images),
      stopContainer: async (id) => {
        world.stopped.push(id);
        if (world.stopTakesMs > 0) await clock.sleep(world.stopTakesMs);
        const view = runtimeOr();
        world.runtime = { ...view, containers: view.containers.map((c) => (c.id === id ? { ...c, state: 'exited' } : c)) };
      },
      stopSandbox: async (id) => {
        world.stopped.push(id);
      },
      events: async () => {
        throw new PortError('unsupported', 'no events');
      },
      close: () => undefined,
    },
    kubelet: {
      list: async () => {
        if (world.kubeletTakesMs > 0) await clock.sleep(world.kubeletTakesMs);
        if (world.kubelet === undefined) throw new PortError('unavailable', 'refused');
        return [...world.kubelet];
      },
      close: () => undefined,
    },
    kubeletProcess: { look: async () => world.life, podWord: async (uid) => world.podWords.get(uid), close: () => undefined },
    machine: {
      look: async () => {
        world.machineLooks += 1;
        return world.machine;
      },
    },
    kubeletVersion: { atLeast: async () => world.kubeletMinor },
    volumes: {
      read: async (_uid, _plugin, volume) => world.volumes[volume]?.files ?? notFound(volume),
      version: async (_uid, _plugin, volume) => world.volumes[volume]?.version,
    },
    attempts: {
      of: (uid, container) => world.attempts.get(`${uid} ${container}`),
      madeAt: (uid, container) => world.attemptedAt.get(`${uid} ${container}`),
    },
    pulls: {
      find: async (imageId) => world.pulls.get(imageId) ?? 'off',
      policy: async () => world.pullPolicy,
    },
    log: {
      debug: (message, fields = {}) => world.lines.push({ level: 'debug', message, fields }),
      info: (message, fields = {}) => world.lines.push({ level: 'info', message, fields }),
      warn: (message, fields = {}) => world.lines.push({ level: 'warn', message, fields }),
      error: (message, fields = {}) => world.lines.push({ level: 'error', message, fields }),
    },
    meter: {
      count: (name, labels = {}, by = 1) => {
        const series = `${name} ${Object.values(labels).join(' ')}`.trim();
        world.counts.set(series, (world.counts.get(series) ?? 0) + by);
      },
      gauge: () => undefined,
      gauges: (name, series) => {
        world.gauges.set(
          name,
          series.map(({ value }) => value),
        );
        world.series.set(name, series);
      },
      observe: () => undefined,
    },
  };

  function runtimeOr(): NonNullable<World['runtime']> {
    if (world.runtime === undefined) throw new PortError('unavailable', 'refused');
    return world.runtime;
  }
  function details(id: string): ContainerDetails {
    const container = runtimeOr().containers.find((candidate) => candidate.id === id);
    if (container === undefined) throw new PortError('not-found', `no container ${id}`);
    return {
      id,
      name: container.name,
      image: 'img:1',
      imageRef: 'sha256:1',
      imageId: 'sha256:1',
      env: world.env,
      mounts: [],
      startedAtMs: world.startedAt.get(id) ?? 5,
      finishedAtMs: 3,
      ...(world.exits.get(id) ?? { exitCode: 0, reason: '' }),
      ...(world.pids.has(id) ? { pid: world.pids.get(id) ?? 0 } : {}),
    };
  }
  function notFound(volume: string): never {
    throw new PortError('not-found', `no volume ${volume}`);
  }

  const agent = createAgent(ports, { ...settings, ...change });
  const world: World = {
    clock,
    store,
    manifests,
    ports,
    agent,
    api: { outcome: 'ok', pods: new Map(), healthy: true },
    runtime: { sandboxes: [], containers: [] },
    kubelet: [],
    life: {},
    podWords: new Map(),
    machine: aMachine(),
    machineLooks: 0,
    kubeletMinor: undefined,
    capacity: undefined,
    requested: { stored: undefined, writes: 0 },
    images: new Set(['img:1']),
    volumes: {},
    env: [],
    attempts: new Map([['u1 main', []]]),
    attemptedAt: new Map(),
    startedAt: new Map(),
    runtimeName: 'containerd',
    pulls: new Map(),
    pullPolicy: DEFAULT_PULL_POLICY,
    stopped: [],
    pids: new Map(),
    killed: [],
    details: [],
    looks: 0,
    glances: 0,
    exits: new Map(),
    network: { ready: true, message: '' },
    stopTakesMs: 0,
    kubeletTakesMs: 0,
    lines: [],
    gauges: new Map(),
    series: new Map(),
    counts: new Map(),
    podsChanged: () => wakeAgent(),
    start() {
      running = agent.run(abort.signal);
    },
    async stop() {
      abort.abort();
      await clock.run(1_000);
      await running;
    },
  };
  return world;
}
