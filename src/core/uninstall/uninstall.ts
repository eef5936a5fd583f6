/**
 * The uninstall of a whole cluster: what does a pod that cleans its node do next, and which nodes are clean, down, or
 * awaited? Pure; `agent/uninstall/cleaner.ts` and `agent/uninstall/uninstall.ts` ask and obey.
 *
 * There are two DaemonSets. That of the agents is deleted first. That of the cleaners comes after it, and its own pods
 * delete it when every node is clean.
 */
import type { Seen } from '../model/model.ts';

/** A DaemonSet of the API server, as far as the uninstall looks at it. */
export interface DaemonSetView {
  readonly uid: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly deleting: boolean;
  /** helm wrote on it that it is part of a release. */
  readonly ofHelm: boolean;
  /** The status speaks of the object as it is now. */
  readonly observed: boolean;
  /** Nodes that should have a pod of it, those that are down among them. */
  readonly desired: number;
  /** Pods of its present template. */
  readonly updated: number;
  readonly ready: number;
}

/** undefined: the API server says that there is none. */
export type SeenDaemonSet = Seen<DaemonSetView | undefined>;

/**
 * - `wait`: touch nothing, keep what is held
 * - `clean`: take the host lock and clean this node
 * - `finish`: delete the DaemonSet of the cleaners, and leave the node to whoever is there
 */
export type CleanerStep = 'wait' | 'clean' | 'finish';

/**
 * A node is cleaned only when the agents are known to have been uninstalled: a cleaner beside agents would take their
 * lock. Agents younger than the cleaners were installed again meanwhile, so the cleaners have come too late.
 * `clean`: this node is.
 */
export function cleanerStep(agents: SeenDaemonSet, cleaners: SeenDaemonSet, clean: boolean): CleanerStep {
  if (!agents.known) return 'wait';
  const gone = agents.value === undefined || agents.value.deleting;
  if (gone && !clean) return 'clean';
  if (!cleaners.known || cleaners.value === undefined || cleaners.value.deleting) return 'wait';
  if (gone) return everyNodeClean(cleaners.value) ? 'finish' : 'wait';
  return (agents.value?.createdAt ?? 0) > cleaners.value.createdAt ? 'finish' : 'wait';
}

/** A node that is down has a pod too, which is not ready; with no pod at all nothing was cleaned. */
function everyNodeClean({ observed, desired, updated, ready }: DaemonSetView): boolean {
  return observed && desired >= 1 && updated >= desired && ready >= desired;
}

/** A pod of the cleaners. */
export interface CleanerPod {
  /** '' where it is not said yet. */
  readonly node: string;
  readonly ready: boolean;
  /** What keeps its container from running, in the words of the API server; '' where nothing is said. */
  readonly waiting: string;
}

export interface NodeView {
  readonly name: string;
  readonly ready: boolean;
}

export interface UninstallProgress {
  readonly clean: readonly string[];
  /** Not clean, and the API server hears nothing of their kubelets. */
  readonly down: readonly string[];
  /** Up, and not clean; with the reason, where one is known. */
  readonly awaited: readonly { readonly node: string; readonly why: string }[];
  /**
   * - `going-on`: wait and look again
   * - `up-clean`: every node that is up is clean
   * - `all-clean`: and none is down
   */
  readonly result: 'going-on' | 'up-clean' | 'all-clean';
}

/** From the API server's word alone: a cleaner's pod is ready once its node is clean. */
export function uninstallProgress(
  cleaners: DaemonSetView | undefined,
  pods: readonly CleanerPod[],
  nodes: readonly NodeView[],
): UninstallProgress {
  const none = { clean: [], down: [], awaited: [] };
  // the last of them deletes it
  if (cleaners === undefined || cleaners.deleting) return { ...none, result: 'all-clean' };
  const up = new Map(nodes.map(({ name, ready }) => [name, ready]));
  // a pod of a node that was removed from the cluster is on its way out
  const counted = pods.filter(({ node }) => node === '' || up.has(node));
  const clean = counted.filter(({ ready }) => ready).map(({ node }) => node);
  const down = counted.filter(({ node, ready }) => !ready && up.get(node) === false).map(({ node }) => node);
  const awaited = counted
    .filter(({ node, ready }) => !ready && up.get(node) !== false)
    .map(({ node, waiting }) => ({ node: node === '' ? 'a node that is not named yet' : node, why: waiting }));
  const complete = cleaners.observed && counted.length >= cleaners.desired && awaited.length === 0;
  const result = !complete ? 'going-on' : down.length === 0 ? 'all-clean' : 'up-clean';
  return { clean: [...clean].sort(), down: [...down].sort(), awaited, result };
}
