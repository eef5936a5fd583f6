/**
 * Sees that the kubelet is about to create a container, before the runtime can show it.
 *
 * For the termination message of each attempt, the kubelet makes an empty file
 * `<root-dir>/pods/<uid>/containers/<container>/<8 hex digits>`. It does so when image, volumes and environment are
 * there and the only step left is the call to the runtime (pkg/kubelet/kuberuntime/kuberuntime_container.go,
 * makeMounts; 1.34 and 1.37 alike). The files go with the pod's directory. A container without a
 * terminationMessagePath has no such file, but every pod from an API server has the path: it is defaulted.
 */
import { readdirSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from '../../core/model/errors.ts';
import { isDnsLabel } from '../../core/model/json.ts';
import type { ContainerAttempts } from '../../ports.ts';

/** `podsDir`: absolute path of `<kubelet root-dir>/pods`. */
export function createContainerAttempts({ podsDir }: { readonly podsDir: string }): ContainerAttempts {
  const dirOf = (podUid: string, container: string): string => join(podsDir, podUid, 'containers', container);
  const of: ContainerAttempts['of'] = (podUid, container) => {
    if (!isDnsLabel(podUid) || !isDnsLabel(container)) return undefined;
    try {
      return readdirSync(dirOf(podUid, container));
    } catch (error) {
      // there is no such directory before the first attempt
      return codeOf(error) === 'ENOENT' ? [] : undefined;
    }
  };
  return {
    of,
    madeAt(podUid, container) {
      const names = of(podUid, container);
      try {
        return names?.map((name) => madeAt(statSync(join(dirOf(podUid, container), name))));
      } catch {
        return undefined;
      }
    },
  };
}

/** Its birth, where the file system knows that; a container may write its last words into the file later. */
function madeAt({ birthtimeMs, mtimeMs }: Stats): number {
  return birthtimeMs > 0 ? Math.min(birthtimeMs, mtimeMs) : mtimeMs;
}
