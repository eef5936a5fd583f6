/**
 * The store in memory: same promises as the one on the disk (it passes the same contract), no disk.
 */

import { checkpointDir } from '../../src/adapters/disk/layout.ts';
import { emptyLedger, unreadableRecord } from '../../src/adapters/disk/record.ts';
import { planRevision } from '../../src/adapters/disk/revision.ts';
import type { Dismissal } from '../../src/core/model/dismissal.ts';
import type { Checkpoint, CheckpointKey, Ledger } from '../../src/core/model/model.ts';
import { PortError, type Store } from '../../src/ports.ts';
import { type PortFaults, portFaults } from './disk-faults.ts';

export interface FakeStore extends Store, PortFaults {
  /** Makes the current revision of a checkpoint damaged, as a flipped bit would; until it is saved again. */
  damage(key: CheckpointKey, problem: string): void;
  /** Its reads fail with this errno; undefined: no more. */
  unreadable(key: CheckpointKey, code: string | undefined): void;
  /** Revisions kept, by checkpoint. */
  revisions(key: CheckpointKey): readonly string[];
}

interface Kept {
  current: string;
  readonly revisions: Map<string, Omit<Checkpoint, 'confirmedAt'>>;
  confirmedAt?: string;
  /** Of the revision that was confirmed. */
  capturedAt?: string | undefined;
  dismissed?: Dismissal | undefined;
  cas?: readonly string[];
  unread?: string | undefined;
}

export function createFakeStore(dir = '/var/lib/pod-checkpointer'): FakeStore {
  const faults = portFaults();
  const kept = new Map<CheckpointKey, Kept>();
  let stored: Ledger = emptyLedger();

  function view(key: CheckpointKey, one: Kept): Checkpoint {
    const revision = one.revisions.get(one.current);
    if (revision === undefined) throw new Error(`the fake store lost ${key}`);
    const { capturedAt } = revision.record;
    if (one.unread !== undefined) {
      const { unread } = one;
      const problem = `checkpoint ${key}: ${unread}: injected`;
      return { key, record: unreadableRecord(key, ''), manifest: '', bytes: 0, confirmedAt: '', problem, unread };
    }
    const later =
      one.confirmedAt !== undefined && (one.capturedAt === capturedAt || !(Date.parse(one.confirmedAt) <= Date.parse(capturedAt)));
    return structuredClone({
      ...revision,
      ...(one.dismissed === undefined ? {} : { dismissed: one.dismissed }),
      ...(one.cas === undefined ? {} : { cas: one.cas }),
      confirmedAt: later && one.confirmedAt !== undefined ? one.confirmedAt : capturedAt,
    });
  }

  return {
    dir,
    calls: faults.calls,
    failOnNthCall: faults.failOnNthCall,
    damage(key, problem) {
      const one = kept.get(key);
      const current = one?.revisions.get(one.current);
      if (one === undefined || current === undefined) throw new Error(`no checkpoint ${key}`);
      one.revisions.set(one.current, { ...current, manifest: '', bytes: 0, problem });
    },
    unreadable(key, code) {
      const one = kept.get(key);
      if (one === undefined) throw new Error(`no checkpoint ${key}`);
      one.unread = code;
    },
    revisions: (key) => [...(kept.get(key)?.revisions.keys() ?? [])].sort(),
    async load() {
      faults.enter('load');
      return [...kept.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, one]) => view(key, one));
    },
    async keys() {
      faults.enter('keys');
      return [...kept.keys()].sort();
    },
    async read(key) {
      faults.enter('read');
      const one = kept.get(key);
      return one === undefined ? undefined : view(key, one);
    },
    async save(draft, maxBytes = Infinity) {
      faults.enter('save');
      checkpointDir(dir, draft.key);
      const { revision, record, manifest, bytes } = planRevision(dir, draft);
      if (bytes > maxBytes) throw new PortError('too-large', `storing ${draft.key}: ${bytes} bytes, and ${maxBytes} are left for it`);
      const one: Kept = kept.get(draft.key) ?? { current: '', revisions: new Map() };
      const whole = one.revisions.has(revision) && one.revisions.get(revision)?.problem === undefined;
      if (whole && one.current === revision) return undefined;
      if (!whole) one.revisions.set(revision, structuredClone({ key: draft.key, record, manifest, bytes }));
      one.current = revision;
      kept.set(draft.key, one);
      return view(draft.key, one);
    },
    async prune(key, keep) {
      faults.enter('prune');
      checkpointDir(dir, key);
      const one = kept.get(key);
      if (one === undefined || one.revisions.get(one.current)?.problem !== undefined) return;
      for (const revision of one.revisions.keys()) {
        if (revision !== one.current && !keep.includes(revision)) one.revisions.delete(revision);
      }
    },
    async confirm(key, confirmedAt, capturedAt) {
      faults.enter('confirm');
      if (Number.isNaN(Date.parse(confirmedAt))) throw new PortError('invalid', `"${confirmedAt}" is not a time`);
      checkpointDir(dir, key);
      const one = kept.get(key);
      if (one === undefined) throw new PortError('not-found', `there is no checkpoint ${key}`);
      one.confirmedAt = confirmedAt;
      one.capturedAt = capturedAt;
      one.dismissed = undefined;
    },
    async dismiss(key, dismissal) {
      faults.enter('dismiss');
      checkpointDir(dir, key);
      const one = kept.get(key);
      if (one === undefined) throw new PortError('not-found', `there is no checkpoint ${key}`);
      one.dismissed = dismissal;
    },
    async stamp(key, cas) {
      faults.enter('stamp');
      checkpointDir(dir, key);
      const one = kept.get(key);
      if (one === undefined) throw new PortError('not-found', `there is no checkpoint ${key}`);
      one.cas = cas;
    },
    async remove(key) {
      faults.enter('remove');
      checkpointDir(dir, key);
      kept.delete(key);
    },
    async readLedger() {
      faults.enter('readLedger');
      return structuredClone(stored);
    },
    async writeLedger(ledger) {
      faults.enter('writeLedger');
      stored = structuredClone(ledger);
    },
  };
}
