/**
 * Carries out planned actions through the ports, one after another, and keeps the ledger true. Contains no rules.
 *
 * Order inside an action matters and is stated where it is made. An action that fails is logged and counted; the next
 * turn plans it again.
 */

import type { Action, Withdrawal } from '../core/model/actions.ts';
import { messageOf } from '../core/model/errors.ts';
import type { Checkpoint, CheckpointKey, HandBackMemory, Ledger, Millis, Placed } from '../core/model/model.ts';
import type { ParentSign } from '../core/turn/starts.ts';
import { mayPlace } from '../core/turn/verification.ts';
import type { Ports } from '../ports.ts';
import type { Held } from './held.ts';

const STOP_DEADLINE_MS: Millis = 10_000;
/** Copies are placed by what was seen no longer ago than this, and one in any case. */
const PLACING_MS: Millis = 1_000;

/** The stored checkpoint, every byte of it read a moment ago. */
export type ReadFresh = (key: CheckpointKey) => Promise<Checkpoint | undefined>;

/**
 * Withdrawals first, and all at once: several parents may be about to start, each within milliseconds of the other.
 * Where copies take long to be placed the rest is for the next turn, which looks anew: their parents may have come.
 */
export async function apply(ports: Ports, held: Held, actions: readonly Action[], fresh: ReadFresh): Promise<void> {
  const withdrawals = actions.filter((action) => action.do === 'withdraw');
  if (withdrawals.length > 0) await withdrawAll(ports, held, withdrawals);
  const from = ports.clock.now();
  for (const action of actions) {
    if (action.do === 'place' && ports.clock.now() - from >= PLACING_MS) return;
    // planned on what was seen before the close watch took this manifest away; the next turn sees that
    if (action.do === 'place' && held.withdrawing.has(action.placed.key)) continue;
    if (action.do !== 'withdraw') await attempt(ports, held, action, () => applyOne(ports, held, action, fresh));
  }
}

/**
 * The close watch has seen the parent on its way: begins the prepared withdrawal without waiting for a turn. The ledger
 * follows in the next turn, which is told of it; a crash before that repeats the withdrawal.
 */
export function withdrawAtOnce(ports: Ports, held: Held, withdrawal: Withdrawal, toUid: string, sign: ParentSign): void {
  const { key, file } = withdrawal.placed;
  const now = held.ledger.placed.find((placed) => placed.key === key);
  if (held.withdrawing.has(key) || now?.phase !== withdrawal.placed.phase || now.file !== file) return;
  const done = attempt(ports, held, withdrawal, () => withdraw(ports, held, withdrawal, sign));
  held.withdrawing.set(key, { at: ports.clock.now(), toUid, done });
}

/** A turn that began later than this has seen what became of these withdrawals, and planned by that. */
export function forgetWithdrawals(held: Held, begun: Millis): void {
  for (const [key, { at }] of held.withdrawing) if (at < begun) held.withdrawing.delete(key);
}

async function attempt(ports: Ports, held: Held, action: Action, work: () => Promise<void>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    ports.log.error('An action failed and will be planned again', {
      action: action.do,
      checkpoint: nameOf(held, action),
      error: messageOf(error),
    });
    countFailure(ports, action);
    return false;
  }
}

async function applyOne(ports: Ports, held: Held, action: Exclude<Action, Withdrawal>, fresh: ReadFresh): Promise<void> {
  switch (action.do) {
    case 'place':
      return mayPlace(action, await fresh(action.placed.key)) ? place(ports, held, action) : undefined;
    case 'stop-copy':
      for (const id of action.sandboxes) await ports.runtime.stopSandbox(id, STOP_DEADLINE_MS);
      ports.log.warn('Stopped what was left of the copy', { checkpoint: nameOf(held, action), sandboxes: action.sandboxes.length });
      return;
    case 'forget-copy':
      return changeLedger(held, { placed: held.ledger.placed.filter((placed) => placed.key !== action.key) });
    case 'remember':
      return changeLedger(held, { handBacks: withMemory(held.ledger, action.memory) });
    case 'dismiss':
      return dismiss(ports, held, action);
    case 'remove-checkpoint':
      return removeCheckpoint(ports, held, action);
  }
}

/**
 * 1. the parent's dead sandbox goes, so that it cannot hold a port or an address; 2. the ledger says what will be
 * there; 3. the manifest appears. A crash between 2 and 3 leaves an entry without a file: planned again, or forgotten.
 */
async function place(ports: Ports, held: Held, action: Extract<Action, { do: 'place' }>): Promise<void> {
  const { placed } = action;
  for (const id of action.stopOrphans) await ports.runtime.stopSandbox(id, STOP_DEADLINE_MS);
  await changeLedger(held, { placed: withPlaced(held.ledger.placed, placed) });
  await ports.manifests.place(placed.file, action.manifest, action.expect);
  if (placed.self !== true) ports.meter.count('checkpointer_activations_total', { result: placed.attempt === 1 ? 'placed' : 'retried' });
  ports.log.info(placed.self === true ? "Placed the standby's manifest" : "Placed the copy's manifest", {
    checkpoint: nameOf(held, action),
    file: placed.file,
    revision: placed.revision,
    attempt: placed.attempt,
    reason: placed.why,
    ...(placed.reserves === undefined ? {} : { zeroed: placed.reserves.zeroed, reserves: placed.reserves.why }),
  });
}

/** The ledger follows when the manifests are gone, for all: a crash before that repeats it, and finds nothing to do. */
async function withdrawAll(ports: Ports, held: Held, withdrawals: readonly Withdrawal[]): Promise<void> {
  const worked = await Promise.all(withdrawals.map((action) => withdrawOnce(ports, held, action)));
  const left = withdrawals.filter((_, at) => worked[at]).map(({ placed }) => ({ ...placed, phase: 'leaving' as const }));
  const [first] = withdrawals;
  if (left.length > 0 && first !== undefined)
    await attempt(ports, held, first, () => changeLedger(held, { placed: left.reduce(withPlaced, held.ledger.placed) }));
  // not before the ledger says so: the next sign of the same parent would begin it again
  for (const { placed } of withdrawals) held.withdrawing.delete(placed.key);
}

/** Not again where the close watch has begun it and it worked. */
async function withdrawOnce(ports: Ports, held: Held, action: Withdrawal): Promise<boolean> {
  const begun = await held.withdrawing.get(action.placed.key)?.done;
  return begun === true || (await attempt(ports, held, action, () => withdraw(ports, held, action, 'turn')));
}

/**
 * The copy's containers stop and the manifest goes, both at once: a parent's process comes some 0.1 s after its sign,
 * and by then the port must be free. Should the kubelet start the copy again in between, it gives up at once.
 */
async function withdraw(ports: Ports, held: Held, action: Withdrawal, sign: ParentSign | 'turn'): Promise<void> {
  const from = ports.clock.now();
  const checkpoint = nameOf(held, action);
  const { file } = action.placed;
  const killed = stopContainers(ports, held, action);
  try {
    await ports.manifests.remove(file, action.digest);
  } catch (error) {
    if (action.replaced !== true) throw error;
    ports.log.warn('A file in the place of our manifest is not ours and was left alone', { checkpoint, file, error: messageOf(error) });
    return;
  }
  const removeMs = Math.round(ports.clock.now() - from);
  const again = action.placed.phase === 'leaving';
  ports.log[again ? 'debug' : 'info']("Withdrew the copy's manifest", { checkpoint, file, removeMs, killed, sign });
}

/**
 * Nobody waits for the stops: one may take a second, in which another parent is created. One that fails shows in the
 * runtime, and the copy's sandbox is stopped instead. Gives the number of containers that were killed right away.
 */
function stopContainers(ports: Ports, held: Held, { placed, stop, graceSeconds }: Withdrawal): number {
  const from = ports.clock.now();
  const checkpoint = nameOfKey(held, placed.key);
  const killed = graceSeconds === 0 ? stop.filter((id) => held.pids.kill(id)).length : 0;
  const deadlineMs = STOP_DEADLINE_MS + graceSeconds * 1000;
  void Promise.all(stop.map(async (id) => ports.runtime.stopContainer(id, graceSeconds, deadlineMs))).then(
    () => {
      if (stop.length === 0) return;
      const stopMs = Math.round(ports.clock.now() - from);
      ports.log.info("Stopped the copy's containers", { checkpoint, containers: stop.length, stopMs });
    },
    (error: unknown) =>
      ports.log.warn("The copy's containers could not be stopped; its sandbox will be", { checkpoint, error: messageOf(error) }),
  );
  return killed;
}

async function dismiss(ports: Ports, held: Held, { key, dismissal }: Extract<Action, { do: 'dismiss' }>): Promise<void> {
  const checkpoint = nameOfKey(held, key);
  await ports.store.dismiss(key, dismissal);
  const { dismissed: _, ...stored } = held.checkpoints.get(key) ?? {};
  if ('record' in stored) held.checkpoints.set(key, { ...stored, ...(dismissal === undefined ? {} : { dismissed: dismissal }) });
  if (dismissal === undefined) ports.log.info('The parent is wanted again', { checkpoint });
  else ports.log.info('The parent is not wanted any more: no copy of it will start', { checkpoint, reason: dismissal.why });
}

async function removeCheckpoint(ports: Ports, held: Held, action: Extract<Action, { do: 'remove-checkpoint' }>): Promise<void> {
  await ports.store.remove(action.key);
  const name = nameOf(held, action);
  held.checkpoints.delete(action.key);
  await changeLedger(held, { handBacks: held.ledger.handBacks.filter((memory) => memory.key !== action.key) });
  ports.meter.count('checkpointer_retirements_total', { reason: action.reason });
  ports.log.info('Retired the checkpoint', { checkpoint: name, reason: action.reason });
}

async function changeLedger(held: Held, change: Partial<Pick<Ledger, 'placed' | 'handBacks'>>): Promise<void> {
  const next: Ledger = { ...held.ledger, ...change };
  if (JSON.stringify(next) === JSON.stringify(held.ledger)) return;
  await held.writeLedger(next);
}

function withPlaced(all: readonly Placed[], placed: Placed): readonly Placed[] {
  return [...all.filter((entry) => entry.key !== placed.key), placed].sort((a, b) => (a.key < b.key ? -1 : 1));
}

function withMemory(ledger: Ledger, memory: HandBackMemory): readonly HandBackMemory[] {
  return [...ledger.handBacks.filter((entry) => entry.key !== memory.key), memory].sort((a, b) => (a.key < b.key ? -1 : 1));
}

function nameOf(held: Held, action: Action): string {
  return nameOfKey(held, keyOf(action));
}

/** `namespace/name`, as people write it. */
function nameOfKey(held: Held, key: CheckpointKey): string {
  const parent = held.checkpoints.get(key)?.record.parent;
  return parent === undefined ? key : `${parent.namespace}/${parent.name}`;
}

function keyOf(action: Action): CheckpointKey {
  switch (action.do) {
    case 'place':
    case 'withdraw':
      return action.placed.key;
    case 'remember':
      return action.memory.key;
    default:
      return action.key;
  }
}

function countFailure(ports: Ports, action: Action): void {
  if (action.do === 'place' && action.placed.self !== true) ports.meter.count('checkpointer_activations_total', { result: 'failed' });
  if (action.do === 'withdraw' && action.placed.self !== true)
    ports.meter.count('checkpointer_hand_backs_total', { mode: 'unknown', result: 'failed' });
}
