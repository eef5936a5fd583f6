/**
 * What the tests of the Kubernetes adapter share: a real clock, a counting observer, access to an embedded server, and a
 * wait for a condition. No assertion here.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach } from 'vitest';
import { type ApiAccess, createKubernetes, type Kubernetes, loadApiAccess } from '../../../src/adapters/kubernetes/index.ts';
import type { TransportTimings } from '../../../src/adapters/kubernetes/transport.ts';
import type { PodWatchTimings } from '../../../src/adapters/kubernetes/watch-policy.ts';
import { type ApiServer, createApiServer } from '../../../src/demo/api-server/api-server.ts';
import type { ApiRequestObserver, Clock } from '../../../src/ports.ts';

export const NODE = 'node-1';

export const realClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  sleep: (ms, signal) => sleep(ms, undefined, signal === undefined ? {} : { signal }),
};

/** Production's pauses, a hundred times shorter. Its patience is left: a busy machine must not look like a lost server. */
export const FAST_WATCH: Partial<PodWatchTimings> = {
  listMs: 15_000,
  watchHeadMs: 6_000,
  backoffBaseMs: 10,
  backoffMaxMs: 80,
  minGapMs: 5,
  healthyMs: 1200,
};
export const FAST_TRANSPORT: Partial<TransportTimings> = { connectMs: 5_000 };

export interface Counters extends ApiRequestObserver {
  readonly requests: string[];
  readonly restarts: string[];
  readonly probes: string[];
}

export function counters(): Counters {
  const requests: string[] = [];
  const restarts: string[] = [];
  const probes: string[] = [];
  return {
    requests,
    restarts,
    probes,
    request: (verb, code) => void requests.push(`${verb} ${code}`),
    watchRestart: (cause) => void restarts.push(cause),
    probe: (outcome) => void probes.push(outcome),
  };
}

export interface AccessOf {
  readonly urls: readonly string[];
  readonly ca: string;
  readonly token: () => string;
  /** How long the disk takes to read the token's file, milliseconds. */
  readonly tokenMs?: number;
}

export function accessTo(of: AccessOf): Promise<ApiAccess> {
  return loadApiAccess({
    apiEndpoints: of.urls,
    inCluster: { tokenFile: '/sa/token', caFile: '/sa/ca.crt' },
    readFile: async (path) => {
      if (path !== '/sa/token') return of.ca;
      await sleep(of.tokenMs ?? 0);
      return of.token();
    },
    clock: realClock,
  });
}

export const accessToServer = (api: ApiServer) => accessTo({ urls: [api.url], ca: api.ca, token: () => api.token });

export interface Client extends Kubernetes {
  readonly counters: Counters;
  /** How often the view was reported to have changed. */
  wakes(): number;
  names(): string[];
}

export interface ClientOptions {
  readonly watch?: Partial<PodWatchTimings>;
  readonly transport?: Partial<TransportTimings>;
  readonly nodeName?: string;
}

/** A client that is not started yet. */
export function clientOf(access: ApiAccess, options: ClientOptions = {}): Client {
  const observer = counters();
  const kubernetes = createKubernetes(access, {
    nodeName: options.nodeName ?? NODE,
    version: '0.0.0-test',
    clock: realClock,
    random: () => 0.5,
    observer,
    watchTimings: { ...FAST_WATCH, ...options.watch },
    transportTimings: { ...FAST_TRANSPORT, ...options.transport },
  });
  let wakes = 0;
  const start = kubernetes.watch.start.bind(kubernetes.watch);
  return {
    ...kubernetes,
    watch: {
      ...kubernetes.watch,
      start: (wake) =>
        start(() => {
          wakes += 1;
          wake();
        }),
    },
    counters: observer,
    wakes: () => wakes,
    names: () => [...kubernetes.watch.view().pods.values()].map((pod) => pod.metadata?.name ?? '').sort(),
  };
}

/** Resolves as soon as the condition holds; throws with its source after `ms`. */
export async function until(condition: () => boolean, ms = 30_000): Promise<void> {
  const end = performance.now() + ms;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${condition.toString()}`);
    await sleep(5);
  }
}

export const podOn = (name: string, nodeName: string = NODE, extra: Record<string, unknown> = {}) => ({
  metadata: { name, namespace: 'kube-system', labels: { app: name } },
  spec: { nodeName, containers: [{ name: 'main', image: 'example/main:1' }], ...extra },
});

export interface ServedClients {
  /** A client of this test's server, or of others that share its authority. */
  client(options?: ClientOptions, urls?: readonly string[]): Promise<Client>;
  /** The same, its watch open and its list read. */
  started(options?: ClientOptions): Promise<Client>;
  /** Carried out after the test, the last first, before the server ends. */
  atEnd(close: () => Promise<void>): void;
}

/** Every test of the file has an embedded API server of its own, which `each` is told. */
export function servedClients(each: (server: ApiServer) => void): ServedClients {
  let api: ApiServer;
  let closing: (() => Promise<void>)[] = [];
  beforeEach(async () => {
    api = createApiServer({ bookmarkMs: 60 });
    each(api);
    await api.start();
  });
  afterEach(async () => {
    for (const close of closing.reverse()) await close();
    closing = [];
    await api.stop();
  });

  async function client(options: ClientOptions = {}, urls: readonly string[] = [api.url]): Promise<Client> {
    const made = clientOf(await accessTo({ urls, ca: api.ca, token: () => api.token }), options);
    closing.push(() => made.close());
    return made;
  }
  async function started(options: ClientOptions = {}): Promise<Client> {
    const made = await client(options);
    made.watch.start(() => {});
    await until(() => made.watch.view().healthy && made.watch.view().synced);
    return made;
  }
  return { client, started, atEnd: (close) => void closing.push(close) };
}
