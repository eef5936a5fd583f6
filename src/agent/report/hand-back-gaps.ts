/** Tells of a hand-back and how long nobody served in it, by the runtime's own stamps. */
import type { Checkpoint, CheckpointKey, HandBackMode, Millis, RuntimeView } from '../../core/model/model.ts';
import { copySandboxes } from '../../core/turn/copy-here.ts';
import type { Observation } from '../../core/turn/observation.ts';
import type { Ports } from '../../ports.ts';
import { nameOf } from './names.ts';

const DETAILS_DEADLINE_MS: Millis = 2_000;
/**
 * What ended longer before the parent's start ended on its own: even a parent that met its copy on the port is back
 * after ten seconds.
 */
const HAND_BACK_MS: Millis = 60_000;

export interface HandBackGaps {
  /** The copy leaves: its containers are noted until the parent's start can be compared. */
  begin(checkpoint: Checkpoint, mode: HandBackMode, o: Observation): void;
  /** The parent is back. Measured and told beside the turns: the next parent may be waiting. */
  end(checkpoint: Checkpoint, view: RuntimeView): void;
}

export function createHandBackGaps(ports: Pick<Ports, 'runtime' | 'log' | 'meter'>): HandBackGaps {
  const leaving = new Map<CheckpointKey, { readonly mode: string; readonly copies: readonly string[] }>();

  function tell(checkpoint: Checkpoint, mode: string, gap: Millis | undefined): void {
    ports.meter.count('checkpointer_hand_backs_total', { mode, result: 'done' });
    if (gap !== undefined) ports.meter.observe('checkpointer_hand_back_gap_seconds', Math.max(0, gap) / 1000);
    const gapMs = gap === undefined ? {} : { gapMs: Math.round(gap) };
    ports.log.info('Handed back to the parent', { checkpoint: nameOf(checkpoint), mode, ...gapMs });
  }

  return {
    begin(checkpoint, mode, o) {
      if (mode !== checkpoint.record.handBack) tellTurnOver(ports, checkpoint);
      if (!o.runtime.known) return;
      leaving.set(checkpoint.key, { mode, copies: lastOfEachName(checkpoint, o.runtime.value) });
    },
    end(checkpoint, view) {
      const left = leaving.get(checkpoint.key);
      if (left === undefined) return;
      leaving.delete(checkpoint.key);
      void measureGap(ports, checkpoint, left.copies, view)
        .catch(() => undefined)
        .then((gap) => tell(checkpoint, left.mode, gap));
    },
  };
}

/** It is counted as the end of the hand-back in the record's mode; the one that begins is another. */
function tellTurnOver({ meter, log }: Pick<Ports, 'log' | 'meter'>, checkpoint: Checkpoint): void {
  const mode = checkpoint.record.handBack;
  meter.count('checkpointer_hand_backs_total', { mode, result: 'turned-over' });
  log.warn('The parent could not become Ready beside its copy; the copy leaves', { checkpoint: nameOf(checkpoint), mode });
}

/** Dead or not: what was killed a moment ago may not run any more. */
function lastOfEachName(checkpoint: Checkpoint, view: RuntimeView): readonly string[] {
  const sandboxes = new Set(copySandboxes(checkpoint, view).map((sandbox) => sandbox.id));
  const copies = view.containers.filter((c) => sandboxes.has(c.sandboxId)).sort((a, b) => a.createdAtMs - b.createdAtMs);
  return [...new Map(copies.map(({ name, id }) => [name, id])).values()];
}

/**
 * From the copy's end to the parent's start; negative where they overlapped. A container that had died before on its
 * own is not counted: how long it had been away is not the hand-back's doing.
 */
async function measureGap(
  { runtime }: Pick<Ports, 'runtime'>,
  { record }: Checkpoint,
  copies: readonly string[],
  view: RuntimeView,
): Promise<Millis | undefined> {
  const own = view.containers.filter((c) => c.podUid === record.parent.uid && c.state === 'running' && record.serving.includes(c.name));
  if (copies.length === 0 || own.length === 0) return undefined;
  const finished = await Promise.all(copies.map(async (id) => (await runtime.containerDetails(id, DETAILS_DEADLINE_MS)).finishedAtMs));
  const started = await Promise.all(own.map(async ({ id }) => (await runtime.containerDetails(id, DETAILS_DEADLINE_MS)).startedAtMs));
  const start = Math.max(...started);
  const ends = finished.filter((at) => at > 0 && start - at < HAND_BACK_MS);
  return ends.length > 0 ? start - Math.min(...ends) : undefined;
}
