/**
 * How the API server is reached: endpoints, trust and credentials, from a kubeconfig or from the pod's service account.
 *
 * It opens no connection, runs no credential plugin and accepts no unverified TLS. No error carries a token, a key or a
 * line of the kubeconfig.
 */

import { isAbsolute, join } from 'node:path';
import { codeOf } from '../../core/model/error-code.ts';
import type { Json } from '../../core/model/model.ts';
import { type Clock, PortError } from '../../ports.ts';
import { type ApiEndpoint, apiEndpoint } from './endpoint.ts';
import { parseKubeconfig, type UserFields } from './kubeconfig-fields.ts';
import { createTokenSource, fixedToken, type ReadText, type TokenSource } from './token.ts';

/** PEM texts. */
export interface Trust {
  readonly ca: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface ApiAccess {
  /** Tried in this order; all are probed. Never empty. */
  readonly endpoints: readonly ApiEndpoint[];
  /** CA bundle as it was when loaded; the cluster's identity is made from it. */
  readonly ca: string;
  readonly serverName?: string;
  readonly token?: TokenSource;
  /** Reads the files again, so a renewed CA or client certificate serves the next connection; the last good ones if that fails. */
  trust(): Promise<Trust>;
}

export interface InCluster {
  /** KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT; absent in a static pod that nobody gave them to. */
  readonly host?: string | undefined;
  readonly port?: string | undefined;
  readonly tokenFile: string;
  readonly caFile: string;
}

export interface ApiAccessOptions {
  /** Path; without it the service account is used. */
  readonly kubeconfig?: string | undefined;
  /** Further servers of the same cluster, `https://host:port`; asked first, with the same CA and credentials. */
  readonly apiEndpoints: readonly string[];
  readonly inCluster: InCluster;
  /** Only endpoints and trust, for probes: the service account's token is neither asked for nor used. */
  readonly anonymous?: boolean;
  readonly readFile: ReadText;
  readonly clock: Clock;
}

/**
 * Throws PortError: `invalid` (a field is wrong or not supported), `unavailable` (a file cannot be read). The message is
 * one sentence that names the file, the field and what to do.
 */
export async function loadApiAccess(options: ApiAccessOptions): Promise<ApiAccess> {
  const extra = options.apiEndpoints.map((url) => apiEndpoint(url, 'configuration: apiEndpoints'));
  return options.kubeconfig === undefined ? fromServiceAccount(options, extra) : fromKubeconfig(options, options.kubeconfig, extra);
}

async function fromServiceAccount(options: ApiAccessOptions, extra: readonly ApiEndpoint[]): Promise<ApiAccess> {
  const { inCluster, readFile, clock } = options;
  const endpoints = [...extra];
  if (inCluster.host !== undefined && inCluster.host !== '') {
    const host = inCluster.host.includes(':') ? `[${inCluster.host}]` : inCluster.host;
    endpoints.push(apiEndpoint(`https://${host}:${inCluster.port ?? '443'}`, 'environment: KUBERNETES_SERVICE_HOST and _PORT'));
  }
  if (endpoints.length === 0) {
    throw new PortError(
      'invalid',
      'API access: no server is known: set apiEndpoints or kubeconfig in the configuration, or run where KUBERNETES_SERVICE_HOST is set',
    );
  }
  const token = options.anonymous === true ? undefined : createTokenSource(inCluster.tokenFile, readFile, clock);
  await token?.current();
  const load = async (): Promise<Trust> => ({ ca: await readPem(readFile, inCluster.caFile, 'service account CA', 'CERTIFICATE') });
  return access(endpoints, load, { token });
}

async function fromKubeconfig(options: ApiAccessOptions, path: string, extra: readonly ApiEndpoint[]): Promise<ApiAccess> {
  const { readFile, clock } = options;
  const text = await readText(readFile, path, 'kubeconfig');
  const { cluster, user, serverName, server } = await parseKubeconfig(path, text);
  const near = (file: string) => (isAbsolute(file) ? file : join(path, '..', file));
  const pem = (fields: Json, field: string, label: string) => pemOf(readFile, path, fields, field, label, near);
  const load = async (): Promise<Trust> => {
    const ca = await pem(cluster, 'certificate-authority', 'CERTIFICATE');
    if (ca === undefined) {
      throw new PortError(
        'invalid',
        `kubeconfig ${path}: cluster.certificate-authority is missing: name the cluster's CA file or its -data`,
      );
    }
    const cert = await pem(user, 'client-certificate', 'CERTIFICATE');
    const key = await pem(user, 'client-key', 'PRIVATE KEY');
    if ((cert === undefined) !== (key === undefined)) {
      throw new PortError('invalid', `kubeconfig ${path}: user.client-certificate and user.client-key must both be set, or neither`);
    }
    return { ca, ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }) };
  };
  const token = await userToken(user, path, near, readFile, clock);
  const result = await access(dedupe([...extra, server]), load, { token, serverName });
  if (token === undefined && (await result.trust()).cert === undefined) {
    throw new PortError('invalid', `kubeconfig ${path}: the user has neither a client certificate nor a token: add one of them`);
  }
  return result;
}

/** A file wins over an inline token, as kubectl has it (client-go, rest.Config: BearerTokenFile). */
async function userToken(
  user: UserFields,
  path: string,
  near: (file: string) => string,
  readFile: ReadText,
  clock: Clock,
): Promise<TokenSource | undefined> {
  if (typeof user['tokenFile'] === 'string' && user['tokenFile'] !== '') {
    const source = createTokenSource(near(user['tokenFile']), readFile, clock);
    await source.current();
    return source;
  }
  return typeof user['token'] === 'string' && user['token'] !== ''
    ? fixedToken(user['token'], `kubeconfig ${path}: user.token`)
    : undefined;
}

async function access(
  endpoints: readonly ApiEndpoint[],
  load: () => Promise<Trust>,
  rest: { token?: TokenSource | undefined; serverName?: string | undefined },
): Promise<ApiAccess> {
  let good = await load();
  return {
    endpoints,
    ca: good.ca,
    ...(rest.serverName === undefined ? {} : { serverName: rest.serverName }),
    ...(rest.token === undefined ? {} : { token: rest.token }),
    async trust() {
      try {
        good = await load();
      } catch {
        // A half-written or briefly missing file must not cut us off: the last good material is tried.
      }
      return good;
    },
  };
}

function dedupe(endpoints: readonly ApiEndpoint[]): ApiEndpoint[] {
  return endpoints.filter((endpoint, index) => endpoints.findIndex((other) => other.url === endpoint.url) === index);
}

/** `<field>-data` (base64) wins over `<field>` (a path), as in client-go. */
async function pemOf(
  readFile: ReadText,
  path: string,
  fields: Json,
  field: string,
  label: string,
  near: (file: string) => string,
): Promise<string | undefined> {
  const data = fields[`${field}-data`];
  if (typeof data === 'string' && data !== '') {
    return checkPem(Buffer.from(data, 'base64').toString('latin1'), `kubeconfig ${path}: ${field}-data`, label);
  }
  const file = fields[field];
  return typeof file === 'string' && file !== '' ? readPem(readFile, near(file), `kubeconfig ${path}: ${field}`, label) : undefined;
}

async function readPem(readFile: ReadText, file: string, what: string, label: string): Promise<string> {
  return checkPem(await readText(readFile, file, what), `${what} (${file})`, label);
}

function checkPem(text: string, what: string, label: string): string {
  if (!new RegExp(`-----BEGIN [A-Z ]*${label}-----[^-]+-----END`).test(text)) {
    throw new PortError('invalid', `${what}: contains no PEM block "${label}": check that it is the right file and complete`);
  }
  return text;
}

async function readText(readFile: ReadText, path: string, what: string): Promise<string> {
  try {
    return await readFile(path);
  } catch (error) {
    const code = codeOf(error) ?? 'error';
    throw new PortError('unavailable', `reading ${what} (${path}): ${code}: check that the file exists and may be read`, { cause: error });
  }
}
