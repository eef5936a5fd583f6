/**
 * Would an API server have taken this pod? For `render`, whose input nobody has judged: a kubelet refuses such a static
 * pod with one line in its log, and nothing runs. Follows Kubernetes' own validation (pkg/apis/core/validation,
 * ValidatePodCreate) in what people get wrong, with the newest version's allowances.
 *
 * Not for the agent: its pods were judged by an API server, which may be newer than these tables. Left to others: what
 * is refused in any copy, and fields that no copy keeps and only the scheduler reads in depth (affinity).
 */

import { field, fieldAt, isAbsent, isObject, textField } from '../model/json.ts';
import type { Refusal } from '../model/refusal.ts';
import { isIP } from '../text/ip.ts';
import {
  all,
  boolean,
  type Check,
  DNS_LABEL,
  each,
  fields,
  given,
  INT32,
  integer,
  isQualifiedName,
  LABEL_KEY,
  LABEL_VALUE,
  oneOf,
  required,
  SUBDOMAIN,
  tell,
  text,
} from './valid-checks.ts';
import { judgeContainers } from './valid-container.ts';
import { judgePodResources, RESOURCES } from './valid-resources.ts';
import { judgeAppArmor, podSecurityContext } from './valid-security.ts';
import { VOLUMES } from './valid-volume.ts';

/** Every reason at once; none: an API server would have taken it, as far as this looks. */
export function judgeValidity(pod: unknown): readonly Refusal[] {
  const reasons: Refusal[] = [];
  const [metadata, spec] = [field(pod, 'metadata'), field(pod, 'spec')];
  if (isObject(metadata)) METADATA(metadata, 'metadata', reasons);
  // that there is none is told by whoever selects pods
  if (!isObject(spec)) return reasons;
  judgeAppArmor(field(metadata, 'annotations'), spec, reasons);
  fields({ ...SPEC, securityContext: podSecurityContext(spec) }, ...WHOLE)(spec, 'spec', reasons);
  judgeContainers(spec, reasons);
  judgePodResources(spec, reasons);
  return reasons;
}

function labels(values: Check | undefined, key: (name: string) => boolean): Check {
  return (map, at, reasons) => {
    if (!isObject(map)) return tell(reasons, at, 'is no map of texts; write one key and its value a line');
    for (const [name, value] of Object.entries(map)) {
      const place = `${at}[${JSON.stringify(name.slice(0, 80))}]`;
      if (!key(name)) tell(reasons, place, 'has no valid key; write NAME or PREFIX/NAME, with letters, digits, "-", "_" and "." inside');
      if (typeof value !== 'string') tell(reasons, place, 'is no text; put it in quotes');
      else values?.(value, place, reasons);
    }
  };
}

const METADATA = fields({
  labels: labels(LABEL_VALUE, isQualifiedName),
  annotations: labels(undefined, (key) => isQualifiedName(key.toLowerCase())),
});

const IP = text(isIP, 'is no IP address; write one such as 192.0.2.1 or 2001:db8::1');
const MAX_NAMESERVERS = 3;
const MAX_SEARCHES = 32;
const MAX_SEARCHES_LENGTH = 2048;

const SEARCH = text((domain) => {
  const plain = domain.replace(/\.$/, '');
  return domain === '.' || (plain.length <= 253 && /^[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?(\.[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?)*$/.test(plain));
}, 'is no domain; write small letters, digits, hyphens and dots');

const DNS_SIZES: Check = (config, at, reasons) => {
  const [nameservers, searches] = [field(config, 'nameservers'), field(config, 'searches')];
  if (Array.isArray(nameservers) && nameservers.length > MAX_NAMESERVERS)
    tell(reasons, `${at}.nameservers`, `has more than ${MAX_NAMESERVERS} addresses; leave some out`);
  if (Array.isArray(searches) && (searches.length > MAX_SEARCHES || searches.join(' ').length > MAX_SEARCHES_LENGTH))
    tell(reasons, `${at}.searches`, `has more than ${MAX_SEARCHES} domains or ${MAX_SEARCHES_LENGTH} characters; leave some out`);
};

const TOLERATION: Check = fields(
  {
    key: given(LABEL_KEY),
    operator: given(oneOf('Equal', 'Exists', 'Lt', 'Gt')),
    effect: given(oneOf('NoSchedule', 'PreferNoSchedule', 'NoExecute')),
    tolerationSeconds: integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 'is no whole number; write one'),
  },
  (toleration, at, reasons) => {
    const operator = textField(toleration, 'operator') || 'Equal';
    if (isAbsent(field(toleration, 'key')) && operator !== 'Exists')
      tell(reasons, `${at}.key`, 'is missing; add it, or write operator: Exists');
    if (operator === 'Exists' && textField(toleration, 'value'))
      tell(reasons, `${at}.value`, 'means nothing beside operator: Exists; remove one of the two');
    if (operator === 'Equal') LABEL_VALUE(field(toleration, 'value') ?? '', `${at}.value`, reasons);
    if (field(toleration, 'tolerationSeconds') !== undefined && field(toleration, 'effect') !== 'NoExecute')
      tell(reasons, `${at}.tolerationSeconds`, 'needs effect: NoExecute beside it; write that, or remove it');
  },
);

const SPREAD = fields(
  { maxSkew: integer(1, 2 ** 31 - 1), whenUnsatisfiable: given(oneOf('DoNotSchedule', 'ScheduleAnyway')) },
  required('maxSkew', 'topologyKey', 'whenUnsatisfiable'),
);

const SPEC = {
  dnsPolicy: given(oneOf('ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None')),
  dnsConfig: fields({ nameservers: each(IP), searches: each(SEARCH), options: each(fields({}, required('name'))) }, DNS_SIZES),
  nodeSelector: labels(LABEL_VALUE, isQualifiedName),
  tolerations: each(TOLERATION),
  topologySpreadConstraints: each(SPREAD),
  readinessGates: each(fields({ conditionType: LABEL_KEY }, required('conditionType'))),
  hostAliases: each(fields({ ip: IP, hostnames: each(SUBDOMAIN) }, required('ip'))),
  preemptionPolicy: oneOf('PreemptLowerPriority', 'Never'),
  priorityClassName: given(SUBDOMAIN),
  priority: INT32,
  serviceAccountName: given(SUBDOMAIN),
  nodeName: given(SUBDOMAIN),
  subdomain: given(DNS_LABEL),
  hostnameOverride: all(
    SUBDOMAIN,
    text((name) => name.length <= 64, 'is longer than 64 characters; shorten it'),
  ),
  os: fields({ name: given(oneOf('linux', 'windows')) }, required('name')),
  hostNetwork: boolean,
  automountServiceAccountToken: boolean,
  enableServiceLinks: boolean,
  resources: RESOURCES,
  volumes: VOLUMES,
};

const OWN_NAMESERVERS: Check = (spec, at, reasons) => {
  if (textField(spec, 'dnsPolicy') === 'None' && isAbsent(fieldAt(spec, 'dnsConfig', 'nameservers')))
    tell(reasons, `${at}.dnsConfig.nameservers`, 'is missing, which dnsPolicy: None needs; add an address');
};

/** Pairs of fields that exclude each other. */
const EXCLUSIVE = [
  ['shareProcessNamespace', true, 'hostPID', true],
  ['hostUsers', false, 'hostPID', true],
  ['hostUsers', false, 'hostIPC', true],
  ['setHostnameAsFQDN', true, 'hostnameOverride', undefined],
  ['hostNetwork', true, 'hostnameOverride', undefined],
] as const;

const NOT_TOGETHER: Check = (spec, at, reasons) => {
  for (const [one, value, other, otherValue] of EXCLUSIVE) {
    const found = field(spec, other);
    const beside = otherValue === undefined ? other : `${other}: ${otherValue}`;
    if (field(spec, one) === value && (otherValue === undefined ? found !== undefined : found === otherValue))
      tell(reasons, `${at}.${one}`, `is ${value}, which cannot be beside ${beside}; remove one of the two`);
  }
};

const WHOLE = [required('containers'), OWN_NAMESERVERS, NOT_TOGETHER];
