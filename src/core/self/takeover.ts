/**
 * Why does the DaemonSet's pod not take over from the standby? For the person on call; nothing is decided by it. Pure.
 *
 * Local truth only, as in `yield.ts`. Two things tell: a pod of our own DaemonSet that the kubelet has and that runs no
 * container (an image that crashes or is missing, a volume that cannot be mounted), or one that lost the node's lock at
 * once.
 */

import { barred } from '../model/ledger.ts';
import type { Millis, YieldMemory } from '../model/model.ts';
import { sinceEach } from '../model/since.ts';
import type { LocalTruth } from '../turn/observation.ts';
import { type Family, isAgent } from './yield.ts';

/**
 * - `not-started`: the kubelet has the pod and has started no container of it
 * - `ending`: its container has ended and is not started anew for now
 * - `blocked`: it runs, and is not trusted with the lock, which it lost at once
 */
export const TROUBLES = ['not-started', 'ending', 'blocked'] as const;
export type Trouble = (typeof TROUBLES)[number];

/** An image may have to be pulled first. */
export const NOT_STARTED_MS: Millis = 60_000;
/** A kubelet starts a container that ended for the first time within two seconds. */
export const ENDING_MS: Millis = 5_000;

export interface FamilyPod {
  /** `namespace/name` */
  readonly name: string;
  /** undefined: only the kubelet tells of it, which knows names. */
  readonly uid?: string;
  readonly running: boolean;
  /** A container of its present sandbox has ended. */
  readonly ended: boolean;
}

/** The pods of our own DaemonSet that this node has; none where the runtime or our family is not known. */
export function podsOfFamily(
  local: LocalTruth,
  own: Family | undefined,
  daemonSet: string | undefined,
  ownUid: string | undefined,
): readonly FamilyPod[] {
  if (!local.runtime.known || own === undefined) return [];
  const { sandboxes, containers } = local.runtime.value;
  const listed = local.kubelet.known ? local.kubelet.value : undefined;
  const shown = sandboxes
    .filter((sandbox) => sandbox.ready && sandbox.uid !== ownUid && isAgent(sandbox, own))
    .map((sandbox): FamilyPod => {
      const states = containers.filter(({ sandboxId }) => sandboxId === sandbox.id).map(({ state }) => state);
      const name = `${sandbox.namespace}/${sandbox.name}`;
      return { name, uid: sandbox.uid, running: states.includes('running'), ended: states.includes('exited') };
    })
    // what the kubelet does not have any more is being ended, or left over
    .filter(({ name }) => listed?.has(name) !== false);
  const names = new Set(shown.map(({ name }) => name));
  const waiting = [...(listed ?? [])].filter((name) => !names.has(name) && isPodOf(name, own.namespace, daemonSet));
  return [...shown, ...waiting.map((name): FamilyPod => ({ name, running: false, ended: false }))];
}

/** A DaemonSet's pods are named after it, with five characters more (apiserver, pkg/storage/names). */
function isPodOf(name: string, namespace: string, daemonSet: string | undefined): boolean {
  const prefix = `${namespace}/${daemonSet}-`;
  return daemonSet !== undefined && name.startsWith(prefix) && /^[a-z0-9]{5}$/.test(name.slice(prefix.length));
}

/** Since when this process has seen each pod without a running container, by `namespace/name`. */
export type IdleSince = ReadonlyMap<string, Millis>;

export function watchIdle(before: IdleSince, pods: readonly FamilyPod[], now: Millis): IdleSince {
  const idle = pods.filter(({ running }) => !running).map(({ name }) => name);
  return sinceEach(before, idle, now);
}

export interface TakeoverInput {
  readonly pods: readonly FamilyPod[];
  readonly idleSince: IdleSince;
  readonly memory: YieldMemory | undefined;
  readonly now: Millis;
  readonly wall: number;
}

export interface FailedTakeover {
  readonly pod: string;
  readonly trouble: Trouble;
  /** One sentence for people: which pod, what is wrong, and where to look. */
  readonly message: string;
}

/** undefined: there is no such pod, it is too early to tell, or the standby makes way. */
export function failedTakeover(input: TakeoverInput): FailedTakeover | undefined {
  const troubles = input.pods.map((pod) => ({ pod, trouble: troubleOf(pod, input) }));
  if (troubles.some(({ pod, trouble }) => pod.running && trouble === undefined)) return undefined;
  const found = troubles.find(({ trouble }) => trouble !== undefined);
  if (found?.trouble === undefined) return undefined;
  return { pod: found.pod.name, trouble: found.trouble, message: sentence(found.pod.name, found.trouble, input.memory) };
}

function troubleOf(pod: FamilyPod, { idleSince, memory, now, wall }: TakeoverInput): Trouble | undefined {
  if (pod.running) return pod.uid !== undefined && barred(memory, pod.uid, wall) ? 'blocked' : undefined;
  const idle = now - (idleSince.get(pod.name) ?? now);
  if (pod.ended) return idle >= ENDING_MS ? 'ending' : undefined;
  return idle >= NOT_STARTED_MS ? 'not-started' : undefined;
}

function sentence(pod: string, trouble: Trouble, memory: YieldMemory | undefined): string {
  const look = `kubectl describe pod --namespace ${pod.split('/')[0]} ${pod.split('/')[1]}`;
  switch (trouble) {
    case 'not-started':
      return `the kubelet has pod ${pod} and has started no container of it: its events tell why (${look})`;
    case 'ending':
      return `the container of pod ${pod} has ended: its last state tells why (${look})`;
    case 'blocked':
      return `pod ${pod} got the node's lock and lost it at once; it gets it again after ${memory?.blockedUntil}: its last state tells why (${look})`;
  }
}
