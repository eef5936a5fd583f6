/**
 * Where is what in one look at the runtime? With hundreds of pods, each checkpoint's own walk through all of them made
 * a turn last seconds. Pure; tells nothing that the view does not, and in the same order.
 */
import { ANNOTATION_COPY_OF, ANNOTATION_SOURCE } from '../model/keys.ts';
import type { RuntimeContainer, RuntimeView, Sandbox, Seen } from '../model/model.ts';

export interface ViewIndex {
  /** By the pod's uid. */
  readonly containersOfPod: ReadonlyMap<string, readonly RuntimeContainer[]>;
  readonly sandboxesOfPod: ReadonlyMap<string, readonly Sandbox[]>;
  readonly containersOfSandbox: ReadonlyMap<string, readonly RuntimeContainer[]>;
  /** Sandboxes of copies, by `namespace/name` of the parent. */
  readonly copies: ReadonlyMap<string, readonly Sandbox[]>;
  /** uids of all pods that have such a name and are no copy, by `namespace/name`. */
  readonly podsOfName: ReadonlyMap<string, readonly string[]>;
  /** Sandboxes of pods from the API server, by namespace, sorted by name. */
  readonly fromApi: ReadonlyMap<string, readonly Sandbox[]>;
}

interface IndexedView extends RuntimeView {
  readonly index: ViewIndex;
}

/** The same, with its index made once for all who ask. */
export function withIndex(runtime: Seen<RuntimeView>): Seen<RuntimeView> {
  if (!runtime.known || isIndexed(runtime.value)) return runtime;
  const value: IndexedView = { ...runtime.value, index: made(runtime.value) };
  return { known: true, value };
}

/** Made anew where nobody has made it before. */
export function indexOf(view: RuntimeView): ViewIndex {
  return isIndexed(view) ? view.index : made(view);
}

/** Sandboxes in a namespace, of pods from the API server, whose pod's name begins so. */
export function apiSandboxesNamed({ fromApi }: ViewIndex, namespace: string, prefix: string): readonly Sandbox[] {
  const all = fromApi.get(namespace) ?? [];
  let [low, high] = [0, all.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((all[middle]?.name ?? '') < prefix) low = middle + 1;
    else high = middle;
  }
  let end = low;
  while (all[end]?.name.startsWith(prefix) === true) end += 1;
  return all.slice(low, end);
}

export function isCopy({ annotations }: Sandbox): boolean {
  return annotations[ANNOTATION_SOURCE] === 'file' && annotations[ANNOTATION_COPY_OF] !== undefined;
}

function isIndexed(view: RuntimeView): view is IndexedView {
  return 'index' in view;
}

function made({ sandboxes, containers }: RuntimeView): ViewIndex {
  const copies = sandboxes.filter(isCopy);
  const copyUids = new Set(copies.map(({ uid }) => uid));
  const named = [
    ...containers.filter(({ podUid }) => !copyUids.has(podUid)).map((c) => [`${c.podNamespace}/${c.podName}`, c.podUid] as const),
    ...sandboxes.filter((sandbox) => !isCopy(sandbox)).map((s) => [`${s.namespace}/${s.name}`, s.uid] as const),
  ];
  const fromApi = sandboxes.filter((sandbox) => sandbox.annotations[ANNOTATION_SOURCE] === 'api' && !isCopy(sandbox));
  fromApi.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  return {
    containersOfPod: grouped(containers, ({ podUid }) => podUid),
    sandboxesOfPod: grouped(sandboxes, ({ uid }) => uid),
    containersOfSandbox: grouped(containers, ({ sandboxId }) => sandboxId),
    copies: grouped(copies, ({ annotations }) => annotations[ANNOTATION_COPY_OF] ?? ''),
    podsOfName: new Map([...grouped(named, ([name]) => name)].map(([name, pods]) => [name, [...new Set(pods.map(([, uid]) => uid))]])),
    fromApi: grouped(fromApi, ({ namespace }) => namespace),
  };
}

function grouped<T>(all: readonly T[], keyOf: (one: T) => string): ReadonlyMap<string, readonly T[]> {
  const found = new Map<string, T[]>();
  for (const one of all) {
    const key = keyOf(one);
    const group = found.get(key);
    if (group === undefined) found.set(key, [one]);
    else group.push(one);
  }
  return found;
}
