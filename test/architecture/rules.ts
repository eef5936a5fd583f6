/**
 * The house rules as functions: a file in, its offences out. `architecture.test.ts` shows each of them an offender first
 * and then the whole tree.
 */
import { readSource } from './source.ts';

export interface TreeFile {
  /** From the root of the repository, with slashes. */
  readonly path: string;
  readonly text: string;
}

export const MAX_LINES = 320;

/** Words that have no place in src/core: it neither waits nor looks at the world. */
const IMPURE: readonly (readonly [RegExp, string])[] = [
  [/\b(?:await|async)\b/, 'core does not wait'],
  [/\bDate\s*[.(]|\bnew Date\b/, 'core reads no clock; stamps are converted in core/model/time.ts'],
  [/\bMath\.random\b/, 'core throws no dice'],
  [/\bprocess\s*\./, 'core knows no process'],
  [/\bconsole\b/, 'core does not print'],
  [/\b(?:setTimeout|setInterval|setImmediate|queueMicrotask|performance|fetch)\b/, 'core has no timers, clocks or network'],
];
/** Converts stamps that it is given. It must not ask for the time: `new Date()` and `Date.now` stay refused there. */
const TIME_FILE = 'src/core/model/time.ts';
const CLOCK_READ = /\bDate\.now\b|\bnew Date\s*(?:\(\s*\)|(?!\s*\())|(?<!new )\bDate\s*\(/;

export function purityOffences(file: TreeFile): readonly string[] {
  if (!file.path.startsWith('src/core/')) return [];
  const { bare } = readSource(file.text);
  const banned = file.path === TIME_FILE ? IMPURE.filter(([pattern]) => !pattern.source.includes('Date')) : IMPURE;
  const found = banned.filter(([pattern]) => pattern.test(bare)).map(([, why]) => `${file.path}: ${why}`);
  return file.path === TIME_FILE && CLOCK_READ.test(bare) ? [...found, `${file.path}: core reads no clock`] : found;
}

export function codeOffences(file: TreeFile): readonly string[] {
  if (!/^(?:src|test|deploy)\/.*\.ts$/.test(file.path)) return [];
  const { bare } = readSource(file.text);
  const inSource = file.path.startsWith('src/');
  const found: string[] = [];
  const refuse = (condition: boolean, why: string) => {
    if (condition) found.push(`${file.path}: ${why}`);
  };
  const lines = file.text.split('\n').length - 1;
  refuse(lines > MAX_LINES && !file.path.includes('.generated.'), `${lines} lines; split it, ${MAX_LINES} at most`);
  refuse(!file.text.startsWith('/**'), 'begins with a comment that says its job');
  const readByTool = file.path.endsWith('/vitest.config.ts'); // vitest reads the default export and no other
  refuse(!readByTool && /\bexport\s+default\b/.test(bare), 'exports by name, never by default');
  refuse(inSource && file.path !== 'src/main.ts' && /\bprocess\s*\.\s*exit\s*\(/.test(bare), 'only src/main.ts ends the process');
  refuse(inSource && /\bimport\s*\.\s*meta\b/.test(bare), 'import.meta does not exist in the bundle');
  refuse(inSource && /^(?:export\s+)?(?:let|var)\b/m.test(bare), 'no mutable state outside functions');
  refuse(file.path.startsWith('test/') && SWITCHED_OFF.test(bare), 'a test is switched off, or others are by it');
  return found;
}

const SWITCHED_OFF =
  /\b(?:test|it|describe|suite)\s*(?:\.\s*\w+\s*)*\.\s*(?:skip|only|todo|fails|skipIf|runIf)\b|\b(?:xit|xtest|xdescribe|fit|fdescribe)\s*\(/;

/** In pieces, so that this file does not offend against itself. */
const UNWANTED: readonly (readonly [RegExp, string])[] = [
  [new RegExp(`\\b(?:${['TO', 'DO|FIX', 'ME'].join('')})\\b`), 'finish it, or write it down where people look for it'],
  [new RegExp(`${['/wo', 'rk/(?:ma', 'in|sha', 'red|\\.lib', 'rary)'].join('')}`), 'a path of one machine'],
  [new RegExp(`${['/(?:ho', 'me|Us', 'ers)/(?!nonroot\\b)[a-z]+/'].join('')}`), 'a path of one person'],
  [
    new RegExp(`${['registry\\.npm', 'js|npm', 'js\\.org|proxy\\.golang|sum\\.golang|pypi\\.org|arti', 'factory'].join('')}`, 'i'),
    'the name of a package registry',
  ],
];

export function textOffences(file: TreeFile): readonly string[] {
  const found = UNWANTED.filter(([pattern]) => pattern.test(file.text)).map(([, why]) => `${file.path}: ${why}`);
  const located = /(?:^|\/)package-lock\.json$/.test(file.path) && /^\s*"resolved": /m.test(file.text);
  return located
    ? [...found, `${file.path}: says where packages were downloaded from; run npm with omit-lockfile-registry-resolved`]
    : found;
}
