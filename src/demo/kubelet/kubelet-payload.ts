/** What belongs into a pod's volumes and environment, fetched from the API stand-in. Writes nothing. */
import type { RawContainer, RawPod, RawVolume } from '../../core/model/model.ts';
import type { KubeletApi, SourcedPod } from './kubelet-types.ts';

export interface PayloadFile {
  readonly content: Uint8Array;
  readonly mode: number;
}
export type Payload = Map<string, PayloadFile>;

interface Item {
  readonly key: string;
  readonly path: string;
  readonly mode?: number;
}
type Data = Readonly<Record<string, string | Uint8Array>>;

const DEFAULT_MODE = 0o644;

/** The files of a secret, configMap, downwardAPI or projected volume; undefined for any other kind. */
export async function payloadOf(volume: RawVolume, pod: SourcedPod, api: KubeletApi): Promise<Payload | undefined> {
  const { secret, configMap, downwardAPI, projected } = volume;
  if (secret !== undefined) return pick(await api.data('secret', pod.namespace, secret.secretName ?? ''), secret.items, secret.defaultMode);
  if (configMap !== undefined)
    return pick(await api.data('configmap', pod.namespace, configMap.name ?? ''), configMap.items, configMap.defaultMode);
  if (downwardAPI !== undefined) return downward(downwardAPI.items ?? [], pod.pod, downwardAPI.defaultMode);
  if (projected === undefined) return undefined;
  const payload: Payload = new Map();
  for (const source of projected.sources ?? []) {
    const part =
      source.secret !== undefined
        ? pick(await api.data('secret', pod.namespace, source.secret.name ?? ''), source.secret.items, projected.defaultMode)
        : source.configMap !== undefined
          ? pick(await api.data('configmap', pod.namespace, source.configMap.name ?? ''), source.configMap.items, projected.defaultMode)
          : source.serviceAccountToken !== undefined
            ? await token(source.serviceAccountToken.path, pod, api, projected.defaultMode)
            : downward(source.downwardAPI?.items ?? [], pod.pod, projected.defaultMode);
    for (const [path, file] of part) payload.set(path, file);
  }
  return payload;
}

function pick(data: Data, items: readonly Item[] | undefined, defaultMode = DEFAULT_MODE): Payload {
  const wanted = items ?? Object.keys(data).map((key) => ({ key, path: key }));
  return new Map(
    wanted.map(({ key, path, mode }: Item) => {
      const value = data[key];
      if (value === undefined) throw new Error(`references non-existent key ${key}`);
      return [path, { content: bytes(value), mode: mode ?? defaultMode }];
    }),
  );
}

async function token(path: string, pod: SourcedPod, api: KubeletApi, mode = DEFAULT_MODE): Promise<Payload> {
  const value = await api.token(pod.namespace, pod.pod.spec?.serviceAccountName ?? 'default');
  return new Map([[path, { content: bytes(value), mode }]]);
}

function downward(
  items: readonly { readonly path: string; readonly fieldRef?: { readonly fieldPath: string } }[],
  pod: RawPod,
  mode = DEFAULT_MODE,
): Payload {
  return new Map(items.map(({ path, fieldRef }) => [path, { content: bytes(fieldValue(pod, fieldRef?.fieldPath ?? '')), mode }]));
}

function bytes(value: string | Uint8Array): Uint8Array {
  return typeof value === 'string' ? Buffer.from(value, 'utf8') : value;
}

/** Environment of a container. Explicit variables win over envFrom, and both over the services' own. */
export async function environmentOf(
  container: RawContainer,
  pod: SourcedPod,
  api: KubeletApi,
  servicesRead: boolean,
): Promise<Map<string, string>> {
  const env = new Map<string, string>();
  if (servicesRead) {
    env.set('KUBERNETES_SERVICE_HOST', api.serviceHost);
    env.set('KUBERNETES_SERVICE_PORT', api.servicePort);
  }
  for (const { prefix = '', secretRef, configMapRef } of container.envFrom ?? []) {
    const data =
      secretRef !== undefined
        ? await api.data('secret', pod.namespace, secretRef.name ?? '')
        : await api.data('configmap', pod.namespace, configMapRef?.name ?? '');
    for (const [key, value] of Object.entries(data)) env.set(`${prefix}${key}`, Buffer.from(bytes(value)).toString('utf8'));
  }
  for (const { name, value, valueFrom } of container.env ?? []) {
    if (valueFrom?.secretKeyRef !== undefined) env.set(name, await keyOf('secret', valueFrom.secretKeyRef, pod, api));
    else if (valueFrom?.configMapKeyRef !== undefined) env.set(name, await keyOf('configmap', valueFrom.configMapKeyRef, pod, api));
    else if (valueFrom?.fieldRef !== undefined) env.set(name, fieldValue(pod.pod, valueFrom.fieldRef.fieldPath));
    else env.set(name, expanded(value ?? '', env));
  }
  return env;
}

async function keyOf(
  kind: 'secret' | 'configmap',
  ref: { readonly name?: string; readonly key: string },
  pod: SourcedPod,
  api: KubeletApi,
): Promise<string> {
  const value = (await api.data(kind, pod.namespace, ref.name ?? ''))[ref.key];
  if (value === undefined) throw new Error(`couldn't find key ${ref.key} in ${kind} ${pod.namespace}/${ref.name ?? ''}`);
  return Buffer.from(bytes(value)).toString('utf8');
}

/** `$(NAME)` of a variable set before; `$$` is a dollar; the rest stays. Literal values only, as in the kubelet. */
function expanded(value: string, env: ReadonlyMap<string, string>): string {
  return value.replace(/\$\$|\$\(([^)]*)\)/g, (match, name: string | undefined) => (name === undefined ? '$' : (env.get(name) ?? match)));
}

function fieldValue(pod: RawPod, path: string): string {
  const keyed = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path);
  if (keyed !== null) return pod.metadata?.[keyed[1] === 'labels' ? 'labels' : 'annotations']?.[keyed[2] ?? ''] ?? '';
  switch (path) {
    case 'metadata.name':
      return pod.metadata?.name ?? '';
    case 'metadata.namespace':
      return pod.metadata?.namespace ?? '';
    case 'metadata.uid':
      return pod.metadata?.uid ?? '';
    case 'spec.nodeName':
      return pod.spec?.nodeName ?? '';
    case 'spec.serviceAccountName':
      return pod.spec?.serviceAccountName ?? '';
    case 'metadata.labels':
    case 'metadata.annotations':
      return Object.entries((path === 'metadata.labels' ? pod.metadata?.labels : pod.metadata?.annotations) ?? {})
        .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
        .join('\n');
    default:
      return '127.0.0.1'; // status.podIP, status.hostIP and their plurals
  }
}
