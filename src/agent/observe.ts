/**
 * Asks every source with a deadline. A source that fails becomes an unknown with the reason, never an empty answer.
 * That it fails is told once, and so is that it answers again. Asks nothing but what it was told to.
 */

import type { ReachabilityState } from '../core/api/reachability.ts';
import { shortages } from '../core/kubelet/eviction.ts';
import type { PodWord } from '../core/model/ended.ts';
import { messageOf } from '../core/model/errors.ts';
import { type ManifestFile, type Millis, type RawPod, type RuntimeView, type Seen, seen, unseen } from '../core/model/model.ts';
import { namesOf } from '../core/turn/calm.ts';
import type { EndedParent } from '../core/turn/ended.ts';
import type { Needs } from '../core/turn/needs.ts';
import type { Observation } from '../core/turn/observation.ts';
import type { Ports } from '../ports.ts';

const LOCAL_DEADLINE_MS: Millis = 2_000;
const READ_DEADLINE_MS: Millis = 5_000;
/** More images than these are asked for by one list of all, and those by themselves that it does not name. */
const FEW_IMAGES = 4;
const NOT_ASKED = unseen('not asked in this turn');

export interface Question extends Pick<Observation, 'where' | 'optIn' | 'namespaces'> {
  readonly need: Needs;
  /** The verdict that holds for this turn. */
  readonly api: ReachabilityState;
  /** Looked at last: what the close watch began while the sources answered counts in this turn. */
  readonly begun: () => Observation['begun'];
}

export type Observe = (question: Question) => Promise<Observation>;

/** Asks a local source; `question` may throw. */
type Ask = <T>(source: string, question: () => Promise<T>) => Promise<Seen<T>>;

export function createObserver(ports: Ports): Observe {
  const down = new Set<string>();
  const ask: Ask = async (source, question) => {
    const answer = await wonder(question);
    ports.meter.gauge('checkpointer_source_up', answer.known ? 1 : 0, { source });
    if (answer.known && down.delete(source)) ports.log.info('A source answers again', { source });
    if (!answer.known && !down.has(source)) {
      down.add(source);
      ports.log.warn('A source does not answer; what it would tell is unknown until it does', { source, error: answer.why });
    }
    return answer;
  };
  return (question) => observe(ports, ask, question);
}

async function observe(ports: Ports, ask: Ask, question: Question): Promise<Observation> {
  const { need, api, begun, where, optIn, namespaces } = question;
  const [runtime, kubelet, life, manifests, images, reads, fates, short, exits, network] = await Promise.all([
    need.runtime ? askRuntime(ports, ask) : NOT_ASKED,
    need.kubelet ? askKubelet(ports, ask) : NOT_ASKED,
    need.kubelet ? ports.kubeletProcess.look(LOCAL_DEADLINE_MS) : {},
    need.manifests ? askManifests(ports, ask) : NOT_ASKED,
    askImages(ports, need.images),
    askReads(ports, need.reads),
    askFates(ports, need.ended?.parents ?? []),
    need.ended?.machine === true ? askMachine(ports) : undefined,
    askExits(ports, need.exits ?? []),
    need.network === true ? wonder(() => ports.runtime.network(LOCAL_DEADLINE_MS)) : undefined,
  ]);
  const { synced, healthy, pods, regressions = 0, lastAnswer } = ports.watch.view();
  return {
    now: ports.clock.now(),
    wall: ports.clock.wall(),
    api,
    watch: { synced, healthy, pods, regressions, ...(lastAnswer === undefined ? {} : { lastAnswer }) },
    runtime,
    kubelet,
    ...(need.kubelet ? {} : { unasked: true }),
    life,
    manifests,
    images,
    reads,
    ...(fates.size === 0 ? {} : { fates }),
    ...(short === undefined ? {} : { short }),
    exits,
    ...(network === undefined ? {} : { network }),
    begun: begun(),
    // the CA bundle may be another in the next turn, not within one
    where: { ...where },
    optIn,
    ...(namespaces === undefined ? {} : { namespaces }),
  };
}

async function askRuntime(ports: Ports, ask: Ask): Promise<Seen<RuntimeView>> {
  return ask('runtime', async () => ports.runtime.view(LOCAL_DEADLINE_MS));
}

async function askKubelet(ports: Ports, ask: Ask): Promise<Seen<ReadonlySet<string>>> {
  return ask('kubelet', async () => namesOf(await ports.kubelet.list(LOCAL_DEADLINE_MS)));
}

async function askManifests(ports: Ports, ask: Ask): Promise<Seen<readonly ManifestFile[]>> {
  return ask('manifests', async () => ports.manifests.list());
}

async function askImages(ports: Ports, references: readonly string[]): Promise<ReadonlyMap<string, Seen<boolean>>> {
  const named = references.length > FEW_IMAGES ? await wonder(() => ports.runtime.imageNames(LOCAL_DEADLINE_MS)) : unseen('few');
  const answers = references.map(async (reference) => {
    // what the list does not name may be a short name, which only the runtime can resolve
    if (named.known && named.value.has(reference)) return [reference, seen(true)] as const;
    const present = await wonder(async () => (await ports.runtime.imageId(reference, LOCAL_DEADLINE_MS)) !== undefined);
    return [reference, present] as const;
  });
  return new Map(await Promise.all(answers));
}

async function askExits(ports: Ports, ids: readonly string[]): Promise<NonNullable<Observation['exits']>> {
  const answers = ids.map(async (id) => {
    const exit = await wonder(async () => {
      const { exitCode: code, reason, finishedAtMs: at } = await ports.runtime.containerDetails(id, LOCAL_DEADLINE_MS);
      return { code, reason, at };
    });
    return [id, exit] as const;
  });
  return new Map(await Promise.all(answers));
}

async function askReads(ports: Ports, wanted: Needs['reads']): Promise<ReadonlyMap<string, Seen<RawPod | undefined>>> {
  const answers = wanted.map(async ({ key, namespace, name }) => {
    const pod = await wonder(async () => ports.reader.readPod({ namespace, name }, READ_DEADLINE_MS));
    return [key, pod] as const;
  });
  return new Map(await Promise.all(answers));
}

async function askFates(ports: Ports, parents: readonly EndedParent[]): Promise<NonNullable<Observation['fates']>> {
  const answers = parents.map(async ({ key, uids }): Promise<readonly [string, readonly (PodWord | undefined)[]]> => {
    return [key, await Promise.all(uids.map(async (uid) => ports.kubeletProcess.podWord(uid, LOCAL_DEADLINE_MS)))];
  });
  return new Map(await Promise.all(answers));
}

/** No source that anything else rests on; what fails of it is told with the copy that waits for it. */
async function askMachine(ports: Ports): Promise<Seen<readonly string[]>> {
  return shortages(await ports.machine.look(LOCAL_DEADLINE_MS));
}

async function wonder<T>(question: () => Promise<T>): Promise<Seen<T>> {
  try {
    return seen(await question());
  } catch (error) {
    return unseen(messageOf(error));
  }
}
