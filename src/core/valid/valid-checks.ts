/**
 * What the tables of valid-*.ts are made of: checks of one value, and ways to put them together.
 *
 * A check says what is wrong in a sentence that begins with the path and ends with the remedy. It never shows the
 * value, which may be a secret in the wrong place. Absent values are never wrong by themselves. Never throws.
 */
import { isAbsent, isDnsLabel, isDnsSubdomain, isObject } from '../model/json.ts';
import { type Refusal, refuse } from '../model/refusal.ts';
import { parseQuantity } from '../text/quantity.ts';

export type Check = (value: unknown, at: string, reasons: Refusal[]) => void;
export type Checks = Readonly<Record<string, Check>>;

/** `words` go on where the path ends, and say what to do. */
export function tell(reasons: Refusal[], at: string, words: string): void {
  refuse({ reasons }, 'malformed', `${at} ${words}`);
}

/** Checks the fields of an object, then the object as a whole. */
export function fields(checks: Checks, ...whole: readonly Check[]): Check {
  return (value, at, reasons) => {
    if (!isObject(value)) return tell(reasons, at, 'is no object; write its fields below it, one a line');
    for (const [key, check] of Object.entries(checks)) {
      const inner = Object.hasOwn(value, key) ? value[key] : undefined;
      if (inner !== undefined && inner !== null) check(inner, `${at}.${key}`, reasons);
    }
    for (const check of whole) check(value, at, reasons);
  };
}

export function each(check: Check): Check {
  return (value, at, reasons) => {
    if (!Array.isArray(value)) return tell(reasons, at, 'is no list; write a dash before each of its items');
    for (const [index, item] of value.entries()) check(item, `${at}[${index}]`, reasons);
  };
}

/** Of an object: fields that must be there, and not be empty. */
export function required(...keys: readonly string[]): Check {
  return (value, at, reasons) => {
    for (const key of keys) {
      if (isObject(value) && isAbsent(value[key])) tell(reasons, `${at}.${key}`, 'is missing; add it');
    }
  };
}

/** Of an object: exactly one of these fields. */
export function exactlyOne(what: string, ...keys: readonly string[]): Check {
  return (value, at, reasons) => {
    const given = keys.filter((key) => isObject(value) && value[key] !== undefined && value[key] !== null);
    if (given.length === 0) tell(reasons, at, `has no ${what}; write one of ${listed(keys)}`);
    if (given.length > 1) tell(reasons, at, `has more than one ${what} (${listed(given)}); keep one of them`);
  };
}

/** Of a list of objects: no two with the same value there. */
export function unique(key: string, of: (item: unknown) => string | undefined): Check {
  return (value, at, reasons) => {
    const seen = new Set<string>();
    for (const [index, item] of (Array.isArray(value) ? value : []).entries()) {
      const found = of(item);
      if (found === undefined) continue;
      if (seen.has(found)) tell(reasons, `${at}[${index}].${key}`, 'is there a second time; give each its own');
      seen.add(found);
    }
  };
}

export function all(...checks: readonly Check[]): Check {
  return (value, at, reasons) => {
    for (const check of checks) check(value, at, reasons);
  };
}

export function text(fits: (value: string) => boolean, words: string): Check {
  return (value, at, reasons) => {
    if (typeof value !== 'string' || !fits(value)) tell(reasons, at, words);
  };
}

/** Unless it is empty, which counts as absent. */
export function given(check: Check): Check {
  return (value, at, reasons) => {
    if (value !== '') check(value, at, reasons);
  };
}

export function integer(least: number, most: number, words = `is no whole number from ${least} to ${most}; write one`): Check {
  return (value, at, reasons) => {
    if (!Number.isInteger(value) || (value as number) < least || (value as number) > most) tell(reasons, at, words);
  };
}

/** The API tells capital letters from small ones. */
export function oneOf(...values: readonly string[]): Check {
  return text((value) => values.includes(value), `is not ${listed(values)}; write one of them, with these capitals`);
}

export const boolean: Check = (value, at, reasons) => {
  if (typeof value !== 'boolean') tell(reasons, at, 'is neither true nor false; write one of them');
};

/** Joined for a sentence. */
export function listed(words: readonly string[]): string {
  return words.join(', ').replace(/, (?=[^,]*$)/, ' or ');
}

const MAX_INT32 = 2 ** 31 - 1;
export const INT32 = integer(-(2 ** 31), MAX_INT32);
export const ID = integer(0, MAX_INT32, `is no id of a user or a group; write a number from 0 to ${MAX_INT32}`);
export const NOT_NEGATIVE = integer(0, MAX_INT32);
export const MODE = integer(0, 0o777, 'is no file mode; write one from 0 to 0777 (in JSON: 511)');
export const PORT = integer(1, 65_535, 'is no port; write a number from 1 to 65535');
export const PORT_NAME = text(
  (name) => name.length <= 15 && /^[a-z0-9]+(-[a-z0-9]+)*$/.test(name) && /[a-z]/.test(name),
  'is no name of a port; write at most 15 small letters, digits and single hyphens inside, with a letter among them',
);
export const DNS_LABEL = text(isDnsLabel, 'is no DNS label; write at most 63 small letters, digits and hyphens inside');
export const SUBDOMAIN = text(isDnsSubdomain, 'is no DNS name; write small letters, digits, hyphens and dots');
export const LABEL_KEY = text(isQualifiedName, 'is no qualified name; write NAME or PREFIX/NAME, as keys of labels are');
export const LABEL_VALUE = text(isLabelValue, 'is no value of a label; write at most 63 letters, digits, ".", "_" and "-" inside');
export const KEY = text(
  (key) => key.length <= 253 && /^[-._a-zA-Z0-9]+$/.test(key) && key !== '.' && !key.startsWith('..'),
  'is no key of a Secret or ConfigMap; write letters, digits, "-", "_" and "."',
);
/** IsRelaxedEnvVarName. */
export const VARIABLE = text((name) => /^[ -<>-~]+$/.test(name), 'is no name of a variable; write printable ASCII characters but "="');
export const NO_BACKSTEP = text((path) => !path.split('/').includes('..'), 'goes up with ".."; write the path without');
export const DESCENDING = text(
  (path) => !path.startsWith('/') && !path.split('/').includes('..'),
  'is no path that leads down; write it relative and without ".."',
);
/** ValidateLocalNonReservedPath. */
export const LOCAL_PATH = text(
  (path) => !path.startsWith('/') && !path.startsWith('..') && !path.split('/').includes('..'),
  'is no path inside the volume; write it relative, without ".." and with no two dots first',
);
export const QUANTITY: Check = (value, at, reasons) => {
  const amount = parseQuantity(value);
  if (amount === undefined) tell(reasons, at, 'is no quantity; write one such as 100m, 1.5 or 64Mi');
  else if (amount < 0n) tell(reasons, at, 'is less than nothing; write a quantity that is not');
};

/** IsQualifiedName. */
export function isQualifiedName(key: string): boolean {
  const parts = key.split('/');
  const name = parts.at(-1) ?? '';
  if (parts.length > 2 || (parts.length === 2 && !isDnsSubdomain(parts[0] ?? ''))) return false;
  return name !== '' && isLabelValue(name);
}

function isLabelValue(value: string): boolean {
  return value.length <= 63 && /^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/.test(value);
}
