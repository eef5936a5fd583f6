/**
 * Is an outage calm: long, everything serves, and nothing has changed for a while? Then turns are rare, and between two
 * of them a look at what may change takes their place, once a second (`agent/glance.ts`). Pure.
 *
 * Nothing is noticed later for that. What the runtime, the kubelet's list and staticPodPath show is looked at as often
 * as before, and what is new there makes a turn; so do the ends of probes. A turn by itself is only owed to time: and
 * as long as some clock of ours has an end to come to, an outage is not calm.
 */
import type { Millis, PodName, RuntimeView, Seen } from '../model/model.ts';
import type { Mind } from './mind.ts';
import type { Observation } from './observation.ts';
import { isRecent } from './pace.ts';
import type { Turn, Verdict } from './turn.ts';

/** Between two looks. */
export const GLANCE_MS: Millis = 1_000;
/** An outage is long then, and whatever began with it has come to its end. */
const LONG_MS: Millis = 120_000;
/** Longer than anything that a change may set in motion: a steady start, the standby's making way, a copy not begun. */
const SETTLED_MS: Millis = 30_000;

/** What a turn saw, as the sources told it. */
export interface Sight {
  readonly containers: RuntimeView['containers'];
  /** `namespace/name` of the pods that the kubelet lists. */
  readonly listed: ReadonlySet<string>;
}

/** Sight and verdicts have stayed as they are since then. */
export interface Calm {
  readonly sight: Sight;
  readonly reasons: string;
  readonly since: Millis;
}

type Told = Pick<Observation, 'now' | 'api' | 'kubelet' | 'manifests' | 'begun'> & { readonly runtime: Seen<RuntimeView> };
type Decided = Pick<Turn, 'mind' | 'actions' | 'errors'> & { readonly verdicts: readonly Pick<Verdict, 'key' | 'from' | 'decision'>[] };

/** What one turn leaves; undefined: it was not calm. `o`: the runtime's word as it was told. */
export function calmAfter(before: Calm | undefined, decided: Decided, o: Told): Calm | undefined {
  if (!o.runtime.known || !o.kubelet.known || !o.manifests.known || o.api.verdict !== 'unreachable') return undefined;
  if (decided.actions.length > 0 || decided.errors.size > 0 || o.begun.size > 0 || waits(decided.mind)) return undefined;
  if (!decided.verdicts.every(stands)) return undefined;
  const sight = { containers: o.runtime.value.containers, listed: o.kubelet.value };
  const reasons = decided.verdicts.map(({ key, decision }) => `${key} ${decision.reason}`).join();
  const same =
    before?.reasons === reasons &&
    sameContainers(before.sight.containers, sight.containers) &&
    sameNames(before.sight.listed, sight.listed);
  return { sight, reasons, since: same ? before.since : o.now };
}

/** What the looks are held against; undefined: turns are as many as ever. */
export function glanceAt(
  calm: Calm | undefined,
  lastSign: Millis | undefined,
  { api, now }: Pick<Observation, 'api' | 'now'>,
): Sight | undefined {
  if (calm === undefined || isRecent(lastSign, now) || now - api.since < LONG_MS) return undefined;
  return now - calm.since >= SETTLED_MS ? calm.sight : undefined;
}

/** Something would end by time alone. */
function waits({ waitingSince, confirmAfter, outlook, copies, pressure }: Mind): boolean {
  if (waitingSince.size > 0 || confirmAfter !== undefined || outlook.unsettled.size > 0 || pressure !== undefined) return true;
  return copies !== undefined && (copies.askExits.length > 0 || copies.askNetwork);
}

/** Nothing is on its way, and nobody is without both parent and copy. */
function stands({ from, decision }: Pick<Verdict, 'from' | 'decision'>): boolean {
  return from === decision.state && STANDING.has(decision.reason);
}

const STANDING: ReadonlySet<string> = new Set<Verdict['decision']['reason']>(['copy-serving', 'parent-running', 'standby-kept']);

/** In any order: some runtimes list at random. */
export function sameContainers(one: RuntimeView['containers'], other: RuntimeView['containers']): boolean {
  if (one === other) return true;
  if (one.length !== other.length) return false;
  const states = new Map(one.map(({ id, state }) => [id, state]));
  return other.every(({ id, state }) => states.get(id) === state && states.delete(id));
}

export function sameNames(one: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  return one.size === other.size && [...other].every((name) => one.has(name));
}

export function namesOf(pods: readonly PodName[]): ReadonlySet<string> {
  return new Set(pods.map(({ namespace, name }) => `${namespace}/${name}`));
}

/**
 * The mind of the turn at `from`, after which nothing had changed up to `until`: what ran steadily then still did, and
 * the clock that counts from its end must not begin before that.
 */
export function stillSteady(mind: Mind, from: Millis, until: Millis): Mind {
  if (![...mind.tracks.values()].some(({ lastSteady }) => lastSteady === from)) return mind;
  const tracks = [...mind.tracks].map(
    ([key, track]) => [key, track.lastSteady === from ? { ...track, lastSteady: until } : track] as const,
  );
  return { ...mind, tracks: new Map(tracks) };
}
