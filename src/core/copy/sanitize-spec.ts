/**
 * Pod-level fields of a copy: everything but volumes and containers.
 * Never adds a field that widens what the pod may do.
 */

import { field, fieldAt, isAbsent, isDnsSubdomain, objectsIn } from '../model/json.ts';
import type { Json } from '../model/model.ts';
import { type Findings, refuse } from '../model/refusal.ts';
import { applyFields } from './apply-fields.ts';
import { POD_SPEC } from './fields.ts';
import { type HostnameContext, hostnameFields } from './hostname.ts';
import { judgeResources } from './sanitize-containers.ts';

export type SpecContext = HostnameContext;

/** Everything at pod level but volumes and containers. */
export function sanitizeSpec(spec: Json, context: SpecContext): Json {
  const { findings, kubeletMinor } = context;
  const kept = applyFields(spec, POD_SPEC, 'spec', { findings, kubeletMinor, unknown: 'refuse' });
  judgeResources(field(kept, 'resources'), 'spec.resources', { findings });
  judgeSearches(kept, kubeletMinor, findings);
  judgeAddresses(kept, findings);
  const policy = field(spec, 'restartPolicy');
  if (policy !== undefined && policy !== 'Always') {
    const why = 'such a pod may end, and must not be run again; set it to Always or do not opt this pod in';
    refuse(findings, 'restart-policy', `spec.restartPolicy is not Always: ${why}`);
  }
  if (fieldAt(spec, 'os', 'name') === 'windows')
    refuse(findings, 'windows', 'spec.os.name is windows, and Windows nodes are not supported; do not opt this pod in');
  // validation.go, validateHostUsers: behind a gate that is off by default (UserNamespacesHostNetworkSupport)
  if (field(spec, 'hostUsers') === false && field(spec, 'hostNetwork') === true) {
    const remedy = 'remove one of the two or do not opt this pod in';
    refuse(findings, 'host-users', `spec.hostUsers is false on the host's network, which kubelets refuse in static pods; ${remedy}`);
  }
  return {
    ...kept,
    ...priorityOf(spec, findings),
    ...hostnameFields(spec, context),
    restartPolicy: 'Always',
    automountServiceAccountToken: false,
    enableServiceLinks: false,
  };
}

/**
 * Admission of the mirror pod computes the priority afresh and refuses a value that differs, so a value without its
 * class cannot stay; a class without its value would not count in the kubelet.
 */
function priorityOf(spec: Json, findings: Findings): Json {
  const name = field(spec, 'priorityClassName');
  const priority = field(spec, 'priority');
  if (typeof name === 'string' && name !== '' && Number.isSafeInteger(priority)) return { priorityClassName: name, priority };
  if (!isAbsent(name) || !isAbsent(priority))
    findings.changes.push('spec.priority: dropped (class and value are kept together or not at all)');
  return {};
}

/** Kubelets before 1.35 take only plain domain names as search domains of static pods. */
function judgeSearches(kept: Json, kubeletMinor: number | undefined, findings: Findings): void {
  const searches = fieldAt(kept, 'dnsConfig', 'searches');
  if (!Array.isArray(searches) || (kubeletMinor ?? 0) >= 35) return;
  for (const [index, search] of searches.entries()) {
    if (typeof search === 'string' && isDnsSubdomain(search.replace(/\.$/, ''))) continue;
    const why = 'is accepted in static pods from kubelet 1.35; use a plain domain name or upgrade the kubelet';
    refuse(findings, 'needs-newer-kubelet', `spec.dnsConfig.searches[${index}] ${why}`);
  }
}

const LEADING_ZERO = /(^|[:.])0\d+\.|\.0\d+$/;
const IPV4_MAPPED = /^[0:]*:ffff:([0-9a-f]{1,4}:[0-9a-f]{1,4}|[\d.]+)$/i;

/**
 * API servers up to 1.36 stored addresses in notations that can be read in two ways, and newer ones leave stored pods
 * alone; a newer kubelet refuses them in static pods (gate StrictIPCIDRValidation).
 */
function judgeAddresses(kept: Json, findings: Findings): void {
  const nameservers = fieldAt(kept, 'dnsConfig', 'nameservers');
  const addresses: readonly (readonly [string, unknown])[] = [
    ...(Array.isArray(nameservers) ? nameservers : []).map((ip: unknown, index) => [`spec.dnsConfig.nameservers[${index}]`, ip] as const),
    ...objectsIn(kept, 'hostAliases').map((alias, index) => [`spec.hostAliases[${index}].ip`, field(alias, 'ip')] as const),
  ];
  for (const [at, ip] of addresses) {
    if (typeof ip !== 'string' || !(LEADING_ZERO.test(ip) || IPV4_MAPPED.test(ip))) continue;
    const how = 'with leading zeros or as an IPv4-mapped IPv6 address';
    refuse(findings, 'ip-notation', `${at} is written ${how}, which newer kubelets refuse in static pods; write it plainly`);
  }
}
