/**
 * Mounts of a copy's containers: read-only where the volume becomes stored files, and never at a path in them that is
 * not there. Never puts a Secret's value into the manifest without the pod's consent.
 */

import { field, fieldAt, isAbsent, objectsIn, textField } from '../model/json.ts';
import { ANNOTATION_SECRET_ENV } from '../model/keys.ts';
import type { CapturedFile, Json } from '../model/model.ts';
import { type Findings, refuse } from '../model/refusal.ts';
import type { SecretEnv } from '../select/select.ts';
import { expand, referencesIn } from '../text/expand.ts';
import { applyFields, malformed } from './apply-fields.ts';
import { fieldValue } from './downward-values.ts';
import { hasSecretSource } from './env-entries.ts';
import { VOLUME_MOUNT } from './fields-container.ts';
import { listOf, type SanitizedVolumes } from './sanitize-volumes.ts';

export interface MountContext {
  readonly findings: Findings;
  readonly kubeletMinor: number | undefined;
  readonly volumes: SanitizedVolumes;
  readonly secretEnv: SecretEnv;
  readonly pod: unknown;
  /** What this container's process got, by name; undefined: the runtime has forgotten the container. */
  readonly env: ReadonlyMap<string, string> | undefined;
}

/** The mounts of a container; `at` is its path with its name. */
export function sanitizeMounts(container: Json, at: string, context: MountContext): readonly Json[] {
  const mounts = listOf(field(container, 'volumeMounts'), `${at}.volumeMounts`, context);
  return mounts.map((mount, index) => sanitizeMount(container, mount, `${at}.volumeMounts[${index}]`, context));
}

function sanitizeMount(container: Json, mount: Json, at: string, context: MountContext): Json {
  const { findings, kubeletMinor, volumes } = context;
  const kept = applyFields(mount, VOLUME_MOUNT, at, { findings, kubeletMinor, unknown: 'refuse' });
  const volume = textField(mount, 'name') ?? '';
  if (!volumes.names.has(volume)) malformed(`${at}.name`, 'the name of a volume', context);
  if (isAbsent(textField(mount, 'mountPath'))) malformed(`${at}.mountPath`, 'a path', context);
  if (!volumes.readOnly.has(volume)) return kept;
  const files = Object.hasOwn(volumes.stored, volume) ? volumes.stored[volume] : undefined;
  const mounted = files === undefined ? kept : withSubPath({ container, mount: kept, at, volume, files }, context);
  return { ...mounted, readOnly: true };
}

/** A mount of a volume that becomes stored files. */
interface StoredMount {
  readonly container: Json;
  readonly mount: Json;
  readonly at: string;
  readonly volume: string;
  readonly files: readonly CapturedFile[];
}

/**
 * The mount with a literal path. An expression would come out otherwise for the copy, which has another name. And on a
 * hostPath the kubelet creates a missing path as a directory: in our case inside a stored revision.
 */
function withSubPath({ container, mount, at, volume, files }: StoredMount, context: MountContext): Json {
  const { subPathExpr, ...rest } = mount;
  const written = textField(mount, 'subPath');
  const expression = typeof subPathExpr === 'string' && subPathExpr !== '' ? subPathExpr : undefined;
  const subPath = expression === undefined ? written : expanded(container, expression, `${at}.subPathExpr`, context);
  if (!subPath) return mount;
  if (!holds(files, subPath)) {
    const key = expression === undefined ? 'subPath' : 'subPathExpr';
    const why = `names nothing that volume "${volume}" holds; correct the path or remove the mount`;
    refuse(context.findings, 'sub-path-missing', `${at}.${key} ${why}`);
  }
  if (expression === undefined) return mount;
  context.findings.changes.push(`${at}.subPathExpr: became the path that the parent got`);
  return { ...rest, subPath };
}

function holds(files: readonly CapturedFile[], subPath: string): boolean {
  const path = subPath.replace(/^(\.\/)+/, '').replace(/\/+$/, '');
  return path === '' || path === '.' || files.some((file) => file.path === path || file.path.startsWith(`${path}/`));
}

/**
 * What the parent's kubelet made of an expression (pkg/kubelet/container/helpers.go, ExpandContainerVolumeMounts).
 * undefined: refused.
 */
function expanded(container: Json, expression: string, at: string, context: MountContext): string | undefined {
  const { findings, secretEnv, pod } = context;
  const values = context.env ?? writtenValues(container, pod);
  const direct = referencesIn(expression);
  const reached = reachedNames(container, expression);
  const own = new Set(objectsIn(container, 'env').map((variable) => textField(variable, 'name')));
  // an empty value ends the start of the container; one that another refers to may be known only on a node
  const unknown = reached.find((name) => (direct.includes(name) ? !values.get(name) : own.has(name) && !values.has(name)));
  if (unknown !== undefined) {
    const what = `a value of the variable ${JSON.stringify(unknown.slice(0, 60))}, which is not known here`;
    const remedy = 'write the path as subPath, or restart the pod if only its runtime has forgotten it';
    return refuse(findings, 'env-not-captured', `${at} needs ${what}; ${remedy}`);
  }
  if (secretEnv !== 'inline' && reached.some((name) => hasSecretSource(container, name))) {
    const code = secretEnv === 'env-file' ? 'secret-env-file' : 'secret-env';
    const remedy = `write the path as subPath, or accept it with ${ANNOTATION_SECRET_ENV}: "inline"`;
    return refuse(findings, code, `${at} may hold a value from a Secret, which would stand in the manifest; ${remedy}`);
  }
  return expand(expression, (name) => values.get(name));
}

/** Names that an expression refers to, by way of other variables too. */
function reachedNames(container: Json, expression: string): readonly string[] {
  const reached = new Set<string>();
  const visit = (text: string): void => {
    for (const name of referencesIn(text)) {
      if (reached.has(name)) continue;
      reached.add(name);
      for (const variable of objectsIn(container, 'env')) {
        if (textField(variable, 'name') === name) visit(textField(variable, 'value') ?? '');
      }
    }
  };
  visit(expression);
  return [...reached];
}

/** The environment as far as the pod itself says it, for a container that the runtime has forgotten. */
function writtenValues(container: Json, pod: unknown): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const variable of objectsIn(container, 'env')) {
    const literal = textField(variable, 'value');
    const path = textField(fieldAt(variable, 'valueFrom', 'fieldRef'), 'fieldPath');
    const value = literal === undefined && path !== undefined ? fieldValue(path, pod) : literal;
    const name = textField(variable, 'name') ?? '';
    if (value === undefined) values.delete(name);
    else values.set(name, literal === undefined ? value : expand(literal, (key) => values.get(key)));
  }
  return values;
}
