/**
 * Tells people what happened: one log line per decision that changed, with old state, new state and reason; metrics;
 * and how long things took, taken from the runtime's own stamps. Reports only; nothing waits for it.
 */

import { DENIAL_CODES, type DenialTrack, denialSentence, trackDenial } from '../core/api/denied.ts';
import type { ReachabilityState } from '../core/api/reachability.ts';
import type { Checkpoint, CheckpointKey, Ledger, Millis, RuntimeView, State } from '../core/model/model.ts';
import { parseTime } from '../core/model/time.ts';
import { copyRuns, copySandboxes } from '../core/turn/copy-here.ts';
import type { Observation } from '../core/turn/observation.ts';
import type { Turn, Verdict } from '../core/turn/turn.ts';
import type { Ports } from '../ports.ts';
import type { Held } from './held.ts';

interface Known {
  readonly state: State;
  readonly reason: string;
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
  states(): readonly { readonly key: CheckpointKey; readonly state: string; readonly reason: string; readonly sinceWall: number }[];
}

const DETAILS_DEADLINE_MS: Millis = 2_000;
/** What ended longer before the parent's start ended on its own: even a parent that met its copy on the port is back after ten seconds. */
const HAND_BACK_MS: Millis = 60_000;

export function createReporter(ports: Ports): Reporter {
  const known = new Map<CheckpointKey, Known>();
  /** Copies placed whose start has not been seen yet. */
  const starting = new Map<CheckpointKey, Millis>();
  /** Checkpoints with an image that is not on this node. */
  const missing = new Set<string>();
  let failing: Turn['errors'] = new Map();
  let denial: DenialTrack | undefined;
  let deniedNow: string | undefined;
  let deniedSaid: string | undefined;
  /** Copies that are leaving, with their container ids, until the parent's start can be compared. */
  const leaving = new Map<CheckpointKey, { readonly mode: string; readonly copies: readonly string[] }>();

  function decisions(result: Turn, checkpoints: readonly Checkpoint[], o: Observation): void {
    if (result.braked)
      ports.log.warn('Many checkpoints seem to be retirable at once; each needs a second confirmation', {
        checkpoints: checkpoints.length,
      });
    for (const [key, error] of result.errors) {
      if (failing.get(key) !== error)
        ports.log.error('A checkpoint could not be thought about; it is left as it is', { checkpoint: nameOf(key, checkpoints), error });
    }
    failing = result.errors;
    for (const verdict of result.verdicts) decided(verdict, checkpoints, o);
    noteImages(checkpoints, o);
    for (const key of known.keys()) if (!checkpoints.some((checkpoint) => checkpoint.key === key)) known.delete(key);
  }

  /** Said once, when an image goes and when it is back: after the next power cut it would be too late. */
  function noteImages(checkpoints: readonly Checkpoint[], o: Observation): void {
    for (const checkpoint of checkpoints) {
      const absent = checkpoint.record.images.filter(({ image }) => seenAs(o, image) === false).map(({ image }) => image);
      const present = checkpoint.record.images.every(({ image }) => seenAs(o, image) === true);
      if (absent.length > 0 && !missing.has(checkpoint.key)) {
        missing.add(checkpoint.key);
        ports.log.warn('An image of the checkpoint is not on this node; its copy could not start', {
          checkpoint: nameOfCheckpoint(checkpoint),
          images: absent,
        });
      } else if (present && missing.delete(checkpoint.key)) {
        ports.log.info('All images of the checkpoint are on this node again', { checkpoint: nameOfCheckpoint(checkpoint) });
      }
    }
    ports.meter.gauges(
      'checkpointer_image_missing',
      checkpoints.map((c) => ({
        labels: { namespace: c.record.parent.namespace, pod: c.record.parent.name },
        value: missing.has(c.key) ? 1 : 0,
      })),
    );
  }

  function decided({ key, from, decision, facts }: Verdict, checkpoints: readonly Checkpoint[], o: Observation): void {
    const before = known.get(key);
    if (before?.state === decision.state && before.reason === decision.reason) return;
    known.set(key, { ...decision, sinceWall: o.wall });
    const level = decision.state === from && decision.state === 'inactive' ? 'debug' : 'info';
    ports.log[before === undefined ? 'info' : level]('Decided', {
      checkpoint: nameOf(key, checkpoints),
      from,
      to: decision.state,
      reason: decision.reason,
      facts,
    });
    const self = checkpoints.some((checkpoint) => checkpoint.key === key && checkpoint.record.self === true);
    if (decision.state === 'active' && from !== 'active' && !self) starting.set(key, o.now);
    if (decision.state === 'handing-back' && from === 'active') noteLeaving(key, checkpoints, o);
  }

  function noteLeaving(key: CheckpointKey, checkpoints: readonly Checkpoint[], o: Observation): void {
    const checkpoint = checkpoints.find((candidate) => candidate.key === key);
    if (checkpoint === undefined || !o.runtime.known) return;
    const sandboxes = new Set(copySandboxes(checkpoint, o.runtime.value).map((sandbox) => sandbox.id));
    const copies = o.runtime.value.containers.filter((c) => sandboxes.has(c.sandboxId)).sort((a, b) => a.createdAtMs - b.createdAtMs);
    // the last of each name, dead or not: what was killed a moment ago may not run any more
    leaving.set(key, { mode: checkpoint.record.handBack, copies: [...new Map(copies.map(({ name, id }) => [name, id])).values()] });
  }

  function afterActions(result: Turn, held: Held, o: Observation): void {
    for (const [key, since] of starting) {
      const checkpoint = held.checkpoints.get(key);
      if (checkpoint === undefined || !held.ledger.placed.some((placed) => placed.key === key)) starting.delete(key);
      else if (copyRuns(checkpoint, o)) {
        starting.delete(key);
        ports.meter.observe('checkpointer_activation_duration_seconds', (o.now - since) / 1000);
        ports.meter.count('checkpointer_activations_total', { result: 'running' });
        ports.log.info('The copy runs', { checkpoint: nameOfCheckpoint(checkpoint), afterMs: Math.round(o.now - since) });
      }
    }
    for (const { key, decision } of result.verdicts) {
      const left = leaving.get(key);
      const checkpoint = held.checkpoints.get(key);
      if (decision.reason !== 'handed-back' || left === undefined || checkpoint === undefined || !o.runtime.known) continue;
      leaving.delete(key);
      // measured beside the turns: the next parent may be waiting
      void measureGap(ports, checkpoint, left.copies, o.runtime.value)
        .catch(() => undefined)
        .then((gap) => tellHandBack(checkpoint, left.mode, gap));
    }
  }

  /** A server that is away refuses nobody; when it is back and refuses us again, that is no news. */
  function noteDenial(reach: ReachabilityState): void {
    const { denied, healthy } = ports.watch.view();
    const now = ports.clock.now();
    denial = trackDenial(denial, reach.verdict === 'unreachable' ? undefined : denied, now);
    deniedNow = denialSentence(denial, now);
    for (const [cause, code] of Object.entries(DENIAL_CODES))
      ports.meter.gauge('checkpointer_api_denied', deniedNow !== undefined && denial?.denial === cause ? 1 : 0, { code });
    if (deniedNow !== undefined && deniedNow !== deniedSaid) ports.log.error(deniedNow);
    if (deniedNow === undefined && deniedSaid !== undefined && healthy) ports.log.info('The API server accepts our requests again');
    deniedSaid = healthy ? undefined : (deniedNow ?? deniedSaid);
  }

  function tellHandBack(checkpoint: Checkpoint, mode: string, gap: Millis | undefined): void {
    ports.meter.count('checkpointer_hand_backs_total', { mode, result: 'done' });
    if (gap !== undefined) ports.meter.observe('checkpointer_hand_back_gap_seconds', Math.max(0, gap) / 1000);
    ports.log.info('Handed back to the parent', {
      checkpoint: nameOfCheckpoint(checkpoint),
      mode,
      ...(gap === undefined ? {} : { gapMs: Math.round(gap) }),
    });
  }

  return {
    started(checkpoints, ledger) {
      for (const placed of ledger.placed.filter((entry) => !checkpoints.some((checkpoint) => checkpoint.key === entry.key))) {
        ports.log.error('A copy is placed whose checkpoint is gone; it stays until its parent is captured again', {
          checkpoint: placed.key,
          file: placed.file,
        });
      }
      ports.log.info('Started', { checkpoints: checkpoints.length, placed: ledger.placed.map((placed) => placed.file) });
    },
    reachability(before, after) {
      ports.log.info('Judged the API server', { from: before.verdict, to: after.verdict, evidence: after.evidence });
    },
    decisions,
    afterActions,
    turnTaken(from, to, held, reach) {
      ports.meter.observe('checkpointer_tick_duration_seconds', (to - from) / 1000);
      ports.meter.gauge('checkpointer_last_tick_timestamp_seconds', Math.round(ports.clock.wall() / 1000));
      ports.meter.gauge('checkpointer_source_up', ports.watch.view().healthy ? 1 : 0, { source: 'api' });
      for (const state of ['reachable', 'unreachable', 'unsure'])
        ports.meter.gauge('checkpointer_api_reachability', reach.verdict === state ? 1 : 0, { state });
      noteDenial(reach);
      gauges(ports, held, known);
    },
    denied: () => deniedNow,
    states: () => [...known].map(([key, value]) => ({ key, ...value })),
  };
}

function gauges(ports: Ports, held: Held, known: ReadonlyMap<CheckpointKey, Known>): void {
  const checkpoints = [...held.checkpoints.values()];
  const parents = checkpoints.filter(({ record }) => record.self !== true);
  const count = (state: State): number => parents.filter((checkpoint) => known.get(checkpoint.key)?.state === state).length;
  for (const state of ['inactive', 'active', 'handing-back', 'retired'] as const)
    ports.meter.gauge('checkpointer_checkpoints', count(state), { state });
  const labels = (checkpoint: Checkpoint): { namespace: string; pod: string } => ({
    namespace: checkpoint.record.parent.namespace,
    pod: checkpoint.record.parent.name,
  });
  ports.meter.gauges(
    'checkpointer_checkpoint_info',
    checkpoints.map((c) => ({
      labels: { ...labels(c), state: known.get(c.key)?.state ?? 'inactive', reason: known.get(c.key)?.reason ?? '' },
      value: 1,
    })),
  );
  const wall = ports.clock.wall();
  ports.meter.gauges(
    'checkpointer_checkpoint_age_seconds',
    checkpoints.map((c) => ({ labels: labels(c), value: Math.max(0, Math.round((wall - parseTime(c.confirmedAt)) / 1000)) })),
  );
  ports.meter.gauges(
    'checkpointer_token_expiry_timestamp_seconds',
    checkpoints.flatMap((c) =>
      c.record.tokenExpiry === undefined ? [] : [{ labels: labels(c), value: parseTime(c.record.tokenExpiry) / 1000 }],
    ),
  );
  ports.meter.gauge(
    'checkpointer_store_bytes',
    checkpoints.reduce((sum, checkpoint) => sum + checkpoint.bytes, 0),
  );
}

function seenAs(o: Observation, image: string): boolean | undefined {
  const present = o.images.get(image);
  return present?.known === true ? present.value : undefined;
}

/**
 * From the copy's end to the parent's start, by the runtime's stamps; negative where they overlapped. A container that had
 * died before on its own is not counted: how long it had been away is not the hand-back's doing.
 */
async function measureGap(ports: Ports, checkpoint: Checkpoint, copies: readonly string[], view: RuntimeView): Promise<Millis | undefined> {
  const own = view.containers.filter(
    (c) => c.podUid === checkpoint.record.parent.uid && c.state === 'running' && checkpoint.record.serving.includes(c.name),
  );
  if (copies.length === 0 || own.length === 0) return undefined;
  const finished = await Promise.all(
    copies.map(async (id) => (await ports.runtime.containerDetails(id, DETAILS_DEADLINE_MS)).finishedAtMs),
  );
  const started = await Promise.all(own.map(async ({ id }) => (await ports.runtime.containerDetails(id, DETAILS_DEADLINE_MS)).startedAtMs));
  const start = Math.max(...started);
  const ends = finished.filter((at) => at > 0 && start - at < HAND_BACK_MS);
  return ends.length > 0 ? start - Math.min(...ends) : undefined;
}

function nameOf(key: CheckpointKey, checkpoints: readonly Checkpoint[]): string {
  const checkpoint = checkpoints.find((candidate) => candidate.key === key);
  return checkpoint === undefined ? key : nameOfCheckpoint(checkpoint);
}

function nameOfCheckpoint({ record }: Checkpoint): string {
  return `${record.parent.namespace}/${record.parent.name}`;
}
