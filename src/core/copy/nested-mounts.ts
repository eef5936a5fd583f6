/**
 * Directories that must lie in a stored volume because another volume is mounted beneath it: a Secret at /etc/app, a
 * ConfigMap at /etc/app/conf. For a volume that it fills itself the kubelet makes them before the container is created
 * (pkg/volume/util/nested_volumes.go); for a hostPath, which a stored volume has become, it does not, and the runtime
 * cannot make them in a read-only mount. Pure.
 */
import { byCodeUnit, fieldAt, objectsIn, textField } from '../model/json.ts';

/** Sorted, relative to the volume's root, none beneath another of the same container; empty for most pods. */
export function nestedMountPoints(pod: unknown, volume: string): readonly string[] {
  const spec = fieldAt(pod, 'spec');
  const containers = ['initContainers', 'containers'].flatMap((list) => objectsIn(spec, list));
  return [...new Set(containers.flatMap((container) => inContainer(container, volume)))].sort(byCodeUnit);
}

function inContainer(container: unknown, volume: string): readonly string[] {
  const mounts = objectsIn(container, 'volumeMounts').map((mount) => ({
    volume: textField(mount, 'name'),
    path: cleaned(textField(mount, 'mountPath') ?? ''),
  }));
  return mounts
    .filter((mount) => mount.volume === volume)
    .flatMap(({ path }) => {
      const below = mounts.map((mount) => mount.path).filter((other) => other.startsWith(`${path}/`));
      // what lies beneath such a directory is mounted into what is mounted there
      const outermost = below.filter((other) => !below.some((outer) => other.startsWith(`${outer}/`)));
      return outermost.map((other) => other.slice(path.length + 1));
    });
}

/** As the kubelet compares them (path.Clean): no `.`, no `..`, no double slash and none at the end. */
function cleaned(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `${path.startsWith('/') ? '/' : ''}${parts.join('/')}`;
}
