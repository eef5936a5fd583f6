/**
 * Copies an object field by field as a table of rows says. What no row keeps is never copied.
 * Never throws; leaves `rewrite` rows to the caller.
 */

import { isAbsent, isObject } from '../model/json.ts';
import type { Json } from '../model/model.ts';
import { type Findings, refuse } from '../model/refusal.ts';
import type { FieldRule, FieldTable, Shape } from './field-rules.ts';

export interface FieldContext {
  readonly findings: Findings;
  /** Minor version of the node's kubelet; undefined counts as older than any gate. */
  readonly kubeletMinor: number | undefined;
  /** What to do with a field that has no row. */
  readonly unknown: 'drop' | 'refuse';
}

/** The kept fields of `value`; `at` is its path, for sentences. */
export function applyFields(value: Json, table: FieldTable, at: string, context: FieldContext): Json {
  const kept: [string, unknown][] = [];
  for (const [key, inner] of Object.entries(value)) {
    const path = at === '' ? key : `${at}.${key}`;
    if (inner === null || inner === undefined) continue;
    const rule = Object.hasOwn(table, key) ? table[key] : undefined;
    const result = rule === undefined ? unknownField(path, context) : applyRule(inner, rule, path, context);
    if (result !== undefined) kept.push([key, result]);
  }
  return Object.fromEntries(kept);
}

const REMOVE_OR_UPGRADE = 'remove the field or upgrade pod-checkpointer';

function unknownField(path: string, { findings, unknown }: FieldContext): undefined {
  if (unknown === 'drop') findings.changes.push(`${path}: dropped (not known to this version)`);
  else refuse(findings, 'unknown-field', `${path} is not known to this version, so it cannot be judged; ${REMOVE_OR_UPGRADE}`);
  return undefined;
}

function applyRule(value: unknown, rule: FieldRule, path: string, context: FieldContext): unknown {
  const { findings } = context;
  switch (rule.action) {
    case 'rewrite':
      if (rule.of !== undefined) applyShape(value, rule.of, path, context);
      return undefined;
    case 'drop':
      if (!isAbsent(value)) findings.changes.push(`${path}: dropped (${rule.why})`);
      return undefined;
    case 'refuse':
      if (!isAbsent(value)) refuse(findings, rule.code, `${path} cannot be kept: ${rule.why}`);
      return undefined;
    case 'keep':
      if (rule.since === undefined || (context.kubeletMinor !== undefined && context.kubeletMinor >= rule.since)) {
        return applyShape(value, rule.shape, path, context);
      }
      if (isAbsent(value)) return undefined;
      return refuse(findings, 'needs-newer-kubelet', `${path} cannot be kept: ${rule.why}`);
  }
}

function applyShape(value: unknown, shape: Shape, path: string, context: FieldContext): unknown {
  if (typeof shape === 'object') {
    if ('object' in shape) {
      return isObject(value) ? applyFields(value, shape.object, path, context) : malformed(path, 'an object', context);
    }
    if (!Array.isArray(value)) return malformed(path, 'a list', context);
    return value.map((item: unknown, index) => {
      const at = `${path}[${index}]`;
      return isObject(item) ? applyFields(item, shape.list, at, context) : malformed(at, 'an object', context);
    });
  }
  const [fits, expected] = SCALARS[shape];
  return fits(value) ? value : malformed(path, expected, context);
}

/** Notes a refusal. The sentence never shows the value: it may be a secret in the wrong place. */
export function malformed(path: string, expected: string, { findings }: { readonly findings: Findings }): undefined {
  const remedy = 'only pods that it accepted can be kept';
  return refuse(findings, 'malformed', `${path} is not ${expected}, as the API server would have made it; ${remedy}`);
}

const isText = (value: unknown): value is string => typeof value === 'string';

const SCALARS: Readonly<Record<Extract<Shape, string>, readonly [(value: unknown) => boolean, string]>> = {
  text: [(value) => isText(value), 'text'],
  integer: [(value) => Number.isSafeInteger(value), 'a whole number'],
  boolean: [(value) => typeof value === 'boolean', 'true or false'],
  texts: [(value) => Array.isArray(value) && value.every(isText), 'a list of texts'],
  integers: [(value) => Array.isArray(value) && value.every(Number.isSafeInteger), 'a list of whole numbers'],
  // people's manifests may write a quantity as a bare number
  quantity: [isQuantity, 'a quantity'],
  quantities: [(value) => isObject(value) && Object.values(value).every(isQuantity), 'a map of quantities'],
  port: [(value) => isText(value) || Number.isSafeInteger(value), 'a port number or name'],
};

function isQuantity(value: unknown): boolean {
  return isText(value) || (typeof value === 'number' && Number.isFinite(value));
}
