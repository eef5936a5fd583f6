/**
 * Reads the stored checkpoints again, every byte of them: once a minute while nobody is busy, at the beginning of every
 * outage, and right before a copy starts. During an outage what has a problem is read over and over. When that is due
 * is decided in `core/turn/verification.ts`.
 *
 * A round through all of them goes in slices: one in the turn that begins it, the others beside the turns, at most once
 * a second. With hundreds of checkpoints a round takes seconds, for which no turn may wait; with ten it is one slice.
 */

import { messageOf } from '../core/model/errors.ts';
import type { Checkpoint, CheckpointKey, Millis, Reachability } from '../core/model/model.ts';
import { afterReading, believed, dueReads, isFresh, type Reading } from '../core/turn/verification.ts';
import type { Ports } from '../ports.ts';
import type { Held } from './held.ts';

export interface Verifier {
  /** Once, at the start: reads all. Throws where the store cannot be read. */
  begin(): Promise<void>;
  /** The checkpoints as they are now; what could not be read comes with that as its problem. */
  checkpoints(api: Reachability, busy: boolean): Promise<readonly Checkpoint[]>;
  /** This one, read a moment ago or just now. */
  fresh(key: CheckpointKey): Promise<Checkpoint | undefined>;
  /** Ends the round; resolves when nothing is read beside the turns any more. */
  rest(): Promise<void>;
}

/** Reads end after this long, and go on later: neither many checkpoints nor a slow disk may hold up the turns. */
const SLICE_MS: Millis = 50;
/** Between two slices beside the turns. */
const PAUSE_MS: Millis = 1_000;

export function createVerifier(ports: Ports, held: Held): Verifier {
  const tell = createProblemNews(ports);
  const readings = new Map<CheckpointKey, Reading>();
  let allAt: Millis = ports.clock.now();
  let outageRead = false;
  /** What the round still has to read. */
  let left: CheckpointKey[] = [];
  let heldUp = false;
  let beside: Promise<void> | undefined;
  const resting = new AbortController();

  function learn(found: Checkpoint): void {
    const { key } = found;
    const reading = afterReading(readings.get(key), found, ports.clock.now());
    readings.set(key, reading);
    const checkpoint = believed(held.checkpoints.get(key), found, reading);
    held.checkpoints.set(key, checkpoint);
    tell(checkpoint);
  }

  async function readAll(): Promise<void> {
    const found = await ports.store.load();
    const keys = new Set(found.map(({ key }) => key));
    for (const key of held.checkpoints.keys()) if (!keys.has(key)) held.checkpoints.delete(key);
    for (const key of readings.keys()) if (!keys.has(key)) readings.delete(key);
    for (const checkpoint of found) learn(checkpoint);
  }

  /** `vanished`: what becomes of one that is not there any more. */
  async function readOne(key: CheckpointKey, vanished: 'forget' | 'tell' = 'tell'): Promise<void> {
    const before = held.checkpoints.get(key);
    const found = await ports.store.read(key).catch((error: unknown) => (before === undefined ? undefined : unreadable(before, error)));
    // captured, confirmed or removed meanwhile: what was read is of before that
    if (held.checkpoints.get(key) !== before) return;
    if (found !== undefined) return learn(found);
    if (before === undefined) return;
    if (vanished === 'tell') return learn({ ...before, problem: `checkpoint ${key} is not there any more` });
    held.checkpoints.delete(key);
    readings.delete(key);
  }

  /**
   * What a round reads, the longest unread first: a round that the next one cuts short leaves nothing unread for ever.
   * What lies there is part of it, held or not: a disk that was away for a while may be back.
   */
  async function toRead(): Promise<CheckpointKey[]> {
    // a store that cannot be listed tells so for each that is read
    const stored = await ports.store.keys().catch(() => []);
    const at = (key: CheckpointKey): Millis => readings.get(key)?.at ?? 0;
    return [...new Set([...held.checkpoints.keys(), ...stored])].sort((a, b) => at(a) - at(b));
  }

  /** The next slice of the round. */
  async function readSlice(): Promise<void> {
    const from = ports.clock.now();
    while (left.length > 0 && ports.clock.now() - from < SLICE_MS) {
      const key = left.shift() ?? '';
      // not what was read since the round began, for a copy that was to start
      if ((readings.get(key)?.at ?? Number.NEGATIVE_INFINITY) < allAt) await readOne(key, 'forget');
    }
  }

  /** Until the round is over. */
  async function readOn(): Promise<void> {
    while (left.length > 0 && !resting.signal.aborted) {
      await ports.clock.sleep(PAUSE_MS, resting.signal).catch(() => undefined);
      if (!heldUp) await readSlice();
    }
  }

  return {
    async begin() {
      await readAll();
      allAt = ports.clock.now();
    },
    async checkpoints(api, busy) {
      const from = ports.clock.now();
      if (api !== 'unreachable') outageRead = false;
      const known = (): readonly Checkpoint[] => [...held.checkpoints.values()];
      const input = { api, now: from, checkpoints: known(), readings, allAt, outageRead, busy };
      const due = dueReads(input);
      outageRead = api === 'unreachable';
      heldUp = busy;
      if (due === 'all') {
        allAt = from;
        left = await toRead();
        await readSlice();
        beside ??= readOn().finally(() => {
          beside = undefined;
        });
        return known();
      }
      for (const key of due) if (ports.clock.now() - from < SLICE_MS) await readOne(key);
      return known();
    },
    async fresh(key) {
      if (!isFresh(readings.get(key), ports.clock.now())) await readOne(key);
      return held.checkpoints.get(key);
    },
    async rest() {
      left = [];
      resting.abort();
      await beside;
    },
  };
}

/** Once for every new problem, and once when it is over. */
function createProblemNews({ log }: Pick<Ports, 'log'>): (checkpoint: Checkpoint) => void {
  const told = new Map<CheckpointKey, string>();
  return ({ key, problem, unread, record }) => {
    const checkpoint = `${record.parent.namespace}/${record.parent.name}`;
    // the words may differ from try to try, by the file at which it ended
    const news = unread === undefined ? problem : `unread: ${unread}`;
    if (news !== undefined && told.get(key) !== news) log.error('A stored checkpoint cannot be used', { checkpoint, problem });
    if (news === undefined && told.delete(key)) log.info('The stored checkpoint is whole again', { checkpoint });
    if (news !== undefined) told.set(key, news);
  };
}

function unreadable(checkpoint: Checkpoint, error: unknown): Checkpoint {
  return { ...checkpoint, problem: `the store cannot be read: ${messageOf(error)}`, unread: 'store' };
}
