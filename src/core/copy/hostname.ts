/**
 * Under which hostname the copy runs: the parent's, although the copy's own name is another.
 *
 * The kubelet (pkg/kubelet/kubelet_pods.go, GeneratePodHostNameAndDomain) takes `hostnameOverride`, else `hostname`,
 * else the pod's name, and cuts it to 63 characters. `hostname` must be a label. So what has a dot can be written as an
 * override only, which kubelets heed from 1.35 on (gate HostnameOverride), and beside which there is no domain.
 * Never lets a pod run under another name without a word: where the hostname cannot be kept the pod is refused.
 */
import { field, isDnsLabel } from '../model/json.ts';
import type { Json, PodName } from '../model/model.ts';
import { type Findings, refuse } from '../model/refusal.ts';
import { malformed } from './apply-fields.ts';

export interface HostnameContext {
  readonly findings: Findings;
  readonly kubeletMinor: number | undefined;
  readonly parent: PodName;
  /** The name that the copy has in the kubelet. */
  readonly fullName: string;
}

/** First minor version of a kubelet that heeds `hostnameOverride` unless its gate is switched off. */
const OVERRIDE_SINCE = 35;
const MAX_HOSTNAME = 63;

/** The fields of `spec` that name the host, to be written over those that were kept. */
export function hostnameFields(spec: Json, context: HostnameContext): Json {
  const { findings, parent, fullName } = context;
  const given = field(spec, 'hostname');
  if (given !== undefined && given !== '') {
    if (typeof given === 'string' && isDnsLabel(given)) return { hostname: given };
    malformed('spec.hostname', 'a host name', { findings });
    return {};
  }
  if (field(spec, 'hostNetwork') === true) return {};
  const derived = derivedFrom(parent.name);
  // also beside an override of the parent's: a kubelet that does not know that field gives the parent this one
  if (isDnsLabel(derived)) return { hostname: derived };
  if (field(spec, 'hostnameOverride') !== undefined || derivedFrom(fullName) === derived) return {};
  return overridden(spec, derived, context);
}

/** As the kubelet makes it of a pod's name. */
function derivedFrom(name: string): string {
  return name.slice(0, MAX_HOSTNAME).replace(/[-.]+$/, '');
}

function overridden(spec: Json, hostnameOverride: string, { findings, kubeletMinor }: HostnameContext): Json {
  const remedy = 'set spec.hostname';
  const hasDomain = (field(spec, 'subdomain') ?? '') !== '';
  const asFqdn = field(spec, 'setHostnameAsFQDN') === true;
  if (hasDomain && asFqdn) {
    const why = 'which makes a hostname with spec.subdomain and the domain of the cluster in it';
    refuse(findings, 'hostname', `metadata.name has a dot beside spec.setHostnameAsFQDN, ${why}, and no copy can have it; ${remedy}`);
    return {};
  }
  if ((kubeletMinor ?? 0) < OVERRIDE_SINCE) {
    const why = 'so the hostname can only be kept by kubelets from 1.35 on';
    refuse(findings, 'needs-newer-kubelet', `metadata.name has a dot, ${why}; ${remedy} or upgrade the kubelet`);
    return {};
  }
  const lost = hasDomain ? '; /etc/hosts does not have the name with the subdomain' : '';
  findings.changes.push(`spec.hostnameOverride: added, it keeps the hostname that the parent has by its name${lost}`);
  // without a domain it asks for nothing, and the kubelet refuses the two together (validation.go, validatePodHostName)
  return { hostnameOverride, ...(asFqdn ? { setHostnameAsFQDN: false } : {}) };
}
