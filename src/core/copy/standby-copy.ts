/**
 * How the copy of the agent's own pod becomes the standby.
 *
 * The standby carries no API credentials: it starts copies and hands back by local truth. So no token of ours lies on
 * the disk, and its revision does not change with every renewal of one. Pure.
 */
import { fieldAt, objectsIn, textField } from '../model/json.ts';
import { ENV_ROLE } from '../model/keys.ts';
import type { Json, RawPod } from '../model/model.ts';
import type { Sanitized } from './sanitize.ts';

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
  // the lock on the host keeps two agents from writing at once
  const { writers: _, ...rest } = sanitized;
  return {
    ...rest,
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
