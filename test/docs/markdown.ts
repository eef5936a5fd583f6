/** Takes a page of Markdown apart: its headings, links, code and lines. As much of the language as our pages use. */

export interface Page {
  /** From the root of the repository, with slashes. */
  readonly path: string;
  /** What `#…` may lead to, as GitHub names headings. */
  readonly anchors: ReadonlySet<string>;
  /** Targets, as written. */
  readonly links: readonly string[];
  /** Fenced blocks: what stands behind the fence, and the lines in between. */
  readonly blocks: readonly { readonly language: string; readonly lines: readonly string[] }[];
  /** What stands between back-quotes. */
  readonly codes: readonly string[];
  /** Lines outside blocks and tables. */
  readonly prose: readonly string[];
}

export function parsePage(path: string, text: string): Page {
  const blocks: { language: string; lines: string[] }[] = [];
  const outside: string[] = [];
  let fence: string | undefined;
  for (const line of text.split('\n')) {
    const mark = /^\s*(`{3,}|~{3,})\s*(\S*)/.exec(line);
    if (fence === undefined && mark !== null) {
      fence = mark[1] ?? '';
      blocks.push({ language: mark[2] ?? '', lines: [] });
    } else if (fence !== undefined && line.trim().startsWith(fence)) fence = undefined;
    else if (fence === undefined) outside.push(line);
    else blocks.at(-1)?.lines.push(line);
  }
  const bare = outside.join('\n').replaceAll(/<!--[\s\S]*?-->/g, '');
  const codes = [...bare.matchAll(/(`+)([^`]+)\1/g)].map((match) => match[2] ?? '');
  return { path, anchors: anchorsIn(outside), links: linksIn(bare), blocks, codes, prose: outside.filter((line) => !/^\s*\|/.test(line)) };
}

function linksIn(text: string): readonly string[] {
  const withoutCode = text.replaceAll(/(`+)[^`]+\1/g, (code) => code.replaceAll(/[[\]()<>]/g, ' '));
  return [
    ...[...withoutCode.matchAll(/\]\(\s*<?([^)\s>]+)>?[^)]*\)/g)].map((match) => match[1] ?? ''),
    ...[...withoutCode.matchAll(/^\s*\[[^\]]+\]:\s*(\S+)/gm)].map((match) => match[1] ?? ''),
    ...[...withoutCode.matchAll(/<(?:a|img|source)\b[^>]*\b(?:href|src|srcset)="([^"]+)"/g)].map((match) => match[1] ?? ''),
  ];
}

/** Twice the same heading: the second is numbered. */
function anchorsIn(lines: readonly string[]): ReadonlySet<string> {
  const found = new Set<string>();
  for (const line of lines) {
    const heading = /^#{1,6}\s+(.*?)\s*#*$/.exec(line)?.[1];
    if (heading !== undefined) {
      const name = anchorOf(heading);
      let number = 0;
      while (found.has(number === 0 ? name : `${name}-${number}`)) number += 1;
      found.add(number === 0 ? name : `${name}-${number}`);
    }
    for (const [, id] of line.matchAll(/<a\s+(?:id|name)="([^"]+)"/g)) found.add(id ?? '');
  }
  return found;
}

/** Small letters; what is no letter, digit, blank, hyphen or underscore goes; every blank becomes a hyphen. */
export function anchorOf(heading: string): string {
  return heading
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

/** First cells of the rows of the tables below a heading, without back-quotes; up to the next heading of that level. */
export function firstCells(text: string, heading: string): readonly string[] {
  const level = /^#+/.exec(heading)?.[0] ?? '';
  const section = `\n${text}`.split(`\n${heading}\n`)[1]?.split(`\n${level} `)[0];
  if (section === undefined) throw new Error(`there is no heading "${heading}"`);
  return [...section.matchAll(/^\| `([^`]+)`/gm)].map((match) => match[1] ?? '');
}
