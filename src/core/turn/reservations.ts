/**
 * Which copy reserves what, of all that are placed in this turn: in the order in which copies start, each what the ones
 * before it have left. What is placed already counts first. Pure; the arithmetic is in `core/room/`.
 */
import type { Decision, Facts, Ledger } from '../model/model.ts';
import type { Amounts, Reservation, WithReservation } from '../model/reservation.ts';
import { podRequests } from '../room/pod-requests.ts';
import { fits, type Left, leftOf, manifestOf, reserve, without } from '../room/reserve.ts';
import type { Observation } from './observation.ts';
import type { Subject } from './subject.ts';

/** What was decided of one checkpoint in this turn, as far as it matters here. */
interface Decided extends Subject, WithReservation {
  readonly decision: Decision;
  readonly facts: Pick<Facts, 'here'>;
  /** A standby of an older revision may be replaced. */
  readonly renew: boolean;
}

/** The inputs in the same order, each copy that may be placed in this turn with what it reserves then. */
export function withReservations<T extends Decided>(inputs: readonly T[], ledger: Ledger, o: Observation): readonly T[] {
  const starting = inputs.filter(mayStart).sort(byOrder);
  if (starting.length === 0) return inputs;
  const anew = new Set(starting.map(({ checkpoint }) => checkpoint.key));
  const byKey = new Map(inputs.map((input) => [input.checkpoint.key, input]));
  const stay = ledger.placed.filter(({ key }) => !anew.has(key)).map(({ key }) => reservedBy(byKey.get(key)));
  let left = leftOf(o.room, stay);
  const decided = new Map<string, Reservation | undefined>();
  for (const input of starting) {
    const reserves = decide(input, left, o);
    decided.set(input.checkpoint.key, reserves);
    left = without(left, reserves?.amounts);
  }
  return inputs.map((input) => {
    const reserves = decided.get(input.checkpoint.key);
    return reserves === undefined ? input : { ...input, reserves };
  });
}

/**
 * What the copy reserves that is placed with this attempt: the same attempt is the same bytes. Those of another
 * revision are other bytes, and only where that was due has its room been looked for.
 */
export function reservesAt(input: Decided, attempt: number): Reservation | undefined {
  const { placed, checkpoint } = input;
  if (placed?.phase !== 'placed' || input.reserves !== undefined) return input.reserves;
  const again = attempt !== placed.attempt;
  if (!again && placed.revision === checkpoint.record.revision) return placed.reserves;
  // it may have been refused for what it reserved
  return decideAnew(input, undefined, { parentKnown: false, again, exclusiveCpus: placed.reserves?.shared === true });
}

/** One that is placed stays as it is, but for a standby that is replaced. */
function mayStart({ decision, placed, checkpoint, renew }: Decided): boolean {
  if (decision.state !== 'active' || checkpoint.problem !== undefined) return false;
  return placed?.phase !== 'placed' || (renew && placed.revision !== checkpoint.record.revision);
}

/**
 * A copy that was withdrawn and returns may run still: with the bytes that it had it goes on, with others it would wait
 * for its own end. So what it reserved stays, if there is room.
 */
function decide(input: Decided, left: Left, o: Observation): Reservation | undefined {
  const { placed, checkpoint, facts } = input;
  const before = placed?.phase === 'leaving' && placed.revision === checkpoint.record.revision ? placed.reserves : undefined;
  if (before !== undefined && fits(before.amounts, left)) return before;
  const exclusiveCpus = o.room?.exclusiveCpus === true;
  return decideAnew(input, left, { parentKnown: facts.here === 'known', again: false, exclusiveCpus });
}

interface Circumstances {
  readonly parentKnown: boolean;
  readonly again: boolean;
  readonly exclusiveCpus: boolean;
}

function decideAnew({ checkpoint }: Decided, left: Left, { parentKnown, again, exclusiveCpus }: Circumstances): Reservation | undefined {
  const manifest = manifestOf(checkpoint.manifest);
  const { requests } = checkpoint.record;
  return manifest === undefined ? undefined : reserve({ manifest, requests, parentKnown, again }, left, exclusiveCpus);
}

/** What an older version placed reserves all that its parent does; undefined: nobody knows what this one does. */
function reservedBy(input: Decided | undefined): Amounts | undefined {
  if (input?.placed?.reserves !== undefined) return input.placed.reserves.amounts;
  const manifest = input === undefined ? undefined : manifestOf(input.checkpoint.manifest);
  return manifest === undefined ? undefined : podRequests(manifest);
}

function byOrder(a: Decided, b: Decided): number {
  const [one, two] = [a.checkpoint, b.checkpoint];
  return one.record.order - two.record.order || (one.key < two.key ? -1 : 1);
}
