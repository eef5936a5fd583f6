/** Reads an SVG file as strictly as a browser reads one in an <img>, and finds its texts and the room they take. */
import { textWidth } from '../../../src/demo/picture/words.ts';

export interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly Element[];
  /** Of it and of everything in it. */
  readonly text: string;
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"' };
const TAG = /^<(\/?)([a-z]+)((?: [a-zA-Z][\w:-]*="[^"<]*")*)(\/?)>$/;

interface Open {
  readonly name: string;
  readonly attributes: Record<string, string>;
  readonly children: Element[];
  text: string;
}

/** Throws where it is not well-formed. Knows only what our pictures have: no comments, no instructions, no CDATA. */
export function parseXml(source: string): Element {
  const root: Open = { name: '', attributes: {}, children: [], text: '' };
  const open: Open[] = [root];
  for (const [token] of source.matchAll(/<[^>]*>?|[^<]+/g)) {
    const top = open.at(-1) as Open;
    if (!token.startsWith('<')) {
      if (open.length === 1 && token.trim() !== '') throw new Error(`text outside the document: ${token}`);
      top.text += decoded(token);
      continue;
    }
    const match = TAG.exec(token);
    if (match === null) throw new Error(`no tag: ${token}`);
    const [, closes, name = '', attributes = '', empty] = match;
    if (closes === '/') {
      if (open.length === 1 || top.name !== name) throw new Error(`${token} closes <${top.name}>`);
      open.pop();
      const parent = open.at(-1) as Open;
      parent.children.push(top);
      parent.text += top.text;
      continue;
    }
    const read: Record<string, string> = {};
    for (const [, key = '', value = ''] of attributes.matchAll(/ ([^=]+)="([^"]*)"/g)) {
      if (key in read) throw new Error(`${key} twice in ${token}`);
      read[key] = decoded(value);
    }
    const element: Open = { name, attributes: read, children: [], text: '' };
    if (empty === '/') top.children.push(element);
    else open.push(element);
  }
  const [svg, ...more] = root.children;
  if (open.length !== 1 || svg === undefined || more.length > 0) throw new Error('not one whole document');
  return svg;
}

function decoded(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: XML forbids them
  if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.test(text)) throw new Error('a character that XML does not have');
  return text.replace(/&([^;]*);?/g, (all, name: string) => {
    const letter = ENTITIES[name];
    if (letter === undefined || !all.endsWith(';')) throw new Error(`no entity: ${all}`);
    return letter;
  });
}

export function all(root: Element, name: string): readonly Element[] {
  return [...(root.name === name ? [root] : []), ...root.children.flatMap((child) => all(child, name))];
}

export interface Box {
  readonly text: string;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Of every text, in the widest of common fonts. */
export function boxes(svg: Element): readonly Box[] {
  return all(svg, 'text').map(({ attributes, text }) => {
    const size = Number(attributes['font-size']);
    const width = textWidth(text, size, attributes['class']?.split(' ').includes('strong') === true);
    const x = Number(attributes['x']);
    const left = { start: x, middle: x - width / 2, end: x - width }[attributes['text-anchor'] ?? 'start'];
    const y = Number(attributes['y']);
    if (left === undefined || ![size, x, y].every(Number.isFinite)) throw new Error(`no place: ${text}`);
    return { text, left, right: left + width, top: y - size * 0.8, bottom: y + size * 0.24 };
  });
}

/** Pairs of texts that touch, and texts that leave the picture; as sentences. */
export function collisions(svg: Element): readonly string[] {
  const found: string[] = [];
  const texts = boxes(svg);
  const width = Number(svg.attributes['width']);
  const height = Number(svg.attributes['height']);
  for (const [index, a] of texts.entries()) {
    if (a.left < 1 || a.right > width - 1 || a.top < 1 || a.bottom > height - 1) found.push(`"${a.text}" leaves the picture`);
    for (const b of texts.slice(index + 1)) {
      if (a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom) found.push(`"${a.text}" touches "${b.text}"`);
    }
  }
  return found;
}
