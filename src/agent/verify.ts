/**
 * Reads the stored checkpoints again, every byte of them: once a minute while nobody is busy, at the beginning of every
 * outage, and right before a copy starts. During an outage what has a problem is read over and over. When that is due
 * is decided in `core/turn/verification.ts`.
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
}

/** Reads of one turn end after this long, and go on in the next: a slow disk must not hold up the turns. */
const READS_MS: Millis = 1_000;

export function createVerifier(ports: Ports, held: Held): Verifier {
  const tell = createProblemNews(ports);
  const readings = new Map<CheckpointKey, Reading>();
  let allAt: Millis = ports.clock.now();
  let outageRead = false;

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

  async function readOne(key: CheckpointKey): Promise<void> {
    const before = held.checkpoints.get(key);
    if (before === undefined) return;
    try {
      learn((await ports.store.read(key)) ?? { ...before, problem: `checkpoint ${key} is not there any more` });
    } catch (error) {
      learn(unreadable(before, error));
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
      if (due === 'all') {
        await readAll().catch((error: unknown) => {
          for (const checkpoint of known()) learn(unreadable(checkpoint, error));
        });
        allAt = ports.clock.now();
        return known();
      }
      for (const key of due) if (ports.clock.now() - from < READS_MS) await readOne(key);
      return known();
    },
    async fresh(key) {
      if (!isFresh(readings.get(key), ports.clock.now())) await readOne(key);
      return held.checkpoints.get(key);
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
