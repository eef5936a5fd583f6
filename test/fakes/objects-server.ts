/**
 * An API server for the uninstall's tests: objects by path with get, list in pages, delete with a precondition, merge patch.
 * HTTPS with a token, by HTTP/2 or by HTTP/1.1. Its replies have the shape of a real server's as far as anybody looks.
 */

import { createSecureServer, type ServerHttp2Session } from 'node:http2';
import { createServer } from 'node:https';
import { field, fieldAt, textMap } from '../../src/core/model/json.ts';
import type { Json } from '../../src/core/model/model.ts';
import type { Request, Response } from '../../src/demo/api-server/api-server-reply.ts';
import { mergePatch } from '../../src/demo/api-server/api-server-rest.ts';
import { createAuthority, issueCertificate } from '../../src/demo/api-server/certificates.ts';

export interface ObjectsServer {
  readonly url: string;
  readonly ca: string;
  readonly token: string;
  /** By path. */
  readonly objects: Map<string, Json>;
  /** Method and path with query, in order. */
  readonly requests: string[];
  /** Answers every request of this kind so, until it is taken away. */
  readonly faults: Map<string, { readonly status: number; readonly body: string }>;
  close(): Promise<void>;
}

const DAY = 86_400_000;

export async function createObjectsServer(protocol: 'h2' | 'http/1.1' = 'h2'): Promise<ObjectsServer> {
  const validity = { notBefore: Date.now() - DAY, notAfter: Date.now() + DAY };
  const authority = createAuthority('objects-ca', validity);
  const { cert, key } = issueCertificate(authority, { commonName: 'kube-apiserver', names: ['127.0.0.1'], ...validity });
  const token = 'token-of-the-uninstall';
  const objects: ObjectsServer['objects'] = new Map();
  const requests: string[] = [];
  const faults: ObjectsServer['faults'] = new Map();
  const sessions = new Set<ServerHttp2Session>();
  // node:http2 always offers HTTP/2, so a server without it is one of node:https
  const server = protocol === 'h2' ? createSecureServer({ cert, key }) : createServer({ cert, key });
  server.on('session', (session: ServerHttp2Session) => sessions.add(session));
  server.on('request', (request: unknown, response: unknown) => {
    const [asked, reply] = [request as Request, response as Response];
    const url = new URL(asked.url ?? '/', 'https://api');
    requests.push(`${asked.method} ${url.pathname}${url.search}`);
    const fault = faults.get(asked.method ?? '');
    void (async () => {
      const text = await textOf(asked);
      const [code, body] =
        fault !== undefined
          ? [fault.status, fault.body]
          : asked.headers.authorization === `Bearer ${token}`
            ? answer(objects, asked, url, text)
            : status(401, 'Unauthorized', '');
      reply.writeHead(code, { 'content-type': 'application/json' });
      reply.end(body);
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `https://127.0.0.1:${port}`,
    ca: authority.cert,
    token,
    objects,
    requests,
    faults,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const session of sessions) session.destroy();
      }),
  };
}

async function textOf(request: Request): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function answer(objects: Map<string, Json>, { method, headers }: Request, url: URL, text: string): [number, string] {
  const path = url.pathname;
  const object = objects.get(path);
  if (method === 'GET' && object === undefined && [...objects.keys()].some((one) => one.startsWith(`${path}/`))) return list(objects, url);
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (object === undefined) return status(404, 'NotFound', name);
  if (method === 'GET') return [200, JSON.stringify(object)];
  if (method === 'DELETE') {
    const wanted = fieldAt(JSON.parse(text), 'preconditions', 'uid');
    if (wanted !== undefined && wanted !== fieldAt(object, 'metadata', 'uid')) return status(409, 'Conflict', name);
    objects.delete(path);
    return [200, JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Success' })];
  }
  if (method !== 'PATCH') return status(405, 'MethodNotAllowed', name);
  if (headers['content-type'] !== 'application/merge-patch+json') return status(415, 'UnsupportedMediaType', name);
  const patched = mergePatch(object, JSON.parse(text)) as Json;
  objects.set(path, patched);
  return [200, JSON.stringify(patched)];
}

function list(objects: Map<string, Json>, url: URL): [number, string] {
  const selector = new Map(
    (url.searchParams.get('labelSelector') ?? '').split(',').flatMap((term) => {
      const [key = '', value = ''] = term.split('=');
      return key === '' ? [] : [[key, value] as const];
    }),
  );
  const selected = [...objects].filter(([path, object]) => {
    const labels = textMap(fieldAt(object, 'metadata', 'labels'));
    return path.startsWith(`${url.pathname}/`) && [...selector].every(([key, value]) => labels[key] === value);
  });
  const from = Number(url.searchParams.get('continue') ?? '0');
  const to = from + Number(url.searchParams.get('limit') ?? selected.length);
  const metadata = to < selected.length ? { continue: String(to) } : {};
  return [200, JSON.stringify({ kind: 'List', apiVersion: 'v1', metadata, items: selected.slice(from, to).map(([, object]) => object) })];
}

/** apimachinery, api/errors: the details name the object, where there is one. */
function status(code: number, reason: string, name: string): [number, string] {
  const details = name === '' ? {} : { details: { name } };
  return [code, JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', reason, code, ...details })];
}

// ---- objects -----------------------------------------------------------------------------------------------------------------

export const pathOf = {
  daemonSet: (name: string) => `/apis/apps/v1/namespaces/kube-system/daemonsets/${name}`,
  pod: (name: string) => `/api/v1/namespaces/kube-system/pods/${name}`,
  node: (name: string) => `/api/v1/nodes/${name}`,
};

/** As the API server shows a DaemonSet that helm installed and the controller has looked at. */
export function daemonSet(name: string, change: { readonly uid?: string; readonly created?: string; readonly ready?: number } = {}): Json {
  const { uid = `uid-of-${name}`, created = '2026-11-21T08:00:00Z', ready = 0 } = change;
  const annotations = { 'meta.helm.sh/release-name': 'r' };
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name, namespace: 'kube-system', uid, creationTimestamp: created, generation: 1, annotations },
    status: { observedGeneration: 1, desiredNumberScheduled: 1, updatedNumberScheduled: 1, numberReady: ready },
  };
}

export function withStatus(object: Json, change: Json): Json {
  return { ...object, status: { ...(field(object, 'status') as Json), ...change } };
}
