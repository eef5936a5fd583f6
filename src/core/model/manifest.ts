/**
 * The one way a manifest becomes text and text a manifest again, so that equal content is equal bytes.
 * Never writes a file, never knows a path.
 */
import { createHash } from 'node:crypto';
import { byCodeUnit, field, fieldAt, isObject, objectsIn, textField } from './json.ts';
import { type Json, REVISION_DIR } from './model.ts';

/** The kubelet refuses to read more (pkg/kubelet/config/common.go, maxConfigLength); the bound itself is excluded. */
export const MAX_MANIFEST_BYTES = 10 * 1024 * 1024;

export type Decoded = { readonly ok: true; readonly manifest: Json } | { readonly ok: false; readonly problem: string };

/** sha256 as lower-case hex; text is taken as UTF-8. */
export function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

/**
 * Compact JSON with sorted keys and a final newline. Characters that a YAML reader would take for line ends or refuse
 * are escaped, because the file may meet one on the way. Fields that are undefined are left out.
 * Throws TypeError for what JSON cannot say: that is a mistake of the program, not of its input.
 */
export function encodeManifest(manifest: Json): string {
  return `${encode(manifest)}\n`;
}

function encode(value: unknown): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return encodeText(value);
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(encode).join(',')}]`;
  if (isObject(value)) {
    const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
    entries.sort(([a], [b]) => byCodeUnit(a, b));
    return `{${entries.map(([key, inner]) => `${encodeText(key)}:${encode(inner)}`).join(',')}}`;
  }
  throw new TypeError(`encoding a manifest: JSON has no form for a value of type ${typeof value}`);
}

function encodeText(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\u009f\u2028\u2029\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/**
 * Text back to a manifest: a Pod, small enough for the kubelet, written exactly as {@link encodeManifest} writes it
 * (which also rules out duplicate keys). Never throws.
 */
export function decodeManifest(text: string): Decoded {
  if (new TextEncoder().encode(text).length >= MAX_MANIFEST_BYTES) return { ok: false, problem: 'larger than the kubelet reads (10 MiB)' };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // the parser's own message quotes the text, which may hold secret values
    return { ok: false, problem: 'not JSON' };
  }
  const problem = podProblem(value);
  if (problem !== undefined || !isObject(value)) return { ok: false, problem: problem ?? 'not a JSON object' };
  try {
    if (encodeManifest(value) !== text) return { ok: false, problem: 'not in canonical form: edited by hand, or damaged' };
  } catch {
    // nested deeper than the stack
    return { ok: false, problem: 'not in canonical form' };
  }
  return { ok: true, manifest: value };
}

function podProblem(value: unknown): string | undefined {
  if (!isObject(value)) return 'not a JSON object';
  if (textField(value, 'apiVersion') !== 'v1' || textField(value, 'kind') !== 'Pod') return 'apiVersion and kind do not say v1 Pod';
  if (!textField(field(value, 'metadata'), 'name')) return 'metadata.name is missing';
  if (!textField(field(value, 'metadata'), 'namespace')) return 'metadata.namespace is missing';
  if (objectsIn(field(value, 'spec'), 'containers').length === 0) return 'spec.containers is missing or empty';
  return undefined;
}

/**
 * Replaces the stand-in for the revision's directory by its absolute path, in hostPath volumes only. Returns a new
 * manifest; the sanitizer has made sure that the stand-in occurs nowhere else.
 */
export function resolveRevisionDir(manifest: Json, directory: string): Json {
  const spec = field(manifest, 'spec');
  const volumes = field(spec, 'volumes');
  if (!isObject(spec) || !Array.isArray(volumes)) return manifest;
  const resolved = volumes.map((volume: unknown) => {
    const path = fieldAt(volume, 'hostPath', 'path');
    if (!isObject(volume) || typeof path !== 'string' || !path.startsWith(`${REVISION_DIR}/`)) return volume;
    return { ...volume, hostPath: { ...(volume['hostPath'] as Json), path: directory + path.slice(REVISION_DIR.length) } };
  });
  return { ...manifest, spec: { ...spec, volumes: resolved } };
}

/** A new manifest with these annotations added or replaced. */
export function withAnnotations(manifest: Json, annotations: Readonly<Record<string, string>>): Json {
  const metadata = field(manifest, 'metadata');
  const before = field(metadata, 'annotations');
  return {
    ...manifest,
    metadata: { ...(isObject(metadata) ? metadata : {}), annotations: { ...(isObject(before) ? before : {}), ...annotations } },
  };
}
