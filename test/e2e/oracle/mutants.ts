/**
 * Pods that no API server has judged: stored ones with one thing changed, as people slip. What `render` then takes, the
 * kubelets must take, too; and what an API server has stored, `render` must not call malformed.
 */
import { isObject } from '../../../src/core/model/json.ts';
import type { Json } from '../../../src/core/model/model.ts';
import { judgeValidity } from '../../../src/core/valid/valid-pod.ts';
import { changedPod, TAKEN_CHANGES, WRONG_CHANGES } from '../../fixtures/wrong-pods.ts';
import { KUBELETS } from '../components.ts';
import { judgeParents, type Oracles, type Parent, randomOf } from './judge.ts';
import type { Random } from './random.ts';

/** So that a mutant's chances are not those of its pod. */
const MUTANTS = 1_000_000;
const TEXTS = ['', 'x y', 'UPPER', '../x', '/a/../b', '..x', 'a'.repeat(300), 'none', '-a', '0', '1Gi', 'a/b/c', 7, true, {}];
const NUMBERS = [-1, 0, 1, 1.5, 700, 99_999, 2 ** 31, 2 ** 40, '1', 'x'];
const OTHERS = [null, {}, [], 'x', 1, [null], [{}], ['x']];

type Place = { readonly holder: Json | unknown[]; readonly key: string | number };

function placesIn(value: unknown): readonly Place[] {
  if (!isObject(value) && !Array.isArray(value)) return [];
  const holder = value as Json | unknown[];
  return Object.entries(holder).flatMap(([key, inner]) => [{ holder, key: Array.isArray(holder) ? Number(key) : key }, ...placesIn(inner)]);
}

function changed(value: unknown, r: Random): unknown {
  if (typeof value === 'string') return r.pick(TEXTS);
  if (typeof value === 'number') return r.pick(NUMBERS);
  if (typeof value === 'boolean') return r.pick([!value, 'true', 1]);
  return r.pick(OTHERS);
}

/** One field changed, taken away, moved to another list item's place, or given twice. */
export function mutant(pod: Json, r: Random): Json {
  const copy = structuredClone(pod);
  const metadata = copy['metadata'] as Json;
  const places = [copy['spec'], { labels: metadata['labels'], annotations: metadata['annotations'] }].flatMap(placesIn);
  const { holder, key } = r.pick(places);
  const value = (holder as Json)[key];
  const way = r.int(10);
  if (Array.isArray(holder)) {
    if (way < 4) holder.push(structuredClone(value));
    else if (way < 5) holder.splice(Number(key), 1);
    else holder[Number(key)] = changed(value, r);
  } else if (way < 2) delete holder[key];
  else holder[key] = changed(value, r);
  return copy;
}

/** What was asked, and what does not hold. */
export interface Slips {
  readonly asked: number;
  readonly problems: readonly string[];
}

/** One of so many parents gets a mutant: it costs as much as the parent. */
const EVERY = 3;

/** `stored` are pods as an API server has just stored them. */
export async function judgeMutants(stored: readonly Parent[], oracles: Oracles, seed: number): Promise<Slips> {
  const refused = stored.flatMap(({ index, pod }) =>
    judgeValidity(pod).map(({ message }) => `pod ${index} was stored, and render would refuse it: ${message}`),
  );
  const mutants = stored.flatMap((parent) => {
    if (parent.index % EVERY !== 0) return [];
    const pod = mutant(parent.pod, randomOf(seed + MUTANTS, parent.index));
    return judgeValidity(pod).length > 0 ? [] : [{ ...parent, pod }];
  });
  const verdicts = await judgeParents(mutants, oracles, seed);
  // what else must hold is asked of pods that make sense
  const mistaken = verdicts.flatMap(({ parent, problems }) =>
    problems.filter((problem) => problem.startsWith('kubelet ')).map((problem) => `the mutant of pod ${parent.index}: ${problem}`),
  );
  return { asked: stored.length + mutants.length, problems: [...refused, ...mistaken] };
}

/** The pods that the tests of `render` call right and wrong, before every API server's own code. */
export async function judgeTable(oracles: Oracles): Promise<Slips> {
  const problems: string[] = [];
  for (const line of KUBELETS) {
    const taken = await oracles[line].store(TAKEN_CHANGES.map(changedPod), 'default');
    for (const [index, answer] of taken.entries())
      if ('problem' in answer) problems.push(`API server ${line} refuses ${JSON.stringify(TAKEN_CHANGES[index])}: ${answer.problem}`);
    const wrong = await oracles[line].store(
      WRONG_CHANGES.map(([changes]) => changedPod(changes)),
      'default',
    );
    for (const [index, answer] of wrong.entries())
      if (!('problem' in answer)) problems.push(`API server ${line} takes ${JSON.stringify(WRONG_CHANGES[index]?.[0])}`);
  }
  return { asked: KUBELETS.length * (TAKEN_CHANGES.length + WRONG_CHANGES.length), problems };
}
