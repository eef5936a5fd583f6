/**
 * What the uninstall asks of the API server and changes there: two DaemonSets by name, the pods of one of them, the
 * nodes, and the objects that belong to it. Loaded by the uninstall only; the agent neither has nor needs these rights.
 */
import { fieldAt, isObject, objectsIn, textField, textMap } from '../../core/model/json.ts';
import type { Json, Millis } from '../../core/model/model.ts';
import { parseTime } from '../../core/model/time.ts';
import type { CleanerPod, DaemonSetView, NodeView } from '../../core/uninstall/uninstall.ts';
import { type ApiRequestObserver, type Clock, PortError, type UninstallApi } from '../../ports.ts';
import { isKubernetesAnswer } from './answer.ts';
import type { Call } from './channel.ts';
import type { ApiAccess } from './kubeconfig.ts';
import { type ApiReply, createTransport, type Transport, type TransportTimings, type Verb } from './transport.ts';

export interface UninstallApiOptions {
  readonly namespace: string;
  readonly version: string;
  readonly clock: Clock;
  readonly observer: ApiRequestObserver;
  readonly transportTimings?: Partial<TransportTimings>;
}

export interface ClosableUninstallApi extends UninstallApi {
  close(): Promise<void>;
}

const DEADLINE_MS: Millis = 10_000;
/** A node's object may have 50 KB: pages of them, not ten thousand at once. */
const PAGE = 200;
/** By this the chart marks them. */
const CLEANERS = 'app.kubernetes.io/component=cleanup';
const APPS = '/apis/apps/v1';
const RBAC = '/apis/rbac.authorization.k8s.io/v1';

export function createUninstallApi(access: ApiAccess, options: UninstallApiOptions): ClosableUninstallApi {
  const { namespace, version, clock, observer } = options;
  const transport = createTransport({
    access,
    userAgent: `pod-checkpointer/${version}`,
    clock,
    observer,
    timings: options.transportTimings,
  });
  const inNamespace = (group: string, resource: string, name: string): string =>
    `${group}/namespaces/${encodeURIComponent(namespace)}/${resource}/${encodeURIComponent(name)}`;
  const daemonSetPath = (name: string): string => inNamespace(APPS, 'daemonsets', name);
  const belongings = (name: string): readonly string[] => [
    inNamespace('/api/v1', 'configmaps', name),
    inNamespace('/api/v1', 'serviceaccounts', name),
    inNamespace(RBAC, 'rolebindings', name),
    inNamespace(RBAC, 'roles', name),
  ];

  async function remove(path: string, uid: string | undefined): Promise<void> {
    const preconditions = uid === undefined ? {} : { preconditions: { uid } };
    const body = JSON.stringify({ apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background', ...preconditions });
    const reply = await send(transport, { method: 'DELETE', path, body }, 'delete');
    // 409: the precondition; another object has the name now
    if ((reply.status === 409 && isKubernetesAnswer(reply, reply.body)) || isMissing(reply, path)) return;
    expectGood(reply, `deleting ${path}`);
  }

  return {
    daemonSet: async (name) => {
      const path = daemonSetPath(name);
      const reply = await send(transport, { method: 'GET', path }, 'get');
      if (isMissing(reply, path)) return undefined;
      return daemonSetView(expectGood(reply, `reading ${path}`), path);
    },
    deleteDaemonSet: (name, uid) => remove(daemonSetPath(name), uid),
    cleanerPods: async (name) => {
      const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods?labelSelector=${encodeURIComponent(CLEANERS)}`;
      return (await pages(transport, path, (pod) => cleanerPod(pod, name))).flatMap((pod) => pod ?? []);
    },
    nodes: () => pages(transport, '/api/v1/nodes?', nodeView),
    tieToCleaners: async (name, uid) => {
      const owner = { apiVersion: 'apps/v1', kind: 'DaemonSet', name, uid };
      const body = JSON.stringify({ metadata: { ownerReferences: [owner] } });
      for (const path of belongings(name)) {
        const reply = await send(transport, { method: 'PATCH', path, body }, 'patch');
        if (!isMissing(reply, path)) expectGood(reply, `changing ${path}`);
      }
    },
    removeBelongings: async (name) => {
      for (const path of belongings(name)) await remove(path, undefined);
    },
    close: transport.close,
  };
}

function send(transport: Transport, call: Call, verb: Verb): Promise<ApiReply> {
  return transport.send(call, verb, DEADLINE_MS);
}

/**
 * All elements of a list, made small page by page. A list that expires meanwhile is read again by whoever asks next.
 */
async function pages<T>(transport: Transport, path: string, small: (item: Json) => T): Promise<readonly T[]> {
  const found: T[] = [];
  let more = '';
  do {
    const page = `${path}&limit=${PAGE}${more === '' ? '' : `&continue=${encodeURIComponent(more)}`}`;
    const list = expectGood(await transport.get(page, 'list', DEADLINE_MS), `reading ${path.split('?')[0]}`);
    if (!Array.isArray(list['items'])) throw new PortError('invalid', `reading ${path.split('?')[0]}: the answer is no list`);
    found.push(...objectsIn(list, 'items').map(small));
    more = textField(list['metadata'], 'continue') ?? '';
  } while (more !== '');
  return found;
}

/** A path that the server does not know is a 404 too; only one that names the object proves that there is none. */
function isMissing({ status, body }: ApiReply, path: string): boolean {
  if (status !== 404) return false;
  const said = parse(body);
  return textField(said, 'reason') === 'NotFound' && textField(fieldAt(said, 'details'), 'name') === decodeURIComponent(lastOf(path));
}

function lastOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** The object of a 2xx. Throws PortError. */
function expectGood({ status, body }: ApiReply, activity: string): Json {
  if (status === 401 || status === 403) throw new PortError('denied', `${activity}: HTTP ${status}: the account may not do that`);
  if (status === 429 || status >= 500) throw new PortError('unavailable', `${activity}: HTTP ${status}`);
  if (status < 200 || status >= 300) throw new PortError('failed', `${activity}: HTTP ${status}`);
  const object = parse(body);
  if (object === undefined) throw new PortError('invalid', `${activity}: the answer is no JSON object`);
  return object;
}

function parse(body: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function daemonSetView(object: Json, path: string): DaemonSetView {
  const metadata = fieldAt(object, 'metadata');
  const createdAt = parseTime(textField(metadata, 'creationTimestamp') ?? '');
  const uid = textField(metadata, 'uid') ?? '';
  if (uid === '' || Number.isNaN(createdAt))
    throw new PortError('invalid', `reading ${path}: the answer has no uid or no time of creation`);
  const count = (key: string): number => numberAt(object, 'status', key);
  return {
    uid,
    createdAt,
    deleting: fieldAt(metadata, 'deletionTimestamp') !== undefined,
    ofHelm: textMap(fieldAt(metadata, 'annotations'))['meta.helm.sh/release-name'] !== undefined,
    observed: count('observedGeneration') >= numberAt(object, 'metadata', 'generation') && count('observedGeneration') > 0,
    desired: count('desiredNumberScheduled'),
    updated: count('updatedNumberScheduled'),
    ready: count('numberReady'),
  };
}

function numberAt(object: Json, ...path: readonly string[]): number {
  const found = fieldAt(object, ...path);
  return typeof found === 'number' ? found : 0;
}

/** undefined for one of another DaemonSet, and for one that is on its way out: its successor counts. */
function cleanerPod(pod: Json, daemonSet: string): CleanerPod | undefined {
  const metadata = fieldAt(pod, 'metadata');
  const owned = objectsIn(metadata, 'ownerReferences').some(({ kind, name }) => kind === 'DaemonSet' && name === daemonSet);
  if (!owned || fieldAt(metadata, 'deletionTimestamp') !== undefined) return undefined;
  const status = fieldAt(pod, 'status');
  const container = fieldAt(objectsIn(status, 'containerStatuses')[0], 'state', 'waiting');
  const unscheduled = objectsIn(status, 'conditions').find(({ type, status: is }) => type === 'PodScheduled' && is === 'False');
  return {
    node: textField(fieldAt(pod, 'spec'), 'nodeName') ?? wantedNode(pod),
    ready: isReady(status),
    waiting: textField(container, 'reason') ?? textField(unscheduled, 'message') ?? '',
  };
}

/** The DaemonSet controller names the node by its field metadata.name, before a scheduler has looked. */
function wantedNode(pod: Json): string {
  const required = fieldAt(pod, 'spec', 'affinity', 'nodeAffinity', 'requiredDuringSchedulingIgnoredDuringExecution');
  const fields = objectsIn(required, 'nodeSelectorTerms').flatMap((term) => objectsIn(term, 'matchFields'));
  const values = fieldAt(
    fields.find(({ key }) => key === 'metadata.name'),
    'values',
  );
  return Array.isArray(values) && typeof values[0] === 'string' ? values[0] : '';
}

function nodeView(node: Json): NodeView {
  return { name: textField(fieldAt(node, 'metadata'), 'name') ?? '', ready: isReady(fieldAt(node, 'status')) };
}

function isReady(status: unknown): boolean {
  return objectsIn(status, 'conditions').some(({ type, status: is }) => type === 'Ready' && is === 'True');
}
