/**
 * The two steps of an uninstall that are done once for the whole cluster: the agents' DaemonSet goes, then the nodes
 * are waited for. Each repeats what failed until its time is over, and can be run again. The rules are in
 * `core/uninstall/uninstall.ts`.
 */
import type { Millis } from '../../core/model/model.ts';
import { type UninstallProgress, uninstallProgress } from '../../core/uninstall/uninstall.ts';
import { type Clock, PortError, type UninstallApi } from '../../ports.ts';

export interface UninstallPorts {
  readonly clock: Clock;
  readonly api: UninstallApi;
}

export interface UninstallOptions {
  readonly namespace: string;
  /** Names of the two DaemonSets. */
  readonly agents: string;
  readonly cleaners: string;
  readonly limitMs: Millis;
  readonly say: (sentence: string) => void;
  readonly signal: AbortSignal;
}

const LOOK_EVERY_MS: Millis = 2_000;
/** Of a thousand nodes nobody reads the names. */
const NAMES_SHOWN = 20;

/** True: there is no DaemonSet of the agents any more. */
export async function removeAgents({ clock, api }: UninstallPorts, options: UninstallOptions): Promise<boolean> {
  const what = `DaemonSet ${options.namespace}/${options.agents}`;
  let told = false;
  const gone = await repeat(clock, options, async () => {
    const found = await api.daemonSet(options.agents);
    if (found === undefined) {
      options.say(`${what} is gone: its pods end`);
      return true;
    }
    if (!found.ofHelm) {
      options.say(
        `${what} was not installed by helm, and was left alone: objects out of "helm template" that have the annotation helm.sh/hook must not be applied; remove them, and render with --no-hooks`,
      );
      return false;
    }
    await api.deleteDaemonSet(options.agents, found.uid);
    told = true;
    return undefined;
  });
  if (!gone && told) {
    const look = `kubectl --namespace ${options.namespace} get daemonset ${options.agents} --output yaml`;
    options.say(
      `${what} was told to go and is still there: see what holds it, its finalizers first (${look}), and run helm uninstall again`,
    );
  }
  return gone;
}

/** True: every node that is up is clean. */
export async function awaitNodes({ clock, api }: UninstallPorts, options: UninstallOptions): Promise<boolean> {
  const { cleaners: name, namespace, say } = options;
  let last: UninstallProgress | undefined;
  let tied = false;
  const done = await repeat(clock, options, async () => {
    const cleaners = await api.daemonSet(name);
    if (cleaners === undefined) await api.removeBelongings(name);
    else if (!tied) await api.tieToCleaners(name, cleaners.uid);
    tied = true;
    const [pods, nodes] = cleaners === undefined ? [[], []] : [await api.cleanerPods(name), await api.nodes()];
    last = uninstallProgress(cleaners, pods, nodes);
    if (last.result === 'going-on') return undefined;
    if (last.result === 'all-clean' && cleaners !== undefined) await api.deleteDaemonSet(name, cleaners.uid);
    return true;
  });
  if (last === undefined) return false;
  if (last.result === 'all-clean' && last.clean.length === 0) say(`DaemonSet ${namespace}/${name} has nothing to clean any more`);
  if (last.clean.length > 0) say(`${counted(last.clean)} clean: ${names(last.clean)}`);
  if (last.down.length > 0) {
    say(
      `${counted(last.down)} down: ${names(last.down)}: cleaned as soon as the node comes back; DaemonSet ${namespace}/${name} waits for that, and removes itself when all are clean or were deleted from the cluster`,
    );
  }
  if (done) return true;
  for (const { node, why } of last.awaited.slice(0, NAMES_SHOWN)) say(`node ${node} is up and not clean${why === '' ? '' : `: ${why}`}`);
  if (last.awaited.length > NAMES_SHOWN) say(`and so are ${last.awaited.length - NAMES_SHOWN} more`);
  say(
    `the logs of their pods say more (kubectl --namespace ${namespace} logs --prefix --selector app.kubernetes.io/component=cleanup); they go on by themselves, and helm uninstall can be run again`,
  );
  return false;
}

/** Until `attempt` has an answer, or the time is over: false. A failed request is told once and made again. */
async function repeat(clock: Clock, options: UninstallOptions, attempt: () => Promise<boolean | undefined>): Promise<boolean> {
  const { say, signal, limitMs } = options;
  const until = clock.now() + limitMs;
  while (!signal.aborted && clock.now() < until) {
    try {
      const answer = await attempt();
      if (answer !== undefined) return answer;
    } catch (error) {
      if (!(error instanceof PortError)) throw error;
      say(error.message);
    }
    await clock.sleep(LOOK_EVERY_MS, signal).catch(() => undefined);
  }
  return false;
}

function counted(list: readonly string[]): string {
  return list.length === 1 ? '1 node is' : `${list.length} nodes are`;
}

function names(list: readonly string[]): string {
  const more = list.length - NAMES_SHOWN;
  return `${list.slice(0, NAMES_SHOWN).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
