/**
 * Reads TypeScript well enough for the house rules: what is code, what is comment, what is text, and what is imported.
 * A scanner, no parser: it knows strings, templates, comments and regular expressions, and nothing of types.
 */

export interface Import {
  readonly specifier: string;
  /** Vanishes when types are stripped: `import type`, `export type ... from`. */
  readonly typeOnly: boolean;
}

export interface Source {
  /** The text with the content of comments, strings and regular expressions blanked, offsets kept. */
  readonly bare: string;
  readonly imports: readonly Import[];
  /** Where comments begin and end. */
  readonly comments: readonly (readonly [number, number])[];
}

export function readSource(text: string): Source {
  const comments: (readonly [number, number])[] = [];
  const bare = blank(text, comments);
  const specifierAt = (end: number) => {
    const quote = text.charAt(end);
    return text.slice(end + 1, text.indexOf(quote, end + 1));
  };
  // interfaces and types are exported too, and hold texts: only names, braces and commas stand before `from`
  const statements = [...bare.matchAll(/(?:^|[;\n}])\s*(?:import|export)\s+(type\s)?[\p{L}\p{N}_\s{},*$]*?\bfrom\s*(?=['"])/gu)];
  const calls = [...bare.matchAll(/\b(?:import\s*\(?|require\s*\()\s*(?=['"])/g)];
  return {
    bare,
    comments,
    imports: [
      ...statements.map((match) => ({ specifier: specifierAt(match.index + match[0].length), typeOnly: match[1] !== undefined })),
      ...calls.map((match) => ({ specifier: specifierAt(match.index + match[0].length), typeOnly: false })),
    ],
  };
}

/** Where a slash begins a regular expression: after an operator, an opening bracket, or a word that expects a value. */
const BEFORE_REGEX = /(?:^|[=(,:;[{!&|?+\-*%<>~^}]|\b(?:return|typeof|case|in|of|await|throw|yield))\s*$/;

function blank(text: string, comments: (readonly [number, number])[]): string {
  let out = '';
  let at = 0;
  /** One entry for each `${` that is open: how many plain braces are open in it. */
  const templates: number[] = [];
  const copy = (count: number) => {
    out += text.slice(at, at + count);
    at += count;
  };
  const hide = (end: number) => {
    out += text.slice(at, end).replaceAll(/[^\n]/g, ' ');
    at = end;
  };
  const comment = (end: number) => {
    comments.push([at, end]);
    hide(end);
  };
  const template = () => {
    const end = endOfTemplatePart(text, at);
    hide(end);
    if (text.startsWith('${', at)) {
      templates.push(0);
      copy(2);
    } else copy(1);
  };
  while (at < text.length) {
    const char = text.charAt(at);
    const next = text.charAt(at + 1);
    if (char === '/' && next === '/') comment(endOr(text, text.indexOf('\n', at)));
    else if (char === '/' && next === '*') comment(endOr(text, text.indexOf('*/', at) + 2));
    else if (char === "'" || char === '"') {
      copy(1);
      hide(endOfQuoted(text, at, char));
      copy(1);
    } else if (char === '`') {
      copy(1);
      template();
    } else if (char === '}' && templates.at(-1) === 0) {
      templates.pop();
      copy(1);
      template();
    } else if (char === '/' && BEFORE_REGEX.test(out.slice(-40))) {
      copy(1);
      hide(endOfRegex(text, at));
      copy(1);
    } else {
      const open = templates.at(-1);
      if (open !== undefined && (char === '{' || char === '}')) templates[templates.length - 1] = open + (char === '{' ? 1 : -1);
      copy(1);
    }
  }
  return out;
}

function endOr(text: string, index: number): number {
  return index < 2 ? text.length : index;
}

function endOfQuoted(text: string, from: number, quote: string): number {
  let at = from;
  while (at < text.length && text.charAt(at) !== quote && text.charAt(at) !== '\n') at += text.charAt(at) === '\\' ? 2 : 1;
  return Math.min(at, text.length);
}

function endOfTemplatePart(text: string, from: number): number {
  let at = from;
  while (at < text.length && text.charAt(at) !== '`' && !text.startsWith('${', at)) at += text.charAt(at) === '\\' ? 2 : 1;
  return Math.min(at, text.length);
}

function endOfRegex(text: string, from: number): number {
  let at = from;
  let inClass = false;
  while (at < text.length && text.charAt(at) !== '\n') {
    const char = text.charAt(at);
    if (char === '/' && !inClass) return at;
    if (char === '[') inClass = true;
    if (char === ']') inClass = false;
    at += char === '\\' ? 2 : 1;
  }
  return Math.min(at, text.length);
}
