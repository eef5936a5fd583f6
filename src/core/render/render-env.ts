/**
 * A container's environment as the kubelet would make it (pkg/kubelet/kubelet_pods.go, makeEnvironmentVariables):
 * envFrom first, later sources winning, then env in its order, literals expanded against what is there so far.
 *
 * A downward API value that is not known before the pod runs is left out: the copy keeps the reference, and literals
 * that use it stay as written. It is a reason only where the copy would need the value.
 */

import { fieldValue, resourceValue } from '../copy/downward-values.ts';
import { type FieldRefContext, fieldRefFate } from '../copy/field-refs.ts';
import type { CapturedContainer } from '../copy/sanitize.ts';
import { byCodeUnit, field, isAbsent, objectsIn, textField } from '../model/json.ts';
import type { Json } from '../model/model.ts';
import { refuse } from '../model/refusal.ts';
import { expand } from '../text/expand.ts';
import { missingKey, missingObject, type RenderContext } from './render-context.ts';
import type { DataKind } from './render-objects.ts';

interface Environment {
  readonly container: Json;
  readonly values: Map<string, string>;
  /** Names whose value the kubelet will know, and nobody now. */
  readonly later: Set<string>;
  /** Names that the container sets more than once. */
  readonly repeated: ReadonlySet<string>;
}

/** `at` is the container's path with its name. */
export function renderEnvironment(container: Json, at: string, context: RenderContext): CapturedContainer['env'] {
  const own = objectsIn(container, 'env');
  const names = own.map((variable) => textField(variable, 'name') ?? '');
  const repeated = new Set(names.filter((name, index) => names.indexOf(name) !== index));
  const environment: Environment = { container, values: new Map(), later: new Set(), repeated };
  for (const [index, source] of objectsIn(container, 'envFrom').entries()) {
    addAll(source, `${at}.envFrom[${index}]`, environment, context);
  }
  for (const [index, variable] of own.entries()) {
    const name = names[index] ?? '';
    const literal = textField(variable, 'value');
    const source = field(variable, 'valueFrom');
    const byReference = isAbsent(literal) && source !== undefined;
    if (byReference) addReference(environment, { name, source, at: `${at}.env[${index}] ${name.slice(0, 60)}` }, context);
    else set(environment, name, expanded(literal ?? '', environment));
  }
  return [...environment.values].filter(([name]) => !environment.later.has(name)).map(([name, value]) => ({ name, value }));
}

function expanded(literal: string, { values }: Environment): string {
  return expand(literal, (name) => values.get(name));
}

function set({ values, later }: Environment, name: string, value: string): void {
  values.set(name, value);
  later.delete(name);
}

function addAll(source: Json, at: string, environment: Environment, context: RenderContext): void {
  const prefix = textField(source, 'prefix') ?? '';
  for (const [key, kind] of [
    ['configMapRef', 'ConfigMap'],
    ['secretRef', 'Secret'],
  ] as const) {
    const reference = field(source, key);
    if (reference === undefined) continue;
    const name = textField(reference, 'name') ?? '';
    const object = context.objects.find(kind, context.namespace, name);
    if (object !== undefined) {
      for (const [variable, value] of [...object.texts].sort(([a], [b]) => byCodeUnit(a, b)))
        set(environment, `${prefix}${variable}`, value);
    } else if (field(reference, 'optional') !== true) {
      refuse(context, 'env-not-captured', missingObject(at, kind, name, context));
    }
  }
}

/** A variable with a source; `at` is its path with its name. */
interface Reference {
  readonly name: string;
  readonly source: unknown;
  readonly at: string;
}

function addReference(environment: Environment, { name, source, at }: Reference, context: RenderContext): void {
  for (const [key, kind] of [
    ['configMapKeyRef', 'ConfigMap'],
    ['secretKeyRef', 'Secret'],
  ] as const) {
    const reference = field(source, key);
    if (reference === undefined) continue;
    const value = keyValue(kind, reference, at, context);
    if (value !== undefined) set(environment, name, value);
    return;
  }
  addDownward(environment, { name, source, at }, context);
}

/** What the pod's own object or its limits say; what they do not is `later`. */
function addDownward(environment: Environment, { name, source, at }: Reference, context: RenderContext): void {
  const { pod } = context.objects;
  const fieldRef = field(source, 'fieldRef');
  const path = textField(fieldRef, 'fieldPath') ?? '';
  const value =
    fieldRef === undefined
      ? resourceValue(field(source, 'resourceFieldRef'), pod, textField(environment.container, 'name'))
      : fieldValue(path, pod);
  set(environment, name, value ?? '');
  if (value !== undefined) return;
  environment.later.add(name);
  if (fieldRef !== undefined && fieldRefFate(path, fateContext(context)) === 'value') {
    const remedy = path === 'status.hostIPs' ? '; give --kubelet-version 1.32 or newer, which lets the copy ask itself, or' : ';';
    refuse(context, 'field-reference', `${at} needs ${path}, which only a running pod has${remedy} give the pod with its status`);
  } else if (environment.repeated.has(name)) {
    const why = 'is set more than once, and one of its values is known only on a node; keep one of them';
    refuse(context, 'field-reference', `${at} ${why}`);
  }
}

function keyValue(kind: DataKind, reference: unknown, at: string, context: RenderContext): string | undefined {
  const name = textField(reference, 'name') ?? '';
  const key = textField(reference, 'key') ?? '';
  const object = context.objects.find(kind, context.namespace, name);
  const value = object?.texts.get(key);
  if (value !== undefined || field(reference, 'optional') === true) return value;
  const message = object === undefined ? missingObject(at, kind, name, context) : missingKey(at, kind, name, key, context);
  return refuse(context, 'env-not-captured', message);
}

function fateContext({ objects, options, target }: RenderContext): FieldRefContext {
  return {
    allowDuplicate: options.allowDuplicate,
    hostNetwork: field(field(objects.pod, 'spec'), 'hostNetwork') === true,
    kubeletMinor: target.kubeletMinor,
    literalHostIp: target.literalHostIp === true,
  };
}
