/** The cluster as the uninstall sees it, in memory: two DaemonSets, pods, nodes, and what was asked to be changed. */
import type { CleanerPod, DaemonSetView, NodeView } from '../../src/core/uninstall/uninstall.ts';
import { PortError, type UninstallApi } from '../../src/ports.ts';
import { aDaemonSet } from './builders.ts';

export interface FakeCluster {
  readonly sets: Map<string, DaemonSetView>;
  pods: readonly CleanerPod[];
  nodes: readonly NodeView[];
  /** Nobody answers. */
  down: boolean;
  /** What was changed, in order. */
  readonly done: string[];
  /** Requests so far. */
  asked: number;
  readonly api: UninstallApi;
}

/** The agents are gone, and nothing is clean yet. */
export function createFakeCluster(): FakeCluster {
  function answer<T>(value: () => T): Promise<T> {
    cluster.asked += 1;
    return cluster.down ? Promise.reject(new PortError('unavailable', 'nobody answers')) : Promise.resolve().then(value);
  }
  const cluster: FakeCluster = {
    sets: new Map([['cleaners', aDaemonSet({ createdAt: 2000, ready: 0 })]]),
    pods: [],
    nodes: [],
    down: false,
    done: [],
    asked: 0,
    api: {
      daemonSet: (name) => answer(() => cluster.sets.get(name)),
      deleteDaemonSet: (name, uid) =>
        answer(() => {
          cluster.done.push(`delete ${name} ${uid}`);
          cluster.sets.delete(name);
        }),
      cleanerPods: () => answer(() => cluster.pods),
      nodes: () => answer(() => cluster.nodes),
      tieToCleaners: (name, uid) => answer(() => void cluster.done.push(`tie ${name} ${uid}`)),
      removeBelongings: (name) => answer(() => void cluster.done.push(`remove belongings of ${name}`)),
    },
  };
  return cluster;
}
