/** What does this turn's look make of the clocks of one checkpoint? Pure. */
import { inBriefDoubt } from '../api/reachability.ts';
import type { Millis, Placed } from '../model/model.ts';
import { since, sinceEach } from '../model/since.ts';
import { unlistedSince } from './copy-listed.ts';
import { copyClocks } from './copy-serves.ts';
import { parentHere, runningOf } from './here.ts';
import { parentInWatch, regressionsOf, stillParent, vanished } from './in-watch.ts';
import type { Observation } from './observation.ts';
import { freshContainers } from './signs.ts';
import { stayAfter } from './stay.ts';
import type { Subject } from './subject.ts';
import { STEADY_MS, type Track } from './track.ts';
import { deletedAndEnded, isEnding } from './unwanted.ts';

/** `successor`: there is one that keeps the checkpoint. */
export function movedOn(subject: Subject, successor: boolean, o: Observation): Track {
  const { checkpoint, parent, placed, track: before } = subject;
  const running = o.runtime.known ? runningOf(parent, o.runtime.value).map((container) => container.id) : [];
  const runningSince = sinceEach(before.runningSince, running, o.now);
  const steady = [...runningSince.values()].some((from) => o.now - from >= STEADY_MS);
  const shown = parentInWatch(checkpoint, o);
  const leaves = shown === 'unknown' ? 'unknown' : shown === 'leaving' && !successor && !vanished(before, o);
  const leavingSince = since(before.leavingSince, leaves, o.now);
  const here = parentHere(parent, checkpoint, o);
  return compact<Track>({
    runningSince: o.runtime.known ? runningSince : before.runningSince,
    lastSteady: steady || !o.runtime.known ? o.now : before.lastSteady,
    orphanSince: since(before.orphanSince, here === 'unknown' ? 'unknown' : here === 'orphan', o.now),
    leavingSince,
    endedSince: since(before.endedSince, deletedAndEnded(subject, o), o.now),
    ending: isEnding(subject, before.ending, o),
    dismissed: before.dismissed,
    unplacedSince: since(before.unplacedSince, placed === undefined, o.now),
    shownAt: shown === 'present' ? regressionsOf(o) : before.shownAt,
    goneConfirmedAt: leavingSince === undefined ? undefined : confirmedAt({ checkpoint, track: before }, o),
    placedSince: placedSince(before, placed, o.now),
    unlistedSince: unlistedSince(subject, o),
    ...copyClocks(subject, o),
    leavingCopySince: since(before.leavingCopySince, placed?.phase === 'leaving', o.now),
    handedBackAt: before.handedBackAt,
    awaitingSince: since(before.awaitingSince, placed?.phase === 'placed' && isBack(o), o.now),
    besideSince:
      placed?.phase === 'placed' ? (before.besideSince ?? (freshContainers(subject, o).length > 0 ? o.now : undefined)) : undefined,
    stay: stayAfter(subject, o),
  });
}

/** Is the API server back? A brief doubt, as when the watch is opened anew, is no break. */
function isBack({ api, now }: Observation): boolean | 'unknown' {
  return inBriefDoubt(api, now) ? 'unknown' : api.verdict === 'reachable';
}

/** The last read of its own that did not find the parent. */
function confirmedAt({ checkpoint, track }: Pick<Subject, 'checkpoint' | 'track'>, o: Observation): Millis | undefined {
  const read = o.reads.get(checkpoint.key);
  return read?.known === true && !stillParent(checkpoint, read.value, o) ? o.now : track.goneConfirmedAt;
}

function placedSince(before: Track, placed: Placed | undefined, now: Millis): Track['placedSince'] {
  if (placed?.phase !== 'placed') return undefined;
  const { attempt, revision } = placed;
  const same = before.placedSince?.attempt === attempt && before.placedSince.revision === revision;
  return same ? before.placedSince : { attempt, revision, at: now };
}

/** Drops keys whose value is undefined, as exact optional properties ask. */
function compact<T extends object>(value: { [K in keyof T]: T[K] | undefined }): T {
  const kept: { [K in keyof T]?: T[K] | undefined } = {};
  for (const key in value) if (value[key] !== undefined) kept[key] = value[key];
  return kept as T;
}
