/** The words of whatever was thrown. */
import { expect, test } from 'vitest';
import { messageOf } from '../../../src/core/model/errors.ts';

test.each<[string, unknown, string]>([
  ['an error says its message, without its name', new TypeError('no such thing'), 'no such thing'],
  ['a text that was thrown is the message', 'plain', 'plain'],
  ['nothing that was thrown has a word, too', undefined, 'undefined'],
])('%s', (_, thrown, message) => {
  expect(messageOf(thrown)).toBe(message);
});
