/**
 * Did this very kubelet process have the parent, has it no more, and what was said of it meanwhile? Pure.
 *
 * A kubelet that was started anew is another process and knows nothing: what the one before showed is forgotten with
 * it. A turn that does not ask the kubelet leaves what it showed as it was.
 */
import type { PodWord } from '../model/ended.ts';
import { ANNOTATION_SOURCE } from '../model/keys.ts';
import type { RawPod } from '../model/model.ts';
import { since } from '../model/since.ts';
import type { Stay } from '../model/stay.ts';
import { sandboxesOf } from './here.ts';
import { type Parent, uidsOf } from './identity.ts';
import { vanished } from './in-watch.ts';
import type { Observation } from './observation.ts';
import type { Subject } from './subject.ts';

type Names = Pick<Stay, 'names' | 'uids'>;

/** With what this turn has seen. */
export function stayAfter(subject: Subject, o: Observation): Stay | undefined {
  const { stay: before } = subject.track;
  const { startedAt } = o.life;
  if (!o.kubelet.known || startedAt === undefined) return before === undefined ? undefined : heard(before, subject, o);
  // the list of the turn in which another process is first seen may still be that of the one before
  if (startedAt !== before?.by) return { by: startedAt, names: [], uids: [] };
  const { value } = o.kubelet;
  const listed = subject.parent.names.filter((name) => value.has(name));
  return heard(listed.length > 0 ? here(before, listed, subject.parent) : gone(before, subject.parent, o), subject, o);
}

/** What was said of an earlier pod of the parent is not said of this one, and what runs has not come to its end. */
function here({ by, names, api, unwatchedSince }: Stay, listed: readonly string[], parent: Parent): Stay {
  const said = api !== undefined && api !== 'finished' && listed.every((name) => names.includes(name));
  return {
    by,
    names: listed,
    uids: uidsOf(parent),
    ...(said ? { api } : {}),
    ...(unwatchedSince === undefined ? {} : { unwatchedSince }),
  };
}

function gone(before: Stay, parent: Parent, o: Observation): Stay {
  const had = before.names.length > 0 ? before : madeBy(before.by, parent, o);
  return had === undefined ? before : { ...before, names: had.names, uids: had.uids, endedAt: before.endedAt ?? o.now };
}

/**
 * A sandbox from since it started: it had that pod, although nobody of us was there to see it listed. What is from the
 * future was made by another clock, as on a machine that keeps no time while it is off.
 */
function madeBy(startedAt: number, parent: Parent, o: Observation): Names | undefined {
  if (!o.runtime.known || o.life.reachedApi === false) return undefined;
  const own = sandboxesOf(parent, o.runtime.value).filter(
    ({ annotations, createdAtMs }) => annotations[ANNOTATION_SOURCE] === 'api' && createdAtMs >= startedAt && createdAtMs <= o.wall,
  );
  if (own.length === 0) return undefined;
  return { names: [...new Set(own.map(({ namespace, name }) => `${namespace}/${name}`))], uids: [...new Set(own.map(({ uid }) => uid))] };
}

/** With what the API server and the kubelet say of these pods. */
function heard(stay: Stay, subject: Subject, o: Observation): Stay {
  const { api: _, fate: __, unwatchedSince: ___, ...rest } = stay;
  const unwatchedSince = since(stay.unwatchedSince, !(o.watch.synced && o.watch.healthy), o.now);
  const api = apiWord(stay, subject, o);
  const fate = stay.endedAt === undefined ? undefined : (fateIn(o.fates?.get(subject.checkpoint.key)) ?? stay.fate);
  return {
    ...rest,
    ...(unwatchedSince === undefined ? {} : { unwatchedSince }),
    ...(api === undefined ? {} : { api }),
    ...(fate === undefined ? {} : { fate }),
  };
}

/** By the last list and every line since, also those that came right before the watch broke. */
function apiWord({ api: before, names, uids }: Stay, { track }: Subject, o: Observation): Stay['api'] {
  if (!o.watch.synced || names.length === 0) return before;
  const pods = uids.flatMap((uid) => o.watch.pods.get(uid) ?? []);
  const shown = pods.filter(({ metadata }) => names.includes(`${metadata?.namespace}/${metadata?.name}`));
  // a pod that a broken watch has never shown is none that was deleted
  if (shown.length === 0 && (vanished(track, o) || (before === undefined && !o.watch.healthy))) return before;
  if (shown.some((pod) => !isDeleted(pod) && !isOver(pod))) return 'alive';
  if (shown.some((pod) => !isDeleted(pod))) return 'finished';
  // what had come to its end is deleted by its controller in the next moment
  return before === 'finished' ? before : 'deleted';
}

/**
 * Of every pod that counted: one that came to its end is enough, for "deleted" all must have been. A deleted pod has a
 * last phase, too; that it was evicted before stays its reason.
 */
export function fateIn(words: readonly (PodWord | undefined)[] | undefined): Stay['fate'] {
  if (words === undefined || words.length === 0) return undefined;
  const told = words.filter((word) => typeof word === 'object');
  if (told.some(({ deleting, phase, reason }) => (phase === 'Failed' || phase === 'Succeeded') && (!deleting || EVICTED.has(reason))))
    return 'ended';
  return words.every((word) => word === 'none' || word?.deleting === true) ? 'deleted' : undefined;
}

/** `pkg/kubelet/eviction/helpers.go` and `pkg/kubelet/preemption/preemption.go`. */
const EVICTED: ReadonlySet<string> = new Set(['Evicted', 'Preempting']);

function isDeleted(pod: RawPod): boolean {
  return pod.metadata?.deletionTimestamp !== undefined;
}

function isOver(pod: RawPod): boolean {
  return pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded';
}
