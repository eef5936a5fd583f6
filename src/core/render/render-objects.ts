/**
 * From the documents people give to `render` to one pod and the Secrets and ConfigMaps beside it; or to all mistakes
 * at once.
 *
 * Judges Secrets and ConfigMaps as the API server would (pkg/apis/core/validation, ValidateSecret, ValidateConfigMap):
 * on a node only objects that it accepted exist. Pods are judged elsewhere. Never throws, and never quotes a value.
 */
import { Buffer } from 'node:buffer';
import { field, isDnsLabel, isDnsSubdomain, isObject, textField } from '../model/json.ts';
import type { Json } from '../model/model.ts';

/** One document of a file; `from` names it in sentences. */
export interface GivenDocument {
  readonly from: string;
  readonly value: unknown;
}

export type DataKind = 'Secret' | 'ConfigMap';

export interface DataObject {
  readonly kind: DataKind;
  readonly namespace: string;
  readonly name: string;
  /** What a volume shows, by key. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** What variables are made from, by key: binary data of a ConfigMap is left out. */
  readonly texts: ReadonlyMap<string, string>;
}

export interface GivenObjects {
  /** With a namespace, where there was metadata to put it into. */
  readonly pod: Json;
  find(kind: DataKind, namespace: string, name: string): DataObject | undefined;
}

export type SortedDocuments =
  | { readonly ok: true; readonly objects: GivenObjects }
  | { readonly ok: false; readonly problems: readonly string[] };

interface Found {
  readonly from: string;
  readonly kind: string;
  readonly value: Json;
}

/** Largest Secret or ConfigMap (MaxSecretSize), in bytes of content. */
const MAX_DATA_BYTES = 1024 * 1024;
/** A list in a list in a list is a mistake; one that holds itself cannot be read to its end. */
const MAX_LIST_DEPTH = 3;

/** `namespace` is for objects that name none. Documents without content are passed over. */
export function sortDocuments(documents: readonly GivenDocument[], namespace: string): SortedDocuments {
  const problems: string[] = [];
  const found = documents.flatMap((document) => openDocument(document, problems));
  const pods = found.filter(({ kind }) => kind === 'Pod');
  const data = readDataObjects(found, namespace, problems);
  const [first] = pods;
  if (first === undefined) {
    if (problems.length === 0 || found.length > 0) problems.push(...withoutPod(found));
  } else if (pods.length > 1) {
    problems.push(`${pods.length} pods are given (${pods.map(podWords).join('; ')}), and one is rendered at a time; leave the others out`);
  }
  if (problems.length > 0 || first === undefined) return { ok: false, problems };
  const pod = withNamespace(first.value, namespace);
  return { ok: true, objects: { pod, find: (kind, space, name) => data.get(keyOf(kind, space, name)) } };
}

/** The objects of a document: itself, or the items of a list. */
function openDocument({ from, value }: GivenDocument, problems: string[], depth = 0): readonly Found[] {
  if (value === null || value === undefined) return [];
  const kind = textField(value, 'kind') ?? '';
  if (!isObject(value) || kind === '') {
    problems.push(`${from} holds no Kubernetes object with a kind; give a Pod, a Secret or a ConfigMap`);
    return [];
  }
  const apiVersion = textField(value, 'apiVersion');
  const items = field(value, 'items');
  if (!kind.endsWith('List') || !Array.isArray(items)) {
    if (['Pod', 'Secret', 'ConfigMap'].includes(kind) && apiVersion !== 'v1') {
      problems.push(`${from}: apiVersion of a ${kind} must be v1; correct it`);
      return [];
    }
    return [{ from, kind, value }];
  }
  if (depth >= MAX_LIST_DEPTH) {
    problems.push(`${from}: lists lie in lists too deeply; give the objects themselves`);
    return [];
  }
  const itemKind = kind.slice(0, -'List'.length);
  return items.flatMap((item: unknown, index) => {
    // the API leaves kind and version out of a typed list's items
    const whole = isObject(item) && itemKind !== '' ? { apiVersion, kind: itemKind, ...item } : item;
    return openDocument({ from: `${from}, item ${index + 1}`, value: whole }, problems, depth + 1);
  });
}

function withoutPod(found: readonly Found[]): readonly string[] {
  const others = found.filter(({ kind }) => kind !== 'Secret' && kind !== 'ConfigMap');
  if (others.length > 0) {
    return others.map(
      ({ from, kind }) => `${from}: a ${show(kind)} is no Pod; give one of its pods, as kubectl get pod NAME -o yaml shows it`,
    );
  }
  return [
    found.length === 0 ? 'no document has any content; give a Pod' : 'no Pod is given, only what a pod may need; add the pod with -f',
  ];
}

function podWords({ from, value }: Found): string {
  return `${show(textField(field(value, 'metadata'), 'name') ?? '')} in ${from}`;
}

function withNamespace(pod: Json, namespace: string): Json {
  const metadata = field(pod, 'metadata');
  if (!isObject(metadata) || (field(metadata, 'namespace') ?? '') !== '') return pod;
  return { ...pod, metadata: { ...metadata, namespace } };
}

function readDataObjects(found: readonly Found[], namespace: string, problems: string[]): ReadonlyMap<string, DataObject> {
  const objects = new Map<string, DataObject>();
  const origins = new Map<string, string>();
  for (const { from, kind, value } of found) {
    if (kind !== 'Secret' && kind !== 'ConfigMap') continue;
    const object = readDataObject(kind, value, from, namespace, problems);
    if (object === undefined) continue;
    const key = keyOf(kind, object.namespace, object.name);
    const before = origins.get(key);
    if (before !== undefined) problems.push(`${from}: ${kind} ${object.namespace}/${object.name} is also in ${before}; keep one of them`);
    objects.set(key, object);
    origins.set(key, from);
  }
  return objects;
}

function readDataObject(kind: DataKind, value: Json, from: string, fallback: string, problems: string[]): DataObject | undefined {
  const metadata = field(value, 'metadata');
  const name = textField(metadata, 'name') ?? '';
  const namespace = textField(metadata, 'namespace') || fallback;
  if (!isDnsSubdomain(name) || !isDnsLabel(namespace)) {
    problems.push(`${from}: metadata of this ${kind} has no valid name and namespace; correct them`);
    return undefined;
  }
  const what = `${from}: ${kind} ${namespace}/${name}`;
  const files = new Map<string, Uint8Array>();
  const texts = new Map<string, string>();
  for (const [part, encoded] of kind === 'Secret'
    ? ([
        ['data', true],
        ['stringData', false],
      ] as const)
    : ([
        ['data', false],
        ['binaryData', true],
      ] as const)) {
    for (const [key, text] of entriesOf(field(value, part), `${what}, ${part}`, problems)) {
      const problem = keyProblem(key) ?? (part === 'binaryData' && files.has(key) ? 'is also in data' : undefined);
      const content = encoded ? fromBase64(text) : Buffer.from(text);
      if (problem !== undefined)
        problems.push(`${what}, ${part}: the key ${show(key)} ${problem}; the API server refuses it, so rename the key`);
      else if (content === undefined)
        problems.push(`${what}, ${part}: the value of ${show(key)} is not base64; encode it${plainPart(kind)}`);
      else {
        files.set(key, content);
        if (kind === 'Secret' || part === 'data') texts.set(key, Buffer.from(content).toString('utf8'));
      }
    }
  }
  if ([...files.values()].reduce((sum, content) => sum + content.length, 0) > MAX_DATA_BYTES)
    problems.push(`${what} holds more than 1 MiB; the API server refuses it, so make it smaller`);
  return { kind, namespace, name, files, texts };
}

function plainPart(kind: DataKind): string {
  return kind === 'Secret' ? ', or write the text under stringData' : ', or write the text under data';
}

function entriesOf(map: unknown, what: string, problems: string[]): readonly (readonly [string, string])[] {
  if (map === undefined) return [];
  if (!isObject(map)) {
    problems.push(`${what} is no map of texts; write one key and its value a line`);
    return [];
  }
  return Object.entries(map).flatMap(([key, text]) => {
    // nothing after the colon is the empty text
    if (typeof text === 'string' || text === null) return [[key, text ?? ''] as const];
    problems.push(`${what}: the value of ${show(key)} is no text; put it in quotes`);
    return [];
  });
}

/** IsConfigMapKey of k8s.io/apimachinery. */
function keyProblem(key: string): string | undefined {
  if (key.length > 253) return 'is longer than 253 characters';
  if (!/^[-._a-zA-Z0-9]+$/.test(key)) return 'has other characters than letters, digits, "-", "_" and "."';
  return key === '.' || key.startsWith('..') ? 'is a name that directories use' : undefined;
}

/** Go's strict reading, which passes over line ends only; undefined for anything else. */
function fromBase64(text: string): Uint8Array | undefined {
  const plain = text.replaceAll(/[\r\n]/g, '');
  return plain.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(plain) ? Buffer.from(plain, 'base64') : undefined;
}

function keyOf(kind: DataKind, namespace: string, name: string): string {
  return `${kind} ${namespace}/${name}`;
}

/** Names of people's making, short enough for a sentence. */
function show(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
