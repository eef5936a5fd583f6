/**
 * The environment of a copy's container: the same variables with the same values as the parent's process got.
 * Never puts a value into a sentence, and never lets a Secret's value into the manifest without the pod's consent.
 *
 * The kubelet builds it so (pkg/kubelet/kubelet_pods.go, makeEnvironmentVariables): values of envFrom first, later
 * sources winning; then env in its order, each literal expanded against what is there so far and the service variables,
 * each reference taken as it is; then service variables that are still missing. A static pod started without the API
 * server gets no service variables, and may not have references. So the copy has, in this order:
 * 1. what came from envFrom and from services, as literals sorted by name;
 * 2. the container's own env: literals as written, references as literals with every `$` doubled.
 * Then the copy is expanded here as the kubelet will expand it, and a literal that would come out otherwise than it did
 * for the parent (it referred to a value that a later entry hides) is replaced by what the parent got.
 *
 * With `secret-env: env-file`, what came from a Secret is not a literal but a reference into a file (env-file.ts). Of a
 * container with envFrom from a Secret, nobody can tell which of the injected values are the Secret's: all go by file.
 */

import { byCodeUnit, field, isAbsent, isObject, objectsIn, textField } from '../model/json.ts';
import { ANNOTATION_SECRET_ENV } from '../model/keys.ts';
import type { Json } from '../model/model.ts';
import { type Findings, type Refusal, refusal } from '../model/refusal.ts';
import type { SecretEnv } from '../select/select.ts';
import { escapeDollars, expand } from '../text/expand.ts';
import { applyFields, malformed } from './apply-fields.ts';
import { type EnvFile, fileVariable, judgeEnvFile } from './env-file.ts';
import { type FieldRefContext, fieldRefFate, valueFromPod } from './field-refs.ts';
import { ENV_FROM, ENV_SOURCE, ENV_VAR, FIELD_REF } from './fields-container.ts';
import { listOf } from './sanitize-volumes.ts';

export interface EnvContext {
  readonly findings: Findings;
  readonly kubeletMinor: number | undefined;
  readonly refs: FieldRefContext;
  readonly secretEnv: SecretEnv;
  /** Takes secret values where the pod asks for `env-file`. */
  readonly envFile: EnvFile;
  readonly agentImage: string | undefined;
  readonly pod: unknown;
  /** What this container's process got, by name; undefined: the runtime has forgotten the container. */
  readonly captured: ReadonlyMap<string, string> | undefined;
  /** Service variables of the pod, for containers that the runtime has forgotten. */
  readonly services: ReadonlyMap<string, string>;
  /** Values that replace service variables: another way to the API server than its service address. */
  readonly overrides: ReadonlyMap<string, string>;
}

/** First kubelet that accepts any printable name in a static pod. */
const ANY_NAME_SINCE = 35;
const API_SERVICE = /^KUBERNETES_(SERVICE|PORT)(_|$)/;

interface Entry {
  readonly json: Json;
  /** The literal to be expanded; undefined: the kubelet fills it in. */
  readonly literal: string | undefined;
  /** Written by the pod's author, not made here. */
  readonly asWritten: boolean;
}

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
  if (context.captured === undefined) context.findings.reasons.push(notCaptured(`${at}.envFrom`));
  else context.findings.changes.push(`${at}.envFrom: became variables`);
}

function requireConsent(what: string, { findings, secretEnv, kubeletMinor, agentImage }: EnvContext): void {
  switch (secretEnv) {
    case 'inline':
      return;
    case 'refuse':
      findings.reasons.push(
        refusal(
          'secret-env',
          `${what} from a Secret, which anyone who may read pods could read in the copy; mount the Secret as files, or accept it with ${ANNOTATION_SECRET_ENV}: "inline"`,
        ),
      );
      return;
    case 'env-file':
      findings.reasons.push(...judgeEnvFile(what, kubeletMinor, agentImage));
  }
}

function notCaptured(path: string): Refusal {
  return refusal(
    'env-not-captured',
    `${path} is not known to the container runtime any more; it will be after the next start of the container`,
  );
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
    const value = values.get(name) ?? '';
    return (context.overrides.has(name) ? plainEntry : capturedEntry)(container, name, value, `${at}.env ${name}`, context);
  });
}

/** A value that stands in the manifest. */
function plainEntry(_container: Json, name: string, value: string, at: string, context: EnvContext): readonly Entry[] {
  return isExpressible(value, at, context) ? [literalEntry(name, value)] : [];
}

/**
 * What the process got for a name. It may be a Secret's value although the entry names something else: the last entry of
 * a name wins, and an optional reference to nothing leaves what envFrom gave.
 */
function capturedEntry(container: Json, name: string, value: string, at: string, context: EnvContext): readonly Entry[] {
  return (hasSecretSource(container, name) ? secretEntry : plainEntry)(container, name, value, at, context);
}

/** A value that may be a Secret's. An empty one tells nothing, and no file can give it. */
function secretEntry(container: Json, name: string, value: string, at: string, context: EnvContext): readonly Entry[] {
  if (context.secretEnv !== 'env-file' || value === '') return plainEntry(container, name, value, at, context);
  if (!isExpressible(value, at, context)) return [];
  const json = fileVariable(context.envFile, { container: nameOf(container), name, value, at }, context.findings);
  return json === undefined ? [] : [{ json, literal: undefined, asWritten: false }];
}

/** May this name, or without one any name, have got a Secret's value? */
export function hasSecretSource(container: Json, name?: string): boolean {
  return (
    objectsIn(container, 'envFrom').some((source) => field(source, 'secretRef') !== undefined) ||
    objectsIn(container, 'env').some(
      (variable) => (name === undefined || nameOf(variable) === name) && field(field(variable, 'valueFrom'), 'secretKeyRef') !== undefined,
    )
  );
}

function ownEntry(container: Json, variable: Json, at: string, context: EnvContext): readonly Entry[] {
  const { findings, kubeletMinor, captured } = context;
  const name = nameOf(variable);
  const rules = { findings, kubeletMinor, unknown: 'refuse' as const };
  const kept = applyFields(variable, ENV_VAR, at, rules);
  if (name === '') malformed(`${at}.name`, 'a name', context);
  const source = field(variable, 'valueFrom');
  // an empty value lets valueFrom count, as in the kubelet
  if (source === undefined || !isAbsent(field(variable, 'value'))) {
    return [{ json: kept, literal: textField(kept, 'value') ?? '', asWritten: true }];
  }
  if (!isObject(source) || Object.keys(source).filter((key) => field(source, key) !== undefined).length !== 1) {
    malformed(`${at}.valueFrom`, 'one source', context);
    return [];
  }
  const local = applyFields(source, ENV_SOURCE, `${at}.valueFrom`, rules);
  const fieldRef = field(source, 'fieldRef');
  if (fieldRef !== undefined) return fieldEntry(container, name, fieldRef, at, context);
  const kind =
    field(source, 'secretKeyRef') !== undefined
      ? 'secretKeyRef'
      : field(source, 'configMapKeyRef') !== undefined
        ? 'configMapKeyRef'
        : undefined;
  if (kind === undefined) return [{ json: { name, valueFrom: local }, literal: undefined, asWritten: false }];
  const value = captured?.get(name);
  if (value === undefined) {
    // nothing was there, and the container started without it
    if (captured !== undefined && field(field(source, kind), 'optional') === true) return [];
    findings.reasons.push(notCaptured(`${at} ${name}`));
    return [];
  }
  if (kind === 'secretKeyRef') requireConsent(`${at} takes ${name}`, context);
  const made = capturedEntry(container, name, value, `${at} ${name}`, context);
  const became = made[0]?.literal === undefined ? 'a reference into a file' : 'a literal variable';
  findings.changes.push(`${at} ${name}: ${kind} became ${became}`);
  return made;
}

function fieldEntry(container: Json, name: string, fieldRef: unknown, at: string, context: EnvContext): readonly Entry[] {
  const { findings, captured, pod, refs, kubeletMinor } = context;
  const path = textField(fieldRef, 'fieldPath');
  if (!isObject(fieldRef) || path === undefined) {
    malformed(`${at}.valueFrom.fieldRef`, 'a reference to a field', context);
    return [];
  }
  const kept = applyFields(fieldRef, FIELD_REF, `${at}.valueFrom.fieldRef`, { findings, kubeletMinor, unknown: 'refuse' });
  switch (fieldRefFate(path, refs)) {
    case 'keep':
      return [{ json: { name, valueFrom: { fieldRef: kept } }, literal: undefined, asWritten: false }];
    case 'refuse':
      findings.reasons.push(
        refusal(
          'field-reference',
          `${at}.valueFrom.fieldRef.fieldPath names a field not known to this version; remove it or upgrade pod-checkpointer`,
        ),
      );
      return [];
    case 'value': {
      const value = captured?.get(name) ?? valueFromPod(path, pod);
      if (value === undefined) {
        findings.reasons.push(notCaptured(`${at} ${name}`));
        return [];
      }
      findings.changes.push(`${at} ${name}: reference to ${path} became a value`);
      return capturedEntry(container, name, value, `${at} ${name}`, context);
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
    const make = hasSecretSource(container) ? secretEntry : plainEntry;
    return make(container, name, got, `${at}.env ${name}`, context)[0] ?? entry;
  });
}

function literalEntry(name: string, value: string): Entry {
  const escaped = escapeDollars(value);
  return { json: { name, value: escaped }, literal: escaped, asWritten: false };
}

/** JSON carries Unicode text; other bytes arrive here as replacement characters, and would silently be others. */
function isExpressible(value: string, at: string, { findings }: EnvContext): boolean {
  if (value.isWellFormed() && !/[\0\ufffd]/.test(value)) return true;
  findings.reasons.push(
    refusal('env-value', `${at} holds bytes that are no text, which a manifest cannot express; mount them as a file instead`),
  );
  return false;
}

/** A name that the kubelet's validation refuses would end the whole copy (validation.go, ValidateEnv). */
function judgeNames(env: readonly Json[], at: string, { findings, kubeletMinor }: EnvContext): void {
  const relaxed = kubeletMinor !== undefined && kubeletMinor >= ANY_NAME_SINCE;
  for (const name of new Set(env.map(nameOf))) {
    if (
      name === '' ||
      (relaxed ? /^[ -<>-~]+$/.test(name) : /^[-._a-zA-Z][-._a-zA-Z0-9]*$/.test(name) && name !== '.' && !name.startsWith('..'))
    )
      continue;
    const remedy = relaxed ? 'rename the variable' : 'rename the variable, or use kubelet 1.35 or newer';
    findings.reasons.push(
      refusal(
        'env-name',
        `${at}.env has the name ${JSON.stringify(name.slice(0, 60))}, which the kubelet refuses in static pods; ${remedy}`,
      ),
    );
  }
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

function nameOf(variable: Json): string {
  return textField(variable, 'name') ?? '';
}
