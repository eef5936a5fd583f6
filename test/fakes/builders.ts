/** Small constructors for facts in tests: a node `n1` with one parent `kube-system/web-1`, all of it overridable. */

import { initialReachability, type ReachabilityState } from '../../src/core/api/reachability.ts';
import {
  type Checkpoint,
  type Ledger,
  type Placed,
  type RawPod,
  type RevisionRecord,
  type RuntimeContainer,
  type RuntimeView,
  type Sandbox,
  seen,
} from '../../src/core/model/model.ts';
import type { Observation, Where } from '../../src/core/turn/observation.ts';
import type { Policy } from '../../src/core/turn/policy.ts';
import type { DaemonSetView } from '../../src/core/uninstall/uninstall.ts';

export const where: Where = { node: 'n1', machineId: 'm1', cluster: 'c1', bootId: 'b1' };
export const policy: Policy = {
  orphanGraceMs: 30_000,
  stuckGraceMs: 60_000,
  kubeletBlindGraceMs: 600_000,
  endedGraceMs: 300_000,
  retireGraceMs: 60_000,
  handBackTimeoutMs: 600_000,
  minReadyMs: 10_000,
  activeLimit: 100,
  role: 'process',
};
export const WALL = Date.parse('2026-11-21T08:00:00.000Z');

export function aRecord(change: Partial<RevisionRecord> = {}): RevisionRecord {
  return {
    formatVersion: 1,
    revision: 'r1',
    parent: { namespace: 'kube-system', name: 'web-1', uid: 'u1', resourceVersion: '7' },
    node: { name: 'n1', machineId: 'm1' },
    cluster: 'c1',
    capturedAt: '2026-11-21T07:00:00.000Z',
    bootId: 'b0',
    images: [{ container: 'main', image: 'img:1', imageRef: 'sha256:1' }],
    files: {},
    changes: [],
    handBack: 'container',
    handBackGraceful: false,
    order: 0,
    maxAgeMs: 0,
    serving: ['main'],
    ...change,
  };
}

export function aCheckpoint(change: Partial<RevisionRecord> = {}, extra: Partial<Checkpoint> = {}): Checkpoint {
  const record = aRecord(change);
  const { namespace, name } = record.parent;
  return {
    key: `${namespace}_${name}`,
    record,
    manifest: `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"${name}-ckpt","namespace":"${namespace}"},"spec":{"containers":[{"name":"main"}],"terminationGracePeriodSeconds":5}}\n`,
    confirmedAt: record.capturedAt,
    bytes: 1_000,
    ...extra,
  };
}

export function aPod(
  change: {
    uid?: string;
    name?: string;
    ready?: boolean;
    containerId?: string;
    phase?: string;
    node?: string;
    enabled?: boolean;
    daemonSet?: string;
  } = {},
): RawPod {
  const {
    uid = 'u1',
    name = 'web-1',
    ready = true,
    containerId = 'p1',
    phase = 'Running',
    node = 'n1',
    enabled = true,
    daemonSet,
  } = change;
  return {
    metadata: {
      name,
      namespace: 'kube-system',
      uid,
      annotations: enabled ? { 'checkpointer/enabled': 'true' } : {},
      ...(daemonSet === undefined
        ? {}
        : { ownerReferences: [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'web', uid: daemonSet, controller: true }] }),
    },
    spec: { nodeName: node, containers: [{ name: 'main', image: 'img:1' }] },
    status: {
      phase,
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
      containerStatuses: [
        { name: 'main', ready, image: 'img:1', imageID: '', restartCount: 0, containerID: `containerd://${containerId}` },
      ],
    },
  };
}

/** The same on the host network, with nothing to rewrite. */
export function aHostPod(change: Parameters<typeof aPod>[0] = {}): RawPod {
  const pod = aPod(change);
  return { ...pod, spec: { ...pod.spec, hostNetwork: true, containers: [{ name: 'main', image: 'img:1' }] } };
}

export function aSandbox(change: Partial<Sandbox> = {}): Sandbox {
  return {
    id: 's1',
    name: 'web-1',
    namespace: 'kube-system',
    uid: 'u1',
    ready: true,
    createdAtMs: 0,
    labels: {},
    annotations: { 'kubernetes.io/config.source': 'api' },
    ...change,
  };
}
export function aContainer(change: Partial<RuntimeContainer> = {}): RuntimeContainer {
  return {
    id: 'p1',
    sandboxId: 's1',
    name: 'main',
    podUid: 'u1',
    podName: 'web-1',
    podNamespace: 'kube-system',
    state: 'running',
    createdAtMs: 0,
    ...change,
  };
}
export const copySandbox = aSandbox({
  id: 's9',
  name: 'web-1-ckpt-n1',
  uid: 'u9',
  annotations: { 'kubernetes.io/config.source': 'file', 'checkpointer/copy-of': 'kube-system/web-1' },
});
export const copyContainer = aContainer({ id: 'k1', sandboxId: 's9', podUid: 'u9', podName: 'web-1-ckpt-n1' });

export const nothing: RuntimeView = { sandboxes: [], containers: [] };
export const parentRuns: RuntimeView = { sandboxes: [aSandbox()], containers: [aContainer()] };
export const parentDied: RuntimeView = { sandboxes: [aSandbox({ ready: false })], containers: [aContainer({ state: 'exited' })] };
export const copyServes: RuntimeView = {
  sandboxes: [...parentDied.sandboxes, copySandbox],
  containers: [...parentDied.containers, copyContainer],
};

export function aReach(verdict: ReachabilityState['verdict'], since = 0, lastAnswer?: number): ReachabilityState {
  return { ...initialReachability(since), verdict, since, ...(lastAnswer === undefined ? {} : { lastAnswer }) };
}

export function aLedger(placed: readonly Placed[] = [], handBacks: Ledger['handBacks'] = []): Ledger {
  return { formatVersion: 1, placed, handBacks };
}
export function aPlaced(change: Partial<Placed> = {}): Placed {
  return {
    key: 'kube-system_web-1',
    file: 'f.json',
    digest: 'd1',
    revision: 'r1',
    why: 'parent-absent',
    attempt: 1,
    placedAt: '2026-11-21T08:00:00.000Z',
    bootId: 'b1',
    phase: 'placed',
    knownContainers: ['p1'],
    ...change,
  };
}

export function anObservation(change: Partial<Observation> = {}): Observation {
  return {
    now: 100_000,
    wall: WALL,
    api: aReach('unreachable', 0),
    watch: { synced: false, healthy: false, pods: new Map() },
    runtime: seen(nothing),
    kubelet: seen(new Set<string>()),
    life: {},
    manifests: seen([]),
    images: new Map([['img:1', seen(true)]]),
    reads: new Map(),
    begun: new Map(),
    where,
    optIn: ['checkpointer/enabled'],
    ...change,
  };
}
export function watching(...pods: RawPod[]): Observation['watch'] {
  return { synced: true, healthy: true, pods: new Map(pods.map((pod) => [pod.metadata?.uid ?? '', pod])) };
}

/** All of three pods are ready. */
export function aDaemonSet(change: Partial<DaemonSetView> = {}): DaemonSetView {
  return { uid: 'ds1', createdAt: WALL, deleting: false, ofHelm: true, observed: true, desired: 3, updated: 3, ready: 3, ...change };
}
