/**
 * The few fields of a kubeconfig we honour, and a clear refusal of those we do not.
 *
 * It reads no file but the text it is given.
 * YAML errors are reported by reason and line only: the parser's own message quotes the file, which may hold a token.
 */

import { isObject } from '../../core/model/json.ts';
import type { Json } from '../../core/model/model.ts';
import { type ApiEndpoint, apiEndpoint } from './endpoint.ts';
import type { KubeconfigFile } from './kubeconfig-file.ts';

export interface KubeconfigFields {
  readonly cluster: Json;
  readonly user: Json;
  readonly server: ApiEndpoint;
  readonly serverName?: string;
}

/** The current context's cluster and user. Throws PortError `invalid`. */
export async function parseKubeconfig(file: KubeconfigFile, text: string): Promise<KubeconfigFields> {
  const root = await parseYaml(file, text);
  const contextName = root['current-context'];
  if (typeof contextName !== 'string' || contextName === '') {
    throw file.invalid('current-context is empty: set it to the name of a context in the file');
  }
  const context = entryOf(file, root, 'context', contextName);
  const cluster = entryOf(file, root, 'cluster', nameIn(file, context, 'cluster', contextName));
  const user = entryOf(file, root, 'user', nameIn(file, context, 'user', contextName));
  refuseUnsupported(file, cluster, user);
  const server = cluster['server'];
  if (typeof server !== 'string' || server === '') {
    throw file.invalid('cluster.server is missing: set it to https://<host>:<port>');
  }
  const serverName = cluster['tls-server-name'];
  return {
    cluster,
    user,
    server: apiEndpoint(server, file.where('cluster.server')),
    ...(typeof serverName === 'string' && serverName !== '' ? { serverName } : {}),
  };
}

function refuseUnsupported(file: KubeconfigFile, cluster: Json, user: Json): void {
  if (cluster['insecure-skip-tls-verify'] === true) {
    throw file.invalid("insecure-skip-tls-verify is not supported: remove it and name the cluster's certificate-authority");
  }
  if (typeof cluster['proxy-url'] === 'string' && cluster['proxy-url'] !== '') {
    throw file.invalid('proxy-url is not supported: name a server that can be reached directly');
  }
  for (const plugin of ['exec', 'auth-provider'] as const) {
    if (!isEmpty(user[plugin])) {
      throw file.invalid(`user.${plugin} is not supported: use a client certificate, a token or a tokenFile`);
    }
  }
  if (!isEmpty(user['username']) || !isEmpty(user['password'])) {
    throw file.invalid('user.username and password are not supported: use a client certificate, a token or a tokenFile');
  }
}

/** As kubectl writes and reads it: an empty field is one that is not there. */
function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}

async function parseYaml(file: KubeconfigFile, text: string): Promise<Json> {
  const { load } = await import('js-yaml');
  let root: unknown;
  try {
    root = load(text);
  } catch (error) {
    const { reason, mark } = error as { reason?: string; mark?: { line?: number } };
    const line = mark?.line === undefined ? '' : ` at line ${mark.line + 1}`;
    throw file.invalid(`not YAML (${reason ?? 'unreadable'}${line}): correct the file`);
  }
  if (!isObject(root)) throw file.invalid('not a kubeconfig: it must be a mapping with clusters, users and contexts');
  return root;
}

function entryOf(file: KubeconfigFile, root: Json, part: 'context' | 'cluster' | 'user', name: string): Json {
  const list = `${part}s`;
  const entries = Array.isArray(root[list]) ? root[list] : [];
  const entry: unknown = entries.find((candidate) => isObject(candidate) && candidate['name'] === name);
  if (!isObject(entry)) throw file.invalid(`${list} has no entry named "${name}": add it or change current-context`);
  const fields = entry[part];
  if (!isObject(fields)) throw file.invalid(`the ${part} "${name}" is empty: fill in its fields`);
  return fields;
}

function nameIn(file: KubeconfigFile, context: Json, field: string, contextName: string): string {
  const name = context[field];
  if (typeof name === 'string' && name !== '') return name;
  throw file.invalid(`context "${contextName}" names no ${field}: set context.${field}`);
}
