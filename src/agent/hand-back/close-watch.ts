/**
 * The close watch: while a copy that must not run beside its parent waits for it, looks every few milliseconds whether
 * it comes. The instant it does, the withdrawal that the last turn prepared is handed over, and the loop is woken. Its
 * next turn finds it done. It decides nothing.
 *
 * Two signs, whichever is first: the kubelet's attempt to create the parent's container, which leaves a name on the
 * disk, and the container itself. The attempt is 10 to 110 ms ahead, and those are what decides who finds the port
 * taken. An attempt is only a sign where a withdrawal is prepared (the turn judges what is in the runtime), and where
 * this node's runtime follows it up at once.
 *
 * Why polling: not every runtime has an event stream (containerd before 1.7 has none), one call for all pods costs a
 * millisecond or two, and it is quick only after a sign of the API server or the kubelet (`core/turn/pace.ts`). Where
 * there are events, `nudge` makes the next look at once.
 */
import type { Withdrawal } from '../../core/model/actions.ts';
import type { Millis, RuntimeView } from '../../core/model/model.ts';
import type { ParentSign } from '../../core/turn/starts.ts';
import { isAwaited, type WatchTarget } from '../../core/turn/watch-targets.ts';
import type { ContainerAttempts, Ports } from '../../ports.ts';

const MAX_PACE_MS: Millis = 1_000;
const CALL_DEADLINE_MS: Millis = 1_000;

export interface CloseWatch {
  /**
   * What to look for from now on; an empty list lets it rest. `shown`: somebody else looks, and shows it what is there.
   */
  aim(targets: readonly WatchTarget[], shown?: boolean): void;
  /** All containers of the node. */
  show(containers: RuntimeView['containers']): void;
  /** Something happened in this pod: look now. */
  nudge(podUid: string): void;
  run(signal: AbortSignal): Promise<void>;
}

export interface CloseWatchListener {
  /** The pod that this withdrawal was prepared for is on its way. Called before `wake`. */
  withdraw(withdrawal: Withdrawal, podUid: string, sign: ParentSign): void;
  wake(): void;
}

/** `earliest`: the first sign that fits the runtime of this node. */
export function createCloseWatch(
  ports: Pick<Ports, 'runtime' | 'clock' | 'attempts'>,
  listener: CloseWatchListener,
  earliest: () => ParentSign,
): CloseWatch {
  let targets: readonly WatchTarget[] = [];
  let shown = false;
  const attempts = createAttemptSigns(ports.attempts);
  const containers = createContainerSigns();
  /** Loops that rest until there is something to look for, or that pause between two looks. */
  const roused = new Set<() => void>();

  function tell({ withdrawal }: WatchTarget, podUid: string, sign: ParentSign): void {
    if (withdrawal !== undefined) listener.withdraw(withdrawal, podUid, sign);
    listener.wake();
  }

  function lookForAttempts(): void {
    for (const target of targets) {
      for (const podUid of target.podUids) {
        // looked at in any case: what is no sign now must not be news later
        const isNew = attempts.isNew(podUid, target.signs);
        if (isNew && target.withdrawal !== undefined && earliest() === 'attempt') tell(target, podUid, 'attempt');
      }
    }
  }

  // A runtime that does not answer is the turn's business to report; here it only means: look again.
  async function lookForContainers(podUids: readonly string[]): Promise<void> {
    if (podUids.length === 0) return;
    const found = await ports.runtime.containersOf(podUids, CALL_DEADLINE_MS).catch(() => []);
    tellContainers(found);
  }

  /** Aimed anew meanwhile? Then by what holds now. */
  function tellContainers(found: RuntimeView['containers']): void {
    for (const target of targets) {
      const podUid = containers.newFor(target, found);
      if (podUid !== undefined) tell(target, podUid, 'container');
    }
  }

  function rests(): boolean {
    return shown || targets.length === 0;
  }

  function rouse(): void {
    for (const resolve of roused) resolve();
    roused.clear();
  }

  /** Until the time is over, or it is roused: the targets ask for a quicker pace, or all of it ends. */
  async function pause(): Promise<void> {
    if (rests()) return;
    const over = new AbortController();
    const end = (): void => over.abort();
    roused.add(end);
    await ports.clock.sleep(paceOf(targets), over.signal).catch(() => undefined);
    roused.delete(end);
  }

  /** At the pace of the most urgent target; rests while there is none. */
  async function again(work: () => Promise<void>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (rests()) {
        await new Promise<void>((resolve) => roused.add(resolve));
        continue;
      }
      await work();
      if (!signal.aborted) await pause();
    }
  }

  return {
    aim(next, nextShown = false) {
      const before = shown ? Number.POSITIVE_INFINITY : paceOf(targets);
      const quicker = !nextShown && paceOf(next) < before;
      targets = next;
      shown = nextShown;
      if (quicker) rouse();
      if (next.length > 0) return;
      attempts.forget();
      containers.forget();
    },
    show(found) {
      lookForAttempts();
      tellContainers(found);
    },
    nudge(podUid) {
      if (targets.some((target) => target.podUids.includes(podUid))) void lookForContainers([podUid]);
    },
    async run(signal) {
      signal.addEventListener('abort', rouse, { once: true });
      // side by side: a runtime that is slow to answer must not keep the kubelet's attempts from being seen
      const lookAtAll = (): Promise<void> => lookForContainers(targets.flatMap((target) => target.podUids));
      await Promise.all([again(async () => lookForAttempts(), signal), again(lookAtAll, signal)]);
    },
  };
}

/** Without a target it is that of none: any is quicker. */
function paceOf(targets: readonly WatchTarget[]): Millis {
  return targets.length === 0 ? Number.POSITIVE_INFINITY : Math.min(...targets.map((target) => target.paceMs), MAX_PACE_MS);
}

interface AttemptSigns {
  /** Has the kubelet begun to make one of these containers since the last look? */
  isNew(podUid: string, containers: readonly string[]): boolean;
  forget(): void;
}

function createAttemptSigns(attempts: ContainerAttempts): AttemptSigns {
  /** Attempts that are no news, by pod and container: made before this watch first looked, or told. */
  const seen = new Map<string, readonly string[]>();

  function hasNew(podUid: string, container: string): boolean {
    const key = `${podUid} ${container}`;
    const before = seen.get(key);
    const now = attempts.of(podUid, container);
    if (now === undefined || now === before) return false;
    seen.set(key, now);
    return before !== undefined && now.some((name) => !before.includes(name));
  }

  return {
    // every container is looked at, so that none of these attempts is news the next time
    isNew: (podUid, containers) => containers.filter((container) => hasNew(podUid, container)).length > 0,
    forget: () => seen.clear(),
  };
}

interface ContainerSigns {
  /** The pod of a container that the target has waited for, which is there now and was not told before. */
  newFor(target: WatchTarget, containers: RuntimeView['containers']): string | undefined;
  forget(): void;
}

function createContainerSigns(): ContainerSigns {
  const told = new Set<string>();
  return {
    newFor(target, containers) {
      const news = containers.filter((container) => isAwaited(target, container) && !told.has(container.id));
      for (const container of news) told.add(container.id);
      return news[0]?.podUid;
    },
    forget: () => told.clear(),
  };
}
