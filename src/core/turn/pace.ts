/**
 * How much hurry is there? What a turn tells those that ask on their own beside the turns: the probes of the API server
 * and the close watch. Pure.
 */
import { SIGN_MS, type Waiting } from '../api/probe-schedule.ts';
import { copiesIn } from '../model/ledger.ts';
import type { Checkpoint, CheckpointKey, Ledger, Millis } from '../model/model.ts';
import type { Verdict } from './turn.ts';
import type { WatchTarget } from './watch-targets.ts';

/** Between two looks of the close watch when nothing has happened for long. Events of the runtime come at once. */
export const LATE_WATCH_PACE_MS: Millis = 1_000;

/** For whom is the first sign of the API server waited for? `copies`: for some at all (`copiesWait`). */
export function waitingOf(copies: boolean, ledger: Ledger, checkpoints: ReadonlyMap<CheckpointKey, Pick<Checkpoint, 'record'>>): Waiting {
  if (!copies) return 'nobody';
  const first = copiesIn(ledger).some(({ key, phase }) => phase === 'placed' && checkpoints.get(key)?.record.handBack === 'first-sign');
  return first ? 'first-sign' : 'copies';
}

/** Does some parent not run, and no copy stand in for it? Then a verdict on the API server is waited for. */
export function uncovered(verdicts: readonly Pick<Verdict, 'decision' | 'facts'>[]): boolean {
  return verdicts.some(({ decision, facts }) => decision.state === 'inactive' && facts.here !== 'running');
}

/** `lastSign`: of the API server or the kubelet. Two minutes after it the close watch looks once a second. */
export function paced(targets: readonly WatchTarget[], lastSign: Millis | undefined, now: Millis): readonly WatchTarget[] {
  if (isRecent(lastSign, now)) return targets;
  return targets.map((target) => ({ ...target, paceMs: Math.max(target.paceMs, LATE_WATCH_PACE_MS) }));
}

export function isRecent(sign: Millis | undefined, now: Millis): boolean {
  return sign !== undefined && now - sign < SIGN_MS;
}
