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

/** Far more than any file system's tick: a directory that changed a moment ago may change once more unseen. */
const SETTLED_MS = 2_000;
/** Far more than there are parents on a node; pods that are gone leave theirs behind. */
const MOST_KEPT = 1_000;

/** A directory as it was read. */
interface Read {
  readonly ino: number;
  readonly mtimeMs: number;
  /** Nobody can set it. */
  readonly ctimeMs: number;
  readonly names: readonly string[];
}

/** `podsDir`: absolute path of `<kubelet root-dir>/pods`. */
export function createContainerAttempts({ podsDir }: { readonly podsDir: string }): ContainerAttempts {
  const reads = new Map<string, Read>();
  // made of labels only: there is nothing to normalize
  const dirOf = (podUid: string, container: string): string => `${podsDir}/${podUid}/containers/${container}`;
  const of: ContainerAttempts['of'] = (podUid, container) => {
    if (!isDnsLabel(podUid) || !isDnsLabel(container)) return undefined;
    try {
      return namesIn(dirOf(podUid, container), reads);
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

/** Looked at every second of an outage, for each parent: read only where it has changed. */
function namesIn(dir: string, reads: Map<string, Read>): readonly string[] {
  const wall = Date.now();
  const stats = statSync(dir, { throwIfNoEntry: false });
  // Node.js takes "not a directory" for "not there": the reading tells which
  if (stats === undefined) return readdirSync(dir);
  const { ino, mtimeMs, ctimeMs } = stats;
  const before = reads.get(dir);
  if (before !== undefined && before.ctimeMs === ctimeMs && before.mtimeMs === mtimeMs && before.ino === ino) return before.names;
  const names = readdirSync(dir);
  if (reads.size >= MOST_KEPT) reads.clear();
  if (wall - ctimeMs >= SETTLED_MS) reads.set(dir, { ino, mtimeMs, ctimeMs, names });
  else reads.delete(dir);
  return names;
}

/** Its birth, where the file system knows that; a container may write its last words into the file later. */
function madeAt({ birthtimeMs, mtimeMs }: Stats): number {
  return birthtimeMs > 0 ? Math.min(birthtimeMs, mtimeMs) : mtimeMs;
}
