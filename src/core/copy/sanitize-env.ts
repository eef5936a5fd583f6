/**
 * The environment of a copy's container: the same variables with the same values as the parent's process got.
 * Never puts a value into a sentence, and never lets a Secret's value into the manifest without the pod's consent.
 *
 * The kubelet builds it so (pkg/kubelet/kubelet_pods.go, makeEnvironmentVariables):
 * 1. values of envFrom, later sources winning;
 * 2. env in its order: each literal expanded against what is there so far and the service variables, each reference
 *    taken as it is;
 * 3. service variables that are still missing.
 *
 * A static pod started without the API server gets no service variables, and may not have references. So the copy has,
 * in this order:
 * 1. what came from envFrom and from services, as literals sorted by name;
 * 2. the container's own env: literals as written, references as literals with every `$` doubled.
 *
 * Then the copy is expanded here as the kubelet will expand it. A literal may come out otherwise than it did for the
 * parent, where it referred to a value that a later entry hides. What the parent got replaces it.
 */

import { byCodeUnit, field, isAbsent, isObject, objectsIn, textField } from '../model/json.ts';
import type { Json } from '../model/model.ts';
import { refuse } from '../model/refusal.ts';
import { expand } from '../text/expand.ts';
import { applyFields, malformed } from './apply-fields.ts';
import {
  capturedEntry,
  type Entry,
  type EnvContext,
  hasSecretSource,
  literalEntry,
  nameOf,
  plainEntry,
  refuseUncaptured,
  requireConsent,
  secretEntry,
  type Variable,
} from './env-entries.ts';
import { fieldRefFate, valueFromPod } from './field-refs.ts';
import { ENV_FROM, ENV_SOURCE, ENV_VAR, FIELD_REF } from './fields-container.ts';
import { listOf } from './sanitize-volumes.ts';

/** First kubelet that accepts any printable name in a static pod. */
const ANY_NAME_SINCE = 35;
const API_SERVICE = /^KUBERNETES_(SERVICE|PORT)(_|$)/;

/** The copy's `env`; refusals and changes go to the findings. `at` is the container's path with its name. */
export function sanitizeEnv(container: Json, at: string, context: EnvContext): readonly Json[] {
  const own = listOf(field(container, 'env'), `${at}.env`, context);
  judgeEnvFrom(container, at, context);
  const injected = injectedEntries(container, own, at, context);
  const entries = own.flatMap((variable, index) => ownEntry(container, variable, `${at}.env[${index}]`, context));
  const checked = context.captured === undefined ? entries : correctExpansions(container, injected, entries, at, context);
  const overridden = injected.map((entry) => {
    const value = context.overrides.get(nameOf(entry.json));
    return value === undefined ? entry : literalEntry(nameOf(entry.json), value);
  });
  const all = [...overridden, ...checked].map((entry) => entry.json);
  judgeNames(all, at, context);
  return all;
}

function judgeEnvFrom(container: Json, at: string, context: EnvContext): void {
  const sources = listOf(field(container, 'envFrom'), `${at}.envFrom`, context);
  for (const [index, source] of sources.entries()) {
    const path = `${at}.envFrom[${index}]`;
    applyFields(source, ENV_FROM, path, { findings: context.findings, kubeletMinor: context.kubeletMinor, unknown: 'refuse' });
    if (field(source, 'secretRef') !== undefined) requireConsent(`${path} takes all variables`, context);
  }
  if (sources.length === 0) return;
  if (context.captured === undefined) refuseUncaptured(`${at}.envFrom`, context.findings);
  else context.findings.changes.push(`${at}.envFrom: became variables`);
}

/** Variables that the container does not name itself: from envFrom, and from services. */
function injectedEntries(container: Json, own: readonly Json[], at: string, context: EnvContext): readonly Entry[] {
  const hasEnvFrom = !isAbsent(field(container, 'envFrom'));
  // with service links off and no envFrom only the API server's own service is left
  const onlyApi = !hasEnvFrom && field(field(context.pod, 'spec'), 'enableServiceLinks') === false;
  const ownNames = new Set(own.map(nameOf));
  const values = new Map([...(context.captured ?? context.services)].filter(([name]) => !onlyApi || API_SERVICE.test(name)));
  for (const [name, value] of context.overrides) if (!values.has(name)) values.set(name, value);
  const names = [...values.keys()].filter((name) => !ownNames.has(name)).sort(byCodeUnit);
  if (!hasEnvFrom && names.length > 0) context.findings.changes.push(`${at}.env: service variables became literal variables`);
  return names.flatMap((name) => {
    const variable = { container, name, value: values.get(name) ?? '', at: `${at}.env ${name}` };
    // our own way to the API server is no Secret's value
    return context.overrides.has(name) ? plainEntry(variable, context) : capturedEntry(variable, context);
  });
}

function ownEntry(container: Json, variable: Json, at: string, context: EnvContext): readonly Entry[] {
  const rules = { findings: context.findings, kubeletMinor: context.kubeletMinor, unknown: 'refuse' as const };
  const name = nameOf(variable);
  const kept = applyFields(variable, ENV_VAR, at, rules);
  if (name === '') malformed(`${at}.name`, 'a name', context);
  const source = field(variable, 'valueFrom');
  // an empty value lets valueFrom count, as in the kubelet
  if (source === undefined || !isAbsent(field(variable, 'value'))) {
    return [{ json: kept, literal: textField(kept, 'value') ?? '', asWritten: true }];
  }
  const kinds = isObject(source) ? Object.keys(source).filter((key) => field(source, key) !== undefined) : [];
  if (!isObject(source) || kinds.length !== 1) {
    malformed(`${at}.valueFrom`, 'one source', context);
    return [];
  }
  const local = applyFields(source, ENV_SOURCE, `${at}.valueFrom`, rules);
  const own = { container, name, at };
  const [kind] = kinds;
  switch (kind) {
    case 'fieldRef':
      return fieldEntry(own, field(source, kind), context);
    case 'secretKeyRef':
    case 'configMapKeyRef':
      return keyEntry(own, kind, field(source, kind), context);
    default:
      return [{ json: { name, valueFrom: local }, literal: undefined, asWritten: false }];
  }
}

/** A variable of the container's own; `at` is its path, without its name. */
type Own = Omit<Variable, 'value'>;

function keyEntry(
  { container, name, at }: Own,
  kind: 'secretKeyRef' | 'configMapKeyRef',
  reference: unknown,
  context: EnvContext,
): readonly Entry[] {
  const { findings, captured } = context;
  const value = captured?.get(name);
  if (value === undefined) {
    // nothing was there, and the container started without it
    if (captured === undefined || field(reference, 'optional') !== true) refuseUncaptured(`${at} ${name}`, findings);
    return [];
  }
  if (kind === 'secretKeyRef') requireConsent(`${at} takes ${name}`, context);
  const made = capturedEntry({ container, name, value, at: `${at} ${name}` }, context);
  const became = made[0]?.literal === undefined ? 'a reference into a file' : 'a literal variable';
  findings.changes.push(`${at} ${name}: ${kind} became ${became}`);
  return made;
}

function fieldEntry({ container, name, at }: Own, fieldRef: unknown, context: EnvContext): readonly Entry[] {
  const { findings, captured, pod, refs, kubeletMinor } = context;
  const path = textField(fieldRef, 'fieldPath');
  const place = `${at}.valueFrom.fieldRef`;
  if (!isObject(fieldRef) || path === undefined) {
    malformed(place, 'a reference to a field', context);
    return [];
  }
  const kept = applyFields(fieldRef, FIELD_REF, place, { findings, kubeletMinor, unknown: 'refuse' });
  switch (fieldRefFate(path, refs)) {
    case 'keep':
      return [{ json: { name, valueFrom: { fieldRef: kept } }, literal: undefined, asWritten: false }];
    case 'refuse': {
      const why = 'names a field not known to this version; remove it or upgrade pod-checkpointer';
      refuse(findings, 'field-reference', `${place}.fieldPath ${why}`);
      return [];
    }
    case 'value': {
      const value = captured?.get(name) ?? valueFromPod(path, pod);
      if (value === undefined) {
        refuseUncaptured(`${at} ${name}`, findings);
        return [];
      }
      findings.changes.push(`${at} ${name}: reference to ${path} became a value`);
      return capturedEntry({ container, name, value, at: `${at} ${name}` }, context);
    }
  }
}

/**
 * Expands the copy's environment as the kubelet will, with the parent's values where the kubelet fills in, and replaces
 * the last literal of a name when it does not come out as it did for the parent.
 */
function correctExpansions(
  container: Json,
  injected: readonly Entry[],
  entries: readonly Entry[],
  at: string,
  context: EnvContext,
): readonly Entry[] {
  const captured = context.captured ?? new Map<string, string>();
  const values = new Map<string, string>();
  for (const { json } of injected) values.set(nameOf(json), captured.get(nameOf(json)) ?? '');
  const last = new Map(entries.map(({ json }, index) => [nameOf(json), index]));
  return entries.map((entry, index) => {
    const name = nameOf(entry.json);
    const got = captured.get(name);
    if (entry.literal === undefined) {
      values.set(name, got ?? '');
      return entry;
    }
    const expanded = expand(entry.literal, (reference) => values.get(reference));
    values.set(name, expanded);
    if (!entry.asWritten || last.get(name) !== index || got === undefined || got === expanded) return entry;
    values.set(name, got);
    context.findings.changes.push(`${at}.env ${name}: was expanded, because its references would come out otherwise`);
    // what it referred to may be a Secret's value
    const variable = { container, name, value: got, at: `${at}.env ${name}` };
    const [made] = hasSecretSource(container) ? secretEntry(variable, context) : plainEntry(variable, context);
    return made ?? entry;
  });
}

/** A name that the kubelet's validation refuses would end the whole copy (validation.go, ValidateEnv). */
function judgeNames(env: readonly Json[], at: string, { findings, kubeletMinor }: EnvContext): void {
  const relaxed = kubeletMinor !== undefined && kubeletMinor >= ANY_NAME_SINCE;
  const remedy = relaxed ? 'rename the variable' : 'rename the variable, or use kubelet 1.35 or newer';
  for (const name of new Set(env.map(nameOf))) {
    // one without a name is malformed, and told already
    if (name === '' || (relaxed ? isPrintableName(name) : isPlainName(name))) continue;
    const shown = JSON.stringify(name.slice(0, 60));
    refuse(findings, 'env-name', `${at}.env has the name ${shown}, which the kubelet refuses in static pods; ${remedy}`);
  }
}

/** IsRelaxedEnvVarName. */
function isPrintableName(name: string): boolean {
  return /^[ -<>-~]+$/.test(name);
}

/** IsEnvVarName. */
function isPlainName(name: string): boolean {
  return /^[-._a-zA-Z][-._a-zA-Z0-9]*$/.test(name) && name !== '.' && !name.startsWith('..');
}

/**
 * The API server's service variables as the first captured container shows them that does not define them itself: all
 * containers of a pod get the same. For containers that the runtime has forgotten.
 */
export function apiServiceVariables(
  containers: readonly Json[],
  captured: (name: string) => ReadonlyMap<string, string> | undefined,
): ReadonlyMap<string, string> {
  for (const container of containers) {
    const own = new Set(objectsIn(container, 'env').map(nameOf));
    if (!isAbsent(field(container, 'envFrom'))) continue;
    const found = [...(captured(nameOf(container)) ?? [])].filter(([name]) => API_SERVICE.test(name) && !own.has(name));
    if (found.length > 0) return new Map(found);
  }
  return new Map();
}
