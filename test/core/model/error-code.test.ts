/** The code of a failed system call, and what has none. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { codeOf } from '../../../src/core/model/error-code.ts';

function thrownBy(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    return error;
  }
}

test.each([
  ['a failed system call', thrownBy(() => readFileSync('/nowhere/at/all')), 'ENOENT'],
  ['a code of Node.js itself', Object.assign(new Error('?'), { code: 'ERR_HTTP2_ERROR' }), 'ERR_HTTP2_ERROR'],
  ['an error without a code', new Error('ENOENT'), undefined],
  ['a code that is no text', Object.assign(new Error('?'), { code: 2 }), undefined],
  ['no error at all', { code: 'ENOENT' }, undefined],
  ['nothing', undefined, undefined],
])('%s', (_what, error, code) => {
  expect(codeOf(error)).toBe(code);
});
