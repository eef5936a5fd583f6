/**
 * A PodList read as it comes, pod by pod: of the text of hundreds of pods, managed fields and all, only one piece is
 * held at a time, and of each pod only what is kept of it.
 *
 * Where a pod ends is guessed by how the next one begins, and proved by parsing: no JSON object is the beginning of a
 * longer one. What is left, the envelope with the last pod in it, is judged as any whole list is (pod-list.ts).
 */
import { field } from '../../core/model/json.ts';
import type { RawPod } from '../../core/model/model.ts';
import { PortError } from '../../ports.ts';
import { asPod, type PodListing, parsePodList } from './pod-list.ts';

export interface PodListReader {
  /** Never throws. */
  take(piece: Buffer): void;
  /** After the last piece. Throws PortError `invalid`, without quoting the text. */
  listing(): PodListing;
}

const ITEMS = '"items":[';

export function createPodListReader(kept: (pod: RawPod) => RawPod): PodListReader {
  const pods: RawPod[] = [];
  /** All before the first pod; undefined: not yet seen to its end. */
  let head: string | undefined;
  /** What follows the pods that were read. */
  let rest: Buffer = Buffer.alloc(0);
  /** How the next pod begins, by how the first one did. */
  let next: string | undefined;
  let failed: unknown;

  function readHead(): void {
    const at = rest.indexOf(ITEMS);
    if (at === -1) return;
    head = rest.toString('utf8', 0, at + ITEMS.length);
    rest = rest.subarray(at + ITEMS.length);
    // items of anything else than the list itself are no pods of this node
    if (!Array.isArray(field(parsed(`${head}]}`), 'items')))
      throw new PortError('invalid', 'the items of the pod list are not where they should be');
  }

  function readPods(from: number): void {
    const colon = rest.indexOf(':');
    if (next === undefined && colon !== -1) next = `},${rest.toString('utf8', 0, colon + 1)}`;
    if (next === undefined) return;
    for (let at = rest.indexOf(next, from); at !== -1; ) {
      const pod = parsed(rest.toString('utf8', 0, at + 1));
      if (pod !== undefined) {
        pods.push(kept(asPod(pod)));
        rest = rest.subarray(at + 2);
      }
      at = rest.indexOf(next, pod === undefined ? at + 1 : 0);
    }
  }

  return {
    take(piece) {
      if (failed !== undefined) return;
      try {
        const searched = rest.length;
        rest = Buffer.concat([rest, piece]);
        if (head !== undefined) return readPods(Math.max(0, searched - (next?.length ?? 0)));
        readHead();
        if (head !== undefined) readPods(0);
      } catch (error) {
        failed = error;
      }
    },
    listing() {
      if (failed !== undefined) throw failed;
      const last = parsePodList(`${head ?? ''}${rest.toString('utf8')}`);
      return { ...last, pods: [...pods, ...last.pods.map(kept)] };
    },
  };
}

/** undefined: no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
