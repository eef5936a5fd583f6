/**
 * The store on the host's disk: checkpoints with their revisions, and the ledger. See `layout.ts` for the tree.
 *
 * A save builds the whole revision under `tmp/`, fsyncs all of it, renames it into place and swaps `current` last, so
 * that at every instant a good revision, once reported, is there complete. Every load checks every byte. Decides
 * nothing: what to keep, and when, is asked for by name. Foreign names in its directories are left alone.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Dismissal } from '../../core/model/dismissal.ts';
import { codeOf } from '../../core/model/errors.ts';
import type { Checkpoint, CheckpointKey, Json, RevisionDraft } from '../../core/model/model.ts';
import { PortError, type Store } from '../../ports.ts';
import { makeDirectory, publishLink, publishTree, type TreeEntry } from './atomic-write.ts';
import { NotDurableError, wrapError } from './errors.ts';
import { checkFormat, prepareLayout } from './format.ts';
import {
  CHECKPOINTS,
  CONFIRMED,
  CURRENT,
  checkpointDir,
  currentTarget,
  isRevision,
  LEDGER_FILE,
  REVISIONS,
  revisionDir,
  TMP,
  tempName,
} from './layout.ts';
import { guardedPrimitives, nodePrimitives, type Primitives } from './primitives.ts';
import { currentRevision, isGood, keysIn, kindOf, load, loadOne, readLedger, type Source, toCheckpoint } from './reading.ts';
import { deleteTree, moveAside } from './removal.ts';
import { DIRECTORY_MODE, planRevision, type RevisionPlan } from './revision.ts';
import { createSealedFiles } from './sealed-file.ts';
import { readRevision, type StoredRevision } from './stored-revision.ts';
import { syncParents } from './sync.ts';

export interface StoreOptions {
  /** Absolute path of the state directory; `prepareStateDir` has looked at it. */
  readonly dir: string;
  /** The same directory as the kubelet sees it, where the agent's own mount differs. Default: `dir`. */
  readonly hostDir?: string;
  /** Is the host lock held? Asked before every change of a name. `() => false` makes a store that only reads. */
  readonly mayWrite: () => boolean;
  readonly primitives?: Primitives;
}

/**
 * Checks the format; then, if this process may write, makes what is missing and sweeps what a crash left.
 * Throws PortError: `unsupported` (newer format, left untouched), `invalid`, `failed`.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const format = await checkFormat(options.dir);
  const primitives = guardedPrimitives(options.primitives ?? nodePrimitives(), options.mayWrite);
  let temps = 0;
  const temp = (): string => join(options.dir, TMP, tempName(++temps));
  if (options.mayWrite()) await prepareLayout(primitives, options.dir, format, temp);
  const disk: Disk = {
    dir: options.dir,
    hostDir: options.hostDir ?? options.dir,
    primitives,
    temp,
    sealed: createSealedFiles(primitives, temp),
    doubtful: new Set(),
    trash: new Set(),
  };
  const inTurn = createTurns();
  // the ledger does not wait for a capture on a slow disk
  const inLedgerTurn = createTurns();
  // nor does a word about a parent, which is a file of its own
  const inWordTurn = createTurns();
  // nor does a copy that is to start: what is whole is whole; only what is not may be half a change of ours
  const read = async (key: CheckpointKey): Promise<Checkpoint | undefined> => {
    const found = await loadOne(disk, key);
    return found !== undefined && found.problem === undefined ? found : inTurn(() => loadOne(disk, key));
  };
  return {
    dir: options.dir,
    load: () => load(disk, read),
    keys: () => keysIn(disk),
    read,
    save: (draft, maxBytes) => inTurn(() => save(disk, draft, maxBytes)),
    prune: (key, keep) => inTurn(() => prune(disk, key, keep)),
    confirm: (key, confirmedAt, capturedAt) => inTurn(() => inWordTurn(() => confirm(disk, key, confirmedAt, capturedAt))),
    dismiss: (key, dismissal) => inWordTurn(() => dismiss(disk, key, dismissal)),
    stamp: (key, cas) => inTurn(() => inWordTurn(() => note(disk, key, 'stamping', (before) => ({ ...before, cas: [...cas] })))),
    remove: (key) => inTurn(() => remove(disk, key)),
    readLedger: () => inLedgerTurn(() => readLedger(disk)),
    writeLedger: (ledger) => inLedgerTurn(() => disk.sealed.write(join(disk.dir, LEDGER_FILE), ledger as unknown as Json)),
  };
}

interface Disk extends Source {
  readonly hostDir: string;
  readonly primitives: Primitives;
  readonly temp: () => string;
  /** Paths that are visible and whose directory could not be synced: to be made anew, never believed. */
  readonly doubtful: Set<string>;
  /** What was moved into `tmp/` and is still to be deleted. */
  readonly trash: Set<string>;
}

/** One after another, so that none meets half of another; one that failed does not fail the next. */
function createTurns(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const turn = last.then(work);
    last = turn.catch(() => undefined);
    return turn;
  };
}

async function save(disk: Disk, draft: RevisionDraft, maxBytes = Infinity): Promise<Checkpoint | undefined> {
  const { key } = draft;
  const home = checkpointDir(disk.dir, key);
  const plan = planRevision(disk.hostDir, draft);
  if (plan.bytes > maxBytes) throw new PortError('too-large', `storing ${key}: ${plan.bytes} bytes, and ${maxBytes} are left for it`);
  const kind = await kindOf(home);
  if (kind !== 'directory' && kind !== 'absent')
    throw new PortError('failed', `${home} is not a directory: it is not ours, and was left alone`);
  let stored: StoredRevision = plan;
  if (kind === 'absent' || disk.doubtful.has(home)) {
    await saveFirst(disk, home, plan, kind);
  } else {
    const reusable = await readRevision(revisionDir(disk.dir, key, plan.revision), key, plan.revision);
    // it may be the one good revision: it makes way only if known to be damaged, or if the medium itself cannot give it
    if (reusable.unread !== undefined && reusable.unread !== 'EIO') throw new PortError('failed', `saving ${key}: ${reusable.problem}`);
    const whole = reusable.problem === undefined && !disk.doubtful.has(revisionDir(disk.dir, key, plan.revision));
    const isCurrent = (await currentRevision(disk, key)) === plan.revision && !disk.doubtful.has(join(home, CURRENT));
    if (whole && isCurrent) return undefined;
    if (whole) stored = reusable;
    else await saveRevision(disk, key, plan);
    if (!isCurrent) await swapCurrent(disk, home, plan.revision);
  }
  // the checkpoint is safe: what could not be deleted is tried again after the next change
  await emptyTrash(disk).catch(() => undefined);
  const { record, manifest, bytes } = stored;
  return toCheckpoint(disk, key, { record, manifest, bytes });
}

/** The checkpoint's directory appears with its first revision and `current` in one rename. */
async function saveFirst(disk: Disk, home: string, plan: RevisionPlan, kind: 'directory' | 'absent'): Promise<void> {
  if (kind === 'directory') await discard(disk, home);
  const root = currentTarget(plan.revision);
  const entries: readonly TreeEntry[] = [
    { type: 'directory', path: REVISIONS, mode: 0o700 },
    { type: 'directory', path: root, mode: DIRECTORY_MODE },
    ...plan.entries.map((entry) => ({ ...entry, path: `${root}/${entry.path}` })),
    { type: 'link', path: CURRENT, target: root },
  ];
  await remembering(disk, home, () => publishTree(disk.primitives, { temp: disk.temp, target: home }, 0o700, entries));
}

/** A damaged revision of the same digest makes way: it holds nothing that could be used. */
async function saveRevision(disk: Disk, key: CheckpointKey, plan: RevisionPlan): Promise<void> {
  const target = revisionDir(disk.dir, key, plan.revision);
  await makeDirectory(disk.primitives, join(checkpointDir(disk.dir, key), REVISIONS), 0o700);
  if ((await kindOf(target)) !== 'absent') await discard(disk, target);
  await remembering(disk, target, () => publishTree(disk.primitives, { temp: disk.temp, target }, DIRECTORY_MODE, plan.entries));
}

async function swapCurrent(disk: Disk, home: string, revision: string): Promise<void> {
  const target = join(home, CURRENT);
  const check = async (): Promise<void> => {
    const kind = await kindOf(target);
    if (kind !== 'link' && kind !== 'absent') throw new PortError('failed', 'what is there is no link, thus not ours: it was left alone');
  };
  await remembering(disk, target, () => publishLink(disk.primitives, { temp: disk.temp, target, check }, currentTarget(revision)));
}

/** Remembers that a target is visible but not promised, until it has been published anew. */
async function remembering(disk: Disk, target: string, publish: () => Promise<void>): Promise<void> {
  try {
    await publish();
    disk.doubtful.delete(target);
  } catch (error) {
    if (error instanceof NotDurableError) disk.doubtful.add(target);
    throw error;
  }
}

/** A confirmation ends a dismissal, and every note that is not about the cluster. */
async function confirm(disk: Disk, key: CheckpointKey, at: string, capturedAt: string | undefined): Promise<void> {
  if (Number.isNaN(Date.parse(at))) throw new PortError('invalid', `confirming ${key}: "${at}" is not a time`);
  const ahead = capturedAt !== undefined && Date.parse(capturedAt) > Date.parse(at);
  await note(disk, key, 'confirming', ({ cas }) => ({
    ...(cas === undefined ? {} : { cas }),
    confirmedAt: at,
    ...(ahead ? { capturedAt } : {}),
  }));
}

/** In the same file: a store of before reads what it knows of it, and a confirmation ends it. */
async function dismiss(disk: Disk, key: CheckpointKey, dismissal: Dismissal | undefined): Promise<void> {
  await note(disk, key, 'dismissing', ({ dismissed: _, ...rest }) => ({
    ...rest,
    ...(dismissal === undefined ? {} : { dismissed: dismissal as unknown as Json }),
  }));
}

/** Beside what is noted already; of notes that cannot be read nothing is kept. */
async function note(disk: Disk, key: CheckpointKey, activity: string, changed: (before: Json) => Json): Promise<void> {
  const home = checkpointDir(disk.dir, key);
  if ((await kindOf(home)) !== 'directory') throw new PortError('not-found', `${activity} ${key}: there is no such checkpoint`);
  const path = join(home, CONFIRMED);
  const before = await disk.sealed.read(path).catch(() => undefined);
  await disk.sealed.write(path, changed(before === undefined || before === 'damaged' ? {} : before));
}

/** Keeps everything while `current` is not whole: another revision may then be the last good one. */
async function prune(disk: Disk, key: CheckpointKey, keep: readonly string[]): Promise<void> {
  const revisions = join(checkpointDir(disk.dir, key), REVISIONS);
  const names = await readdir(revisions).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return [];
    throw wrapError(`pruning ${key}`, error);
  });
  const current = await currentRevision(disk, key);
  const old = names.filter((name) => isRevision(name) && name !== current && !keep.includes(name));
  if (old.length > 0 && (current === undefined || !(await isGood(disk, key, current)))) return;
  for (const name of old.sort()) {
    if ((await kindOf(join(revisions, name))) === 'directory') await discard(disk, join(revisions, name));
  }
  await emptyTrash(disk);
}

async function remove(disk: Disk, key: CheckpointKey): Promise<void> {
  const home = checkpointDir(disk.dir, key);
  const kind = await kindOf(home);
  if (kind === 'link' || kind === 'other') throw new PortError('failed', `${home} is not a directory: it is not ours, and was left alone`);
  if (kind === 'directory') {
    const foreign = (await readdir(home)).find((name) => ![CURRENT, CONFIRMED, REVISIONS].includes(name));
    if (foreign !== undefined) throw new PortError('failed', `removing ${key}: ${join(home, foreign)} is not ours: nothing was removed`);
    await remembering(disk, join(disk.dir, CHECKPOINTS), () => discard(disk, home));
    for (const path of disk.doubtful) if (path === home || path.startsWith(`${home}/`)) disk.doubtful.delete(path);
  } else if (disk.doubtful.has(join(disk.dir, CHECKPOINTS))) {
    // a removal that a power cut undoes is planned again, so here a second fsync is enough
    await syncParents(disk.primitives, home);
    disk.doubtful.delete(join(disk.dir, CHECKPOINTS));
  }
  await emptyTrash(disk);
}

/** Out of sight, durably, in one rename; {@link emptyTrash} deletes it. */
async function discard(disk: Disk, path: string): Promise<void> {
  await moveAside(disk.primitives, path, () => {
    const to = disk.temp();
    disk.trash.add(to);
    return to;
  });
}

/** Throws PortError `failed`; what stays is tried again the next time, or swept at the next start. */
async function emptyTrash(disk: Disk): Promise<void> {
  for (const path of disk.trash) {
    try {
      await deleteTree(disk.primitives, path);
      disk.trash.delete(path);
    } catch (error) {
      throw wrapError(`deleting ${path}`, error);
    }
  }
}
