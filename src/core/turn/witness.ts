/**
 * Is the kubelet a witness? What this kubelet process can only have from an API server after our last answer shows that
 * somebody reaches one, whatever our own probes find. Pure.
 *
 * A kubelet that runs through an outage makes new sandboxes of pods that it knew before: those are none. Nor are the
 * containers of an earlier boot, or what a kubelet that was restarted has left running.
 *
 * A witness is worth little for long: a self-hosted API server may have told the kubelet of new pods a second before it
 * went, and its copy must start. So each piece of evidence counts for {@link WITNESS_MS} from when it was first seen,
 * once, and nothing that stays where it is counts again.
 */
import type { ReachabilityState } from '../api/reachability.ts';
import { ANNOTATION_MIRROR, ANNOTATION_SOURCE } from '../model/keys.ts';
import type { Millis, RawPod, RuntimeView, Sandbox } from '../model/model.ts';
import type { Observation } from './observation.ts';

/** So long after it was first seen a piece of evidence keeps copies from starting. */
export const WITNESS_MS: Millis = 60_000;
/**
 * Before its first answer a process cannot know when the one before it had its last. A kubelet that started no longer
 * than this before us belongs to the same boot, or restart, and what it has it got since.
 */
export const SAME_START_MS: Millis = 120_000;

/** What the turns before have left. */
export interface Witness {
  /** Last moment at which anything answered as an API server does. */
  readonly answeredAt?: Millis;
  /**
   * The wall clock at 0 of the monotonic one: the least since that moment. Where the clock is set forward, what was
   * stamped before still counts as made after that moment.
   */
  readonly zero?: number;
  /** What was known while the API server was reachable; undefined: it never was. */
  readonly known?: Known;
  /** When each piece of evidence since then was first seen, by its words. */
  readonly since: ReadonlyMap<string, Millis>;
}

interface Known {
  /** The last complete list of the watch. */
  readonly list?: ReadonlyMap<string, RawPod>;
  /** uids of the pods that the runtime showed as the API server's; dead ones, too. */
  readonly uids: ReadonlySet<string>;
  /** `namespace/name`, as the kubelet listed them. */
  readonly names: ReadonlySet<string>;
}

export const NO_WITNESS: Witness = { since: new Map() };
const NOTHING_KNOWN: Known = { uids: new Set(), names: new Set() };

/** With what this turn has seen. */
export function hear(before: Witness, o: Observation): Witness {
  const answeredAt = lastAnswer(before, o);
  const isNewer = answeredAt !== before.answeredAt;
  const zero = Math.min(o.wall - o.now, isNewer ? Number.POSITIVE_INFINITY : (before.zero ?? Number.POSITIVE_INFINITY));
  const answered = answeredAt === undefined ? { zero } : { zero, answeredAt };
  if (o.api.verdict === 'reachable') return { ...answered, known: knownNow(before.known, o), since: new Map() };
  const known = before.known === undefined ? {} : { known: isNewer ? withHeard(before.known, before.since, o) : before.known };
  // an answer makes all evidence from before it worthless
  const since = isNewer ? new Map<string, Millis>() : before.since;
  const news = evidence({ ...answered, ...known }, o).filter((words) => !since.has(words));
  return { ...answered, ...known, since: news.length === 0 ? since : new Map([...since, ...news.map((words) => [words, o.now] as const)]) };
}

/** One sentence while there is a witness. */
export function testimony({ since }: Witness, now: Millis): string | undefined {
  const fresh = [...since].find(([, at]) => now - at < WITNESS_MS);
  return fresh === undefined ? undefined : `${fresh[0]}: it reaches an API server that does not answer us`;
}

/** At most unsure, while there is a witness. */
export function doubted(api: ReachabilityState, words: string | undefined): ReachabilityState {
  return words === undefined || api.verdict !== 'unreachable' ? api : { ...api, verdict: 'unsure', evidence: words };
}

/** Lines of the watch, not its being open: a dead connection stays open for a while, and what came in it counts. */
function lastAnswer(before: Witness, { now, api, watch }: Observation): Millis | undefined {
  const times = [before.answeredAt, api.lastAnswer, watch.lastAnswer ?? (watch.healthy ? now : undefined)];
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

function knownNow(before: Known | undefined, o: Observation): Known {
  const { list, uids, names } = before ?? NOTHING_KNOWN;
  const current = o.watch.synced && o.watch.healthy ? o.watch.pods : list;
  return {
    ...(current === undefined ? {} : { list: current }),
    uids: o.runtime.known ? new Set(fromApi(o.runtime.value).map(({ uid }) => uid)) : uids,
    names: o.kubelet.known ? o.kubelet.value : names,
  };
}

/** What was listed before an answer was not got after it: a server that has lost its storage answers in every round. */
function withHeard(known: Known, heard: Witness['since'], o: Observation): Known {
  const old = o.kubelet.known ? [...o.kubelet.value].filter((name) => heard.has(gotWords(name))) : [];
  return old.length === 0 ? known : { ...known, names: new Set([...known.names, ...old]) };
}

function gotWords(name: string): string {
  return `the kubelet has ${name}, got after our last answer`;
}

/** Each piece in words, by which it is known again: of a pod, not of its sandboxes, which may come and go. */
function evidence({ answeredAt, known, zero }: Omit<Witness, 'since'> & { readonly zero: number }, o: Observation): readonly string[] {
  const answeredWall = zero + (answeredAt ?? -SAME_START_MS);
  const { startedAt, reachedApi } = o.life;
  const youngKubelet = startedAt !== undefined && startedAt > answeredWall ? startedAt : undefined;
  const sandboxes = o.runtime.known ? fromApi(o.runtime.value) : [];
  const pods = sandboxes.filter(
    ({ ready, createdAtMs, uid }) =>
      ready &&
      ((youngKubelet !== undefined && createdAtMs >= youngKubelet) ||
        (known !== undefined && createdAtMs > answeredWall && !knows(known, uid, o))),
  );
  const shown = new Set(sandboxes.map(nameOf));
  const listed = apiPodsListed(o).filter(
    (name) => youngKubelet !== undefined || (known !== undefined && !shown.has(name) && !lists(known, name, o)),
  );
  return [
    ...pods.map((sandbox) => `the kubelet runs ${nameOf(sandbox)}, made after our last answer`),
    ...listed.map(gotWords),
    ...(youngKubelet !== undefined && reachedApi === true ? ['the kubelet started after our last answer, and has its pods'] : []),
  ];
}

/** What the kubelet process lists and has from an API server; empty where nobody can tell. */
export function apiPodsListed(o: Pick<Observation, 'kubelet' | 'runtime' | 'watch' | 'where'>): readonly string[] {
  if (!o.kubelet.known) return [];
  const sources = new Map<string, boolean>();
  for (const sandbox of o.runtime.known ? o.runtime.value.sandboxes : []) {
    sources.set(nameOf(sandbox), sandbox.annotations[ANNOTATION_SOURCE] === 'api');
  }
  for (const { metadata } of o.watch.pods.values()) {
    if (metadata?.annotations?.[ANNOTATION_MIRROR] !== undefined) sources.set(`${metadata.namespace}/${metadata.name}`, false);
  }
  // a static pod may have no sandbox yet; the kubelet puts the node's name behind that of each
  const suffix = `-${o.where.node.toLowerCase()}`;
  return [...o.kubelet.value].filter((name) => sources.get(name) ?? !name.endsWith(suffix));
}

/** Sandboxes of API pods that the runtime shows, dead ones and those of an earlier boot, too. */
export function fromApi(view: RuntimeView): readonly Sandbox[] {
  return view.sandboxes.filter((sandbox) => sandbox.annotations[ANNOTATION_SOURCE] === 'api');
}

function knows(known: Known, uid: string, o: Observation): boolean {
  return known.uids.has(uid) || listOf(known, o)?.has(uid) === true;
}

function lists(known: Known, name: string, o: Observation): boolean {
  if (known.names.has(name)) return true;
  return [...(listOf(known, o)?.values() ?? [])].some(({ metadata }) => `${metadata?.namespace}/${metadata?.name}` === name);
}

/** A list that was read stays in view, with the lines that came before the watch broke. */
function listOf(known: Known, o: Observation): ReadonlyMap<string, RawPod> | undefined {
  return o.watch.synced ? o.watch.pods : known.list;
}

function nameOf({ namespace, name }: Sandbox): string {
  return `${namespace}/${name}`;
}
