/** Labels of one line: beside their moment, in few rows, and never on each other. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Label, type PlacedLabel, placeLabels } from '../../../src/demo/picture/labels.ts';
import { textWidth, wrapWords } from '../../../src/demo/picture/words.ts';

const BOUNDS = { left: 100, right: 800 };
const rows = (placed: readonly PlacedLabel[]): readonly number[] => placed.map(({ row }) => row);
const sides = (placed: readonly PlacedLabel[]): string => placed.map(({ side }) => side[0]).join('');

function touching(placed: readonly PlacedLabel[]): readonly (readonly [PlacedLabel, PlacedLabel])[] {
  return placed.flatMap((a, index) =>
    placed
      .slice(index + 1)
      .filter((b) => a.row === b.row && a.from < b.to && b.from < a.to)
      .map((b) => [a, b] as const),
  );
}

/** Lines that run through a text on their way down. */
function crossed(labels: readonly Label[], placed: readonly PlacedLabel[]): number {
  return labels.flatMap(({ x }, index) => placed.filter(({ row, from, to }) => (placed[index]?.row ?? 0) > row && x > from && x < to))
    .length;
}

describe('placeLabels', () => {
  it('puts labels that are far from each other into one row, right of their moments', () => {
    const placed = placeLabels(
      [
        { x: 120, width: 100 },
        { x: 400, width: 100 },
      ],
      BOUNDS,
    );

    expect(placed).toEqual([
      { row: 0, side: 'right', from: 127, to: 227 },
      { row: 0, side: 'right', from: 407, to: 507 },
    ]);
  });

  it('puts a label left of its moment where the right has no room', () => {
    expect(placeLabels([{ x: 790, width: 100 }], BOUNDS)).toEqual([{ row: 0, side: 'left', from: 683, to: 783 }]);
  });

  it('lets two that are close turn away from each other', () => {
    const placed = placeLabels(
      [
        { x: 400, width: 100 },
        { x: 410, width: 100 },
      ],
      BOUNDS,
    );

    expect([rows(placed), sides(placed)]).toEqual([[0, 0], 'lr']);
  });

  it('gives a crowd rows of its own, and no line runs through a text', () => {
    const labels = [500, 503, 506, 509].map((x) => ({ x, width: 180 }));
    const placed = placeLabels(labels, BOUNDS);

    expect(Math.max(...rows(placed))).toBe(1);
    expect([touching(placed), crossed(labels, placed)]).toEqual([[], 0]);
  });

  it('keeps a label that fits on neither side inside', () => {
    expect(placeLabels([{ x: 450, width: 600 }], BOUNDS)[0]).toMatchObject({ from: 200, to: 800 });
    expect(placeLabels([{ x: 450, width: 700 }], BOUNDS)[0]).toMatchObject({ from: 100, to: 800 });
  });

  it('places none where there are none', () => {
    expect(placeLabels([], BOUNDS)).toEqual([]);
  });

  it('keeps any labels apart and inside, the same way every time', () => {
    const label = fc.record({ x: fc.integer({ min: 100, max: 800 }), width: fc.integer({ min: 1, max: 340 }) });
    fc.assert(
      fc.property(fc.array(label, { maxLength: 12 }), (labels) => {
        const placed = placeLabels(labels, BOUNDS);
        expect(touching(placed)).toEqual([]);
        expect(placed.every(({ from, to }) => from >= BOUNDS.left && to <= BOUNDS.right)).toBe(true);
        expect(placed.map(({ from, to }) => to - from)).toEqual(labels.map(({ width }) => width));
        expect(placeLabels(labels, BOUNDS)).toEqual(placed);
      }),
    );
  });

  it('leads no line through a text while labels are short and few', () => {
    const label = fc.record({ x: fc.integer({ min: 100, max: 800 }), width: fc.integer({ min: 1, max: 230 }) });
    fc.assert(
      fc.property(fc.array(label, { maxLength: 2 }), (labels) => {
        expect(crossed(labels, placeLabels(labels, BOUNDS))).toBe(0);
      }),
    );
  });
});

describe('textWidth', () => {
  // as a browser measures them, in ems
  it.each([
    ['verdict: API server unreachable 11.83 s', 19.72, 22.31],
    ['no answer for 5,933 ms', 11.86, 13.28],
    ["copy's manifest withdrawn 18.90 s", 17.45, 19.63],
    ['sees it, waits for the kubelet 15.84 s', 18.22, 20.71],
    ['pod-checkpointer', 8.75, 9.88],
    ['1234567890', 6.36, 6.96],
  ])('of %j is what DejaVu Sans takes, and a little more', (text, plain, bold) => {
    for (const [ems, isBold] of [
      [plain, false],
      [bold, true],
    ] as const) {
      expect(textWidth(text, 10, isBold)).toBeGreaterThanOrEqual(ems * 10);
      expect(textWidth(text, 10, isBold)).toBeLessThan(ems * 11);
    }
  });
});

it('wraps words into lines that fit, and loses none', () => {
  const lines = wrapWords('one two three four five', 10, textWidth('three four', 10));

  expect(lines).toEqual(['one two', 'three four', 'five']);
  expect(wrapWords('incomprehensibilities', 10, 20)).toEqual(['incomprehensibilities']);
});
