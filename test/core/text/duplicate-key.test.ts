/** A key that stands twice in one object of a JSON text. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { duplicateKey } from '../../../src/core/text/duplicate-key.ts';

test.each<[string, string, number, number]>([
  ['at the top', '{"a": 1, "a": 2}', 1, 10],
  ['below', '{\n  "a": [{"b": 1,\r\n "c": {}, "b": []}]}', 3, 11],
  ['written in two ways', '{"a": 1, "\\u0061": 1}', 1, 10],
  ['after a value with quotes and braces in it', '{"a": "}\\"{,", "a": ""}', 1, 16],
  ['that is the empty text', '{"": 1, "": 2}', 1, 9],
  ['that every object has', '{"__proto__": 1, "__proto__": 1}', 1, 18],
])('%s is found', (_where, text, line, column) => {
  JSON.parse(text);
  expect(duplicateKey(text)).toEqual({ line, column });
});

test('is found nowhere in a text that JSON.stringify made', () => {
  fc.assert(
    fc.property(fc.json({ stringUnit: 'binary' }), fc.constantFrom(0, 2), (text, indent) => {
      expect(duplicateKey(JSON.stringify(JSON.parse(text), undefined, indent))).toBeUndefined();
    }),
  );
});

test.each(['["a", "a"]', '[{"a": 1}, {"a": 1}]', '{"a": {"a": "a"}, "b": "a"}', '"a"', '1'])('is not in %s', (text) => {
  expect(duplicateKey(text)).toBeUndefined();
});
