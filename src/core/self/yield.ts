/**
 * When does the standby make way for the DaemonSet's pod, and was it right to? Pure.
 *
 * Local truth only: a running container of our own DaemonSet means that the kubelet has its pods again and that the
 * fresh instance waits for the lock. The standby ends its process. The kubelet starts it anew, and then it waits.
 */

import { field, fieldAt, textMap } from '../model/json.ts';
import { ANNOTATION_COPY_OF, ANNOTATION_SOURCE, LABEL_COPY } from '../model/keys.ts';
import { barred, copiesIn } from '../model/ledger.ts';
import { decodeManifest } from '../model/manifest.ts';
import type { Checkpoint, Ledger, Millis, RuntimeContainer, RuntimeView, Sandbox, YieldMemory } from '../model/model.ts';
import { sinceEach } from '../model/since.ts';
import { formatTime, parseTime } from '../model/time.ts';
import type { Mind } from '../turn/mind.ts';
import type { Observation } from '../turn/observation.ts';
import { HAND_BACK_TRIAL_MS, type Policy } from '../turn/policy.ts';

/** By these labels a chart's DaemonSet knows its pods. */
const SELECTOR_LABELS = ['app.kubernetes.io/name', 'app.kubernetes.io/instance'];
/** Pauses before the same pod gets the lock again, by the number of times it lost it at once. */
export const YIELD_PAUSES_MS: readonly Millis[] = [5 * 60_000, 15 * 60_000, 60 * 60_000];
/**
 * An image that crashes as it starts is not made way for: so long an instance must have run. Between the standby's end
 * and its next start nobody acts, and the kubelet makes that longer each time.
 */
export const YIELD_TRUST_MS: Millis = 2_000;
/** A copy that waits to hand back holds the standby so long: an instance that starts is blind for half a second. */
export const YIELD_PATIENCE_MS: Millis = 60_000;
/** Nothing is left half done: a copy that was just withdrawn is first stopped, and written down. */
export const LEAVING_REST_MS: Millis = 5_000;

/** The agents of our own DaemonSet, as the runtime shows them. */
export interface Family {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * From our own sandbox, which carries the labels of its parent. Where the runtime shows no sandbox of our uid: from the
 * newest stored checkpoint of the agent. undefined: nobody can be recognised, so nobody is made way for.
 */
export function familyOf(view: RuntimeView, ownUid: string | undefined, checkpoints: readonly Checkpoint[]): Family | undefined {
  const own = view.sandboxes.find((sandbox) => sandbox.uid === ownUid);
  if (own !== undefined) return family(own.namespace, own.labels);
  const stored = newestOwn(checkpoints);
  if (stored === undefined) return undefined;
  const decoded = decodeManifest(stored.manifest);
  const labels = decoded.ok ? textMap(field(fieldAt(decoded.manifest, 'metadata'), 'labels')) : {};
  return family(stored.record.parent.namespace, labels);
}

/** Name of our own DaemonSet, as the newest stored checkpoint of the agent has it. */
export function daemonSetOf(checkpoints: readonly Checkpoint[]): string | undefined {
  const controller = newestOwn(checkpoints)?.record.parent.controller;
  return controller?.kind === 'DaemonSet' ? controller.name : undefined;
}

function newestOwn(checkpoints: readonly Checkpoint[]): Checkpoint | undefined {
  return checkpoints
    .filter(({ record, problem }) => record.self === true && problem === undefined)
    .sort((a, b) => parseTime(b.record.capturedAt) - parseTime(a.record.capturedAt))[0];
}

function family(namespace: string, labels: Readonly<Record<string, string>>): Family | undefined {
  const chosen = SELECTOR_LABELS.flatMap((key) => (labels[key] === undefined ? [] : [[key, labels[key]] as const]));
  return chosen.length === 0 ? undefined : { namespace, labels: Object.fromEntries(chosen) };
}

/** Running containers of the family's pods, but for copies and for our own pod. */
export function agentContainers(view: RuntimeView, own: Family | undefined, ownUid: string | undefined): readonly RuntimeContainer[] {
  if (own === undefined) return [];
  const sandboxes = new Set(view.sandboxes.filter((sandbox) => sandbox.uid !== ownUid && isAgent(sandbox, own)).map(({ id }) => id));
  return view.containers.filter((container) => container.state === 'running' && sandboxes.has(container.sandboxId));
}

/** Is it a pod of the family, and no copy and no static pod? */
export function isAgent({ namespace, labels, annotations }: Sandbox, own: Family): boolean {
  if (namespace !== own.namespace || labels[LABEL_COPY] !== undefined || annotations[ANNOTATION_COPY_OF] !== undefined) return false;
  return annotations[ANNOTATION_SOURCE] !== 'file' && Object.entries(own.labels).every(([key, value]) => labels[key] === value);
}

/** Since when this process has seen each of these containers running, by id. */
export type RunningSince = ReadonlyMap<string, Millis>;

export function watchAgents(before: RunningSince, containers: readonly RuntimeContainer[], now: Millis): RunningSince {
  const ids = containers.map(({ id }) => id);
  return sinceEach(before, ids, now);
}

export interface YieldInput {
  readonly containers: readonly RuntimeContainer[];
  readonly runningSince: RunningSince;
  readonly ledger: Ledger;
  readonly mind: Mind;
  /** Withdrawals begun that the ledger does not show yet. */
  readonly withdrawing: boolean;
  readonly now: Millis;
  readonly wall: number;
}

/** uid of the pod to make way for; undefined: stay. */
export function shouldYield(input: YieldInput): string | undefined {
  const { containers, ledger, mind, now } = input;
  const trusted = containers.filter(({ podUid }) => !barred(ledger.yielded, podUid, input.wall));
  const longest = trusted.reduce<RuntimeContainer | undefined>(
    (first, one) => (first && since(first) <= since(one) ? first : one),
    undefined,
  );
  if (longest === undefined || input.withdrawing || ledger.placed.some(isFreshlyLeaving)) return undefined;
  return now - since(longest) >= (copiesIn(ledger).length === 0 ? YIELD_TRUST_MS : YIELD_PATIENCE_MS) ? longest.podUid : undefined;

  function since(container: RuntimeContainer): Millis {
    return input.runningSince.get(container.id) ?? now;
  }
  function isFreshlyLeaving({ key, phase }: Ledger['placed'][number]): boolean {
    return phase === 'leaving' && now - (mind.tracks.get(key)?.leavingCopySince ?? now) < LEAVING_REST_MS;
  }
}

/** What to write down before the process ends. */
export function yieldTo(uid: string, memory: YieldMemory | undefined, o: Pick<Observation, 'wall' | 'where'>): YieldMemory {
  const failures = memory?.toUid === uid ? memory.failures : 0;
  return { toUid: uid, at: formatTime(o.wall), bootId: o.where.bootId, failures, open: true };
}

/**
 * The lock is ours again. Within two minutes of a yield, in the same boot: the pod that had it failed (a broken
 * upgrade), and is not trusted again for 5, 15, then 60 minutes. Later: it did its work for a while, so nothing is held
 * against it.
 * `wall`: milliseconds since 1970.
 */
export function afterReturn(memory: YieldMemory | undefined, bootId: string, wall: number): YieldMemory | undefined {
  if (memory === undefined || !memory.open) return memory;
  const age = wall - parseTime(memory.at);
  if (memory.bootId !== bootId || !(age >= 0 && age <= HAND_BACK_TRIAL_MS)) return undefined;
  const pause = YIELD_PAUSES_MS[Math.min(memory.failures, YIELD_PAUSES_MS.length - 1)] ?? 0;
  return { ...memory, open: false, failures: memory.failures + 1, blockedUntil: formatTime(wall + pause) };
}

/**
 * The agent that a standby made way for was told to stop: its pod is replaced or deleted, so it did not lose the lock.
 * What is not closed so (a crash, a kill) is judged by `afterReturn`.
 */
export function afterEnd(memory: YieldMemory | undefined, agent: Pick<Policy, 'role' | 'ownUid'>): YieldMemory | undefined {
  return agent.role === 'daemonset' && memory?.toUid === agent.ownUid ? undefined : memory;
}
