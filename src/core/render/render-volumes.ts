/**
 * The files of one volume as the kubelet would write them: which keys, under which paths, with which modes and owners
 * (pkg/volume/secret, configmap, projected, downwardapi; pkg/volume/volume_linux.go for fsGroup).
 *
 * Owners by the alpha fields `defaultUser` and `user` are not honoured: the gate is off by default.
 */

import { Buffer } from 'node:buffer';
import { fieldValue, resourceValue } from '../copy/downward-values.ts';
import { field, isObject, objectsIn, textField } from '../model/json.ts';
import type { CapturedFile, Json } from '../model/model.ts';
import { refuse } from '../model/refusal.ts';
import { missingKey, missingObject, type RenderContext } from './render-context.ts';
import type { DataKind } from './render-objects.ts';

interface Payload {
  readonly at: string;
  readonly defaultMode: number;
  readonly files: Map<string, { readonly content: Uint8Array; readonly mode: number }>;
  readonly context: RenderContext;
}

/** API default for all four kinds. */
const DEFAULT_MODE = 0o644;
/** What the kubelet adds for a volume that is read-only and belongs to a group (roMask). */
const GROUP_READ = 0o440;
/** NAME_MAX of Linux file systems, bytes. */
const MAX_NAME_BYTES = 255;

/** `at` is the volume's path with its name. Sorted by nothing in particular. */
export function renderVolume(volume: Json, at: string, context: RenderContext): readonly CapturedFile[] {
  const kind = ['secret', 'configMap', 'downwardAPI', 'projected'].find((key) => isObject(field(volume, key))) ?? '';
  const source = field(volume, kind);
  const payload: Payload = {
    at: `${at}.${kind}`,
    defaultMode: modeOf(field(source, 'defaultMode'), `${at}.${kind}.defaultMode`, DEFAULT_MODE, context),
    files: new Map(),
    context,
  };
  if (kind === 'projected') addProjected(source, payload);
  else addSource(kind, source, textField(source, kind === 'secret' ? 'secretName' : 'name') ?? '', payload);
  judgePaths(payload);
  const group = field(field(field(context.objects.pod, 'spec'), 'securityContext'), 'fsGroup');
  const gid = typeof group === 'number' && Number.isSafeInteger(group) && group >= 0 ? group : undefined;
  return [...payload.files].map(([path, { content, mode }]) => ({
    path,
    mode: gid === undefined ? mode : mode | GROUP_READ,
    uid: 0,
    gid: gid ?? 0,
    content,
  }));
}

/** Sources in their order, a later file of the same path winning. */
function addProjected(projected: unknown, payload: Payload): void {
  const sources = objectsIn(projected, 'sources');
  const unknowable = sources.find((source) => field(source, 'serviceAccountToken') ?? field(source, 'clusterTrustBundle'));
  if (unknowable !== undefined) {
    // one remedy for the whole volume: its other sources need not be named
    const what = field(unknowable, 'serviceAccountToken') === undefined ? 'a cluster trust bundle' : 'a service account token';
    const remedy = 'remove the volume and its mounts from this pod (on a node the agent takes what the kubelet has put there)';
    refuse(payload.context, 'volume-not-captured', `${payload.at} holds ${what}, which only an API server gives; ${remedy}`);
    return;
  }
  for (const [index, source] of sources.entries()) {
    for (const kind of ['secret', 'configMap', 'downwardAPI']) {
      const inner = field(source, kind);
      const at = `${payload.at}.sources[${index}].${kind}`;
      if (inner !== undefined) addSource(kind, inner, textField(inner, 'name') ?? '', { ...payload, at });
    }
  }
}

function addSource(kind: string, source: unknown, name: string, payload: Payload): void {
  if (kind === 'secret') addKeys('Secret', source, name, payload);
  if (kind === 'configMap') addKeys('ConfigMap', source, name, payload);
  if (kind === 'downwardAPI') addDownward(source, payload);
}

function addKeys(kind: DataKind, source: unknown, name: string, payload: Payload): void {
  const { at, context, files, defaultMode } = payload;
  const object = context.objects.find(kind, context.namespace, name);
  const optional = field(source, 'optional') === true;
  if (object === undefined) {
    if (!optional) refuse(context, 'volume-not-captured', missingObject(at, kind, name, context));
    return;
  }
  const items = objectsIn(source, 'items');
  if (items.length === 0) for (const [key, content] of object.files) files.set(key, { content, mode: defaultMode });
  for (const [index, item] of items.entries()) {
    const key = textField(item, 'key') ?? '';
    const content = object.files.get(key);
    if (content !== undefined) addFile(item, `${at}.items[${index}]`, content, payload);
    else if (!optional) refuse(context, 'volume-not-captured', missingKey(`${at}.items[${index}]`, kind, name, key, context));
  }
}

function addDownward(source: unknown, payload: Payload): void {
  const { at, context } = payload;
  for (const [index, item] of objectsIn(source, 'items').entries()) {
    const path = textField(field(item, 'fieldRef'), 'fieldPath');
    const { pod } = context.objects;
    const value = path === undefined ? resourceValue(field(item, 'resourceFieldRef'), pod, undefined) : fieldValue(path, pod);
    if (value !== undefined) addFile(item, `${at}.items[${index}]`, Buffer.from(value), payload);
    else {
      const what = path?.slice(0, 100) ?? 'an amount that the pod does not say';
      const remedy =
        path === undefined
          ? 'set that limit in the container, or remove the item'
          : 'give the pod as kubectl get pod -o yaml shows it, or remove the item';
      refuse(context, 'field-reference', `${at}.items[${index}] shows ${what}, which only a running pod has; ${remedy}`);
    }
  }
}

function addFile(item: Json, at: string, content: Uint8Array, { files, context, defaultMode }: Payload): void {
  const written = textField(item, 'path') ?? '';
  const parts = written.split('/').filter((part) => part !== '' && part !== '.');
  const long = parts.some((part) => Buffer.byteLength(part) > MAX_NAME_BYTES) || Buffer.byteLength(written) > 1024;
  // the kubelet's own rule: pkg/volume/util/atomic_writer.go, validatePath
  if (parts.length === 0 || written.startsWith('/') || written.startsWith('..') || parts.includes('..') || written.includes('\0') || long) {
    const why = 'is no relative path inside the volume; the API server refuses it, so correct it';
    refuse(context, 'malformed', `${at}.path ${JSON.stringify(written.slice(0, 60))} ${why}`);
    return;
  }
  files.set(parts.join('/'), { content, mode: modeOf(field(item, 'mode'), `${at}.mode`, defaultMode, context) });
}

function modeOf(written: unknown, at: string, fallback: number, context: RenderContext): number {
  if (written === undefined) return fallback;
  if (typeof written === 'number' && Number.isInteger(written) && written >= 0 && written <= 0o777) return written;
  refuse(context, 'malformed', `${at} is no file mode from 0 to 0777 (in JSON: 511); correct it`);
  return fallback;
}

/** The kubelet fails to write such a volume, and the pod never starts. */
function judgePaths({ at, files, context }: Payload): void {
  for (const path of files.keys()) {
    const parts = path.split('/');
    const above = parts.map((_, depth) => parts.slice(0, depth).join('/')).find((directory) => files.has(directory));
    if (above === undefined) continue;
    const [low, high] = [path, above].map((name) => JSON.stringify(name.slice(0, 60)));
    refuse(context, 'malformed', `${at} puts ${low} below the file ${high}; give one of them another path`);
  }
}
