/**
 * The agent's own pod: what the agent is on this node, which pod it runs in, and how that pod's copy becomes the standby.
 *
 * The standby carries no API credentials: it needs none to start copies and to hand back by local truth, so no token of
 * ours lies on the disk, and its revision does not change with every renewal of one. Pure.
 */

import type { Sanitized } from '../copy/sanitize.ts';
import { fieldAt, objectsIn, textField } from '../model/json.ts';
import { ENV_ROLE } from '../model/keys.ts';
import type { Json, Ledger, Placed, PodName, RawPod } from '../model/model.ts';

/**
 * - `daemonset`: in a pod that the API server knows, which is captured as the standby
 * - `standby`: the copy of such a pod; acts only by local truth, captures and retires nothing
 * - `process`: in no pod; there is nothing of its own to keep
 */
export type Role = 'daemonset' | 'standby' | 'process';

export interface OwnPod extends PodName {
  readonly uid: string;
}

export interface Place {
  readonly role: Role;
  readonly own?: OwnPod;
}

/** From POD_NAME, POD_NAMESPACE, POD_UID and the role in the environment; a sentence where that makes no sense. */
export function readPlace(env: Readonly<Record<string, string | undefined>>): Place | { readonly problem: string } {
  const role = env[ENV_ROLE] ?? '';
  if (role !== '' && role !== 'standby') {
    return {
      problem: `environment: ${ENV_ROLE} is ${JSON.stringify(role.slice(0, 60))}; leave it out, only the agent sets it ("standby")`,
    };
  }
  const [namespace = '', name = '', uid = ''] = [env['POD_NAMESPACE'], env['POD_NAME'], env['POD_UID']];
  const own = namespace !== '' && name !== '' && uid !== '' ? { own: { namespace, name, uid } } : {};
  if (role === 'standby') return { role, ...own };
  return 'own' in own ? { role: 'daemonset', ...own } : { role: 'process' };
}

/** Placed copies of others: the standby beside them waits for no parent and counts against no limit. */
export function copiesIn(ledger: Ledger): readonly Placed[] {
  return ledger.placed.filter((placed) => placed.self !== true);
}

/**
 * Another pod of our own controller on this node: the one before us, or the one that will follow. It captures itself
 * when its time has come; as an ordinary parent it would come back beside the standby.
 */
export function isSibling(pod: RawPod, ownUid: string | undefined, pods: ReadonlyMap<string, RawPod>): boolean {
  if (ownUid === undefined || pod.metadata?.uid === ownUid) return false;
  const controller = controllerUid(pods.get(ownUid));
  return controller !== undefined && controllerUid(pod) === controller;
}

function controllerUid(pod: RawPod | undefined): string | undefined {
  return pod?.metadata?.ownerReferences?.find((owner) => owner.controller === true)?.uid;
}

/** The sanitized copy of our own pod as the standby: told that it is one, and without the service-account token. */
export function asStandby(pod: RawPod, sanitized: Extract<Sanitized, { ok: true }>): Extract<Sanitized, { ok: true }> {
  const tokens = tokenPaths(pod);
  const volumes = Object.fromEntries(
    Object.entries(sanitized.volumes).map(([name, files]) => [name, files.filter((file) => tokens.get(name)?.has(file.path) !== true)]),
  );
  const left = [...tokens.keys()].map((name) => `volume "${name}": the service-account token was left out: the standby uses none`);
  const spec = sanitized.manifest['spec'] as Json;
  const told = Object.fromEntries(
    ['initContainers', 'containers'].filter((list) => list in spec).map((list) => [list, objectsIn(spec, list).map(withRole)]),
  );
  return {
    ...sanitized,
    volumes,
    manifest: { ...sanitized.manifest, spec: { ...spec, ...told } },
    changes: [...sanitized.changes, ...left, `${ENV_ROLE}=standby: added to every container`].sort(),
  };
}

function withRole(container: Json): Json {
  const others = objectsIn(container, 'env').filter((variable) => textField(variable, 'name') !== ENV_ROLE);
  return { ...container, env: [...others, { name: ENV_ROLE, value: 'standby' }] };
}

/** Paths of service-account tokens, by volume. */
function tokenPaths(pod: RawPod): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, ReadonlySet<string>>();
  for (const volume of objectsIn(fieldAt(pod, 'spec'), 'volumes')) {
    const paths = objectsIn(fieldAt(volume, 'projected'), 'sources').flatMap(
      (source) => textField(fieldAt(source, 'serviceAccountToken'), 'path') ?? [],
    );
    if (paths.length > 0) found.set(textField(volume, 'name') ?? '', new Set(paths));
  }
  return found;
}
