/**
 * Careful looks at JSON whose shape nobody has promised.
 * Never throws, and never follows a key that is not the object's own (`__proto__` in a manifest is only text).
 */
import type { Json } from './model.ts';

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object's own field, or undefined; null counts as absent, as it does for the API's decoder. */
export function field(value: unknown, key: string): unknown {
  if (!isObject(value) || !Object.hasOwn(value, key)) return undefined;
  return value[key] ?? undefined;
}

/** Follows own fields; undefined as soon as one is missing. */
export function fieldAt(value: unknown, ...path: readonly string[]): unknown {
  let current: unknown = value;
  for (const key of path) current = field(current, key);
  return current;
}

export function textField(value: unknown, key: string): string | undefined {
  const found = field(value, key);
  return typeof found === 'string' ? found : undefined;
}

/** The elements of a list field that are objects; anything else counts as none. */
export function objectsIn(value: unknown, key: string): readonly Json[] {
  const found = field(value, key);
  return Array.isArray(found) ? found.filter(isObject) : [];
}

/** A string-to-string map without the entries that are something else. */
export function textMap(value: unknown): Readonly<Record<string, string>> {
  if (!isObject(value)) return {};
  return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

/** Absent for the purposes of a field rule: nothing, the empty string, the empty list. */
export function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0);
}

/** Order of code units: the same on every machine and in every locale. */
export function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** DNS label (RFC 1123): containers, volumes, namespaces. */
export function isDnsLabel(text: string): boolean {
  return text.length <= 63 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(text);
}

/** DNS subdomain (RFC 1123): pods, nodes. */
export function isDnsSubdomain(text: string): boolean {
  return text.length <= 253 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(text);
}
