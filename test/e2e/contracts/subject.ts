/**
 * The node under test as a test process sees it, which runs in the node's network: where it is, what can be done to it,
 * and its cluster's administrator.
 */
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { ADDRESSES, type NodePaths, TESTSERVER_IMAGE } from '../node/layout.ts';
import { control, type Deed } from './control.ts';

/** Names the file that holds a {@link Subject}. */
export const SUBJECT_VARIABLE = 'POD_CHECKPOINTER_E2E_SUBJECT';
export const NAMESPACE = 'default';

export interface Subject {
  readonly nodeName: string;
  readonly runtime: string;
  readonly kubernetes: string;
  readonly oldContainerd: boolean;
  readonly paths: NodePaths;
  readonly controlSocket: string;
}

export function loadSubject(): Subject {
  const file = process.env[SUBJECT_VARIABLE];
  if (file === undefined) throw new Error('there is no node: run these tests by npm run e2e -- --only contracts');
  return JSON.parse(readFileSync(file, 'utf8')) as Subject;
}

export const doer = (subject: Subject) => (deed: Deed) => control(subject.controlSocket, deed);

export interface Admin {
  /** Any object, into its collection. */
  create(collection: string, object: Readonly<Record<string, unknown>>): Promise<void>;
  /** undefined: there is none. */
  read(path: string): Promise<Record<string, unknown> | undefined>;
  /** At once. What is gone is success. */
  remove(path: string): Promise<void>;
  /** Gives the uid. */
  createPod(name: string, spec: Readonly<Record<string, unknown>>): Promise<string>;
  labelPod(name: string, key: string, value: string): Promise<void>;
  /** At once without grace, else with one second; resolves when the API server has taken it. A pod that is gone is success. */
  deletePod(name: string, how: 'at-once' | 'in-order'): Promise<void>;
}

export function createAdmin({ paths }: Subject): Admin {
  const pki = (file: string) => readFileSync(join(paths.pki, file));
  const server = { ca: pki('ca.crt'), cert: pki('admin.crt'), key: pki('admin.key'), host: ADDRESSES.node, port: ADDRESSES.apiPort };
  const pods = `/api/v1/namespaces/${NAMESPACE}/pods`;

  function call(method: string, path: string, body: unknown, type = 'application/json', fine: readonly number[] = []): Promise<string> {
    return new Promise((resolve, reject) => {
      const payload = Buffer.from(body === undefined ? '' : JSON.stringify(body));
      // the length said by ourselves: node says none for a DELETE, and the server then reads no body
      const headers = { 'content-type': type, accept: 'application/json', 'content-length': payload.length };
      const asked = request({ ...server, method, path, headers, timeout: 20_000, agent: false }, (response) => {
        const chunks: Buffer[] = [];
        response.on('error', reject);
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const code = response.statusCode ?? 0;
          const text = Buffer.concat(chunks).toString();
          if (code < 300 || fine.includes(code)) resolve(text);
          else reject(new Error(`${method} ${path}: ${code}: ${text.slice(0, 500)}`));
        });
      });
      asked.on('timeout', () => asked.destroy(new Error(`${method} ${path}: no answer`)));
      asked.on('error', reject);
      asked.end(payload);
    });
  }

  return {
    create: async (collection, object) => {
      await call('POST', collection, object);
    },
    read: async (path) => {
      const found = JSON.parse(await call('GET', path, undefined, 'application/json', [404])) as Record<string, unknown>;
      return found['kind'] === 'Status' ? undefined : found;
    },
    remove: async (path) => {
      await call('DELETE', path, { gracePeriodSeconds: 0 }, 'application/json', [404]);
    },
    createPod: async (name, spec) => {
      const text = await call('POST', pods, { apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { app: name } }, spec });
      return (JSON.parse(text) as { metadata: { uid: string } }).metadata.uid;
    },
    labelPod: async (name, key, value) => {
      await call('PATCH', `${pods}/${name}`, { metadata: { labels: { [key]: value } } }, 'application/merge-patch+json');
    },
    deletePod: async (name, how) => {
      await call('DELETE', `${pods}/${name}`, { gracePeriodSeconds: how === 'at-once' ? 0 : 1 }, 'application/json', [404]);
    },
  };
}

/** A pod that runs until it is told otherwise and that the kubelet never starts a second time. */
export function quietPod(nodeName: string, env: readonly { readonly name: string; readonly value: string }[] = []) {
  return {
    nodeName,
    hostNetwork: true,
    restartPolicy: 'Never',
    terminationGracePeriodSeconds: 1,
    automountServiceAccountToken: false,
    tolerations: [{ operator: 'Exists' }],
    containers: [{ name: 'server', image: TESTSERVER_IMAGE, imagePullPolicy: 'IfNotPresent', args: ['pause'], env }],
  };
}
