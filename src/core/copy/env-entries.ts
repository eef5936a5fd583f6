/**
 * How one value that the parent's process got is written into the copy's environment: as a literal, or, where it may be
 * a Secret's and the pod asks for `secret-env: env-file`, as a reference into a file (env-file.ts).
 *
 * Of a container with envFrom from a Secret, nobody can tell which of the injected values are the Secret's: all go by
 * file. Never puts a value into a sentence.
 */

import { field, objectsIn, textField } from '../model/json.ts';
import { ANNOTATION_SECRET_ENV } from '../model/keys.ts';
import type { Json } from '../model/model.ts';
import { type Findings, type Reasons, refuse } from '../model/refusal.ts';
import type { SecretEnv } from '../select/select.ts';
import { escapeDollars } from '../text/expand.ts';
import { type EnvFile, fileVariable, judgeEnvFile } from './env-file.ts';
import type { FieldRefContext } from './field-refs.ts';

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

export interface Entry {
  readonly json: Json;
  /** The literal to be expanded; undefined: the kubelet fills it in. */
  readonly literal: string | undefined;
  /** Written by the pod's author, not made here. */
  readonly asWritten: boolean;
}

/** A variable of a container, and what the process got for it; `at` is its path with its name. */
export interface Variable {
  readonly container: Json;
  readonly name: string;
  readonly value: string;
  readonly at: string;
}

/** A value that stands in the manifest. */
export function plainEntry({ name, value, at }: Variable, { findings }: EnvContext): readonly Entry[] {
  return isExpressible(value, at, findings) ? [literalEntry(name, value)] : [];
}

/**
 * What the process got for a name. It may be a Secret's value although the entry names something else. The last entry
 * of a name wins, and an optional reference to nothing leaves what envFrom gave.
 */
export function capturedEntry(variable: Variable, context: EnvContext): readonly Entry[] {
  const { container, name } = variable;
  return hasSecretSource(container, name) ? secretEntry(variable, context) : plainEntry(variable, context);
}

/** A value that may be a Secret's. An empty one tells nothing, and no file can give it. */
export function secretEntry(variable: Variable, context: EnvContext): readonly Entry[] {
  const { container, name, value, at } = variable;
  const { findings, envFile, secretEnv } = context;
  if (secretEnv !== 'env-file' || value === '') return plainEntry(variable, context);
  if (!isExpressible(value, at, findings)) return [];
  const json = fileVariable(envFile, { container: nameOf(container), name, value, at }, findings);
  return json === undefined ? [] : [{ json, literal: undefined, asWritten: false }];
}

export function literalEntry(name: string, value: string): Entry {
  const escaped = escapeDollars(value);
  return { json: { name, value: escaped }, literal: escaped, asWritten: false };
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

/** `what` begins a sentence: who takes what. */
export function requireConsent(what: string, context: EnvContext): void {
  switch (context.secretEnv) {
    case 'inline':
      return;
    case 'refuse': {
      const remedy = `mount the Secret as files, or accept it with ${ANNOTATION_SECRET_ENV}: "inline"`;
      refuse(context.findings, 'secret-env', `${what} from a Secret, which anyone who may read pods could read in the copy; ${remedy}`);
      return;
    }
    case 'env-file':
      judgeEnvFile(what, context);
  }
}

export function refuseUncaptured(path: string, findings: Reasons): void {
  const why = 'is not known to the container runtime any more; it will be after the next start of the container';
  refuse(findings, 'env-not-captured', `${path} ${why}`);
}

/** JSON carries Unicode text; other bytes arrive here as replacement characters, and would silently be others. */
function isExpressible(value: string, at: string, findings: Reasons): boolean {
  if (value.isWellFormed() && !/[\0\ufffd]/.test(value)) return true;
  const why = 'holds bytes that are no text, which a manifest cannot express; mount them as a file instead';
  refuse(findings, 'env-value', `${at} ${why}`);
  return false;
}

export function nameOf(variable: Json): string {
  return textField(variable, 'name') ?? '';
}
