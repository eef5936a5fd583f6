/**
 * How the API server is reached: endpoints, trust and credentials, from a kubeconfig or from the pod's service account.
 *
 * It opens no connection, runs no credential plugin and accepts no unverified TLS. No error carries a token, a key or a
 * line of the kubeconfig.
 */

import type { Json } from '../../core/model/model.ts';
import { type Clock, PortError } from '../../ports.ts';
import { type ApiEndpoint, apiEndpoint } from './endpoint.ts';
import { parseKubeconfig } from './kubeconfig-fields.ts';
import { type KubeconfigFile, kubeconfigFile } from './kubeconfig-file.ts';
import { readPem } from './pem.ts';
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
  /** CA bundle as it was when loaded. */
  readonly ca: string;
  /** The bundle as it was last read by {@link ApiAccess.trust}. */
  readonly caNow?: () => string;
  readonly serverName?: string;
  readonly token?: TokenSource;
  /**
   * Reads the files again, so a renewed CA or client certificate serves the next connection. Should that fail, gives
   * the last good ones.
   */
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
 * Throws PortError: `invalid` (a field is wrong or not supported), `unavailable` (a file cannot be read). The message
 * is one sentence that names the file, the field and what to do.
 */
export async function loadApiAccess(options: ApiAccessOptions): Promise<ApiAccess> {
  const extra = options.apiEndpoints.map((url) => apiEndpoint(url, 'configuration: apiEndpoints'));
  return options.kubeconfig === undefined ? fromServiceAccount(options, extra) : fromKubeconfig(options, options.kubeconfig, extra);
}

/**
 * What is left for probes where an ordinary access cannot be had: the endpoints that are known, maybe none, and the CA,
 * '' where there is none, so that nothing can be verified. No credentials. Throws for nothing but `apiEndpoints`.
 */
export async function loadBareAccess(options: ApiAccessOptions): Promise<ApiAccess> {
  const { readFile, inCluster } = options;
  const extra = options.apiEndpoints.map((url) => apiEndpoint(url, 'configuration: apiEndpoints'));
  if (options.kubeconfig === undefined) {
    const load = async (): Promise<Trust> => ({ ca: await readPem(readFile, inCluster.caFile, 'service account CA', 'CERTIFICATE') });
    const isKnown = extra.length > 0 || (inCluster.host ?? '') !== '';
    return access(isKnown ? endpointsOf(inCluster, extra) : [], load, {}, { ca: '' });
  }
  const file = kubeconfigFile(options.kubeconfig, readFile);
  const fields = await file
    .text()
    .then((text) => parseKubeconfig(file, text))
    .catch(() => undefined);
  if (fields === undefined) return access(extra, async () => ({ ca: '' }), {}, { ca: '' });
  const { cluster, server, serverName } = fields;
  return access(dedupe(withService([...extra, server], inCluster)), () => trustOf(file, cluster, {}), { serverName }, { ca: '' });
}

async function fromServiceAccount(options: ApiAccessOptions, extra: readonly ApiEndpoint[]): Promise<ApiAccess> {
  const { inCluster, readFile, clock } = options;
  const endpoints = endpointsOf(inCluster, extra);
  const token = options.anonymous === true ? undefined : createTokenSource(inCluster.tokenFile, readFile, clock);
  await token?.current();
  const load = async (): Promise<Trust> => ({ ca: await readPem(readFile, inCluster.caFile, 'service account CA', 'CERTIFICATE') });
  return access(endpoints, load, { token });
}

/** Throws PortError where there is none. */
function endpointsOf(inCluster: InCluster, extra: readonly ApiEndpoint[]): readonly ApiEndpoint[] {
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
  return dedupe(withService(endpoints, inCluster));
}

async function fromKubeconfig(options: ApiAccessOptions, path: string, extra: readonly ApiEndpoint[]): Promise<ApiAccess> {
  const file = kubeconfigFile(path, options.readFile);
  const { cluster, user, serverName, server } = await parseKubeconfig(file, await file.text());
  const token = await userToken(file, user, options);
  const endpoints = dedupe(withService([...extra, server], options.inCluster));
  const result = await access(endpoints, () => trustOf(file, cluster, user), { token, serverName });
  if (token === undefined && (await result.trust()).cert === undefined) {
    throw file.invalid('the user has neither a client certificate nor a token: add one of them');
  }
  return result;
}

async function trustOf(file: KubeconfigFile, cluster: Json, user: Json): Promise<Trust> {
  const ca = await file.pem(cluster, 'certificate-authority', 'CERTIFICATE');
  if (ca === undefined) throw file.invalid("cluster.certificate-authority is missing: name the cluster's CA file or its -data");
  const cert = await file.pem(user, 'client-certificate', 'CERTIFICATE');
  const key = await file.pem(user, 'client-key', 'PRIVATE KEY');
  if ((cert === undefined) !== (key === undefined)) {
    throw file.invalid('user.client-certificate and user.client-key must both be set, or neither');
  }
  return { ca, ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }) };
}

/** A file wins over an inline token, as kubectl has it (client-go, rest.Config: BearerTokenFile). */
async function userToken(file: KubeconfigFile, user: Json, { readFile, clock }: ApiAccessOptions): Promise<TokenSource | undefined> {
  if (typeof user['tokenFile'] === 'string' && user['tokenFile'] !== '') {
    const source = createTokenSource(file.near(user['tokenFile']), readFile, clock);
    await source.current();
    return source;
  }
  return typeof user['token'] === 'string' && user['token'] !== '' ? fixedToken(user['token'], file.where('user.token')) : undefined;
}

async function access(
  endpoints: readonly ApiEndpoint[],
  load: () => Promise<Trust>,
  rest: { token?: TokenSource | undefined; serverName?: string | undefined },
  otherwise?: Trust,
): Promise<ApiAccess> {
  let good = await load().catch((error: unknown) => {
    if (otherwise === undefined) throw error;
    return otherwise;
  });
  return {
    endpoints,
    ca: good.ca,
    caNow: () => good.ca,
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

/** Whoever names it: the service address stays what it is. */
function withService(endpoints: readonly ApiEndpoint[], { host, port = '443' }: InCluster): readonly ApiEndpoint[] {
  const isService = (endpoint: ApiEndpoint): boolean =>
    (endpoint.host === host && endpoint.port === Number(port)) || /^kubernetes\.default(\.svc(\..+)?)?$/.test(endpoint.host);
  return endpoints.map((endpoint) => (isService(endpoint) ? { ...endpoint, service: true } : endpoint));
}

function dedupe(endpoints: readonly ApiEndpoint[]): ApiEndpoint[] {
  return endpoints.filter((endpoint, index) => endpoints.findIndex((other) => other.url === endpoint.url) === index);
}
