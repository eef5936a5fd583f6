/**
 * What an API server asks of a container's environment and of downward API references (validation.go, ValidateEnv,
 * ValidateEnvFrom).
 */
import { field, fieldAt, objectsIn, textField } from '../model/json.ts';
import type { Json } from '../model/model.ts';
import type { Refusal } from '../model/refusal.ts';
import { parseQuantity } from '../text/quantity.ts';
import {
  all,
  boolean,
  type Check,
  DNS_LABEL,
  each,
  exactlyOne,
  fields,
  given,
  isQualifiedName,
  KEY,
  NO_BACKSTEP,
  required,
  SUBDOMAIN,
  tell,
  text,
  VARIABLE,
} from './valid-checks.ts';

const ANY_TEXT = text(() => true, 'is no text; put it in quotes');
const VERSION = given(text((version) => version === 'v1', 'is not v1, the only version that pods have; write that, or remove it'));
const SUBSCRIPT = /^(.*)\['(.*)'\]$/s;
const FILE_PATHS = ['metadata.name', 'metadata.namespace', 'metadata.labels', 'metadata.annotations', 'metadata.uid'];

/** What a variable may show beyond this is judged where the copy is made. */
const ENV_PATH = text((path) => {
  return path !== 'metadata.labels' && path !== 'metadata.annotations' && hasGoodSubscript(path);
}, "is no field that a variable can show; of labels and annotations it shows one: metadata.labels['KEY']");
const FILE_PATH = text(
  (path) => hasGoodSubscript(path) && (SUBSCRIPT.test(path) || FILE_PATHS.includes(path)),
  `is no field that a file can show; write one of ${FILE_PATHS.join(', ')}, or metadata.labels['KEY']`,
);

function hasGoodSubscript(path: string): boolean {
  const [, map, key = ''] = SUBSCRIPT.exec(path) ?? [];
  if (map === undefined) return true;
  if (map === 'metadata.labels') return isQualifiedName(key);
  return map === 'metadata.annotations' && isQualifiedName(key.toLowerCase());
}

const AMOUNT = /^(limits|requests)\.(cpu|memory|ephemeral-storage|hugepages-.*)$/s;
const UNITS = ['1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei'];

const DIVISOR: Check = (value, at, reasons) => {
  const divisor = parseQuantity(field(value, 'divisor') ?? '0');
  if (divisor === 0n) return;
  const units = /\.cpu$/.test(textField(value, 'resource') ?? '') ? ['1m', '1'] : UNITS;
  if (!units.some((unit) => parseQuantity(unit) === divisor))
    tell(reasons, `${at}.divisor`, `is no unit of that amount; write one of ${units.join(', ')}`);
};

const RESOURCE = text(
  (resource) => AMOUNT.test(resource),
  'is no amount of a container; write limits. or requests. and then cpu, memory, ephemeral-storage or hugepages-SIZE',
);

/** Of a variable. */
const ENV_FIELD = fields({ apiVersion: VERSION, fieldPath: given(ENV_PATH) }, required('fieldPath'));
const ENV_AMOUNT = fields({ containerName: ANY_TEXT, resource: given(RESOURCE) }, required('resource'), DIVISOR);
/** Of a file in a volume. */
export const FILE_FIELD = fields({ apiVersion: VERSION, fieldPath: given(FILE_PATH) }, required('fieldPath'));
export const FILE_AMOUNT = fields({ containerName: ANY_TEXT, resource: given(RESOURCE) }, required('containerName', 'resource'), DIVISOR);

const KEY_REF = fields({ name: given(SUBDOMAIN), key: given(KEY), optional: boolean }, required('name', 'key'));
const FILE_KEY_REF = fields(
  { volumeName: given(DNS_LABEL), path: given(NO_BACKSTEP), key: given(VARIABLE), optional: boolean },
  required('volumeName', 'path', 'key'),
);

const SOURCES = ['fieldRef', 'resourceFieldRef', 'configMapKeyRef', 'secretKeyRef', 'fileKeyRef'];

const VALUE_OR_SOURCE: Check = (variable, at, reasons) => {
  if (field(variable, 'valueFrom') !== undefined && textField(variable, 'value'))
    tell(reasons, `${at}.valueFrom`, 'stands beside a value; keep one of the two');
};

const VARIABLES = each(
  fields(
    {
      name: given(VARIABLE),
      valueFrom: fields(
        { fieldRef: ENV_FIELD, resourceFieldRef: ENV_AMOUNT, configMapKeyRef: KEY_REF, secretKeyRef: KEY_REF, fileKeyRef: FILE_KEY_REF },
        exactlyOne('source', ...SOURCES),
      ),
    },
    required('name'),
    VALUE_OR_SOURCE,
  ),
);

const OBJECT_REF = fields({ name: given(SUBDOMAIN), optional: boolean }, required('name'));

const GROUPS = each(
  fields({ prefix: given(VARIABLE), configMapRef: OBJECT_REF, secretRef: OBJECT_REF }, exactlyOne('source', 'configMapRef', 'secretRef')),
);

/** Files that variables are read from lie in an emptyDir (validateFileKeyRefVolumes). */
function files(spec: Json): Check {
  return (env, at, reasons: Refusal[]) => {
    for (const [index, variable] of (Array.isArray(env) ? env : []).entries()) {
      const name = textField(fieldAt(variable, 'valueFrom', 'fileKeyRef'), 'volumeName');
      if (!name) continue;
      const volume = objectsIn(spec, 'volumes').find((candidate) => textField(candidate, 'name') === name);
      const kinds = Object.keys(volume ?? {}).filter((key) => key !== 'name' && field(volume, key) !== undefined);
      // a volume of no kind is an emptyDir
      if (volume === undefined || kinds.some((kind) => kind !== 'emptyDir'))
        tell(reasons, `${at}[${index}].valueFrom.fileKeyRef.volumeName`, 'names no emptyDir volume of this pod; name one');
    }
  };
}

export function envChecks(spec: Json): Readonly<Record<'env' | 'envFrom', Check>> {
  return { env: all(VARIABLES, files(spec)), envFrom: GROUPS };
}
