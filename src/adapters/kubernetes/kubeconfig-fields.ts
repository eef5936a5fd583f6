/**
 * The few fields of a kubeconfig we honour, and a clear refusal of those we do not. Reads no file but the text it is given.
 *
 * YAML errors are reported by reason and line only: the parser's own message quotes the file, which may hold a token.
 */

import { isObject } from '../../core/model/json.ts';
import type { Json } from '../../core/model/model.ts';
import { PortError } from '../../ports.ts';
import { type ApiEndpoint, apiEndpoint } from './endpoint.ts';

export type UserFields = Json;

export interface KubeconfigFields {
  readonly cluster: Json;
  readonly user: UserFields;
  readonly server: ApiEndpoint;
  readonly serverName?: string;
}

/** The current context's cluster and user. Throws PortError `invalid`. */
export async function parseKubeconfig(path: string, text: string): Promise<KubeconfigFields> {
  const root = await parseYaml(path, text);
  const contextName = root['current-context'];
  if (typeof contextName !== 'string' || contextName === '') {
    throw new PortError('invalid', `kubeconfig ${path}: current-context is empty: set it to the name of a context in the file`);
  }
  const context = named(path, root, 'contexts', contextName, 'context');
  const cluster = named(path, root, 'clusters', nameIn(path, context, 'cluster', contextName), 'cluster');
  const user = named(path, root, 'users', nameIn(path, context, 'user', contextName), 'user');
  refuseUnsupported(path, cluster, user);
  const server = cluster['server'];
  if (typeof server !== 'string' || server === '') {
    throw new PortError('invalid', `kubeconfig ${path}: cluster.server is missing: set it to https://<host>:<port>`);
  }
  const serverName = cluster['tls-server-name'];
  return {
    cluster,
    user,
    server: apiEndpoint(server, `kubeconfig ${path}: cluster.server`),
    ...(typeof serverName === 'string' && serverName !== '' ? { serverName } : {}),
  };
}

function refuseUnsupported(path: string, cluster: Json, user: Json): void {
  if (cluster['insecure-skip-tls-verify'] === true) {
    throw new PortError(
      'invalid',
      `kubeconfig ${path}: insecure-skip-tls-verify is not supported: remove it and name the cluster's certificate-authority`,
    );
  }
  if (typeof cluster['proxy-url'] === 'string' && cluster['proxy-url'] !== '') {
    throw new PortError('invalid', `kubeconfig ${path}: proxy-url is not supported: name a server that can be reached directly`);
  }
  for (const plugin of ['exec', 'auth-provider'] as const) {
    if (user[plugin] !== undefined && user[plugin] !== null) {
      throw new PortError(
        'invalid',
        `kubeconfig ${path}: user.${plugin} is not supported: use a client certificate, a token or a tokenFile`,
      );
    }
  }
  if (user['username'] !== undefined || user['password'] !== undefined) {
    throw new PortError(
      'invalid',
      `kubeconfig ${path}: user.username and password are not supported: use a client certificate, a token or a tokenFile`,
    );
  }
}

async function parseYaml(path: string, text: string): Promise<Json> {
  const { load } = await import('js-yaml');
  let root: unknown;
  try {
    root = load(text);
  } catch (error) {
    const { reason, mark } = error as { reason?: string; mark?: { line?: number } };
    const line = mark?.line === undefined ? '' : ` at line ${mark.line + 1}`;
    throw new PortError('invalid', `kubeconfig ${path}: not YAML (${reason ?? 'unreadable'}${line}): correct the file`);
  }
  if (!isObject(root))
    throw new PortError('invalid', `kubeconfig ${path}: not a kubeconfig: it must be a mapping with clusters, users and contexts`);
  return root;
}

function named(path: string, root: Json, list: string, name: string, part: string): Json {
  const entries = Array.isArray(root[list]) ? root[list] : [];
  const entry: unknown = entries.find((candidate) => isObject(candidate) && candidate['name'] === name);
  if (!isObject(entry))
    throw new PortError('invalid', `kubeconfig ${path}: ${list} has no entry named "${name}": add it or change current-context`);
  const fields = entry[part];
  if (!isObject(fields)) throw new PortError('invalid', `kubeconfig ${path}: the ${part} "${name}" is empty: fill in its fields`);
  return fields;
}

function nameIn(path: string, context: Json, field: string, contextName: string): string {
  const name = context[field];
  if (typeof name === 'string' && name !== '') return name;
  throw new PortError('invalid', `kubeconfig ${path}: context "${contextName}" names no ${field}: set context.${field}`);
}
