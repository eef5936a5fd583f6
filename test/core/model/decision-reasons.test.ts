/** What the reference says of reasons and states is what the two decision tables say. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DECISION_REASONS } from '../../../src/core/model/decision-reasons.ts';
import { OBSTACLES, type ReasonMeaning } from '../../../src/core/model/obstacles.ts';

/** `state reason` of every row, from its last two columns. */
function outcomes(file: string): readonly string[] {
  return readFileSync(new URL(`../tables/${file}`, import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .map((line) => line.split(/\s\|\s/).map((cell) => cell.trim()))
    .map((cells) => cells.slice(-2).join(' '));
}

const documented = (meanings: Readonly<Record<string, ReasonMeaning>>): readonly string[] =>
  Object.entries(meanings).flatMap(([reason, { states }]) => states.map((state) => `${state} ${reason}`));

describe('the reasons of decisions', () => {
  it('are given for the states that the tables give them for, and no other', () => {
    const decided = new Set([...outcomes('decide.txt'), ...outcomes('standby.txt')].filter((outcome) => !outcome.endsWith(' obstacle')));

    expect(decided.size).toBeGreaterThan(20);
    expect([...documented(DECISION_REASONS)].sort()).toEqual([...decided].sort());
  });

  it('have obstacles for a copy that is not placed, and two for one that is', () => {
    const placed = documented(OBSTACLES).filter((outcome) => outcome.startsWith('active '));

    expect(placed).toEqual(['active manifest-not-ours', 'active activation-refused']);
    expect(documented(OBSTACLES)).toHaveLength(Object.keys(OBSTACLES).length);
  });

  it('come with what to do wherever a person is told of them', () => {
    const told = Object.values(OBSTACLES).filter((meaning) => meaning.told !== 'never');

    expect(told.length).toBeGreaterThan(8);
    for (const meaning of told) expect(meaning.todo).toBeDefined();
  });
});
