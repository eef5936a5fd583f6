/**
 * Tells people what happened: one log line per decision that changed, with old state, new state and reason; metrics;
 * and how long things took. Reports only; nothing waits for it.
 */

import type { ReachabilityState } from '../../core/api/reachability.ts';
import type { Checkpoint, CheckpointKey, Decision, Ledger, Millis } from '../../core/model/model.ts';
import type { Observation } from '../../core/turn/observation.ts';
import { shownReason } from '../../core/turn/outlook.ts';
import type { Turn, Verdict } from '../../core/turn/turn.ts';
import type { Ports } from '../../ports.ts';
import type { Held } from '../held.ts';
import { type CopyStarts, createCopyStarts } from './copy-starts.ts';
import { createDenialNews } from './denial-news.ts';
import { gaugeApi, gaugeCheckpoints, gaugeImages, type Standing } from './gauges.ts';
import { createHandBackGaps, type HandBackGaps } from './hand-back-gaps.ts';
import { createHindranceNews, type ToldHindrance } from './hindrance-news.ts';
import { nameOfKey } from './names.ts';
import { createTlsNews } from './tls-news.ts';

interface Known extends Decision {
  readonly sinceWall: number;
}

export interface Reporter {
  started(checkpoints: readonly Checkpoint[], ledger: Ledger): void;
  reachability(before: ReachabilityState, after: ReachabilityState): void;
  decisions(result: Turn, checkpoints: readonly Checkpoint[], o: Observation): void;
  afterActions(result: Turn, held: Held, o: Observation): void;
  turnTaken(from: Millis, to: Millis, held: Held, reach: ReachabilityState): void;
  /** One sentence while the API server answers and refuses us, from a few seconds on. */
  denied(): string | undefined;
  /** Every checkpoint with its state, and the reason that people are shown. */
  states(): readonly ({ readonly key: CheckpointKey; readonly sinceWall: number } & Standing)[];
  /** What keeps copies down, or would. */
  hindrances(): readonly ToldHindrance[];
}

export function createReporter(ports: Ports): Reporter {
  const known = new Map<CheckpointKey, Known>();
  const starts = createCopyStarts(ports);
  const gaps = createHandBackGaps(ports);
  const denial = createDenialNews(ports);
  const hindrances = createHindranceNews(ports);
  const tellTls = createTlsNews(ports);
  let failing: Turn['errors'] = new Map();

  /** With what would keep a copy from starting in the place of a reason for which none has to. */
  function shown(): ReturnType<Reporter['states']> {
    const told = new Map(hindrances.all().map((one) => [one.key, one]));
    return [...known].map(([key, { state, reason, sinceWall }]) => {
      const hindrance = told.get(key);
      const word = shownReason(reason, hindrance);
      return { key, state, reason: word, sinceWall: word === reason ? sinceWall : (hindrance?.sinceWall ?? sinceWall) };
    });
  }

  return {
    started: (checkpoints, ledger) => tellStart(ports, checkpoints, ledger),
    reachability(before, after) {
      ports.log.info('Judged the API server', { from: before.verdict, to: after.verdict, evidence: after.evidence });
    },
    decisions(result, checkpoints, o) {
      tellTrouble(ports, result, failing, checkpoints);
      failing = result.errors;
      const stored = new Map(checkpoints.map((checkpoint) => [checkpoint.key, checkpoint]));
      for (const verdict of result.verdicts) {
        const checkpoint = stored.get(verdict.key);
        if (tellVerdict(ports, verdict, checkpoint, known, o.wall)) follow(verdict, checkpoint, o, { starts, gaps });
      }
      hindrances.note(result.mind.outlook, checkpoints, { wall: o.wall, api: o.api.verdict });
      gaugeImages(ports, checkpoints, result.mind.outlook);
      for (const key of known.keys()) if (!stored.has(key)) known.delete(key);
    },
    afterActions(result, held, o) {
      starts.look(held, o);
      for (const { key, decision } of result.verdicts) {
        const checkpoint = held.checkpoints.get(key);
        if (decision.reason === 'handed-back' && checkpoint !== undefined && o.runtime.known) gaps.end(checkpoint, o.runtime.value);
      }
    },
    turnTaken(from, to, held, reach) {
      ports.meter.observe('checkpointer_tick_duration_seconds', (to - from) / 1000);
      ports.meter.gauge('checkpointer_last_tick_timestamp_seconds', Math.round(ports.clock.wall() / 1000));
      gaugeApi(ports, reach);
      denial.note(reach);
      tellTls(reach);
      gaugeCheckpoints(ports, [...held.checkpoints.values()], new Map(shown().map((one) => [one.key, one])));
    },
    denied: () => denial.sentence(),
    states: shown,
    hindrances: () => hindrances.all(),
  };
}

function tellStart({ log }: Ports, checkpoints: readonly Checkpoint[], ledger: Ledger): void {
  for (const placed of ledger.placed.filter((entry) => !checkpoints.some((checkpoint) => checkpoint.key === entry.key))) {
    log.error('A copy is placed whose checkpoint is gone; it stays until its parent is captured again', {
      checkpoint: placed.key,
      file: placed.file,
    });
  }
  log.info('Started', { checkpoints: checkpoints.length, placed: ledger.placed.map((placed) => placed.file) });
}

/** `before`: the errors of the turn before, which are no news. */
function tellTrouble({ log }: Ports, { braked, errors }: Turn, before: Turn['errors'], checkpoints: readonly Checkpoint[]): void {
  if (braked)
    log.warn('Many checkpoints seem to be retirable at once; each needs a second confirmation', { checkpoints: checkpoints.length });
  for (const [key, error] of errors) {
    if (before.get(key) === error) continue;
    const checkpoint = nameOfKey(
      key,
      checkpoints.find((candidate) => candidate.key === key),
    );
    log.error('A checkpoint could not be thought about; it is left as it is', { checkpoint, error });
  }
}

/** True: it is another state, or has another reason, than before. */
function tellVerdict(
  { log }: Ports,
  { key, from, decision, facts }: Verdict,
  checkpoint: Checkpoint | undefined,
  known: Map<CheckpointKey, Known>,
  wall: number,
): boolean {
  const before = known.get(key);
  if (before?.state === decision.state && before.reason === decision.reason) return false;
  known.set(key, { ...decision, sinceWall: wall });
  const quiet = before !== undefined && decision.state === from && decision.state === 'inactive';
  log[quiet ? 'debug' : 'info']('Decided', {
    checkpoint: nameOfKey(key, checkpoint),
    from,
    to: decision.state,
    reason: decision.reason,
    facts,
  });
  return true;
}

/** What has begun now and is measured until it is over. */
function follow(
  { key, from, decision, mode }: Verdict,
  checkpoint: Checkpoint | undefined,
  o: Observation,
  { starts, gaps }: { readonly starts: CopyStarts; readonly gaps: HandBackGaps },
): void {
  if (decision.state === 'active' && from !== 'active' && checkpoint?.record.self !== true) starts.expect(key, o.now);
  if (decision.state === 'handing-back' && from === 'active' && checkpoint !== undefined) gaps.begin(checkpoint, mode, o);
}
