/**
 * The pods of the embedded API server: objects, a resourceVersion that only grows, and a bounded history for watches.
 *
 * In memory only; it knows no HTTP. It does no defaulting, no admission and no scheduling.
 */
import type { Json, PodName, RawPod } from '../../core/model/model.ts';

export interface StoreEvent {
  readonly resourceVersion: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly pod: RawPod;
  /** The pod before this change, for selectors that it entered or left. */
  readonly before?: RawPod;
}

/** `conflict`: exists already, or another uid or resourceVersion was named. */
export class StoreError extends Error {
  readonly kind: 'not-found' | 'conflict';
  constructor(kind: 'not-found' | 'conflict', message: string) {
    super(message);
    this.name = 'StoreError';
    this.kind = kind;
  }
}

export interface PodStore {
  resourceVersion(): number;
  /** Everything, in order of namespace and name. */
  pods(): readonly RawPod[];
  find(name: PodName): RawPod | undefined;
  create(pod: Json): RawPod;
  /** Replaces the pod by what `change` makes of a copy; uid and creation time stay. */
  update(name: PodName, change: (pod: Json) => Json): RawPod;
  remove(name: PodName): RawPod;
  /** Events after `resourceVersion`; undefined: some of them are forgotten (410). */
  since(resourceVersion: number): readonly StoreEvent[] | undefined;
  subscribe(listener: (event: StoreEvent) => void): () => void;
  /** Forgets the history, as a restarted API server does. */
  forget(): void;
}

export interface PodStoreOptions {
  /** Events kept for watches. */
  readonly window: number;
  readonly newUid: () => string;
  /** Milliseconds since 1970. */
  readonly wall: () => number;
}

export function createPodStore(options: PodStoreOptions): PodStore {
  const pods = new Map<string, RawPod>();
  const listeners = new Set<(event: StoreEvent) => void>();
  let history: StoreEvent[] = [];
  let version = 1000;
  let forgottenUpTo = version;

  const keyOf = (name: PodName) => `${name.namespace}/${name.name}`;

  function record(type: StoreEvent['type'], object: Json, before: RawPod | undefined): RawPod {
    version += 1;
    const metadata = { ...(object['metadata'] as Json), resourceVersion: String(version) };
    const pod = { ...object, metadata } as RawPod;
    const event = { resourceVersion: version, type, pod, ...(before === undefined ? {} : { before }) };
    history.push(event);
    const surplus = history.splice(0, Math.max(0, history.length - options.window));
    forgottenUpTo = surplus.at(-1)?.resourceVersion ?? forgottenUpTo;
    if (type !== 'DELETED') pods.set(keyOf(nameOf(pod)), pod);
    for (const listener of [...listeners]) listener(event);
    return pod;
  }

  function existing(name: PodName): RawPod {
    const pod = pods.get(keyOf(name));
    if (pod === undefined) throw new StoreError('not-found', `pods "${name.name}" not found`);
    return pod;
  }

  return {
    resourceVersion: () => version,
    pods: () => [...pods.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, pod]) => pod),
    find: (name) => pods.get(keyOf(name)),
    create(object) {
      const given = object['metadata'] as Json;
      const name = nameOf(object as RawPod);
      if (pods.has(keyOf(name))) throw new StoreError('conflict', `pods "${name.name}" already exists`);
      const creationTimestamp = new Date(options.wall()).toISOString().replace(/\.\d+Z$/, 'Z');
      const metadata = { ...given, uid: options.newUid(), creationTimestamp };
      return record('ADDED', { apiVersion: 'v1', kind: 'Pod', status: { phase: 'Pending' }, ...object, metadata }, undefined);
    },
    update(name, change) {
      const before = existing(name);
      const changed = change(structuredClone(before) as unknown as Json);
      const wanted = (changed['metadata'] ?? {}) as Json;
      if (wanted['resourceVersion'] !== undefined && wanted['resourceVersion'] !== before.metadata?.resourceVersion) {
        throw new StoreError('conflict', `pods "${name.name}": the object has been modified`);
      }
      const { uid, creationTimestamp } = before.metadata ?? {};
      return record('MODIFIED', { ...changed, metadata: { ...wanted, ...name, uid, creationTimestamp } }, before);
    },
    remove(name) {
      const before = existing(name);
      pods.delete(keyOf(name));
      return record('DELETED', before as unknown as Json, before);
    },
    since: (after) => (after < forgottenUpTo ? undefined : history.filter((event) => event.resourceVersion > after)),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    forget() {
      history = [];
      forgottenUpTo = version;
    },
  };
}

export function nameOf(pod: RawPod): PodName {
  return { namespace: pod.metadata?.namespace ?? 'default', name: pod.metadata?.name ?? '' };
}
