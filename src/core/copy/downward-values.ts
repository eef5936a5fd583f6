/**
 * Values that the downward API gives to containers and files, as far as a pod's object says them. What only a running
 * pod has (addresses, the node's allocatable resources) is undefined where status does not tell. Never guesses.
 */

import { byCodeUnit, field, fieldAt, isObject, objectsIn, textField, textMap } from '../model/json.ts';
import { quantityAsNumber } from '../text/quantity.ts';
import { valueFromPod } from './field-refs.ts';

/**
 * Value of a `fieldRef`. The kubelet itself adds two annotations to the pod (config.seen, config.source), which show in
 * `metadata.annotations` on a node and not here.
 */
export function fieldValue(path: string, pod: unknown): string | undefined {
  const metadata = field(pod, 'metadata');
  const status = field(pod, 'status');
  switch (path) {
    case 'metadata.namespace':
      return textField(metadata, 'namespace');
    case 'metadata.uid':
      return textField(metadata, 'uid');
    case 'metadata.labels':
      return formatMap(field(metadata, 'labels'));
    case 'metadata.annotations':
      return formatMap(field(metadata, 'annotations'));
    case 'spec.nodeName':
      return textField(field(pod, 'spec'), 'nodeName');
    case 'status.podIP':
      return textField(status, 'podIP');
    case 'status.hostIP':
      return textField(status, 'hostIP');
    case 'status.podIPs':
      return addresses(status, 'podIPs');
    case 'status.hostIPs':
      return addresses(status, 'hostIPs');
    default:
      return valueFromPod(path, pod);
  }
}

function addresses(status: unknown, key: string): string | undefined {
  const found = objectsIn(status, key).flatMap((entry) => textField(entry, 'ip') ?? []);
  return found.length === 0 ? undefined : found.join(',');
}

/** One `key="value"` a line, sorted (pkg/fieldpath/fieldpath.go, FormatMap). */
function formatMap(map: unknown): string {
  const entries = Object.entries(textMap(map)).sort(([a], [b]) => byCodeUnit(a, b));
  return entries.map(([key, value]) => `${key}=${quote(value)}`).join('\n');
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
};

/** Go's `%q`: what cannot be printed is escaped, other characters stay. */
function quote(text: string): string {
  const escaped = text.replace(/["\\]|(?! )[\p{C}\p{Z}]/gu, (character) => {
    const short = SHORT_ESCAPES[character];
    if (short !== undefined) return short;
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x80) return `\\x${code.toString(16).padStart(2, '0')}`;
    return code <= 0xffff ? `\\u${code.toString(16).padStart(4, '0')}` : `\\U${code.toString(16).padStart(8, '0')}`;
  });
  return `"${escaped}"`;
}

/**
 * Value of a `resourceFieldRef` (pkg/api/v1/resource, ExtractContainerResourceValue): the amount in units of the
 * divisor, rounded up; cpu to whole thousandths first. undefined: the container sets no such limit, and the kubelet
 * would put what the node has to give.
 */
export function resourceValue(reference: unknown, pod: unknown, ownContainer: string | undefined): string | undefined {
  const match = /^(limits|requests)\.(.+)$/.exec(textField(reference, 'resource') ?? '');
  const name = textField(reference, 'containerName') || ownContainer;
  const spec = field(pod, 'spec');
  const container = [...objectsIn(spec, 'initContainers'), ...objectsIn(spec, 'containers')].find(
    (candidate) => textField(candidate, 'name') === name,
  );
  const [, list = '', resource = ''] = match ?? [];
  if (match === null || container === undefined) return undefined;
  const limit = fieldAt(container, 'resources', 'limits', resource);
  // the API server takes the limit where no request is written
  const written = list === 'requests' ? (fieldAt(container, 'resources', 'requests', resource) ?? limit ?? 0) : limit;
  if (written === undefined) return undefined;
  const thousandths = resource === 'cpu';
  const amount = amountOf(written, thousandths);
  const given = field(reference, 'divisor');
  // the API server's default, and what a divisor of zero counts as
  const divisor = given === undefined || isObject(given) ? undefined : amountOf(given, thousandths);
  if (amount === undefined || (given !== undefined && divisor === undefined)) return undefined;
  return String(Math.ceil(amount / (divisor || (thousandths ? 1000 : 1))));
}

/** Whole units, or thousandths, rounded up as the kubelet's quantities are. */
function amountOf(written: unknown, thousandths: boolean): number | undefined {
  const units = quantityAsNumber(String(written));
  if (units === undefined) return undefined;
  const value = units * (thousandths ? 1000 : 1);
  // 0.1 * 1000 must not be rounded up because of the last bit
  const nearest = Math.round(value);
  return Math.abs(value - nearest) < 1e-6 ? nearest : Math.ceil(value);
}
