/**
 * What each copy reserves. One that reserved what its parent did would count twice on the node when the parent comes
 * back: the kubelet admits the parent beside the copy, and rejects it for good where the two do not fit; a copy that
 * does not fit itself evicts others (pkg/kubelet/lifecycle/predicate.go, pkg/kubelet/preemption/preemption.go).
 *
 * So a copy keeps what fits beside everything else bound to this node, its own parent included, and asks for zero of
 * the rest. Pure.
 */
import { isObject } from '../model/json.ts';
import type { Json } from '../model/model.ts';
import {
  type Amounts,
  RESOURCES,
  type RequestsWish,
  type Reservation,
  type ReservationReason,
  type Resource,
} from '../model/reservation.ts';
import { amountsBy, sum } from './amounts.ts';
import { asksForWholeCpus, lowered } from './lower.ts';
import { podRequests, requestedResources } from './pod-requests.ts';

/** What else there is on this node. */
export interface NodeRoom {
  /** What the kubelet gives to pods; what is not known is left out. */
  readonly allocatable: Partial<Amounts>;
  /** What everything bound to this node asks for, our copies left out; undefined: not known. */
  readonly requested: Amounts | undefined;
  /** The kubelet gives whole CPUs to those who ask for them. */
  readonly exclusiveCpus: boolean;
}

/** What is left for one more copy; undefined, or left out: not known, so nothing. */
export type Left = Partial<Amounts> | undefined;

/** `copies`: what each copy reserves that is placed; undefined among them: of one nobody knows. */
export function leftOf(room: NodeRoom | undefined, copies: readonly (Amounts | undefined)[]): Left {
  const { allocatable, requested } = room ?? {};
  const known = copies.filter((each) => each !== undefined);
  if (allocatable === undefined || requested === undefined || known.length < copies.length) return undefined;
  const taken = sum([requested, ...known]);
  const entries = RESOURCES.flatMap((resource): readonly (readonly [Resource, number])[] => {
    const all = allocatable[resource];
    return all === undefined ? [] : [[resource, all - taken[resource]]];
  });
  return Object.fromEntries(entries) as Partial<Amounts>;
}

export interface Wish {
  /** pod.json, with all requests of the parent. */
  readonly manifest: Json;
  readonly requests?: RequestsWish | undefined;
  /** The kubelet knows the parent, which holds its reservation. */
  readonly parentKnown: boolean;
  /** It was placed before with what it reserved, and never admitted. */
  readonly again: boolean;
}

/** undefined: the pod asks for nothing, so there is nothing to decide. */
export function reserve(wish: Wish, left: Left, exclusiveCpus: boolean): Reservation | undefined {
  const asked = requestedResources(wish.manifest);
  if (asked.length === 0) return undefined;
  const shared = exclusiveCpus && asksForWholeCpus(wish.manifest);
  const made = (zeroed: readonly Resource[], why: ReservationReason): Reservation => reservation(wish.manifest, { zeroed, shared }, why);
  if (wish.requests === 'keep') return made([], 'annotation');
  if (wish.requests === 'none') return made(asked, 'annotation');
  if (wish.parentKnown) return made(asked, 'parent-holds-it');
  if (wish.again) return made(asked, 'tried-again');
  if (left === undefined) return made(asked, 'room-unknown');
  const whole = made([], 'room').amounts;
  const zeroed = asked.filter((resource) => !fitsIn(whole, left, resource));
  if (zeroed.length === 0) return made([], 'room');
  return made(zeroed, zeroed.every((resource) => left[resource] === undefined) ? 'room-unknown' : 'no-room');
}

/** Is there still room for all of this? */
export function fits(amounts: Amounts, left: Left): boolean {
  return left !== undefined && RESOURCES.every((resource) => amounts[resource] === 0 || fitsIn(amounts, left, resource));
}

/** What is left beside one more copy. */
export function without(left: Left, taken: Amounts | undefined): Left {
  if (left === undefined || taken === undefined) return left;
  const after = amountsBy((resource) => (left[resource] ?? 0) - taken[resource]);
  return Object.fromEntries(Object.entries(after).filter(([resource]) => left[resource as Resource] !== undefined)) as Partial<Amounts>;
}

/** Everything that could have been decided about this copy, for one that is found without a word in the ledger. */
export function everyReservation(manifest: Json): readonly Reservation[] {
  const asked = requestedResources(manifest);
  if (asked.length === 0) return [];
  const subsets = Array.from({ length: 2 ** asked.length }, (_, bits) => asked.filter((_each, at) => ((bits >> at) & 1) === 1));
  const both = asksForWholeCpus(manifest) ? [false, true] : [false];
  return subsets.flatMap((zeroed) => both.map((shared) => reservation(manifest, { zeroed, shared }, 'found')));
}

/** What a person reads in the annotation and in `status`. */
export function reservesWhat(manifest: unknown, { zeroed, shared }: Pick<Reservation, 'zeroed' | 'shared'>): string {
  const kept = requestedResources(manifest).filter((resource) => !zeroed.includes(resource));
  const what = kept.length === 0 ? 'nothing' : zeroed.length === 0 ? 'all' : kept.join(', ');
  return shared === true && kept.includes('cpu') ? `${what}; cpu less a thousandth` : what;
}

/** pod.json as text; undefined: it cannot be made out. */
export function manifestOf(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function fitsIn(amounts: Amounts, left: Partial<Amounts>, resource: Resource): boolean {
  const room = left[resource];
  return room !== undefined && amounts[resource] <= room;
}

function reservation(
  manifest: Json,
  how: { readonly zeroed: readonly Resource[]; readonly shared: boolean },
  why: ReservationReason,
): Reservation {
  const { zeroed } = how;
  const lowering = { zeroed, ...(how.shared && !zeroed.includes('cpu') ? { shared: true as const } : {}) };
  return { ...lowering, why, amounts: podRequests(lowered(manifest, lowering)) };
}
