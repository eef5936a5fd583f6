/** The shape of a file as rules: how many things a function takes by position, and how wide a comment may be. */
import type { TreeFile } from './rules.ts';
import { readSource } from './source.ts';

/** A call with more than five values in a row cannot be read without the definition beside it. */
export const MAX_PARAMETERS = 5;
/** Prose is read by line; code may be wider (biome.json). */
export const MAX_COMMENT_COLUMNS = 120;

export function parameterOffences(file: TreeFile): readonly string[] {
  if (!/^src\/.*\.ts$/.test(file.path)) return [];
  return parameterLists(readSource(file.text).bare)
    .filter(({ count }) => count > MAX_PARAMETERS)
    .map(({ count, at }) => {
      const line = file.text.slice(0, at).split('\n').length;
      return `${file.path}:${line}: ${count} positional parameters; ${MAX_PARAMETERS} at most, then an options object`;
    });
}

interface ParameterList {
  readonly count: number;
  /** Offset of its opening bracket. */
  readonly at: number;
}

/** What may stand before the brackets of a function with a name; what else has a name and brackets is a call. */
const NAMED =
  /(?:\bfunction\b\s*\*?\s*[\w$]*|(?:^|[\n{;,])\s*(?:(?:public|private|protected|static|readonly|abstract|override|async|get|set|new)\s+)*\*?\s*[\w$#]+\??)\s*(?:<[^()]*>)?\s*$/;
const NO_FUNCTION = /(?:\b(?:if|for|while|switch|catch|with|await|return|case\s+[\w$.]+|extends\s+[\w$.]+)|\bnew\s+[\w$.]+)\s*$/;
/** What stands before the brackets of an arrow, although it looks like a name: a word, a question, type parameters. */
const NAMELESS = /(?:\?\?|=>|\breturn|\basync|[^\w$>\]]\?|(?:[=(,:?]|\basync)\s*<[^()]*>)\s*$/;
/** An arrow, perhaps behind a result type. */
const ARROW = /^\s*(?:=>|:[^;]*?=>)/;
/** A body, or a result type that ends in a body or a declaration. */
const BODY = /^\s*(?:\{|:[^;]*?(?:\{|;))/;

/** Of functions, methods, arrows and function types. */
function parameterLists(bare: string): readonly ParameterList[] {
  const found: ParameterList[] = [];
  for (let at = bare.indexOf('('); at >= 0; at = bare.indexOf('(', at + 1)) {
    const end = closing(bare, at);
    if (end === undefined) continue;
    const before = bare.slice(Math.max(0, at - 300), at);
    const after = bare.slice(end + 1, end + 600);
    const afterName = /[\w$>\]?]\s*$/.test(before) && !NAMELESS.test(before);
    const isFunction = afterName ? NAMED.test(before) && !NO_FUNCTION.test(before) && BODY.test(after) : ARROW.test(after);
    if (isFunction) found.push({ count: countOf(bare.slice(at + 1, end)), at });
  }
  return found;
}

function closing(text: string, from: number): number | undefined {
  let depth = 0;
  for (let at = from; at < text.length; at += 1) {
    const char = text.charAt(at);
    if ('([{'.includes(char)) depth += 1;
    if (')]}'.includes(char)) depth -= 1;
    if (depth === 0) return at;
  }
  return undefined;
}

/** Commas between parameters: not those within a parameter's own type, default or pattern. */
function countOf(list: string): number {
  if (list.trim() === '') return 0;
  let depth = 0;
  let commas = 0;
  [...list.trim().replace(/,$/, '')].forEach((char, at, all) => {
    const opensType = char === '<' && /\w/.test(all[at - 1] ?? '');
    const closesType = char === '>' && all[at - 1] !== '=';
    if ('([{'.includes(char) || opensType) depth += 1;
    else if (')]}'.includes(char) || closesType) depth -= 1;
    else if (char === ',' && depth === 0) commas += 1;
  });
  return commas + 1;
}

export function commentOffences(file: TreeFile): readonly string[] {
  if (!/^src\/.*\.ts$/.test(file.path) || file.path.includes('.generated.')) return [];
  const lines = file.text.split('\n');
  const lineOf = (offset: number) => file.text.slice(0, offset).split('\n').length;
  const touched = readSource(file.text).comments.flatMap(([from, to]) => {
    const first = lineOf(from);
    return Array.from({ length: lineOf(to) - first + 1 }, (_, index) => first + index);
  });
  return [...new Set(touched)].flatMap((line) => {
    const { length } = lines[line - 1] ?? '';
    return length > MAX_COMMENT_COLUMNS
      ? [`${file.path}:${line}: a comment in a line of ${length} columns; ${MAX_COMMENT_COLUMNS} at most`]
      : [];
  });
}
