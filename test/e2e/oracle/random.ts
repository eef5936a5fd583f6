/** Chance that can be repeated: the same seed gives the same pods on every machine. No pods in here. */

export interface Random {
  /** At least 0, below `below`. */
  int(below: number): number;
  chance(probability: number): boolean;
  pick<T>(from: readonly T[]): T;
  /** Some of a list, in its order; each with the given probability. */
  some<T>(from: readonly T[], probability: number): readonly T[];
  /** So many of whatever `make` gives, from `least` to `most`. */
  list<T>(least: number, most: number, make: (index: number) => T): readonly T[];
  /** An object of which each field is there with its probability. */
  fields(of: Readonly<Record<string, readonly [probability: number, make: () => unknown]>>): Record<string, unknown>;
}

/** Mulberry32: small, quick and good enough to choose fields with. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const int = (below: number): number => Math.floor(next() * below);
  return {
    int,
    chance: (probability) => next() < probability,
    pick: (from) => from[int(from.length)] as (typeof from)[number],
    some: (from, probability) => from.filter(() => next() < probability),
    list: (least, most, make) => Array.from({ length: least + int(most - least + 1) }, (_, index) => make(index)),
    fields: (of) =>
      Object.fromEntries(Object.entries(of).flatMap(([key, [probability, make]]) => (next() < probability ? [[key, make()]] : []))),
  };
}
