/**
 * What the container runtime tells, and may not be so: another source contradicts it, or it does not know itself. Then
 * it is unknown, which starts and ends nothing. Pure.
 */
import { fieldAt } from '../model/json.ts';
import { ANNOTATION_MIRROR } from '../model/keys.ts';
import { type Millis, type RawPod, type RuntimeView, unseen } from '../model/model.ts';
import { sinceEach } from '../model/since.ts';
import { parseTime } from '../model/time.ts';
import type { Observation } from './observation.ts';

/** Carried from look to look. */
export interface Doubt {
  /** Since when each container that the API server shows as running has been unknown to the runtime, by id. */
  readonly since: ReadonlyMap<string, Millis>;
  /** One sentence while they contradict each other. */
  readonly says?: string;
}

export const NO_DOUBT: Doubt = { since: new Map() };

/** What the API server shows lags behind. */
export const SETTLE_MS: Millis = 30_000;
/** The clock that stamped a container may have been this far ahead of today's. */
const CLOCK_SLACK_MS: Millis = 60_000;
/** A stamp before this is that of a clock that did not know the time. */
const NO_CLOCK = parseTime('2020-01-01T00:00:00Z');

/**
 * The doubt after a look. It takes both sources to begin one and to end it. `bootedAt`: when this node booted, on the
 * clock of `o.now`; undefined: not known.
 */
export function doubtAfter(before: Doubt, o: Observation, bootedAt: Millis | undefined): Doubt {
  if (!o.watch.synced || !o.watch.healthy || !o.runtime.known) return before;
  const strange = strangeContainers([...o.watch.pods.values()], o.runtime.value, bootWall(o, bootedAt));
  const since = sinceEach(before.since, [...strange.keys()], o.now);
  const [found] = [...strange].filter(([id]) => o.now - (since.get(id) ?? o.now) >= SETTLE_MS);
  return { since, ...(found === undefined ? {} : { says: sentence(found[1]) }) };
}

/** The observation as it may be believed. */
export function doubted(o: Observation, { says }: Doubt, bootedAt: Millis | undefined): Observation {
  if (says !== undefined) return { ...o, runtime: unseen(says), contradiction: says };
  return o.runtime.known ? { ...o, runtime: { known: true, value: settled(o.runtime.value, bootWall(o, bootedAt)) } } : o;
}

/** A state that the runtime does not know is no life where the container is of an earlier boot. */
function settled(view: RuntimeView, booted: number | undefined): RuntimeView {
  const isOld = (at: number): boolean => booted !== undefined && at > NO_CLOCK && at < booted - CLOCK_SLACK_MS;
  if (!view.containers.some(({ state, createdAtMs }) => state === 'unknown' && isOld(createdAtMs))) return view;
  const containers = view.containers.map((container) =>
    container.state === 'unknown' && isOld(container.createdAtMs) ? { ...container, state: 'exited' as const } : container,
  );
  return { ...view, containers };
}

/** Running by the API server's word, with nothing of their pod in the runtime; by id, with what they are called. */
function strangeContainers(pods: readonly RawPod[], view: RuntimeView, booted: number | undefined): ReadonlyMap<string, string> {
  const known = new Set([...view.sandboxes.map(({ uid }) => uid), ...view.containers.flatMap(({ id, podUid }) => [id, podUid])]);
  return new Map(
    pods
      .filter(({ metadata }) => !known.has(metadata?.uid ?? '') && metadata?.deletionTimestamp === undefined)
      // its sandbox has the uid of the static pod
      .filter(({ metadata }) => metadata?.annotations?.[ANNOTATION_MIRROR] === undefined)
      .flatMap((pod) =>
        runningIn(pod, booted)
          .filter(({ id }) => !known.has(id))
          .map(({ id, name }) => [id, `${name} of pod ${pod.metadata?.namespace}/${pod.metadata?.name}`] as const),
      ),
  );
}

/** What was started before this boot does not run, whatever the API server still shows. */
function runningIn({ status }: RawPod, booted: number | undefined): readonly { readonly id: string; readonly name: string }[] {
  return [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])].flatMap((container) => {
    const id = container.containerID?.replace(/^[a-z0-9.-]+:\/\//, '');
    const startedAt = fieldAt(container, 'state', 'running', 'startedAt');
    if (!id || typeof startedAt !== 'string' || (booted !== undefined && parseTime(startedAt) < booted)) return [];
    return [{ id, name: container.name }];
  });
}

function bootWall({ now, wall }: Observation, bootedAt: Millis | undefined): number | undefined {
  return bootedAt === undefined ? undefined : wall - now + bootedAt;
}

function sentence(container: string): string {
  return `the API server shows container ${container} running, and the container runtime knows nothing of that pod: the kubelet uses another runtime than the one that criSocket names; nothing is captured, and no copy starts, until criSocket names it`;
}
