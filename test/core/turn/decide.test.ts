/** Holds `decide` against the hand-written table: every combination is in exactly one row, and gets that row's answer. */
import { describe, expect, it } from 'vitest';
import type { Facts, State } from '../../../src/core/model/model.ts';
import { decide } from '../../../src/core/turn/decide.ts';
import { type Case, allCases as cases, readTable, rowsOf, unreached } from '../tables.ts';

const DOMAINS = {
  state: ['inactive', 'active', 'handing-back', 'retired'],
  api: ['reachable', 'unreachable', 'unsure'],
  here: ['running', 'known', 'orphan', 'absent', 'unknown'],
  grace: ['running', 'over', 'hand-back-failed'],
  inApi: ['present', 'leaving', 'gone', 'unknown'],
  trigger: ['yes', 'no', 'late', 'unknown'],
  copy: ['gone', 'starting', 'no-network', 'failing', 'serving', 'unknown'],
  blind: ['yes', 'no'],
  obstacle: ['yes', 'no'],
} as const;
type Column = keyof typeof DOMAINS;
const allCases = (): Generator<Case<Column>> => cases(DOMAINS);

function factsOf(row: Case<Column>): Facts {
  const { state: _, obstacle, ...facts } = row;
  return { ...facts, ...(obstacle === 'yes' ? { obstacle: 'image-missing' } : {}) } as Facts;
}

const rows = readTable('decide.txt', DOMAINS);

describe('the decision table', () => {
  it('covers every state with every combination of facts in exactly one row', () => {
    const wrong: string[] = [];
    let count = 0;
    for (const candidate of allCases()) {
      count += 1;
      const hits = rowsOf(rows, candidate);
      if (hits.length !== 1) wrong.push(`${JSON.stringify(candidate)} is in lines ${hits.map((row) => row.line).join(', ') || 'none'}`);
    }

    expect(wrong.slice(0, 5)).toEqual([]);
    expect(count).toBe(4 * 3 * 5 * 3 * 4 * 4 * 6 * 2 * 2);
  });

  it('is what decide answers', () => {
    const wrong: string[] = [];
    for (const candidate of allCases()) {
      const [row] = rowsOf(rows, candidate);
      const got = decide(candidate.state as State, factsOf(candidate));
      const reason = row?.reason === 'obstacle' ? 'image-missing' : row?.reason;
      if (got.state !== row?.next || got.reason !== reason)
        wrong.push(`line ${row?.line}: ${JSON.stringify(candidate)} -> ${JSON.stringify(got)}`);
    }

    expect(wrong.slice(0, 5)).toEqual([]);
  });

  it('has no row that no combination reaches', () => {
    expect(unreached(rows, DOMAINS)).toEqual([]);
  });
});

describe('unknown is not none', () => {
  it('never starts a copy that is not placed while any of api and here is not known', () => {
    for (const candidate of allCases()) {
      if (candidate.state !== 'inactive') continue;
      const cutOff = candidate.api === 'reachable' && candidate.blind === 'yes' && candidate.inApi === 'present';
      if ((candidate.api === 'unreachable' || cutOff) && candidate.here !== 'unknown') continue;
      expect(decide('inactive', factsOf(candidate)).state).not.toBe('active');
    }
  });

  it('never retires without the word of a reachable API server', () => {
    for (const candidate of allCases()) {
      if (candidate.state === 'retired' || (candidate.api === 'reachable' && candidate.inApi === 'gone')) continue;
      expect(decide(candidate.state as State, factsOf(candidate)).state).not.toBe('retired');
    }
  });

  it('leaves a placed copy alone while unreachable unless the kubelet starts the parent', () => {
    for (const candidate of allCases()) {
      if (candidate.state !== 'active' || candidate.api !== 'unreachable' || candidate.trigger === 'yes') continue;
      expect(decide('active', factsOf(candidate)).state).toBe('active');
    }
  });
});
