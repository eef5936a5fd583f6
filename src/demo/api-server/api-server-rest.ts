/**
 * The HTTP side of the embedded API server: pods with list, watch, get, create, replace, patch and delete; health and
 * version.
 *
 * The replies have the shape of a real server's as far as the agent and the kubelet stand-in look. No admission, no
 * authorization beyond the token, no other resource; events are accepted and kept for whoever looks.
 */

import { isObject } from '../../core/model/json.ts';
import type { Json } from '../../core/model/model.ts';
import type { Fault, RequestVerb } from './api-server-faults.ts';
import { destroy, type Request, type Response, type RestOptions, send, sendText, statusObject } from './api-server-reply.ts';
import { nameOf, type PodStore, StoreError } from './api-server-store.ts';
import { type PodSelection, selects, startWatch } from './api-server-watch.ts';

const MAX_BODY_BYTES = 4 << 20;

class HttpError extends Error {
  readonly code: number;
  readonly reason: string;
  constructor(code: number, reason: string, message: string) {
    super(message);
    this.code = code;
    this.reason = reason;
  }
}

export function createRestHandler(options: RestOptions): (request: Request, response: Response) => void {
  return (request, response) => {
    response.on('error', () => {});
    handle(options, request, response).catch((error: unknown) => {
      const known = error instanceof HttpError ? error : asHttpError(error);
      send(response, known.code, statusObject(known.code, known.reason, known.message));
    });
  };
}

function asHttpError(error: unknown): HttpError {
  if (error instanceof StoreError) {
    return error.kind === 'not-found' ? new HttpError(404, 'NotFound', error.message) : new HttpError(409, 'Conflict', error.message);
  }
  return new HttpError(500, 'InternalError', 'the embedded API server failed');
}

async function handle(options: RestOptions, request: Request, response: Response): Promise<void> {
  const url = new URL(request.url ?? '/', 'https://api');
  const verb = verbOf(request.method ?? 'GET', url);
  const fault = options.faults.take(verb);
  if (fault !== undefined && applyFault(fault, response)) return;
  if (verb === 'health') {
    const down = options.faults.storageDown && url.pathname === '/readyz';
    const body = down ? '[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed\n' : 'ok';
    sendText(response, down ? 500 : 200, body);
    return;
  }
  if (url.pathname === '/version') return send(response, 200, { major: '1', minor: '34', gitVersion: 'v1.34.0+embedded' });
  const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
  if (token === undefined || !options.tokens.has(token)) throw new HttpError(401, 'Unauthorized', 'Unauthorized');
  if (url.pathname === '/api') return send(response, 200, versions(options.address()));
  await route({ options, verb, url, request, response, fault });
}

/** As a real server tells its own address to everybody. */
function versions(serverAddress: string): Json {
  return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }] };
}

function verbOf(method: string, url: URL): RequestVerb {
  if (/^\/(readyz|livez|healthz)$/.test(url.pathname)) return 'health';
  if (method !== 'GET') return 'write';
  if (!/\/pods$/.test(url.pathname)) return 'get';
  return ['1', 'true'].includes(url.searchParams.get('watch') ?? '') ? 'watch' : 'list';
}

/** One request that was let in. */
interface Call {
  readonly options: RestOptions;
  readonly verb: RequestVerb;
  readonly url: URL;
  readonly request: Request;
  readonly response: Response;
  readonly fault: Fault | undefined;
}

async function route(call: Call): Promise<void> {
  const { options, url, request, response } = call;
  const path = /^\/api\/v1(?:\/namespaces\/([^/]+))?\/(pods|events)(?:\/([^/]+)(?:\/(status))?)?$/.exec(url.pathname);
  if (path === null) throw new HttpError(404, 'NotFound', 'the server could not find the requested resource');
  const [, namespace, resource, name, part] = path;
  if (resource === 'events') return acceptEvent(options, request, response);
  if (name === undefined) return routePods(call, namespace);
  return routePod(call, { namespace: namespace ?? 'default', name }, part === 'status');
}

async function routePods({ options, verb, url, request, response, fault }: Call, namespace: string | undefined): Promise<void> {
  const selection = selectionOf(namespace, url.searchParams.get('fieldSelector') ?? '');
  if (verb === 'watch') return startWatch(options, selection, url, response, fault);
  if (verb === 'list') return list(options.store, selection, response, fault);
  if (request.method !== 'POST') throw notAllowed();
  const pod = await readJson(request);
  return send(response, 201, options.store.create(withNamespace(pod, namespace)));
}

async function routePod(call: Call, key: { readonly namespace: string; readonly name: string }, ofStatus: boolean): Promise<void> {
  const { url, request, response } = call;
  const { store } = call.options;
  switch (request.method) {
    case 'GET': {
      const pod = store.find(key);
      if (pod === undefined) throw new StoreError('not-found', `pods "${key.name}" not found`);
      return send(response, 200, pod);
    }
    case 'PUT': {
      const pod = await readJson(request);
      const replace = (old: Json): Json => (ofStatus ? { ...old, status: pod['status'] } : { ...pod, status: old['status'] });
      return send(response, 200, store.update(key, replace));
    }
    case 'PATCH': {
      const patch = await readJson(request);
      const wanted = ofStatus ? { status: patch['status'] ?? {} } : patch;
      return send(
        response,
        200,
        store.update(key, (old) => mergePatch(old, wanted) as Json),
      );
    }
    case 'DELETE':
      return send(response, 200, deletePod(store, key, await graceOf(request, url)));
    default:
      throw notAllowed();
  }
}

function notAllowed(): HttpError {
  return new HttpError(405, 'MethodNotAllowed', 'the server does not allow this method');
}

function list(store: PodStore, selection: PodSelection, response: Response, fault: Fault | undefined): void {
  const items = store.pods().filter((pod) => selects(selection, pod));
  const body: Json = { kind: 'PodList', apiVersion: 'v1', metadata: { resourceVersion: String(store.resourceVersion()) }, items };
  send(response, 200, fault?.do === 'rewrite' ? fault.change(body) : body);
}

/** A pod on a node first only gets its deletion time; its kubelet then deletes it for good with grace 0. */
export function deletePod(store: PodStore, key: { namespace: string; name: string }, grace: number | undefined): unknown {
  const pod = store.find(key);
  const seconds = grace ?? pod?.spec?.terminationGracePeriodSeconds ?? 30;
  const mirror = pod?.metadata?.annotations?.['kubernetes.io/config.mirror'] !== undefined;
  if (pod === undefined || seconds === 0 || mirror || pod.spec?.nodeName === undefined) return store.remove(key);
  return store.update(key, (old) => ({
    ...old,
    metadata: { ...(old['metadata'] as Json), deletionTimestamp: new Date().toISOString(), deletionGracePeriodSeconds: seconds },
  }));
}

async function graceOf(request: Request, url: URL): Promise<number | undefined> {
  const query = url.searchParams.get('gracePeriodSeconds');
  if (query !== null) return Number(query);
  const body = await readJson(request, true);
  return typeof body['gracePeriodSeconds'] === 'number' ? body['gracePeriodSeconds'] : undefined;
}

async function acceptEvent(options: RestOptions, request: Request, response: Response): Promise<void> {
  const event = await readJson(request);
  options.events.push(event);
  send(response, 201, event);
}

function selectionOf(namespace: string | undefined, selector: string): PodSelection {
  const selection: { namespace?: string; name?: string; nodeName?: string } = namespace === undefined ? {} : { namespace };
  for (const term of selector.split(',').filter((each) => each !== '')) {
    const [field, value = ''] = term.split(/==?/);
    if (field === 'spec.nodeName') selection.nodeName = value;
    else if (field === 'metadata.name') selection.name = value;
    else throw new HttpError(400, 'BadRequest', `field label not supported: ${field}`);
  }
  return selection;
}

function withNamespace(pod: Json, namespace: string | undefined): Json {
  const metadata = (pod['metadata'] ?? {}) as Json;
  if (typeof metadata['name'] !== 'string') throw new HttpError(422, 'Invalid', 'metadata.name: Required value');
  return { ...pod, metadata: { ...metadata, namespace: namespace ?? nameOf(pod as never).namespace } };
}

/** RFC 7386. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const result: Json = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value);
  }
  return result;
}

async function readJson(request: Request, mayBeEmpty = false): Promise<Json> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > MAX_BODY_BYTES) throw new HttpError(413, 'RequestEntityTooLarge', 'the request is too large');
    chunks.push(chunk as Buffer);
  }
  if (size === 0 && mayBeEmpty) return {};
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as Json;
  } catch {
    throw new HttpError(400, 'BadRequest', 'the body is not JSON');
  }
}

/** True: the fault was the whole reply. */
function applyFault(fault: Fault, response: Response): boolean {
  switch (fault.do) {
    case 'reply':
      response.writeHead(fault.status, { 'content-type': 'text/plain', ...fault.headers });
      response.end(fault.body ?? '');
      return true;
    case 'status':
      send(response, fault.code, statusObject(fault.code, fault.reason, fault.reason), fault.headers);
      return true;
    case 'hang':
      return true;
    case 'half':
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[');
      setTimeout(() => destroy(response), 20);
      return true;
    case 'drop':
      destroy(response);
      return true;
    case 'rewrite':
    case 'lines':
      return false;
  }
}
