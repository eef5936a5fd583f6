/** Makes a pod that went wrong smaller, as long as an API server would store it and it goes wrong in the same way. */
import { isObject } from '../../../src/core/model/json.ts';
import type { Json } from '../../../src/core/model/model.ts';
import { judgeParents, type Oracles, type Verdict } from './judge.ts';
import type { Stored } from './oracle.ts';

export type StorePods = (pods: readonly Json[]) => Promise<readonly Stored[]>;

const MAX_ROUNDS = 200;
/** Milliseconds; the sooner a pod is small enough to read, the better. */
const MAX_TIME = 15_000;

/** The smallest verdict found; the given one if nothing can go. */
export async function shrink(verdict: Verdict, oracles: Oracles, store: StorePods, seed: number): Promise<Verdict> {
  const kind = kindOf(verdict);
  let best = verdict;
  const started = performance.now();
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const smaller = without(best.parent.pod);
    const stored = await store(smaller.map(asCreated));
    const kept = smaller.filter((_, index) => 'pod' in (stored[index] ?? { problem: '' }));
    let found: Verdict | undefined;
    // one name, so one file and one kubelet each; the smallest first
    for (const pod of kept.sort((a, b) => JSON.stringify(a).length - JSON.stringify(b).length)) {
      if (performance.now() - started > MAX_TIME) return best;
      const [next] = await judgeParents([{ ...best.parent, pod }], oracles, seed);
      if (next === undefined || kindOf(next) !== kind) continue;
      found = next;
      break;
    }
    if (found === undefined) break;
    best = found;
  }
  return best;
}

function kindOf({ problems }: Verdict): string {
  return (problems[0] ?? '').replace(/\d+/g, '').slice(0, 60);
}

/** Without what `bind` added and no create may have. */
function asCreated(pod: Json): Json {
  const { managedFields: _, resourceVersion: __, ...metadata } = pod['metadata'] as Json;
  const { ephemeralContainers: ___, schedulingGates: ____, ...spec } = pod['spec'] as Json;
  return { ...pod, metadata, spec };
}

/** The same pod without one thing, for each thing that it has. */
function without(pod: Json): Json[] {
  const results: Json[] = [];
  const visit = (value: unknown, rebuild: (inner: unknown) => Json): void => {
    if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) {
        results.push(rebuild(value.toSpliced(index, 1)));
        visit(item, (inner) => rebuild(value.with(index, inner)));
      }
    } else if (isObject(value)) {
      for (const [key, item] of Object.entries(value)) {
        const { [key]: _, ...rest } = value;
        results.push(rebuild(rest));
        visit(item, (inner) => rebuild({ ...value, [key]: inner }));
      }
    }
  };
  visit(pod['spec'], (inner) => ({ ...pod, spec: inner }));
  return results;
}
