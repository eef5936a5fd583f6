/**
 * What a container is told of its requests (`resourceFieldRef`) stays what its parent was told: a program that sizes
 * itself by them must not find zero. In the environment it becomes a value; in a downwardAPI volume it comes from an
 * annotation, for a file of such a volume can have no value of its own. Pure.
 */
import { resourceValue } from '../copy/downward-values.ts';
import { field, fieldAt, isObject, objectsIn, textField } from '../model/json.ts';
import { ANNOTATION_TOLD } from '../model/keys.ts';
import { withAnnotations } from '../model/manifest.ts';
import type { Json } from '../model/model.ts';
import type { Resource } from '../model/reservation.ts';

/** `manifest`: with requests lowered of these resources; `before`: the same with those of the parent. */
export function withToldRequests(manifest: Json, before: Json, resources: readonly Resource[]): Json {
  const told = new Map<string, string>();
  const spec = field(manifest, 'spec');
  if (!isObject(spec)) return manifest;
  const toldBy = (holder: unknown, container: string | undefined): string | undefined => {
    const reference = field(holder, 'resourceFieldRef');
    const named = resources.some((resource) => textField(reference, 'resource') === `requests.${resource}`);
    return named ? resourceValue(reference, before, container) : undefined;
  };
  const item = (each: Json): Json => {
    const value = toldBy(each, undefined);
    if (value === undefined) return each;
    const { resourceFieldRef: _, ...rest } = each;
    const key = `${ANNOTATION_TOLD}${told.size}`;
    told.set(key, value);
    return { ...rest, fieldRef: { apiVersion: 'v1', fieldPath: `metadata.annotations['${key}']` } };
  };
  const container = (each: Json): Json =>
    mapped(each, 'env', (variable) => {
      const value = toldBy(field(variable, 'valueFrom'), textField(each, 'name'));
      return value === undefined ? variable : { name: variable['name'], value };
    });
  const items = (holder: Json): Json => inside(holder, 'downwardAPI', (source) => mapped(source, 'items', item));
  const volume = (each: Json): Json => inside(items(each), 'projected', (projected) => mapped(projected, 'sources', items));
  const next = mapped(mapped(mapped(spec, 'containers', container), 'initContainers', container), 'volumes', volume);
  const made = { ...manifest, spec: next };
  return told.size === 0 ? made : withAnnotations(made, Object.fromEntries(told));
}

function mapped(holder: Json, list: string, change: (each: Json) => Json): Json {
  return field(holder, list) === undefined ? holder : { ...holder, [list]: objectsIn(holder, list).map(change) };
}

function inside(holder: Json, name: string, change: (each: Json) => Json): Json {
  const inner = fieldAt(holder, name);
  return isObject(inner) ? { ...holder, [name]: change(inner) } : holder;
}
