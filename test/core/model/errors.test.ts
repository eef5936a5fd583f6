/** The words of whatever was thrown, and the code of a failed system call. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { codeOf, messageOf } from '../../../src/core/model/errors.ts';

test.each<[string, unknown, string]>([
  ['an error says its message, without its name', new TypeError('no such thing'), 'no such thing'],
  ['a text that was thrown is the message', 'plain', 'plain'],
  ['nothing that was thrown has a word, too', undefined, 'undefined'],
])('%s', (_, thrown, message) => {
  expect(messageOf(thrown)).toBe(message);
});

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
