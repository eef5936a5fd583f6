/**
 * What an API server asks of security settings, of pods and of containers alike (validation.go,
 * validatePodSpecSecurityContext).
 */
import { field, fieldAt, isObject, objectsIn, textField } from '../model/json.ts';
import type { Json } from '../model/model.ts';
import type { Refusal } from '../model/refusal.ts';
import { all, type Check, DESCENDING, each, fields, given, ID, oneOf, required, tell, text, unique } from './valid-checks.ts';

const TYPES = oneOf('Localhost', 'RuntimeDefault', 'Unconfined');

/** A profile of the host is named exactly where the type asks for one. */
const OWN_PROFILE: Check = (profile, at, reasons) => {
  const local = textField(profile, 'type') === 'Localhost';
  const named = field(profile, 'localhostProfile') !== undefined;
  if (local && !named) tell(reasons, `${at}.localhostProfile`, 'is missing beside type: Localhost; add it');
  if (!local && named) tell(reasons, `${at}.localhostProfile`, 'stands beside another type than Localhost; remove one of the two');
};

export const SECCOMP = fields({ type: given(TYPES), localhostProfile: DESCENDING }, required('type'), OWN_PROFILE);

const MAX_PATH = 4095;
export const APP_ARMOR = fields(
  {
    type: given(TYPES),
    localhostProfile: text(
      (name) => name !== '' && name.trim() === name && name.length <= MAX_PATH,
      'is no name of a profile; write it without spaces around it',
    ),
  },
  required('type'),
  OWN_PROFILE,
);

const SYSCTL_NAME = text(
  (name) => name.length <= 253 && /^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$/.test(name),
  'is no name of a sysctl; write one such as net.core.somaxconn',
);
const IPC = /^(kernel\.(sem$|shm|msg)|fs\.mqueue\.)/;

/** Settings that would be the host's, because the pod shares that namespace with it. */
function shared(spec: Json): Check {
  return (sysctl, at, reasons) => {
    // the first separator says which one is meant
    const name = textField(sysctl, 'name') ?? '';
    const plain = /^[^./]*\//.test(name) ? name.replaceAll(/[./]/g, (mark) => (mark === '/' ? '.' : '/')) : name;
    const key = /^net\./.test(plain) ? 'hostNetwork' : IPC.test(plain) ? 'hostIPC' : undefined;
    if (key !== undefined && field(spec, key) === true)
      tell(reasons, `${at}.name`, `would be set for the host, because of spec.${key}: true; remove one of the two`);
  };
}

export function podSecurityContext(spec: Json): Check {
  return fields({
    runAsUser: ID,
    runAsGroup: ID,
    fsGroup: ID,
    supplementalGroups: each(ID),
    supplementalGroupsPolicy: oneOf('Merge', 'Strict'),
    fsGroupChangePolicy: oneOf('OnRootMismatch', 'Always'),
    seLinuxChangePolicy: oneOf('Recursive', 'MountOption'),
    sysctls: all(
      each(fields({ name: given(SYSCTL_NAME) }, required('name'), shared(spec))),
      unique('name', (sysctl) => textField(sysctl, 'name') || undefined),
    ),
    seccompProfile: SECCOMP,
    appArmorProfile: APP_ARMOR,
  });
}

const APP_ARMOR_PREFIX = 'container.apparmor.security.beta.kubernetes.io/';

/** The older way to choose a profile, which stays in a copy: it must be one, and say what the newer field says. */
export function judgeAppArmor(annotations: unknown, spec: Json, reasons: Refusal[]): void {
  const containers = ['initContainers', 'containers'].flatMap((list) => objectsIn(spec, list));
  for (const [key, value] of Object.entries(isObject(annotations) ? annotations : {})) {
    if (!key.startsWith(APP_ARMOR_PREFIX) || typeof value !== 'string') continue;
    const at = `metadata.annotations[${JSON.stringify(key.slice(0, 120))}]`;
    const container = containers.find((candidate) => textField(candidate, 'name') === key.slice(APP_ARMOR_PREFIX.length));
    if (container === undefined) tell(reasons, at, 'names no container of this pod; correct or remove it');
    if (!/^(|runtime\/default|unconfined|localhost\/.*)$/s.test(value))
      tell(reasons, at, 'is no profile; write runtime/default, unconfined or localhost/NAME');
    const profile = fieldAt(container, 'securityContext', 'appArmorProfile') ?? fieldAt(spec, 'securityContext', 'appArmorProfile');
    // an API server takes another profile than the pod's from here; a kubelet that reads a file does not
    if (container !== undefined && profile !== undefined && value !== annotationOf(profile))
      tell(reasons, at, 'is not what appArmorProfile says; write there what is meant, and remove the annotation');
  }
}

function annotationOf(profile: unknown): string | undefined {
  switch (textField(profile, 'type')) {
    case 'Unconfined':
      return 'unconfined';
    case 'RuntimeDefault':
      return 'runtime/default';
    default:
      return `localhost/${textField(profile, 'localhostProfile') ?? ''}`;
  }
}
