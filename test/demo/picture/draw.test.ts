/** The picture of an outage: a sound SVG file that shows what was seen, readable whatever the times are. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../../../deploy/bundle.ts';
import { drawOutage } from '../../../src/demo/picture/draw.ts';
import { LANES, type Outage } from '../../../src/demo/picture/outage.ts';
import { styleText } from '../../../src/demo/picture/svg.ts';
import { TITLE } from '../../../src/demo/picture/telling.ts';
import { all, boxes, collisions, type Element, parseXml } from './drawn.ts';
import { anyTimes, ordinary } from './outages.ts';

const drawn = (outage: Outage): Element => parseXml(drawOutage(outage));
const texts = (svg: Element): readonly string[] => all(svg, 'text').map(({ text }) => text);
const ofClass = (svg: Element, name: string, look: string): readonly Element[] =>
  all(svg, name).filter(({ attributes }) => attributes['class'] === look);

describe('the checks of these tests', () => {
  it.each([
    '<svg>',
    '<svg><g></svg></g>',
    '<svg a="1" a="2"/>',
    '<svg>a & b</svg>',
    '<svg a="<"/>',
    '<svg/><svg/>',
    '<svg>\u0001</svg>',
    '<svg a=1/>',
  ])('find that %j is not well-formed', (source) => {
    expect(() => parseXml(source)).toThrow();
  });

  it('find texts that touch or leave the picture', () => {
    const text = (x: number, y: number, words: string) => `<text class="text" x="${x}" y="${y}" font-size="13">${words}</text>`;
    const svg = parseXml(`<svg width="200" height="100">${text(10, 50, 'abcdef')}${text(40, 55, 'ghi')}${text(190, 80, 'jklm')}</svg>`);

    expect(collisions(svg)).toEqual(['"abcdef" touches "ghi"', '"jklm" leaves the picture']);
  });
});

describe('the picture', () => {
  const svg = drawn(ordinary());

  it('can be read out: it is an image with a title and the whole story in words', () => {
    const [title, desc] = svg.children;
    expect(svg.attributes).toMatchObject({ xmlns: 'http://www.w3.org/2000/svg', role: 'img' });
    expect(svg.attributes['aria-labelledby']).toBe(`${title?.attributes['id']} ${desc?.attributes['id']}`);
    expect(title?.name === 'title' && title.text).toBe(TITLE);
    expect(desc?.name).toBe('desc');
    expect(desc?.text).toContain('2.42 s, node: power cut. From 2.42 s: no answer for 2,720 ms. 3.93 s, node: boots.');
    expect(desc?.text).toMatch(/Every promise was kept\.$/);
  });

  it('needs nothing but itself', () => {
    const source = drawOutage(ordinary());
    expect(source.replace('xmlns="http://www.w3.org/2000/svg"', '')).not.toMatch(/script|href|url\(|@import|@font-face|https?:|\son\w+=/i);
  });

  it('is readable in light and dark, on ground of its own', () => {
    const style = all(svg, 'style').map(({ text }) => text);
    expect(style).toHaveLength(1);
    const [light = '', dark = ''] = (style[0] ?? '').split('@media (prefers-color-scheme: dark)');
    const looks = (css: string): readonly string[] => [...css.matchAll(/^(\.[^{]+) \{ (?:fill|stroke): #/gm)].map(([, name = '']) => name);
    expect(looks(dark).length).toBeGreaterThan(10);
    expect(looks(light)).toEqual(looks(dark));
    const used = all(svg, 'svg').flatMap((root) =>
      [...drawOutage(ordinary()).matchAll(/class="([^"]+)"/g)].flatMap(([, names = '']) => (root ? names.split(' ') : [])),
    );
    expect([...new Set(used)].filter((name) => !new RegExp(`\\.${name}\\b`).test(light))).toEqual([]);
    expect(ofClass(svg, 'rect', 'card')).toHaveLength(1);
  });

  it('is as wide as a README shows it, with no text below 12 pixels', () => {
    expect([svg.attributes['width'], svg.attributes['viewBox']?.split(' ')[2]]).toEqual(['860', '860']);
    expect(Math.min(...all(svg, 'text').map(({ attributes }) => Number(attributes['font-size'])))).toBeGreaterThanOrEqual(12);
  });

  it('has a lane for each part, every moment with its time, and the acts', () => {
    for (const lane of LANES) expect(texts(svg)).toContain(lane);
    for (const { text, at } of ordinary().moments) expect(texts(svg)).toContain(`${text} ${(at / 1000).toFixed(2)} s`);
    expect(texts(svg)).toEqual(expect.arrayContaining(['1  All is well', '2  Power cut, offline boot', '3  Hand-back']));
  });

  it('shows bars as long as what they stand for, on one axis that is nowhere compressed', () => {
    const [copy] = ofClass(svg, 'rect', 'copy');
    const parent = ofClass(svg, 'rect', 'parent');
    const width = (bar: Element | undefined): number => Number(bar?.attributes['width']);
    expect(parent).toHaveLength(2);
    expect(width(copy) / width(parent[0])).toBeCloseTo((12_900 - 5_140) / (2_420 - 290), 1);
    const ticks = all(svg, 'line')
      .filter(({ attributes }) => attributes['class'] === 'axis' && attributes['x1'] === attributes['x2'])
      .map(({ attributes }) => Number(attributes['x1']));
    const steps = ticks.slice(1).map((x, index) => x - (ticks[index] ?? 0));
    expect(Math.max(...steps) - Math.min(...steps)).toBeLessThan(0.3);
  });

  it('marks both gaps with their milliseconds: in the wide one, and below the narrow one', () => {
    expect(texts(svg)).toEqual(expect.arrayContaining(['no answer', '2,720 ms', 'no answer for 190 ms']));
    expect(ofClass(svg, 'rect', 'gap-ground')).toHaveLength(2);
  });

  it('says where a gap went on to the end', () => {
    const outage = { ...ordinary(), gaps: [{ from: 14_300, to: 14_600, ends: 'open' as const }] };
    expect(texts(drawn(outage))).toContain('no answer for 300 ms, to the end');
  });

  it('draws every silence of a busy machine, and tells many of them by the longest', () => {
    const silence = (at: number) => ({ from: at, to: at + 200 + at / 100, ends: 'silence' as const });
    const silences = Array.from({ length: 40 }, (_, index) => silence(index * 300));
    const busy = drawn({ ...ordinary(), gaps: [...ordinary().gaps, ...silences] });
    expect(ofClass(busy, 'rect', 'gap-ground')).toHaveLength(42);
    expect(texts(busy).filter((text) => /silence|no answer for/.test(text))).toEqual([
      'no answer for 190 ms',
      '40 silences of up to 317 ms',
    ]);
    expect(collisions(busy)).toEqual([]);
    const calm = drawn({ ...ordinary(), gaps: silences.slice(0, 2) });
    expect(texts(calm)).toEqual(expect.arrayContaining(['no answer for 200 ms', 'no answer for 203 ms']));
  });

  it('tells which promises were not kept', () => {
    const what = 'longest time without an answer during the hand-back: 890 ms (promised: 500 ms)';
    const broken = drawn({ ...ordinary(), broken: [what] });
    expect(texts(broken)).toContain(`A promise was not kept: ${what}`);
    expect(texts(broken)).not.toContain('Every promise was kept.');
    expect(texts(svg)).toContain('Every promise was kept.');
  });

  it('says by how much the stand-in is quicker than a kubelet', () => {
    expect(texts(svg).join(' ')).toContain('delays are 1/10 of the real ones');
    expect(texts(drawn({ ...ordinary(), kubeletScale: 0.02 })).join(' ')).toContain('1/50 of the real ones');
  });

  it('escapes whatever a name or a promise holds', () => {
    const odd = `<script>alert("1")</script> & 'x' \u0000`;
    const outage = { ...ordinary(), names: { parent: '<b>&"', copy: odd }, broken: [odd] };
    expect(drawOutage(outage)).not.toContain('<script');
    const shown = drawn({ ...outage, acts: [{ at: 0, title: odd }], moments: [{ lane: 'agent', at: 1, text: odd }] });
    expect(texts(shown)).toContain(`1  ${odd.replace('\u0000', '\ufffd')}`);
    expect(texts(shown)).toContain('<b>&"');
  });
});

describe('labels', () => {
  it.each([0.001, 0.02, 0.3, 1, 3, 40])('touch nowhere in a run %d times as long', (factor) => {
    const svg = drawn(ordinary(factor));
    expect(boxes(svg).length).toBeGreaterThan(25);
    expect(collisions(svg)).toEqual([]);
  });

  it('touch nowhere whatever the times are', () => {
    fc.assert(
      fc.property(anyTimes(), (outage) => {
        expect(collisions(drawn(outage))).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it('touch nowhere when everything happens at once, or nothing happened', () => {
    const story = ordinary();
    const atOnce = {
      ...story,
      moments: story.moments.map((moment) => ({ ...moment, at: 7_000 })),
      acts: story.acts.map((act) => ({ ...act, at: 7_000 })),
    };
    expect(collisions(drawn(atOnce))).toEqual([]);
    expect(collisions(drawn({ ...story, end: 0, acts: [], spans: [], moments: [], gaps: [] }))).toEqual([]);
  });
});

describe('deploy/outage.svg', () => {
  const file = join(ROOT, 'deploy/outage.svg');

  it('is a picture of a real run by this drawing code', () => {
    expect(existsSync(file)).toBe(true);
    const source = readFileSync(file, 'utf8');
    const svg = parseXml(source);
    for (const lane of LANES) expect(texts(svg)).toContain(lane);
    for (const { text } of ordinary().moments) expect(texts(svg).filter((shown) => shown.startsWith(text))).not.toEqual([]);
    expect(all(svg, 'title')[0]?.text).toBe(TITLE);
    expect(source).toContain(`<style>\n${styleText()}\n</style>`);
    expect(texts(svg)).toContain('Every promise was kept.');
    expect(collisions(svg)).toEqual([]);
  });
});
