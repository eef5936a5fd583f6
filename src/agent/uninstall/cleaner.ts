/**
 * A pod of the uninstall: cleans its node once the agents are known to be gone, stays ready as long as other nodes are
 * not clean, and deletes its DaemonSet when all are, or when the agents were installed again. Holds the host lock only
 * while the node is being cleaned and afterwards. Contains no rules: they are in `core/uninstall/uninstall.ts`.
 */
import { type Millis, type Seen, seen, unseen } from '../../core/model/model.ts';
import { type CleanerStep, cleanerStep, type DaemonSetView, type SeenDaemonSet } from '../../core/uninstall/uninstall.ts';
import { type Clock, PortError, type UninstallApi } from '../../ports.ts';

export interface CleanerPorts {
  readonly clock: Clock;
  /** Numbers in [0, 1): spreads the requests of many nodes over time. */
  readonly random: () => number;
  readonly api: Pick<UninstallApi, 'daemonSet' | 'deleteDaemonSet'>;
  readonly lock: {
    held(): boolean;
    acquire(signal: AbortSignal): Promise<boolean>;
    release(): void;
  };
}

export interface CleanerOptions {
  readonly namespace: string;
  /** Names of the two DaemonSets. */
  readonly agents: string;
  readonly cleaners: string;
  /** Called with the lock held; true: the node is clean. Throws PortError. */
  readonly cleanNode: () => Promise<boolean>;
  /** The lock is given back: nothing of this process may stand in an agent's way any more. */
  readonly leave: () => Promise<void>;
  readonly say: (sentence: string) => void;
  readonly signal: AbortSignal;
}

const LOOK_EVERY_MS: Millis = 5_000;
/** A clean node only waits for others, maybe for weeks: it asks less and less often, down to this after two minutes. */
const LOOK_SELDOM_MS: Millis = 30_000;
const LESS_OFTEN = 1.3;

/** Until the signal. True: the node is clean. */
export async function runCleaner(ports: CleanerPorts, options: CleanerOptions): Promise<boolean> {
  const { clock, lock } = ports;
  const { say, signal } = options;
  let clean = false;
  let pause = LOOK_EVERY_MS;

  const ask = async (name: string): Promise<SeenDaemonSet> => observe(() => ports.api.daemonSet(name), say);
  async function look(): Promise<{ readonly step: CleanerStep; readonly agents: SeenDaemonSet; readonly cleaners: SeenDaemonSet }> {
    const [agents, cleaners] = [await ask(options.agents), await ask(options.cleaners)];
    return { step: cleanerStep(agents, cleaners, clean), agents, cleaners };
  }

  /** True: the lock is held, and the agents were seen to be gone after it was. */
  async function holdLock(): Promise<boolean> {
    if (lock.held()) return true;
    const giveUp = new AbortController();
    const waiting = lock.acquire(AbortSignal.any([signal, giveUp.signal]));
    while (!(await settles(waiting, clock, LOOK_EVERY_MS))) {
      say('another process of ours holds the lock of this node: waiting until it ends');
      if (!signal.aborted && (await look()).step !== 'clean') giveUp.abort();
    }
    if (!(await waiting)) return false;
    if ((await look()).step === 'clean') return true;
    lock.release();
    return false;
  }

  async function finish(cleaners: DaemonSetView): Promise<boolean> {
    const deleted = await observe(() => ports.api.deleteDaemonSet(options.cleaners, cleaners.uid), say);
    if (!deleted.known) return false;
    await options.leave();
    lock.release();
    return true;
  }

  while (!signal.aborted) {
    const { step, agents, cleaners } = await look();
    if (agents.known && agents.value !== undefined && !agents.value.deleting && step === 'wait')
      say(`DaemonSet ${options.namespace}/${options.agents} is there: nothing is cleaned while it is`);
    if (step === 'clean' && (await holdLock())) {
      clean = (await observe(options.cleanNode, say).then((done) => done.known && done.value)) === true;
      pause = LOOK_EVERY_MS;
    } else if (step === 'finish' && cleaners.known && cleaners.value !== undefined && (await finish(cleaners.value))) {
      say(clean ? 'every node is clean: the cleanup ends' : 'the agents were installed again: nothing is cleaned any more');
      break;
    }
    await clock.sleep(pause * (0.75 + ports.random() / 2), signal).catch(() => undefined);
    pause = clean ? Math.min(pause * LESS_OFTEN, LOOK_SELDOM_MS) : LOOK_EVERY_MS;
  }
  // the kubelet would start a process that ends anew: the pod goes when its DaemonSet does
  while (!signal.aborted) await clock.sleep(LOOK_SELDOM_MS, signal).catch(() => undefined);
  return clean;
}

async function observe<T>(ask: () => Promise<T>, say: CleanerOptions['say']): Promise<Seen<T>> {
  try {
    return seen(await ask());
  } catch (error) {
    if (!(error instanceof PortError)) throw error;
    say(error.message);
    return unseen(error.message);
  }
}

/** False: the time was over first. */
async function settles(work: Promise<unknown>, clock: Clock, ms: Millis): Promise<boolean> {
  const enough = new AbortController();
  const late = clock.sleep(ms, enough.signal).then(
    () => false,
    () => true,
  );
  const first = await Promise.race([work.then(() => true), late]);
  enough.abort();
  return first;
}
