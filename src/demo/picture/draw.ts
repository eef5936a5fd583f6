/**
 * Draws an outage as a timeline: one lane for each part of the node, bars for what was up or serving, the gaps in
 * service with their milliseconds, and the key moments. Data in, text out: a whole SVG file, without scripts and
 * without anything from elsewhere.
 *
 * The time axis is never compressed: what looks long was long.
 */
import { type Label, type PlacedLabel, placeLabels } from './labels.ts';
import { type Gap, LANES, type Lane, type Outage, type Span } from './outage.ts';
import { element, escapeXml, group, styleText } from './svg.ts';
import { ABOUT, amountOf, originOf, seconds, storyOf, TITLE, type ToldGap, toldGaps } from './telling.ts';
import { fitWords, textWidth, wrapWords } from './words.ts';

const WIDTH = 860;
const MARGIN = 28;
/** Where the lanes' bars are; left of it stand their names. */
const PLOT = { left: 164, right: WIDTH - MARGIN };
const ROW = 21;
const BAR = 18;
const SIZE = { title: 20, name: 14, label: 13, small: 12 };

const ROLES: Readonly<Record<Lane, string>> = {
  node: 'has power',
  'API server': 'answers',
  kubelet: 'starts the pods',
  parent: '',
  copy: 'its static pod',
  agent: 'pod-checkpointer',
};
const NO_API = 'no API server answers';

/** The parts of the drawing by what lies over what, and how far down it reaches. */
interface Sheet {
  readonly outage: Outage;
  readonly ground: string[];
  readonly lines: string[];
  readonly bars: string[];
  readonly texts: string[];
  readonly x: (at: number) => number;
}

interface Note extends Label {
  readonly text: string;
  readonly time: string;
  readonly look: string;
}

export function drawOutage(outage: Outage): string {
  const span = Math.max(outage.end, 1);
  const sheet: Sheet = {
    outage,
    ground: [],
    lines: [],
    bars: [],
    texts: [],
    x: (at) => PLOT.left + (Math.min(Math.max(at, 0), span) / span) * (PLOT.right - PLOT.left),
  };
  const headEnd = drawHead(sheet);
  const lanesFrom = drawActs(sheet, headEnd + 30);
  const lanesEnd = drawLanes(sheet, lanesFrom + 8);
  for (const { at } of outage.acts) sheet.ground.push(upright('guide', sheet.x(at), headEnd + 16, lanesEnd));
  const axisEnd = drawAxis(sheet, lanesEnd);
  const height = drawFoot(sheet, axisEnd + 30) + 14;
  const card = element('rect', { class: 'card', x: 0.5, y: 0.5, width: WIDTH - 1, height: height - 1, rx: 10 });
  const { ground, lines, bars, texts } = sheet;
  return `${group(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      viewBox: `0 0 ${WIDTH} ${height}`,
      width: WIDTH,
      height,
      role: 'img',
      'aria-labelledby': 'outage-title outage-story',
    },
    [
      element('title', { id: 'outage-title' }, TITLE),
      element('desc', { id: 'outage-story' }, storyOf(outage)),
      `<style>\n${styleText()}\n</style>`,
      card,
      ...ground,
      ...bars,
      ...lines,
      ...texts,
    ],
  )}\n`;
}

function drawHead(sheet: Sheet): number {
  let y = 44;
  sheet.texts.push(words(TITLE, MARGIN, y, { size: SIZE.title, look: 'text strong' }));
  y += 4;
  for (const line of wrapWords(ABOUT, SIZE.label, WIDTH - 2 * MARGIN)) {
    y += 20;
    sheet.texts.push(words(line, MARGIN, y, { size: SIZE.label, look: 'quiet' }));
  }
  return y;
}

/** The titles of the acts, each right of the line where it begins. */
function drawActs(sheet: Sheet, top: number): number {
  const acts = sheet.outage.acts.map(({ at, title }, index) => ({ x: sheet.x(at), text: `${index + 1}  ${title}` }));
  const labels = acts.map(({ x, text }) => ({ x, width: textWidth(text, SIZE.label, true) }));
  let last = 0;
  for (const [index, placed] of placeLabels(labels, PLOT).entries()) {
    last = Math.max(last, placed.row);
    const { x, anchor } = beside(placed);
    const look = { size: SIZE.label, look: 'text strong halo', anchor };
    sheet.texts.push(words(acts[index]?.text ?? '', x, top + placed.row * ROW, look));
  }
  return top + last * ROW;
}

function drawLanes(sheet: Sheet, top: number): number {
  let y = top;
  let parentTop = y;
  for (const lane of LANES) {
    y += 14;
    if (lane === 'parent') parentTop = y;
    drawLane(sheet, lane, y);
    const notes = [...notesOf(sheet, lane), ...(lane === 'copy' ? drawGaps(sheet, parentTop, y) : [])];
    const rows = drawNotes(sheet, notes, y + BAR);
    y += Math.max(BAR + 20, BAR + 6 + rows * ROW);
  }
  return y + 12;
}

function drawLane(sheet: Sheet, lane: Lane, top: number): void {
  const { outage, bars, texts, ground, x } = sheet;
  const middle = top + BAR / 2;
  const role = lane === 'parent' ? outage.names.parent : ROLES[lane];
  texts.push(words(lane, MARGIN, middle + 4, { size: SIZE.name, look: 'text strong' }));
  texts.push(words(fitWords(role, SIZE.small, PLOT.left - MARGIN - 12), MARGIN, middle + 21, { size: SIZE.small, look: 'quiet' }));
  ground.push(
    element('line', {
      class: 'track',
      x1: PLOT.left,
      x2: PLOT.right,
      y1: middle,
      y2: middle,
      'stroke-width': 1.5,
      'stroke-dasharray': '2 5',
    }),
  );
  const look = lane === 'parent' || lane === 'copy' || lane === 'agent' ? lane : 'neutral';
  const spans = outage.spans.filter((span) => span.lane === lane).sort((a, b) => a.from - b.from);
  for (const { from, to } of spans) {
    const width = Math.max(x(to) - x(from), 2);
    bars.push(element('rect', { class: look, x: x(from), y: top, width, height: BAR, rx: Math.min(4, width / 2) }));
    const serves = lane === 'parent' || lane === 'copy' ? 'serves' : undefined;
    if (serves !== undefined && textWidth(serves, SIZE.small, true) + 16 < width) {
      texts.push(words(serves, x(from) + 8, middle + 4.3, { size: SIZE.small, look: 'on-bar strong' }));
    }
  }
  if (lane === 'API server') drawAbsences(sheet, spans, middle);
}

/** Says in the empty stretches of its lane that no API server answers, where there is room for it. */
function drawAbsences(sheet: Sheet, spans: readonly Span[], middle: number): void {
  const { x, texts } = sheet;
  for (const [index, { from }] of spans.entries()) {
    const before = spans[index - 1];
    if (before === undefined || x(from) - x(before.to) < textWidth(NO_API, SIZE.label) + 24) continue;
    const centre = (x(before.to) + x(from)) / 2;
    texts.push(words(NO_API, centre, middle + 4.5, { size: SIZE.label, look: 'quiet halo', anchor: 'middle' }));
  }
}

/** Returns what is left to say below them. */
function drawGaps(sheet: Sheet, parentTop: number, copyTop: number): readonly Note[] {
  const { gaps } = sheet.outage;
  for (const gap of gaps) drawGap(sheet, gap, parentTop, copyTop);
  return toldGaps(gaps)
    .filter((told) => !drawAmount(sheet, told, parentTop, copyTop))
    .map(({ gap, text }) => note(sheet.x((gap.from + gap.to) / 2), text, '', 'gap strong'));
}

/** Over both lanes that may serve: neither did. */
function drawGap(sheet: Sheet, gap: Gap, parentTop: number, copyTop: number): void {
  const left = sheet.x(gap.from);
  const right = sheet.x(gap.to);
  const top = parentTop - 6;
  const bottom = copyTop + BAR + 6;
  const width = Math.max(right - left, 1);
  sheet.ground.push(element('rect', { class: 'gap-ground', x: left, y: top, width, height: bottom - top }));
  sheet.ground.push(upright('gap-edge', left, top, bottom), upright('gap-edge', right, top, bottom));
}

/** Says so where their bars would be; whether there is room for it. */
function drawAmount(sheet: Sheet, { gap, several }: ToldGap, parentTop: number, copyTop: number): boolean {
  if (several || !hasRoom(sheet, gap)) return false;
  const centre = (sheet.x(gap.from) + sheet.x(gap.to)) / 2;
  const at = { size: SIZE.name, look: 'gap strong', anchor: 'middle' } as const;
  sheet.texts.push(words('no answer', centre, parentTop + BAR / 2 + 5, at));
  sheet.texts.push(words(amountOf(gap), centre, copyTop + BAR / 2 + 5, at));
  return true;
}

function hasRoom({ x }: Sheet, gap: Gap): boolean {
  const widest = Math.max(textWidth('no answer', SIZE.name, true), textWidth(amountOf(gap), SIZE.name, true));
  return x(gap.to) - x(gap.from) >= widest + 12;
}

function notesOf(sheet: Sheet, lane: Lane): readonly Note[] {
  const { outage, x } = sheet;
  return outage.moments.filter((moment) => moment.lane === lane).map(({ at, text }) => note(x(at), text, seconds(at), 'text'));
}

function note(x: number, text: string, time: string, look: string): Note {
  const shown = time === '' ? text : `${text} ${time}`;
  return { x, text, time, look, width: textWidth(shown, SIZE.label, look.includes('strong')) };
}

/** Returns how many rows they take. */
function drawNotes(sheet: Sheet, notes: readonly Note[], top: number): number {
  let rows = 0;
  for (const [index, placed] of placeLabels(notes, PLOT).entries()) {
    const { x, text, time, look } = notes[index] as Note;
    rows = Math.max(rows, placed.row + 1);
    const base = top + 21 + placed.row * ROW;
    const ofGap = look.startsWith('gap');
    const above = ofGap ? top + 6 : top - BAR / 2;
    const d = `M${x.toFixed(1)} ${above}V${base - 4.5}h${placed.side === 'right' ? 4 : -4}`;
    sheet.lines.push(element('path', { class: ofGap ? 'gap-edge' : 'leader', d }));
    if (!ofGap) sheet.lines.push(element('circle', { class: 'dot', cx: x, cy: above, r: 4, 'stroke-width': 2 }));
    const inner = time === '' ? [escapeXml(text)] : [escapeXml(`${text} `), element('tspan', { class: 'quiet' }, time)];
    const at = beside(placed);
    sheet.texts.push(
      group('text', { class: `${look} halo`, x: at.x, y: base, 'font-size': SIZE.label, 'text-anchor': at.anchor }, inner, ''),
    );
  }
  return rows;
}

function drawAxis(sheet: Sheet, y: number): number {
  const { outage, x, ground, texts } = sheet;
  ground.push(element('line', { class: 'axis', x1: PLOT.left, x2: PLOT.right, y1: y, y2: y }));
  const step = stepOf(outage.end);
  for (let count = 0; count * step <= outage.end; count += 1) {
    const at = count * step;
    ground.push(upright('axis', x(at), y, y + 5));
    const label = `${Number((at / 1000).toFixed(1))} s`;
    // the last one stays inside the card
    const centre = Math.min(x(at), WIDTH - MARGIN / 2 - textWidth(label, SIZE.small) / 2);
    texts.push(words(label, centre, y + 20, { size: SIZE.small, look: 'quiet', anchor: 'middle' }));
  }
  texts.push(words('time', MARGIN, y + 5, { size: SIZE.small, look: 'quiet' }));
  return y + 20;
}

/** The shortest round step that leaves room between the figures. */
function stepOf(end: number): number {
  const most = (PLOT.right - PLOT.left) / 64;
  for (let unit = 100; ; unit *= 10) {
    for (const times of [1, 2, 5]) if (end / (unit * times) <= most) return unit * times;
  }
}

function drawFoot(sheet: Sheet, top: number): number {
  const { broken, kubeletScale } = sheet.outage;
  const lines = [
    ...(broken.length === 0 ? ['Every promise was kept.'] : broken.map((what) => `A promise was not kept: ${what}`)).map((text) => ({
      text,
      look: broken.length === 0 ? 'copy strong' : 'gap strong',
    })),
    { text: originOf(kubeletScale), look: 'quiet' },
  ];
  let y = top;
  for (const { text, look } of lines) {
    for (const line of wrapWords(text, SIZE.small, WIDTH - 2 * MARGIN, look.includes('strong'))) {
      sheet.texts.push(words(line, MARGIN, y, { size: SIZE.small, look }));
      y += 18;
    }
  }
  return y - 8;
}

/** A text ends where its line is, or begins there, whatever room its font takes. */
function beside({ side, from, to }: PlacedLabel): { readonly x: number; readonly anchor: Anchor } {
  return side === 'right' ? { x: from, anchor: 'start' } : { x: to, anchor: 'end' };
}

function upright(look: string, x: number, from: number, to: number): string {
  return element('line', { class: look, x1: x, x2: x, y1: from, y2: to });
}

type Anchor = 'start' | 'middle' | 'end';

interface Words {
  readonly size: number;
  readonly look: string;
  readonly anchor?: Anchor;
}

function words(text: string, x: number, y: number, { size, look, anchor = 'start' }: Words): string {
  return element('text', { class: look, x, y, 'font-size': size, 'text-anchor': anchor }, text);
}
