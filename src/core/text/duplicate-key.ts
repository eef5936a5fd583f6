/**
 * Finds a key that an object of a JSON text holds twice. `JSON.parse` takes the last one without a word, and half of
 * what somebody wrote is gone. Never throws.
 */

export interface Position {
  /** Both from 1. */
  readonly line: number;
  readonly column: number;
}

/** All that JSON is made of where keys matter; numbers, words and spaces lie between the matches. */
const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\],]/gs;

/** Where the first key stands that is there for the second time; `text` is valid JSON. */
export function duplicateKey(text: string): Position | undefined {
  /** Of the objects and lists around: the keys so far; undefined for a list. */
  const open: (Set<string> | undefined)[] = [];
  let keyMayFollow = false;
  for (const { 0: token, index } of text.matchAll(TOKENS)) {
    if (token === '{' || token === '[') open.push(token === '{' ? new Set() : undefined);
    else if (token === '}' || token === ']') open.pop();
    const keys = open.at(-1);
    if (token.startsWith('"') && keyMayFollow && keys !== undefined) {
      // one key may be written in two ways
      const key = String(JSON.parse(token));
      if (keys.has(key)) return positionOf(text, index);
      keys.add(key);
    }
    keyMayFollow = token === '{' || token === ',';
  }
  return undefined;
}

function positionOf(text: string, index: number): Position {
  const before = text.slice(0, index).split(/\r\n|\r|\n/);
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}
