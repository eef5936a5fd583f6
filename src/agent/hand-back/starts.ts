/**
 * Watches how long starts take on this node, so that copies leave at the sign that fits its runtime. Each start of a
 * parent or a copy costs one question to the runtime, once. `core/turn/starts.ts` decides.
 */
import type { Checkpoint, Millis, RuntimeContainer } from '../../core/model/model.ts';
import type { Observation } from '../../core/turn/observation.ts';
import {
  type Learnt,
  NOTHING_LEARNT,
  type ParentSign,
  signOf,
  startsToAsk,
  typicalStart,
  withAsked,
  withStart,
} from '../../core/turn/starts.ts';
import type { Ports } from '../../ports.ts';

const DETAILS_DEADLINE_MS: Millis = 2_000;

export interface Starts {
  /** Nobody waits for what is asked now: it counts when it is there. */
  look(checkpoints: readonly Checkpoint[], o: Observation): void;
  sign(): ParentSign;
}

export function createStarts(ports: Pick<Ports, 'runtime' | 'attempts' | 'log'>): Starts {
  let learnt: Learnt = NOTHING_LEARNT;
  let askingKind = false;

  function learn(next: Learnt): void {
    const [before, sign] = [signOf(learnt), signOf(next)];
    learnt = next;
    if (sign === before) return;
    const { runtime, starts } = next;
    ports.log.info('Copies leave at another sign of their parents', { sign, runtime, typicalStartMs: typicalStart(starts) });
  }

  async function askKind(): Promise<void> {
    askingKind = true;
    const kind = await ports.runtime.version().catch(() => undefined); // asked again in a later turn
    askingKind = false;
    if (kind !== undefined) learn({ ...learnt, runtime: kind.runtimeName });
  }

  async function ask({ id, podUid, name }: RuntimeContainer): Promise<void> {
    const { startedAtMs } = await ports.runtime.containerDetails(id, DETAILS_DEADLINE_MS);
    learn(withStart(learnt, ports.attempts.madeAt(podUid, name) ?? [], startedAtMs));
  }

  return {
    look(checkpoints, { runtime }) {
      if (!runtime.known) return;
      if (learnt.runtime === undefined && !askingKind) void askKind();
      const due = startsToAsk(learnt, checkpoints, runtime.value);
      if (due.length === 0) return;
      learnt = withAsked(learnt, due, runtime.value);
      // one that cannot be asked about is one start less to go by
      for (const container of due) void ask(container).catch(() => undefined);
    },
    sign: () => signOf(learnt),
  };
}
