/**
 * Looks once a second at what may change in a calm outage, in the place of most turns: the runtime's containers, the
 * kubelet's list, staticPodPath. What is new there wakes the loop, whose turn looks for itself; so does a source that
 * does not answer. It decides nothing; when an outage is calm: `core/turn/calm.ts`.
 */
import type { Millis, PodName, RuntimeView } from '../core/model/model.ts';
import { GLANCE_MS, namesOf, type Sight, sameContainers, sameNames } from '../core/turn/calm.ts';
import type { Ports } from '../ports.ts';

const DEADLINE_MS: Millis = 2_000;

export interface Glance {
  /** To be said after every turn. `at`: what it saw; undefined: the turns look for themselves. */
  aim(at: Sight | undefined): void;
  /** The last moment at which all was as the last turn saw it; undefined: nobody has looked since. */
  unchangedAt(): Millis | undefined;
  run(signal: AbortSignal): Promise<void>;
}

export interface GlanceListener {
  /** The close watch need not ask for them. */
  containers(all: RuntimeView['containers']): void;
  /** Something is not as the last turn saw it. */
  news(): void;
}

export function createGlance(ports: Pick<Ports, 'runtime' | 'kubelet' | 'manifests' | 'clock'>, listener: GlanceListener): Glance {
  let sight: Sight | undefined;
  let directory: string | undefined;
  let unchanged: Millis | undefined;
  /** The kubelet's list that was found to be the sight's: one that has not changed is the same object. */
  let known: readonly PodName[] | undefined;
  let rouse = (): void => undefined;

  async function isAsBefore(before: Sight): Promise<boolean> {
    const [containers, listed] = await Promise.all([
      ports.runtime.containers(DEADLINE_MS).then((all) => {
        listener.containers(all);
        return all;
      }),
      ports.kubelet.list(DEADLINE_MS),
    ]);
    if (!sameContainers(before.containers, containers) || directory !== ports.manifests.stamp()) return false;
    if (listed === known) return true;
    if (!sameNames(before.listed, namesOf(listed))) return false;
    if (sight === before) known = listed;
    return true;
  }

  async function look(before: Sight): Promise<void> {
    const at = ports.clock.now();
    const same = await isAsBefore(before).catch(() => false);
    // a turn has looked meanwhile, and knows better
    if (sight !== before) return;
    if (same) unchanged = at;
    else listener.news();
  }

  async function untilAimed(signal: AbortSignal): Promise<void> {
    if (sight === undefined && !signal.aborted) await new Promise<void>((resolve) => (rouse = resolve));
  }

  return {
    aim(at) {
      sight = at;
      unchanged = undefined;
      known = undefined;
      if (at === undefined) return;
      directory = ports.manifests.stamp();
      rouse();
    },
    unchangedAt: () => unchanged,
    async run(signal) {
      signal.addEventListener('abort', () => rouse(), { once: true });
      while (!signal.aborted) {
        await untilAimed(signal);
        await ports.clock.sleep(GLANCE_MS, signal).catch(() => undefined);
        if (sight !== undefined && !signal.aborted) await look(sight);
      }
    },
  };
}
