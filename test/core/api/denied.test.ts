/** An API server that refuses the agent: from when on, and in which words, people are told. */
import { describe, expect, it } from 'vitest';
import { DENIAL_MS, denialSentence, trackDenial } from '../../../src/core/api/denied.ts';

describe('a refusal by the API server', () => {
  const first = trackDenial(undefined, 'unauthorized', 100);

  it('is one for as long as it is the same', () => {
    expect(trackDenial(first, 'unauthorized', 9_000)).toEqual({ denial: 'unauthorized', since: 100 });
  });

  it('begins anew as another one, and ends with the first success', () => {
    expect(trackDenial(first, 'forbidden', 9_000)).toEqual({ denial: 'forbidden', since: 9_000 });
    expect(trackDenial(first, undefined, 9_000)).toBeUndefined();
  });

  it('is told once it has lasted', () => {
    expect(denialSentence(first, 100 + DENIAL_MS - 1)).toBeUndefined();
    expect(denialSentence(first, 100 + DENIAL_MS)).toContain('HTTP 401');
    expect(denialSentence(trackDenial(undefined, 'forbidden', 0), DENIAL_MS)).toContain('HTTP 403');
    expect(denialSentence(undefined, 1e9)).toBeUndefined();
  });
});
