/**
 * Which container of the parent tells its copy to leave, and in which mode does the copy make way? Pure.
 *
 * Two writers of the same data never overlap. So for a parent that shares data every container that writes it is a
 * sign, an init container too, and nothing makes it a lesser one: not that an earlier hand-back to this pod failed, nor
 * that the kubelet has tried in vain before. The price is that the copy leaves for each attempt of a parent that cannot
 * run.
 */
import { barred } from '../model/ledger.ts';
import type { Checkpoint, HandBackMemory, HandBackMode, Millis, RevisionRecord, RuntimeContainer } from '../model/model.ts';
import { containersOf } from './here.ts';
import type { Observation } from './observation.ts';
import { HAND_BACK_TRIAL_MS, type Policy, START_DEADLINE_MS } from './policy.ts';
import type { Subject } from './subject.ts';
import type { Track } from './track.ts';

/** The parent writes data that its copy writes as well. The standby is no such copy: a lock keeps the agents apart. */
export function sharesData({ writers, self }: RevisionRecord): boolean {
  return self !== true && writers !== undefined && writers.length > 0;
}

/** Names of the parent's containers that the copy must not run beside: they may bind a port, or write shared data. */
export function signNames(record: RevisionRecord): readonly string[] {
  return [...new Set([...record.serving, ...(sharesData(record) ? (record.writers ?? []) : [])])];
}

/**
 * Created or running, and new since the copy was placed. One that was there before and shares data counts once it runs:
 * a container that was only created may be a leftover that is never started.
 */
export function isSign(record: RevisionRecord, known: { has(id: string): boolean }, container: RuntimeContainer): boolean {
  const { id, state } = container;
  if ((state !== 'created' && state !== 'running') || !mayMeet(record, container)) return false;
  return !known.has(id) || (state === 'running' && sharesData(record));
}

/** A later pod may be of another template, and what writes in it have another name: there every container may. */
function mayMeet(record: RevisionRecord, { name, podUid }: RuntimeContainer): boolean {
  return signNames(record).includes(name) || (sharesData(record) && podUid !== record.parent.uid);
}

/** Containers of the parent that are a sign for its copy to leave, and whose pod is not barred. */
export function freshContainers({ checkpoint, parent, placed, memory }: Subject, o: Observation): readonly RuntimeContainer[] {
  if (!o.runtime.known || placed === undefined) return [];
  const { record } = checkpoint;
  const old = new Set(placed.knownContainers);
  return containersOf(parent, o.runtime.value).filter(
    (container) => isSign(record, old, container) && !barredFor(record, memory, container.podUid, o.wall),
  );
}

/**
 * A container of a parent that shares data was made just now and does not run yet: its copy must not start beside it.
 * An older one is a leftover that is never started.
 */
export function startsNow({ checkpoint: { record }, parent }: Subject, o: Observation): boolean {
  if (!sharesData(record) || !o.runtime.known) return false;
  return containersOf(parent, o.runtime.value).some(
    (container) =>
      container.state === 'created' && mayMeet(record, container) && Math.abs(o.wall - container.createdAtMs) < START_DEADLINE_MS,
  );
}

/** Is this pod not trusted with the copy's place for now? */
export function barredFor(record: RevisionRecord, memory: HandBackMemory | undefined, uid: string, wall: number): boolean {
  return !sharesData(record) && barred(memory, uid, wall);
}

/** Has the copy waited for its parent longer than the hand-back timeout, the API server being reachable? */
export function isOverdue({ awaitingSince }: Track, now: Millis, { handBackTimeoutMs }: Policy): boolean {
  return awaitingSince !== undefined && now - awaitingSince >= handBackTimeoutMs;
}

/**
 * The hand-back is overdue, and the parent has long been here and could not become Ready beside its copy. It gets the
 * place to itself. One that comes late has the time that a hand-back has to prove itself.
 */
export function turnsOver({ record }: Pick<Checkpoint, 'record'>, track: Track, now: Millis, policy: Policy): boolean {
  if (record.handBack !== 'overlap' || record.self === true || track.besideSince === undefined) return false;
  return isOverdue(track, now, policy) && now - track.besideSince >= Math.min(policy.handBackTimeoutMs, HAND_BACK_TRIAL_MS);
}

/** How the copy makes way now. `over`: the hand-back has turned over. */
export function modeOf({ record }: Pick<Checkpoint, 'record'>, over: boolean): HandBackMode {
  return over ? 'container' : record.handBack;
}
