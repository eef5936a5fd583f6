/**
 * Reads a verbose ContainerStatus. Pure. Its input holds secrets, so no error repeats any of it.
 *
 * `info["info"]` is one JSON text. containerd (1.6 and 2.4 alike) gives two things in it. `config` is the
 * container's CRI configuration as the kubelet sent it, with the resolved environment in `config.envs`.
 * `runtimeSpec` is the OCI specification. It keeps both for dead containers and across a reboot. CRI-O gives
 * `runtimeSpec` only.
 */
import { isObject } from '../../core/model/json.ts';
import { type ContainerDetails, PortError } from '../../ports.ts';
import { type Messages, millisOfNanos } from '../grpc/messages.ts';
import { LABEL_CONTAINER_NAME } from './names.ts';

type EnvVar = ContainerDetails['env'][number];

/** `what` names the container in errors. Throws not-found, invalid. */
export function detailsOf(reply: Messages['ContainerStatusResponse'], what: string): ContainerDetails {
  const { status } = reply;
  if (status === null) throw new PortError('not-found', `${what}: the runtime gives no status`);
  const info = verboseInfo(reply.info['info'], what);
  const image = object(object(info['config'])?.['image']);
  const pid = info['pid'];
  return {
    id: status.id,
    name: status.labels[LABEL_CONTAINER_NAME] ?? status.metadata?.name ?? '',
    // The runtime may put another tag of the same image into `image`; what the pod wrote is kept apart where known.
    image: text(image?.['user_specified_image']) || status.image?.userSpecifiedImage || status.image?.image || '',
    imageRef: status.imageRef,
    // containerd 1.6 leaves the field empty and has the id in its configuration.
    imageId: status.imageId || text(image?.['image']),
    env: environment(info, what),
    mounts: status.mounts.map(({ containerPath, hostPath, readonly }) => ({ containerPath, hostPath, readonly })),
    startedAtMs: millisOfNanos(status.startedAt),
    finishedAtMs: millisOfNanos(status.finishedAt),
    exitCode: status.exitCode,
    reason: status.reason,
    ...(typeof pid === 'number' && Number.isInteger(pid) && pid > 1 ? { pid } : {}),
  };
}

/** Not wrapped: JSON.parse quotes its input in its message. */
function verboseInfo(info: string | undefined, what: string): Record<string, unknown> {
  if (info === undefined) throw new PortError('invalid', `${what}: the runtime gives no verbose information`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(info);
  } catch {
    throw new PortError('invalid', `${what}: the verbose information is no JSON`);
  }
  const found = object(parsed);
  if (found === undefined) throw new PortError('invalid', `${what}: the verbose information is no JSON object`);
  return found;
}

/**
 * The kubelet walks a map, so the order differs at every start of the same container: sorted by name here.
 *
 * Without `config` (CRI-O) the process environment stands in, with nothing taken away: it then also holds the image's
 * own variables and HOSTNAME, because the two cannot be told apart. Set again in a copy of the same image they change
 * nothing; what the image's author meant as a default becomes explicit.
 */
function environment(info: Record<string, unknown>, what: string): readonly EnvVar[] {
  const config = object(info['config']);
  const found = config === undefined ? processEnvironment(info) : configEnvironment(config);
  if (found === undefined) throw new PortError('invalid', `${what}: the verbose information holds no environment`);
  return [...found].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

function configEnvironment(config: Record<string, unknown>): readonly EnvVar[] | undefined {
  const envs = config['envs'] ?? [];
  if (!Array.isArray(envs)) return undefined;
  // Go leaves an empty value out.
  return envs.map((entry: unknown) => ({ name: text(object(entry)?.['key']), value: text(object(entry)?.['value']) }));
}

function processEnvironment(info: Record<string, unknown>): readonly EnvVar[] | undefined {
  const env = object(object(info['runtimeSpec'])?.['process'])?.['env'];
  if (!Array.isArray(env)) return undefined;
  // A name twice: the process sees the last one.
  const last = new Map<string, string>();
  for (const entry of env) {
    const pair = text(entry);
    const at = pair.indexOf('=');
    if (at > 0) last.set(pair.slice(0, at), pair.slice(at + 1));
  }
  return [...last].map(([name, value]) => ({ name, value }));
}

function object(value: unknown): Record<string, unknown> | undefined {
  return isObject(value) ? value : undefined;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
